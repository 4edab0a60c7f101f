"""Standard input on its way to a step's tasks: what srun sent comes through a FIFO, and goes into a pipe for each.

The FIFO holds packets that are written whole or not at all: a task (or ALL), where in the input the bytes begin, the
bytes. So another agent may take over in the midst of it, and send again what it is not sure of.
"""

import os
import select
import struct
from contextlib import suppress
from typing import Dict, List, Optional, Set, Tuple

from mini_slurm.steps.records import FED_ALL, FED_EXTRA, FED_TASK

ALL = 0xFFFFFFFF
EXTRA = 0xFFFFFFFFFFFFFFFF  # in place of an offset: a sattach's, and no part of what srun sends
HEAD = struct.Struct("!IQH")  # task, where the bytes begin, how many; none: the end
PACKET = 4096  # bytes, limits.h: PIPE_BUF
MOST = PACKET - HEAD.size
ROOM = 1 << 18  # bytes that may wait for a task that does not read
STEP = 1 << 16  # bytes after which srun is told of it
OPEN = os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


def packets(task: int, offset: int, data: bytes) -> List[bytes]:
    """The packets of some input; no data: of its end."""
    pieces = [data[begin : begin + MOST] for begin in range(0, len(data), MOST)] or [b""]
    begins = [offset if offset == EXTRA else offset + index * MOST for index in range(len(pieces))]
    return [HEAD.pack(task, begin, len(piece)) + piece for begin, piece in zip(begins, pieces)]


class Source:
    """What comes for one task, or for all."""

    def __init__(self) -> None:
        self.taken = 0  # bytes that came
        self.told = 0
        self.ended = False


class Feed:
    """The input of the tasks of one machine."""

    def __init__(self, folder: str) -> None:
        self._fifo = os.open(os.path.join(folder, "in.fifo"), OPEN)
        self._poll: Optional[select.epoll] = None
        self._pipes: Dict[int, int] = {}  # descriptor -> task
        self._queues: Dict[int, bytearray] = {}  # descriptor -> what waits
        self._blocked: List[int] = []
        self._sources: Dict[int, Source] = {}  # by the task that they are for, or ALL
        self._extra = 0  # bytes that came from sattaches, since they were told how many
        self._closing: Set[int] = set()  # descriptors for which no more comes
        self._ended = False
        self._listening = True

    def add(self, task: int, descriptor: int) -> None:
        """Feed this task through this descriptor, which is closed at the end."""
        os.set_blocking(descriptor, False)
        self._pipes[descriptor] = task
        self._queues[descriptor] = bytearray()

    def watch(self, poll: select.epoll) -> None:
        """Have `poll` report what take() handles."""
        self._poll = poll
        poll.register(self._fifo, select.EPOLLIN)

    def take(self, descriptor: int) -> None:
        """Handle a report."""
        if descriptor == self._fifo:
            self._receive()
        if descriptor in self._queues:
            self._write(descriptor)
        self._listen(all(len(queue) < ROOM for queue in self._queues.values()))

    def news(self) -> List[Tuple[int, int]]:
        """How many bytes of what have been taken, where srun or sattach should hear of it, as FED has them."""
        found = []
        for task, source in self._sources.items():
            waiting = (len(self._queues[pipe]) for pipe, _ in self._pipes_of(task))
            taken = source.taken - max(waiting, default=0)
            if taken - source.told >= STEP or (taken > source.told and taken == source.taken):
                source.told = taken
                found.append((FED_ALL if task == ALL else FED_TASK + task, taken))
        if self._extra and all(len(queue) < STEP for queue in self._queues.values()):
            found.append((FED_EXTRA, self._extra))
            self._extra = 0
        return found

    def _pipes_of(self, task: int) -> List[Tuple[int, int]]:
        return [(pipe, owner) for pipe, owner in self._pipes.items() if task in (ALL, owner)]

    def close(self) -> None:
        """Give back all descriptors."""
        for descriptor in list(self._queues):
            self._drop(descriptor)
        os.close(self._fifo)

    def end(self) -> None:
        """There is no more, and nobody knows what was lost: a stepd that takes over has no pipes."""
        self._ended = True

    def _receive(self) -> None:
        for _ in range(ROOM // PACKET):
            head = b""
            with suppress(BlockingIOError):
                head = os.read(self._fifo, HEAD.size)
            if len(head) < HEAD.size:
                return
            task, offset, size = HEAD.unpack(head)
            data = os.read(self._fifo, size) if size else b""
            self._accept(task, offset, data)

    def _accept(self, task: int, offset: int, data: bytes) -> None:
        if offset == EXTRA:
            self._insert(task, data)
            return
        source = self._sources.setdefault(task, Source())
        if offset > source.taken or source.ended or self._ended:
            return  # what lies between was lost with an agent, and comes again
        new = data[source.taken - offset :]
        source.taken += len(new)
        source.ended = not data
        self._hand_on(task, new, is_end=source.ended)

    def _insert(self, task: int, data: bytes) -> None:
        """What a sattach has sent; no data: its end, which is that of the task's input, as in Slurm."""
        self._extra += len(data)
        self._hand_on(task, data, is_end=not data)

    def _hand_on(self, task: int, data: bytes, *, is_end: bool) -> None:
        for descriptor, _ in self._pipes_of(task):
            self._queues[descriptor] += data
            if is_end:
                self._closing.add(descriptor)
            self._write(descriptor)

    def _write(self, descriptor: int) -> None:
        queue = self._queues[descriptor]
        try:
            while queue:
                del queue[: os.write(descriptor, queue)]
        except BlockingIOError:
            self._block(descriptor)
            return
        except OSError:  # nobody reads it any more
            self._drop(descriptor)
            return
        self._unblock(descriptor)
        if self._ended or descriptor in self._closing:
            self._drop(descriptor)

    def _block(self, descriptor: int) -> None:
        if self._poll is not None and descriptor not in self._blocked:
            self._poll.register(descriptor, select.EPOLLOUT)
            self._blocked.append(descriptor)

    def _unblock(self, descriptor: int) -> None:
        if self._poll is not None and descriptor in self._blocked:
            self._poll.unregister(descriptor)
            self._blocked.remove(descriptor)

    def _drop(self, descriptor: int) -> None:
        self._unblock(descriptor)
        del self._pipes[descriptor], self._queues[descriptor]
        os.close(descriptor)

    def _listen(self, wanted: bool) -> None:
        """Whoever sends more than the tasks read has to wait."""
        if self._poll is None or wanted == self._listening:
            return
        self._listening = wanted
        if wanted:
            self._poll.register(self._fifo, select.EPOLLIN)
        else:
            self._poll.unregister(self._fifo)
