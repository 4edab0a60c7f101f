"""A talk with the stager of one machine: frames of protocol/flat.py, see docs/design/staging.md."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator

from mini_slurm.errors import Unreachable, visible
from mini_slurm.links.base import Channel
from mini_slurm.protocol import flat

LONGEST = 300  # letters of a machine's complaint


class Trouble(Exception):
    """The machine cannot do it. `is_full`: its disk has no room."""

    def __init__(self, is_full: bool, why: str) -> None:
        super().__init__(why)
        self.is_full = is_full


class Talk:
    """One channel to a stager. Raises Unreachable where the channel ends, and Trouble for what the machine cannot."""

    def __init__(self, channel: Channel, machine: str) -> None:
        self._channel = channel
        self._machine = machine
        self._reader = flat.Reader()
        self._frames: deque[list[bytes]] = deque()
        self.place = b""  # the attempt's folder there
        self.is_built = False  # is it there already, whole?

    async def greet(self, attempt: str, limit: int, kept: list[str]) -> None:
        """Say what it is about: the cache's limit in bytes, and the attempts that are not over."""
        await self.send("hello", attempt, limit, flat.nest(kept))
        self.place, is_built = await self.hear("hello", 2)
        self.is_built = is_built == b"1"

    async def send(self, *fields: bytes | str | int) -> None:
        """Say something; waits as long as much is under way."""
        await self.send_frame(flat.pack(*fields))

    async def send_frame(self, frame: bytes) -> None:
        """The same, of what is packed already."""
        self._channel.write(frame)
        await self._channel.drain()

    async def hear(self, kind: str, count: int) -> list[bytes]:
        """The fields of the next frame, which has to be of this kind and to have so many."""
        found, fields = await self.next()
        if found != kind or len(fields) != count:
            raise Unreachable(f"{self._machine}: its stager said {found[:40]!r} and not {kind!r}", again=False)
        return fields

    async def next(self) -> tuple[str, list[bytes]]:
        """The next frame's kind and fields."""
        while not self._frames:
            data = await self._channel.read()
            if not data:
                raise Unreachable(f"{self._machine}: the connection ended while files were on their way")
            try:
                self._frames += self._reader.feed(data)
            except flat.BadFrame as error:
                raise Unreachable(f"{self._machine}: its stager said no frame: {error}", again=False) from None
        kind, *fields = self._frames.popleft() or [b""]
        if kind == b"error" and len(fields) == 2:
            why = visible(flat.text(fields[1]))[:LONGEST]
            raise Trouble(fields[0] == b"full", f"{self._machine}: {why}")
        return flat.text(kind), fields

    async def until(self, end: str) -> AsyncIterator[tuple[str, list[bytes]]]:
        """Frames, up to the one of this kind."""
        while True:
            kind, fields = await self.next()
            if kind == end:
                return
            yield kind, fields

    async def close(self) -> None:
        """End the channel."""
        await self._channel.close()
