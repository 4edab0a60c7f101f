"""What a link is: the way to the agent of one machine, as a stream of bytes."""

from __future__ import annotations

from typing import Protocol

from mini_slurm.errors import Unreachable

READ_SIZE = 256 * 1024  # bytes, the most that one read gives


class Channel(Protocol):
    """The one channel to a machine's agent. Writing to one that has ended does nothing: read() tells the end."""

    async def read(self) -> bytes:
        """What has come, at most READ_SIZE bytes, at least one; b"" at the channel's end, however it ended."""

    def write(self, data: bytes) -> None:
        """Send; the data is kept in memory until the other side takes it."""

    async def drain(self) -> None:
        """Wait until so little is kept that more may be written, or the channel has ended."""

    async def close(self) -> None:
        """End the channel; the agent and its jobs go on."""


class RawChannel(Channel, Protocol):
    """A channel as the handshake sees it: it can also give back what it read, and say why it ended."""

    def unread(self, data: bytes) -> None:
        """Have the next read give this first."""

    async def last_words(self) -> tuple[int | None, bytes]:
        """After the end: the far command's exit status, where known, and the last of its standard error."""


class Link(Protocol):
    """The way to one machine."""

    async def run(self, program: bytes) -> RawChannel:
        """Connect if need be, and have a Python there run what agent/archive.py's COMMAND reads. Raises Unreachable."""

    async def open(self) -> Channel:
        """Connect if need be, start or reach the agent. Raises Unreachable with one line that names the machine."""

    async def open_stager(self) -> Channel:
        """A further channel, to a stager of its own, while the one to the agent stands. Raises Unreachable."""

    async def close(self) -> None:
        """End the connection; the agent and its jobs go on."""


class Broken(Unreachable):
    """The way to a machine ended while an answer was waited for: what was sent may have had its effect."""


class Talker(Protocol):
    """The way to a machine on which no agent is wanted."""

    async def talk(self, data: bytes) -> bytes:
        """Connect if need be, send it to a Python there; all that it answers. Raises Unreachable, Broken."""

    async def close(self) -> None:
        """End the connection; what was started goes on."""
