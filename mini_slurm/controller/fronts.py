"""srun on the login node: it connects to the controller's socket, which carries its frames to the job's first machine.

What srun and agent say to each other is theirs (docs/design/steps.md). Here it is only known which job a connection
speaks of: its first frame says so. A connection lasts as long as the channel to that machine does; after that srun
connects again, and is kept waiting until there is another channel.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable

from mini_slurm.controller.stager import Trouble
from mini_slurm.controller.watchers import Watchers
from mini_slurm.errors import MiniSlurmError, Unreachable
from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.protocol import flat
from mini_slurm.protocol.messages import FrontFrame, Message
from mini_slurm.scheduler.cluster import Cluster, allocation
from mini_slurm.steps.talk import CONTROLLER_SOCKET, GREETING, WATCHING

log = logging.getLogger(__name__)

READ = 1 << 18  # bytes
WORK_DIR = 8  # which field of a launch is the folder that the step runs in
PAUSE = 0.2  # seconds between two tries to ask a machine
There = Callable[[Job, str], Awaitable[str]]
CREDENTIALS = struct.Struct("iII")
RUNNING = frozenset({JobState.RUNNING, JobState.SUSPENDED})


class Front:
    """One srun's connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.name = ""  # srun's own for its step
        self.attempt = ""  # the job's
        self.machine = ""
        self.machines: list[str] = []  # all of the job's
        self.unsent: list[bytes] = []  # until there is a channel

    @property
    def key(self) -> tuple[str, str]:
        """What messages call it."""
        return self.attempt, self.name

    def write(self, data: bytes) -> None:
        """Send bytes, sooner or later."""
        if not self._writer.is_closing():
            self._writer.write(data)

    def close(self) -> None:
        """End the connection when all is sent."""
        self._writer.close()


class Fronts:
    """All that are connected."""

    def __init__(self, cluster: Cluster, send: Callable[[str, Message], None], there: There) -> None:
        """`there`: where a folder of this side is on the first machine of a job that has its files brought."""
        self._cluster = cluster
        self._there = there
        self._send = send
        self._known: dict[tuple[str, str], Front] = {}
        self._channels: set[str] = set()  # machines that can be spoken to
        self.watchers = Watchers()

    async def serve(self, state: str) -> None:
        """Listen, until cancelled."""
        server = await asyncio.start_unix_server(self._converse, sock=_listen(state))
        try:
            await server.serve_forever()
        finally:
            for front in list(self._known.values()):
                front.close()
            self.watchers.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        front = Front(writer)
        decoder = flat.Reader()
        try:
            if not _is_own(writer):
                return
            writer.write(b"controller\n")
            greeting = await reader.readline()
            if greeting == WATCHING:
                await self.watchers.attend(reader, writer)
            elif greeting == GREETING:
                while data := await reader.read(READ):
                    for frame in decoder.feed(data):
                        await self._take(front, frame)
        except (flat.BadFrame, OSError, ValueError) as error:
            log.warning("an srun is not listened to: %s", error)
        finally:
            self._leave(front)
            writer.close()

    async def _take(self, front: Front, frame: list[bytes]) -> None:
        """Pass a frame on. Raises BadFrame."""
        if not frame:
            raise flat.BadFrame("an empty frame")
        if frame[0] in (b"launch", b"attach"):
            if not (self._enter(front, frame) and await self._place(front, frame)):
                return
            frame[2] = os.fsencode(front.attempt)
        if not front.attempt:
            raise flat.BadFrame(f"{frame[0][:40]!r} before anything was launched")
        data = flat.pack(*frame)
        if front.machine in self._channels:
            self._send(front.machine, FrontFrame(*front.key, data))
        else:
            front.unsent.append(data)

    def _enter(self, front: Front, frame: list[bytes]) -> bool:
        """Find the job that this srun speaks of. Raises BadFrame."""
        if len(frame) < 4 or front.attempt:
            raise flat.BadFrame("not a launch")
        job = self._cluster.jobs.get(flat.number(frame[3]))
        if job is None or job.state not in RUNNING or job.node is None:
            known = job is not None
            why = "Job/step already completing or completed" if known else "Invalid job id specified"
            front.write(flat.pack("refused", "create" if known else "confirm", why))
            return False
        front.name, front.attempt, front.machine = flat.text(frame[1]), self._cluster.attempt_name(job), job.node
        front.machines = list(allocation(job))
        self._known[front.key] = front
        return True

    async def _place(self, front: Front, frame: list[bytes]) -> bool:
        """A step of a job whose files were brought runs where they are: False, if nobody waits for it any more."""
        job = self._cluster.jobs.get(flat.number(frame[3]))
        if frame[0] != b"launch" or job is None or job.stage is None or len(frame) <= WORK_DIR:
            return True
        while self._known.get(front.key) is front:
            try:
                frame[WORK_DIR] = os.fsencode(await self._there(job, os.fsdecode(frame[WORK_DIR])))
                return self._known.get(front.key) is front  # else the way was lost meanwhile
            except Unreachable:
                await asyncio.sleep(PAUSE)  # a new controller is still on its way to the machine
            except (MiniSlurmError, Trouble) as error:
                front.write(flat.pack("refused", "create", f"the job's folder cannot be asked for: {error}"))
                return False
        return False

    def _leave(self, front: Front) -> None:
        if self._known.get(front.key) is front:
            del self._known[front.key]
            self._send(front.machine, FrontFrame(*front.key, b""))

    def hear(self, machine: str, message: FrontFrame) -> None:
        """What a job's first machine says to an srun."""
        front = self._known.get((message.attempt, message.front))
        if front is None or front.machine != machine:
            return
        if message.data:
            front.write(message.data)
        else:
            front.close()

    def connected(self, machine: str) -> None:
        """There is a channel to this machine."""
        self._channels.add(machine)
        for front in self._of(machine):
            unsent, front.unsent = front.unsent, []
            for data in unsent:
                self._send(machine, FrontFrame(*front.key, data))

    def disconnected(self, machine: str) -> None:
        """What was under way is lost: those that speak of it begin again."""
        self._channels.discard(machine)
        for front in self._of(machine):
            del self._known[front.key]
            front.close()

    def _of(self, machine: str) -> list[Front]:
        return [front for front in self._known.values() if front.machine == machine]

    def look(self) -> None:
        """Tell those whose job is over, and has not let them see its end."""
        for front in list(self._known.values()):
            if self._cluster.job_of(front.attempt) is None:
                front.write(flat.pack("gone", *(name for name in front.machines if name not in self._channels)))
                front.close()


def _listen(state: str) -> socket.socket:
    """The socket in the state folder, by way of the folder's descriptor: a socket's path has at most 107 bytes."""
    path = os.path.join(state, CONTROLLER_SOCKET)
    if os.path.lexists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        listener.bind(f"/proc/self/fd/{folder}/{CONTROLLER_SOCKET}")
    finally:
        os.close(folder)
    return listener


def _is_own(writer: asyncio.StreamWriter) -> bool:
    channel = writer.get_extra_info("socket")
    uid = CREDENTIALS.unpack(channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))[1]
    return bool(uid == os.geteuid())
