"""The connection to the agent that looks after a job's steps; made again when it is lost, as agents come and go.

Outside of jobs the controller stands for the agent: it carries the frames to it.
"""

from __future__ import annotations

import os
from _socket import AF_UNIX, SOCK_STREAM, socket
from select import POLLHUP, POLLIN, POLLOUT
from time import monotonic, sleep

from mini_slurm.protocol import flat

# not socket.socket: the enums of that module cost as much as a whole step may

AGENT_SOCKET, CONTROLLER_SOCKET = "agent.sock", "controller.sock"  # in the spool, and in the state folder
GREETING = b"srun\n"
WATCHING = b"watch\n"  # who waits for jobs says so to the controller, and only listens
READ = 1 << 18
LINE = 256  # bytes, more than the first line has
PAUSE = 0.1  # seconds between two tries to connect
PATIENCE = 20.0  # seconds for the first word


class NoAgent(Exception):
    """There is none, and none came."""


class Talk:
    """Frames to an agent and back, by way of a Unix socket in this folder."""

    def __init__(self, folder: str, name: str, greeting: bytes) -> None:
        self._folder = folder
        self._name = name
        self._greeting = greeting
        self._reader = flat.Reader()
        self._socket: socket | None = None
        self._block = memoryview(bytearray(READ))  # one for all: the system has to clear each new one
        self._unsent = bytearray()

    def connect(self, patience: float) -> None:
        """Connect, and wait for an agent so long (seconds). Raises NoAgent."""
        deadline = monotonic() + patience
        while not self._connect():
            if monotonic() > deadline:
                raise NoAgent(f"no agent serves {self._folder}")
            sleep(PAUSE)

    def _connect(self) -> bool:
        self.close()
        channel = socket(AF_UNIX, SOCK_STREAM)
        try:
            # by way of the folder's descriptor, since a socket's path may not be longer than 107 bytes
            place = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                channel.connect(f"/proc/self/fd/{place}/{self._name}")
            finally:
                os.close(place)
            channel.settimeout(PATIENCE)
            while channel.recv(LINE)[-1:] not in (b"\n", b""):
                continue  # which agent it is; it says no more until it is spoken to
            channel.sendall(self._greeting)
        except OSError:
            channel.close()
            return False
        channel.setblocking(False)
        self._socket, self._reader, self._unsent = channel, flat.Reader(), bytearray()
        return True

    @property
    def is_open(self) -> bool:
        """Is there a connection?"""
        return self._socket is not None

    def fileno(self) -> int:
        """The connection's descriptor; -1 without one."""
        return self._socket.fileno() if self._socket else -1

    @property
    def awaited(self) -> int:
        """What poll() is to watch the descriptor for."""
        return POLLIN | (POLLOUT if self._unsent else 0)

    def serve(self, events: int) -> list[list[bytes]]:
        """After poll(): send what there is room for; the frames that have come."""
        if events & POLLOUT:
            self.flush()
        return self.hear() if events & (POLLIN | POLLHUP) else []

    def say(self, *fields: bytes | str | int) -> None:
        """Send a frame, sooner or later; without a connection it is lost, and said again by whoever connects."""
        self._unsent += flat.pack(*fields)
        self.flush()

    def flush(self) -> None:
        """Send what there is room for."""
        try:
            while self._unsent and self._socket is not None:
                del self._unsent[: self._socket.send(self._unsent)]
        except BlockingIOError:
            return
        except OSError:
            self.close()

    def hear(self) -> list[list[bytes]]:
        """The frames that have come. A connection that has ended is closed."""
        try:
            size = self._socket.recv_into(self._block) if self._socket else 0
        except BlockingIOError:
            return []
        except OSError:
            size = 0
        if size:
            return self._reader.feed(self._block[:size])
        self.close()
        return []

    def close(self) -> None:
        """End the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
