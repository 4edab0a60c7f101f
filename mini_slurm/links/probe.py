"""A few words with a machine's agent, outside of any controller: what the machine is, and that the agent may go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from mini_slurm.errors import Unreachable
from mini_slurm.links.base import Channel, Link
from mini_slurm.protocol.framing import Decoder, ProtocolError, encode
from mini_slurm.protocol.messages import VERSION, Hello, Message, Ping, Pong, Retire, Welcome

STATE_ID = "probe"  # no state folder's: those are hexadecimal
TIMEOUT = 60  # seconds for the agent's answers


class Probed(NamedTuple):
    """What the machine is, and whether its agent has ended: it stays where it has other work."""

    welcome: Welcome
    agent_ended: bool


async def probe(link: Link, machine: str) -> Probed:
    """Ask the machine what it has, and its agent to end if it has nothing else to do. Raises Unreachable."""
    try:
        channel = await link.open()
        try:
            async with asyncio.timeout(TIMEOUT):
                return await _talk(channel, machine)
        except TimeoutError:
            raise Unreachable(f"{machine}: the agent did not answer within {TIMEOUT} seconds") from None
        except ProtocolError as error:
            raise Unreachable(f"{machine}: the agent's answer cannot be read: {error}", again=False) from error
        finally:
            await channel.close()
    finally:
        await link.close()


async def _talk(channel: Channel, machine: str) -> Probed:
    channel.write(encode(Hello(VERSION, STATE_ID, machine)))
    welcome = None
    async for message in _messages(channel):
        if isinstance(message, Welcome):
            welcome = message
            channel.write(encode(Retire()) + encode(Ping(0)))  # an agent that has ended answers no Ping
        elif isinstance(message, Pong) and welcome:
            return Probed(welcome, agent_ended=False)
    if welcome is None:
        raise Unreachable(f"{machine}: the agent ended without a word")
    return Probed(welcome, agent_ended=True)


async def _messages(channel: Channel) -> AsyncIterator[Message]:
    decoder = Decoder()
    while data := await channel.read():
        for message in decoder.feed(data):
            yield message
