"""What one machine notes of a step: its tasks write into FIFOs, and all goes into one file, as steps/records.py has it.

FIFOs, as in streams.py: the loss of the stepd makes writers wait for the next one, and loses nothing.
"""

import math
import os
import select
import time
from contextlib import suppress
from typing import Dict, List, Optional, Set, Tuple

from mini_slurm.agent.backlog import Backlog
from mini_slurm.agent.feed import Feed
from mini_slurm.agent.streams import resize
from mini_slurm.steps import records

FILE = "out"  # what is sent to srun
REPORTED = select.EPOLLIN | select.EPOLLET
APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
OPEN = os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
TURN = 16  # reads from one FIFO before the others are looked at
READ = 1 << 16
CAPACITY = 1 << 20  # bytes, more than a FIFO holds
MUCH = 1 << 16  # bytes in one turn, after which a task is taken to go on like that
WIDE = 1 << 19  # bytes that the FIFO of such a task holds
MOST_WIDE = 16  # such FIFOs of one part: a user may have 64 MiB in pipes
REST = 0.001  # seconds until it is read again: each of its writes would wake the stepd, however small
LOST = b"\n"  # stands for each byte that a stepd had taken and could not write any more


def fifos(tasks: int) -> List[str]:
    """The names of all FIFOs of a part with so many tasks."""
    return ["in.fifo", *(f"{stream}-{task}.fifo" for task in range(tasks) for stream in ("out", "err"))]


