"""Speaking with an agent over a channel, as the controller does."""

from __future__ import annotations

import asyncio
import hashlib
import os

from mini_slurm.links.base import Channel
from mini_slurm.protocol.framing import Decoder, encode
from mini_slurm.protocol.messages import VERSION, Hello, Message, Welcome

PATIENCE = 30  # seconds
MEGABYTES = 24  # more than any buffer on the way holds


async def heard(channel: Channel, *kinds: type) -> list[Message]:
    """What the agent says, up to and with the first message of each kind."""
    decoder = Decoder()
    messages: list[Message] = []
    async with asyncio.timeout(PATIENCE):
        while missing := set(kinds) - {type(message) for message in messages}:
            data = await channel.read()
            assert data, f"the channel ended before {missing}"
            messages += decoder.feed(data)
    return messages


async def greet(channel: Channel, node: str = "node1") -> Welcome:
    """Say hello, and be welcomed."""
    channel.write(encode(Hello(VERSION, "teststate", node)))
    await channel.drain()
    messages = await heard(channel, Welcome)
    return next(message for message in messages if isinstance(message, Welcome))


async def no_handshake(*_: object, **__: object) -> None:
    """In place of the real one, where the other side is no agent."""


async def echoed(channel: Channel) -> tuple[int, str, str]:
    """Send MEGABYTES to a side that sends them back: how many came, and the hashes of both ways."""
    sent, received, count = hashlib.sha256(), hashlib.sha256(), 0

    async def send() -> None:
        for _ in range(MEGABYTES):
            block = os.urandom(1 << 20)
            sent.update(block)
            channel.write(block)
            await channel.drain()

    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        group.create_task(send())
        while count < MEGABYTES << 20 and (data := await channel.read()):
            received.update(data)
            count += len(data)
    return count, sent.hexdigest(), received.hexdigest()
