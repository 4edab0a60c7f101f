"""A connection that the agent's loop serves: what is sent waits for a reader that is slow; nobody else waits for it."""

import selectors
import socket
import time
from collections import deque
from typing import Deque

from mini_slurm.agent.log import log, log_trouble
from mini_slurm.agent.loop import Loop
from mini_slurm.protocol.flat import BadFrame
from mini_slurm.protocol.framing import ProtocolError

READ_SIZE = 1 << 17  # bytes
LITTLE = 1 << 12  # bytes that may wait for others to go with
ENOUGH = 1 << 19  # bytes that wait for a slow reader, after which no output is added
TOO_MUCH = 1 << 24  # bytes after which a reader is given up


class Connection:
    """One socket; its heirs know what the bytes mean."""

    pause = 0.0  # seconds from one packet to the next, as long as little is said

    def __init__(self, loop: Loop, channel: socket.socket) -> None:
        self.loop = loop
        self.channel = channel
        self.closed = False
        self._blocks: Deque[memoryview] = deque()
        self._pending = 0
        self._flushing = False
        self._rested_at = 0.0  # when the next packet may go
        self._events = selectors.EVENT_READ
        channel.setblocking(False)
        loop.add(channel, self._events, self._handle)

    def received(self, data: bytes) -> None:
        """Bytes came. What it raises ends the connection."""

    def emptied(self) -> None:
        """What was sent is gone, or nearly so."""

    def dropped(self) -> None:
        """The connection has ended."""

    @property
    def has_room(self) -> bool:
        """May output be added?"""
        return self._pending < ENOUGH and not self.closed

    def write(self, data: bytes) -> None:
        """Send bytes, sooner or later; never waits."""
        if self.closed:
            return
        self._blocks.append(memoryview(data))
        self._pending += len(data)
        if self._pending > TOO_MUCH:
            self.close()
        elif not self._flushing or self._pending > LITTLE >= self._pending - len(data):
            self._flushing = True
            rest = self._rested_at - time.monotonic() if self._pending <= LITTLE else 0.0
            self.loop.later(max(0.0, rest), self._flush)

    def close(self) -> None:
        """End the connection; what was not sent is lost."""
        if not self.closed:
            self.release()
            self.channel.close()
            self.dropped()

    def release(self) -> socket.socket:
        """Serve this connection no longer, and hand out its socket."""
        self.closed = True
        self.loop.remove(self.channel)
        self._blocks.clear()
        return self.channel

    def _handle(self, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                self._flush()
            if events & selectors.EVENT_READ and not self.closed:
                self._receive()
        except (ProtocolError, BadFrame) as error:
            log(f"connection ended: {error}")
            self.close()
        except ConnectionError:
            self.close()
        except Exception:
            log_trouble()
            self.close()

    def _receive(self) -> None:
        try:
            data = self.channel.recv(READ_SIZE)
        except BlockingIOError:
            return
        if data:
            self.received(data)
        else:
            self.close()

    def _flush(self) -> None:
        self._flushing = False
        self._rested_at = time.monotonic() + self.pause
        try:
            while self._blocks and not self.closed:
                block = self._blocks[0]
                sent = self.channel.send(block)
                self._pending -= sent
                if sent < len(block):
                    self._blocks[0] = block[sent:]
                else:
                    self._blocks.popleft()
        except BlockingIOError:
            pass
        except ConnectionError:
            self.close()
        if not self.closed:
            self._wait_for()
            if self.has_room:
                self.emptied()

    def _wait_for(self) -> None:
        events = selectors.EVENT_WRITE if self._blocks else 0
        if self._pending < 2 * ENOUGH:  # who does not listen is not listened to
            events |= selectors.EVENT_READ
        if events != self._events:
            self._events = events
            self.loop.change(self.channel, events, self._handle)
