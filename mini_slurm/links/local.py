"""This machine itself: the same agent, reached without SSH."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile

from mini_slurm.errors import Unreachable
from mini_slurm.links.base import READ_SIZE, Channel
from mini_slurm.links.handshake import greeted, local_words, shake_hands
from mini_slurm.model.fleet import MachineEntry

CLOSE_TIMEOUT = 2  # seconds for the relay to end by itself
KEPT = 1024 * 1024  # bytes read ahead, and bytes written ahead
STDERR_KEPT = 4096  # bytes


class LocalLink:
    """The way to the agent of this machine: a process that relays to it."""

    def __init__(self, entry: MachineEntry) -> None:
        self._name = entry.name
        self._channel: LocalChannel | None = None

    async def run(self, program: bytes) -> LocalChannel:
        """Have a Python here run this. Raises Unreachable."""
        await self.close()
        self._channel = channel = await self._start()
        channel.write(program)
        return channel

    async def open(self) -> Channel:
        """Start or reach the agent. Raises Unreachable."""
        channel = await self.run(b"")
        try:
            await shake_hands(channel, self._name)
        except BaseException:
            await channel.close()
            raise
        return channel

    async def open_stager(self) -> Channel:
        """Start a stager. Raises Unreachable."""
        return await greeted(await self._start(), self._name, stager=True)

    async def close(self) -> None:
        """End the relay; the agent and its jobs go on."""
        if self._channel:
            await self._channel.close()
            self._channel = None

    async def _start(self) -> LocalChannel:
        words = local_words()
        ours, theirs = socket.socketpair()
        with theirs, tempfile.TemporaryFile() as stderr:
            try:
                # A session of its own: Ctrl-C in the terminal is not for it.
                process = await asyncio.create_subprocess_exec(
                    *words, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=stderr, start_new_session=True
                )
            except OSError as error:
                ours.close()
                raise Unreachable(f"{self._name}: cannot start {words[0]}: {error.strerror}") from error
            streams = await asyncio.open_connection(sock=ours, limit=KEPT)
            return LocalChannel(process, *streams, os.dup(stderr.fileno()))


class LocalChannel:
    """The socket that is the relay's standard input and output."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        stderr: int,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._stderr = stderr
        self._unread = b""
        writer.transport.set_write_buffer_limits(KEPT)

    async def read(self) -> bytes:
        """What has come; b"" at the end."""
        if self._unread:
            data, self._unread = self._unread, b""
            return data
        try:
            return await self._reader.read(READ_SIZE)
        except ConnectionError:
            return b""

    def unread(self, data: bytes) -> None:
        """Have the next read give this first."""
        self._unread = data + self._unread

    def write(self, data: bytes) -> None:
        """Send; nothing happens when the channel has ended."""
        if not self._writer.is_closing():
            self._writer.write(data)

    async def drain(self) -> None:
        """Wait until little is kept for sending."""
        try:
            await self._writer.drain()
        except ConnectionError:
            return  # read() tells the end

    async def last_words(self) -> tuple[int | None, bytes]:
        """The relay's exit status, where known, and the last of its standard error."""
        await self._gone()
        size = os.fstat(self._stderr).st_size
        return self._process.returncode, os.pread(self._stderr, STDERR_KEPT, max(0, size - STDERR_KEPT))

    async def close(self) -> None:
        """End the relay; the agent and its jobs go on."""
        if self._stderr < 0:
            return
        os.close(self._stderr)
        self._stderr = -1
        self._writer.close()  # what was written is sent first
        if not await self._gone():
            self._process.kill()
            await self._process.wait()

    async def _gone(self) -> bool:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._process.wait()
        except TimeoutError:
            return False
        return True
