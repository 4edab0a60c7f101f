"""The agent's stepds: forked when needed, and used again, as a fork costs more than all else that an attempt costs."""

import marshal
import os
import socket
import sys
import time
from array import array
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from mini_slurm.agent import spool
from mini_slurm.agent.kit import NOTICE
from mini_slurm.agent.loop import Loop
from mini_slurm.agent.script import FAILED
from mini_slurm.agent.worker import serve

LARGEST = 60_000  # bytes of a plan; it travels in one packet
NOTICES = 1 << 16  # bytes, at a time
Notice = Tuple[int, int, Optional[Dict[str, Any]]]  # pid of a stepd, what there is to see, what it has written down
SPARE = 32  # stepds that are kept while they have nothing to do
IDLE_LIMIT = 30.0  # seconds until one of them ends


class Worker(NamedTuple):
    """A stepd without an attempt. It ends when its channel is closed, which the agent's own end does too."""

    pid: int
    channel: socket.socket
    since: float
    cpus: List[int]  # those of its latest attempt


def why_ended(status: int, folder: str) -> str:
    """Why a stepd that was to begin an attempt in this folder has ended with this wait status."""
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) not in (0, FAILED):
        number = os.WEXITSTATUS(status)
        error = OSError(number, os.strerror(number), folder)
        return spool.trouble(error, os.path.dirname(os.path.dirname(folder)))
    return f"its stepd ended with status {status} before it could start the script; see agent.log"


def pack(plan: Dict[str, Any]) -> bytes:
    """A plan as assign() takes it; empty when it is too large, and has to be read from start.json."""
    packed = marshal.dumps(plan)  # for a process of the same Python
    return packed if len(packed) <= LARGEST else b""


class Pool:
    """Gives attempts to stepds."""

    def __init__(self, loop: Loop, boot_id: str, cgroups: str) -> None:
        self._loop = loop
        self._boot_id, self._cgroups = boot_id, cgroups
        self.reader, self._notify = os.pipe()
        for descriptor in (self.reader, self._notify):
            os.set_blocking(descriptor, False)
        self._rest = b""  # of what was read: a notice whose end is still to come
        self._idle: List[Worker] = []
        self._busy: Dict[int, Worker] = {}
        loop.later(IDLE_LIMIT, self._dismiss)

    def assign(self, order: Dict[str, Any], claim: int, lock: int) -> int:
        """Have a stepd care for an attempt; its pid. Raises OSError."""
        packed = marshal.dumps(order)
        while True:
            worker = self._pick(order["cpus"])
            try:
                ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [claim, lock]))]
                worker.channel.sendmsg([packed], ancillary)
            except (BrokenPipeError, ConnectionError):  # it was killed while it was idle
                worker.channel.close()
                continue
            self._busy[worker.pid] = worker._replace(cpus=order["cpus"])
            return worker.pid

    def notices(self) -> Iterator[Notice]:
        """What stepds have said, when there is something to read from `reader`."""
        data = self._rest + os.read(self.reader, NOTICES)
        place = 0
        while len(data) - place >= NOTICE.size:
            pid, what, size = NOTICE.unpack_from(data, place)
            begin = place + NOTICE.size
            if len(data) < begin + size:
                break
            place = begin + size
            yield pid, what, marshal.loads(data[begin:place]) if size else None
        self._rest = data[place:]

    def free(self, pid: int) -> None:
        """A stepd has done its work."""
        worker = self._busy.pop(pid, None)
        if worker and len(self._idle) < SPARE:
            self._idle.append(worker._replace(since=time.monotonic()))
        elif worker:
            worker.channel.close()

    def gone(self, pid: int) -> bool:
        """A child has ended. True: it was one of the stepds."""
        worker = self._busy.pop(pid, None)
        if worker:
            worker.channel.close()
            return True
        for idle in self._idle:
            if idle.pid == pid:
                self._idle.remove(idle)
                idle.channel.close()
                return True
        return False

    def _pick(self, cpus: List[int]) -> Worker:
        """The latest one that was on these CPUs, and need not move; else any, else a new one."""
        if not self._idle:
            return self._fork()
        places = range(len(self._idle) - 1, -1, -1)
        return self._idle.pop(next((place for place in places if self._idle[place].cpus == cpus), -1))

    def _fork(self) -> Worker:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sys.stderr.flush()
        try:
            pid = os.fork()
            if not pid:
                serve(theirs, self._notify, self._boot_id, self._cgroups)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        return Worker(pid, ours, time.monotonic(), [])

    def _dismiss(self) -> None:
        limit = time.monotonic() - IDLE_LIMIT
        for worker in self._idle:
            if worker.since < limit:
                worker.channel.close()
        self._idle = [worker for worker in self._idle if worker.since >= limit]
        self._loop.later(IDLE_LIMIT, self._dismiss)
