"""The agent's socket: controllers connect (by way of a bootstrap's relay), messages come and go.

A connection begins with a line from each side: the agent's archive, its protocol's version; then `relay`, after which
frames follow, `srun`, after which those of protocol/flat.py follow, or `handover`, which ends this agent so that one of
another version can take its place.
"""

import os
import selectors
import socket
import struct
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Deque, Dict, List, Optional

from mini_slurm.agent import spool
from mini_slurm.agent.clients import Client
from mini_slurm.agent.connection import Connection
from mini_slurm.agent.log import log
from mini_slurm.agent.loop import Loop
from mini_slurm.agent.outlet import pump
from mini_slurm.protocol.framing import Decoder, ProtocolError, encode
from mini_slurm.protocol.messages import VERSION, Hello, Message

if TYPE_CHECKING:
    from mini_slurm.agent.attempt import Attempt
    from mini_slurm.agent.jobs import Jobs
    from mini_slurm.agent.machine import Machine

FIRST_LINE = 64  # bytes
CREDENTIALS = struct.Struct("iII")


class Peer(Connection):
    """A connection to a controller."""

    pause = 0.01  # a packet of its own costs all who handle it more than what it says

    def __init__(self, server: "Server", channel: socket.socket) -> None:
        super().__init__(server.loop, channel)
        self.server = server
        self.state_id = ""
        self.outlets: Deque[Attempt] = deque()  # those that may have output to send, in turn
        self._line: Optional[bytes] = b""  # the first line, until it is there
        self._decoder = Decoder()
        self.write(f"{os.path.basename(sys.argv[0])} {VERSION}\n".encode())

    def send(self, message: Message) -> None:
        """Say something, sooner or later; never waits."""
        if not self.closed:
            self.write(encode(message))

    def received(self, data: bytes) -> None:
        """Take what is complete. Raises ProtocolError."""
        if self._line is not None:
            data = self._take_line(data)
        for message in self._decoder.feed(data):
            if self.closed:
                return
            self.server.take(self, message)

    def emptied(self) -> None:
        """Send more output."""
        pump(self)
        self.server.jobs.steps.listeners.emptied(self.state_id)

    def dropped(self) -> None:
        """Have no one send anything here."""
        self.server.drop(self)

    def _take_line(self, data: bytes) -> bytes:
        line, end, rest = ((self._line or b"") + data).partition(b"\n")
        if not end:
            if len(line) > FIRST_LINE:
                raise ProtocolError("no first line")
            self._line = line
            return b""
        self._line = None
        if line == b"handover":
            log("hands over to another version")
            self.server.loop.stop()
            return b""
        if line == b"srun":
            self.server.pass_on(self, rest)
            return b""
        if line != b"relay":
            raise ProtocolError(f"first line {line[:FIRST_LINE]!r}")
        return rest


class Server:
    """The listening socket and its connections; one for each state folder, the newest."""

    def __init__(self, folder: str, lock: int, loop: Loop, machine: "Machine", jobs: "Jobs", idle_limit: float) -> None:
        self.loop = loop
        self.machine = machine
        self.jobs = jobs
        self._peers: List[Peer] = []
        self._idle_limit = idle_limit
        self._idle_since = time.monotonic()
        self._path = os.path.join(folder, "agent.sock")
        if os.path.lexists(self._path):
            os.unlink(self._path)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(f"/proc/self/fd/{lock}/agent.sock")
        self._listener.listen(64)
        self._listener.setblocking(False)
        loop.add(self._listener, selectors.EVENT_READ, lambda events: self._accept())

    def serve(self) -> None:
        """Until there has been nothing to do for the idle limit, or stop() is called."""
        self._watch_idleness()
        self.loop.run()
        os.unlink(self._path)
        self._listener.close()
        for peer in list(self._peers):
            peer.close()

    def take(self, peer: Peer, message: Message) -> None:
        """Handle one message. Raises ProtocolError for one that makes no sense here."""
        if isinstance(message, Hello):
            self._greet(peer, message)
        elif not peer.state_id:
            raise ProtocolError(f"{type(message).__name__} before Hello")
        else:
            self.jobs.take(peer, message)

    def drop(self, peer: Peer) -> None:
        """A connection has ended."""
        self._peers.remove(peer)
        self.jobs.leave(peer)

    def pass_on(self, peer: Peer, data: bytes) -> None:
        """This is no controller, but srun in a job."""
        channel = peer.release()
        self._peers.remove(peer)
        self.machine.once_known(lambda: Client(self.loop, channel, self.jobs.steps).received(data))

    def _accept(self) -> None:
        try:
            channel, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        size = CREDENTIALS.size
        uid = CREDENTIALS.unpack(channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[1]
        if uid != os.geteuid():
            channel.close()
            return
        self._peers.append(Peer(self, channel))

    def _greet(self, peer: Peer, hello: Hello) -> None:
        if hello.version != VERSION or not spool.valid_name(hello.state_id) or peer.state_id:
            raise ProtocolError(f"Hello {hello.version} of {hello.state_id!r}")
        peer.state_id = hello.state_id
        for other in [other for other in self._peers if other.state_id == hello.state_id and other is not peer]:
            other.close()
        self.machine.when_known(lambda: self._welcome(peer))

    def _welcome(self, peer: Peer) -> None:
        if not peer.closed:
            peer.send(self.machine.welcome(self.jobs.names(peer.state_id)))
            self.jobs.join(peer)

    def _watch_idleness(self) -> None:
        if self._peers or self.jobs.busy:
            self._idle_since = time.monotonic()
        elif time.monotonic() - self._idle_since >= self._idle_limit:
            self.loop.stop()
            return
        self.loop.later(min(30.0, self._idle_limit / 4), self._watch_idleness)


Peers = Dict[str, Peer]  # by state folder
