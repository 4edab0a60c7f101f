"""A channel of an SSH connection, with bounded memory on both ways."""

from __future__ import annotations

import asyncio

import asyncssh

from mini_slurm.links.base import READ_SIZE

CLOSE_TIMEOUT = 2  # seconds; a cut cable answers no goodbye
KEPT = 1024 * 1024  # bytes read ahead, and bytes written ahead
STDERR_KEPT = 4096  # bytes


class SshChannel(asyncssh.SSHClientSession[bytes]):
    """A channel's bytes, with bounded memory on both ways."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._stderr = bytearray()
        self._exit_status: int | None = None
        self._paused = False
        self._changed = asyncio.Event()  # data came, or the end
        self._writable = asyncio.Event()
        self._writable.set()
        self._ended = False  # no data will come any more
        self._closed = asyncio.Event()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """asyncssh: the channel is there."""
        self._channel = chan
        chan.set_write_buffer_limits(KEPT)

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """asyncssh: bytes of standard output, or of standard error, of which the end is kept."""
        if datatype == asyncssh.EXTENDED_DATA_STDERR:
            self._stderr += data
            del self._stderr[:-STDERR_KEPT]
            return
        self._received += data
        self._changed.set()
        if len(self._received) > KEPT and not self._paused:
            self._paused = True
            self._channel.pause_reading()

    def eof_received(self) -> bool:
        """asyncssh: the far command closed its output."""
        self._end()
        return False

    def exit_status_received(self, status: int) -> None:
        """asyncssh: the far command has ended."""
        self._exit_status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        """asyncssh: the far command was killed."""
        self._stderr += f"killed by SIG{signal}".encode()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncssh: the channel is gone, in good order or not."""
        self._end()
        self._closed.set()
        self._writable.set()

    def pause_writing(self) -> None:
        """asyncssh: much is waiting to be sent."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """asyncssh: little is waiting."""
        self._writable.set()

    def _end(self) -> None:
        self._ended = True
        self._changed.set()

    async def read(self) -> bytes:
        """What has come; b"" at the end."""
        while not self._received and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        with memoryview(self._received) as received:
            data = bytes(received[:READ_SIZE])
        del self._received[:READ_SIZE]
        if self._paused and len(self._received) <= KEPT // 2:
            self._paused = False
            self._channel.resume_reading()
        return data

    def unread(self, data: bytes) -> None:
        """Have the next read give this first."""
        self._received[:0] = data

    def write(self, data: bytes) -> None:
        """Send; nothing happens when the channel has ended."""
        if not self._channel.is_closing():
            self._channel.write(data)

    async def drain(self) -> None:
        """Wait until little is kept for sending."""
        await self._writable.wait()

    async def last_words(self) -> tuple[int | None, bytes]:
        """The far command's exit status, where known, and the last of its standard error."""
        await self._gone()
        return self._exit_status, bytes(self._stderr)

    async def close(self) -> None:
        """End the channel; the agent and its jobs go on."""
        self._channel.close()  # what was written is sent first
        if not await self._gone():
            self._channel.abort()

    async def _gone(self) -> bool:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._closed.wait()
        except TimeoutError:
            return False
        return True
