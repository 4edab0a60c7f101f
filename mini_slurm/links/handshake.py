"""From a fresh channel to the agent's stream: send the bootstrap, send the agent if it is not there yet."""

from __future__ import annotations

import asyncio
import functools
import json
import shlex
import sys
from typing import Any

from mini_slurm.agent.archive import COMMAND, build_agent, greeting
from mini_slurm.errors import Unreachable
from mini_slurm.links.base import RawChannel
from mini_slurm.links.ssh_errors import no_python, one_line
from mini_slurm.model.fleet import MachineEntry

MAX_NOISE = 64 * 1024  # bytes that a login shell may print before the bootstrap speaks
TIMEOUT = 60  # seconds for the whole handshake
STATUSES = ("ready", "need", "error")


async def greeted(channel: RawChannel, machine: str, *, stager: bool = False) -> RawChannel:
    """The channel, where the agent's own stream begins, or a stager's; closed where none does. Raises Unreachable."""
    try:
        await shake_hands(channel, machine, stager=stager)
    except BaseException:
        await channel.close()
        raise
    return channel


async def shake_hands(channel: RawChannel, machine: str, *, stager: bool = False) -> None:
    """Leave the channel where the agent's own stream begins, or a stager's. Raises Unreachable."""
    try:
        async with asyncio.timeout(TIMEOUT):
            await _shake_hands(channel, machine, stager)
    except TimeoutError:
        raise Unreachable(f"{machine}: the agent did not answer within {TIMEOUT} seconds") from None


async def _shake_hands(channel: RawChannel, machine: str, stager: bool) -> None:
    name, archive = agent_archive()
    channel.write(greeting(name, len(archive), stager))
    status = await _status(channel, machine)
    if status["status"] == "need":
        channel.write(b"%d\n" % len(archive) + archive)
        status = await _status(channel, machine)
    if status["status"] != "ready":
        raise said_no(status, machine)


@functools.cache
def agent_archive() -> tuple[str, bytes]:
    """The agent's name and content, made once in a process."""
    return build_agent()


def local_words() -> list[str]:
    """The words that start the bootstrap on this machine, in this Python."""
    return [sys.executable, *shlex.split(COMMAND)[1:]]


async def _status(channel: RawChannel, machine: str) -> dict[str, Any]:
    """The bootstrap's next line. What a login shell prints before it is passed over."""
    seen = b""
    while len(seen) < MAX_NOISE:
        data = await channel.read()
        if not data:
            raise ended(seen, *await channel.last_words(), machine)
        start = seen.rfind(b"\n") + 1
        seen += data
        status, rest = find_status(seen, start)
        if status is not None:
            channel.unread(rest)
            return status
    raise Unreachable(
        f"{machine}: its login shell prints more than {MAX_NOISE // 1024} KiB and the agent cannot be heard",
        hint="have ~/.bashrc there print nothing when it is not interactive",
        again=False,
    )


def find_status(data: bytes, start: int = 0) -> tuple[dict[str, Any] | None, bytes]:
    """The first whole line of data[start:] that is a status, and what follows it; None: there is none yet."""
    while (end := data.find(b"\n", start)) >= 0:
        status = _parse(data[start:end])
        if status is not None:
            return status, data[end + 1 :]
        start = end + 1
    return None, b""


def _parse(line: bytes) -> dict[str, Any] | None:
    """The status on a line. Noise without a line end may stand before it."""
    brace = line.rfind(b'{"status"')
    try:
        status = json.loads(line[brace:]) if brace >= 0 else None
    except ValueError:
        return None
    return status if isinstance(status, dict) and status.get("status") in STATUSES else None


def said_no(status: dict[str, Any], machine: str) -> Unreachable:
    """What was sent to the machine has met an error there."""
    text = one_line(str(status.get("error", "no reason given")))
    hint = one_line(str(status.get("hint", "")))
    return Unreachable(f"{machine}: {text}", hint=hint, again=status.get("again") is True)


def failed(entry: MachineEntry, answer: bytes, code: int, complaint: bytes) -> Unreachable:
    """A Python on a machine without an agent was too old, or there was none."""
    status, _ = find_status(answer)
    return said_no(status, entry.name) if status else no_python(entry, code, complaint.strip() or answer)


def ended(seen: bytes, exit_status: int | None, stderr: bytes, machine: str) -> Unreachable:
    """The channel ended before the bootstrap said anything."""
    lines = (stderr.strip() or seen.strip()).decode(errors="replace").splitlines()
    last = f": {one_line(lines[-1])}" if lines else ""
    if exit_status == 127:
        return Unreachable(
            f"{machine}: there is no python3 on the PATH of a login without terminal{last}",
            hint="install Python 3.8 or newer there, or add its folder to PATH at the top of ~/.bashrc there",
            again=False,
        )
    if exit_status is None:
        return Unreachable(f"{machine}: the connection ended before the agent answered{last}")
    return Unreachable(f"{machine}: the login ended with exit status {exit_status} before the agent answered{last}")