class Journal:
    """The streams of a part of a step, both ways. Has what stepd expects of Streams."""

    def __init__(self, folder: str, tasks: List[int], feed: Feed) -> None:
        self.feed = feed
        self.news = False  # was something written since somebody last looked?
        self._tasks = tasks
        self._readers: Dict[int, Tuple[int, int]] = {}  # descriptor -> stream, task
        self._paths = [os.path.join(folder, name) for name in fifos(len(tasks))[1:]]
        for index, path in enumerate(self._paths):
            self._readers[os.open(path, OPEN)] = (index % 2, tasks[index // 2])
        self._file = os.open(os.path.join(folder, FILE), APPEND, 0o600)
        self.backlog = Backlog(folder, self._file)
        self._waiting: List[bytes] = []  # what did not fit on the disk
        self._unread: List[int] = []  # descriptors that epoll has reported and that may hold more
        self._masters: Dict[int, int] = {}  # descriptor of a terminal -> task
        self._wide: Set[int] = set()  # descriptors of FIFOs that hold more than others
        self._resting: List[int] = []  # those among them that epoll is not to report for a moment
        self._rest_end = 0.0

    @property
    def terminals(self) -> List[int]:
        """Where the tasks' terminals are read and written."""
        return list(self._masters)

    def mend(self) -> Set[int]:
        """Complete the last record, where another stepd was killed while it wrote; the tasks whose end is noted."""
        size = os.fstat(self._file).st_size
        end, ended = self.backlog.begin, self.backlog.ended
        while end < size:
            head = os.pread(self._file, records.HEAD, end)
            length = int.from_bytes(head[5:], "big") if len(head) == records.HEAD else 0
            if head[0] == records.EXITED and end + records.HEAD + length <= size:
                ended.update(records.tasks_of(os.pread(self._file, length, end + records.HEAD)))
            end += records.HEAD + length
        while size < end:
            size += os.write(self._file, LOST * min(end - size, READ))
        self.backlog.size = size
        return ended

    def handles(self, index: int) -> Tuple[int, int]:
        """Descriptors for a task's standard output and error, made anew."""
        # Not O_WRONLY: a reader has to be left when the stepd is killed.
        pair = self._paths[2 * index : 2 * index + 2]
        first, second = (os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC) for path in pair)
        return first, second

    def watch(self, poll: select.epoll) -> None:
        """Have `poll` report what take() handles."""
        self._poll = poll
        for descriptor in self._readers:
            poll.register(descriptor, REPORTED)
        self.feed.watch(poll)

    def watch_terminal(self, poll: select.epoll, master: int, task: int) -> None:
        """Read a task's terminal, too."""
        os.set_blocking(master, False)
        self._readers[master] = (records.OUT, task)
        self._masters[master] = task
        poll.register(master, REPORTED)

    def take(self, descriptor: int) -> None:
        """Handle a report."""
        if descriptor not in self._readers:
            self.feed.take(descriptor)
            self._note_fed()
            return
        for earlier in (*self._rouse(), descriptor):
            if self._is_full:
                self._unread.append(earlier)
            else:
                self._read(earlier)

    @property
    def _is_full(self) -> bool:
        """Have the tasks to wait?"""
        return bool(self._waiting) or self.backlog.is_long

    def say(self, text: str) -> None:
        """Note a line of the stepd's own."""
        self.put(records.record(records.SAID, self._tasks[0], text.encode(errors="surrogateescape")))

    def put(self, record: bytes) -> None:
        """Write a record, sooner or later."""
        self.news = True
        if self._waiting:
            self._waiting.append(record)
            return
        if record[0] == records.EXITED:
            self.backlog.ended.update(records.tasks_of(record[records.HEAD :]))
        self.backlog.mark()
        rest = memoryview(record)
        try:
            while rest:
                count = os.write(self._file, rest)
                self.backlog.size += count
                rest = rest[count:]
        except OSError:
            self._waiting.append(bytes(rest))

    def settle(self) -> bool:
        """Write what waits, and read what epoll will not report again. False: there is no room for it now."""
        waiting, self._waiting = self._waiting, []
        for record in waiting:
            self.put(record)
        if self._resting and time.monotonic() >= self._rest_end:
            self._rouse()
        if not self._is_full:
            unread, self._unread = self._unread, []
            for descriptor in unread:
                self.take(descriptor)
        return not self._waiting

    def drain(self, task: Optional[int] = None) -> bool:
        """Read the FIFOs of a task, or of all, empty. False: there is no room for it now.

        A task has left no more than a FIFO holds; what it has started may go on writing.
        """
        for descriptor, (_, owner) in list(self._readers.items()):
            count = 0
            while task in (None, owner) and not self._waiting and count < CAPACITY:
                read = self._packet(descriptor)
                count += read if task is not None else 0
                if not read:
                    break
        return not self._waiting

    def finish(self) -> bool:
        """Read everything, after the last writer has gone. False: there is no room for it now."""
        return self.settle() and self.drain()

    def sizes(self) -> Dict[str, int]:
        """Bytes that the agent finds."""
        return {FILE: self.backlog.size}

    def rest(self) -> float:
        """In how many seconds something is to be read that epoll will not report again; infinity: there is nothing."""
        if self._unread and not self._is_full:
            return 0.0
        return max(0.0, self._rest_end - time.monotonic()) if self._resting else math.inf

    def close(self) -> None:
        """Give back all descriptors."""
        self.feed.close()
        for descriptor in (*self._readers, self._file):
            os.close(descriptor)

    def _note_fed(self) -> None:
        for number, taken in self.feed.news():
            self.put(records.record(records.FED, number, b"%d" % taken))

    def _read(self, descriptor: int) -> None:
        came = 0
        for _ in range(TURN):
            if self._is_full:
                break
            size = self._packet(descriptor)
            came += size
            if not size:
                if came >= MUCH:
                    self._let_rest(descriptor)
                return
        self._unread.append(descriptor)

    def _let_rest(self, descriptor: int) -> None:
        """Let more come together of a task that writes much."""
        if descriptor in self._masters:
            return
        if descriptor not in self._wide:
            if len(self._wide) >= MOST_WIDE or not resize(descriptor, WIDE):
                return
            self._wide.add(descriptor)
        self._poll.modify(descriptor, 0)
        self._resting.append(descriptor)
        self._rest_end = time.monotonic() + REST

    def _rouse(self) -> List[int]:
        """Have those that rest reported again, and at once if there is something; which were they?"""
        resting, self._resting = self._resting, []
        for descriptor in resting:
            self._poll.modify(descriptor, REPORTED)
        return resting

    def _packet(self, descriptor: int) -> int:
        stream, task = self._readers[descriptor]
        data = b""
        with suppress(OSError):  # nothing there now; or a terminal that no process has open any more
            data = os.read(descriptor, READ)
        if data:
            self.put(records.record(stream, task, data))
        return len(data)
