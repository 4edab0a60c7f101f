"""The script's standard output and error: FIFOs that the stepd empties into files of the attempt's folder.

`merged`: one FIFO and one file, `out`, for both. `split`: `out` and `err`. `ordered`: `out`, `err`, and `order`, which
says in which order they were written: a record for each change from one stream to the other. To know it, a FIFO holds
one packet: a second write waits until the first was read, and edge-triggered epoll reports the FIFOs in the order in
which they became readable.

Why FIFOs at all: a script that opens /dev/stdout anew must not truncate what it wrote before. The script holds them
open for reading too, and so does the agent: the loss of the stepd makes writers wait for the next one, ends none of
them by SIGPIPE, and loses no bytes.

A stream whose file at the submit side is seen here (targets.py) needs none of this: the script gets that file, as in
Slurm.
"""

import fcntl
import math
import os
import select
import struct
from contextlib import suppress
from typing import Dict, List, Mapping, Tuple

from mini_slurm.agent.spool import fifos

APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
RECORD = struct.Struct("!BQQ")  # 0: out, 1: err; bytes in out and in err before this run
NAMES = ("out", "err")
F_SETPIPE_SZ = 1031  # fcntl.h; named in Python's fcntl from 3.10 on
ONE_SLOT = 4096  # bytes: the kernel makes it a page
MANY_SLOTS = 1 << 16
FLOOD = 256  # full packets without a pause, after which order to the byte is given up for speed
TURN = 64  # reads from one FIFO before the other is looked at
PACKET = 4096  # bytes, limits.h: PIPE_BUF
READ = 1 << 16


class Streams:
    """Both streams, from where the script writes to where the agent reads."""

    def __init__(self, kind: str, folder: str, targets: Mapping[str, int], *, is_new: bool) -> None:
        """`targets`: stream -> the descriptor of its file at the submit side; `is_new`: nothing was written yet."""
        self._folder = folder
        self._targets = targets
        self._exact = kind == "ordered"
        self._fifos = [f"{folder}/{name}" for name in fifos(kind)]
        self._readers: Dict[int, int] = {}  # descriptor of a FIFO -> number of its stream
        for stream, path in enumerate(self._fifos):
            descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            self._readers[descriptor] = stream
            if self._exact:
                resize(descriptor, ONE_SLOT)
        # Many tasks write nothing: a file is opened when there is something to be written to it.
        self._files = [targets.get(name, -1) for name in NAMES[: len(self._fifos)]]
        self._order = -1
        self._sizes = [0] * len(self._files)
        self._records = 0
        if not is_new:
            self._find()
        self._last = -1  # stream of the latest run: not known, so a stepd that takes over begins a new one
        self._waiting: List[Tuple[int, bytes]] = []  # (stream, data) that did not fit on the disk
        self._unread: List[int] = []  # descriptors that epoll has reported and that may hold more
        self._full = [0, 0]  # full packets in a row
        self._flooding = [not self._exact] * 2  # read until it is empty, instead of packet by packet?

    def handles(self) -> Tuple[int, int]:
        """Descriptors for the script's standard output and error, made anew."""
        return self._writer(0), self._writer(len(self._fifos) - 1)

    def watch(self, poll: select.epoll) -> None:
        """Have `poll` report what take() handles."""
        for descriptor in self._readers:
            poll.register(descriptor, select.EPOLLIN | select.EPOLLET)

    def take(self, descriptor: int) -> None:
        """Handle a report."""
        if self._waiting:
            self._unread.append(descriptor)
        else:
            self._read(descriptor)

    def say(self, text: str) -> None:
        """Write a line of the stepd's own to the script's standard error."""
        stream, data = len(self._files) - 1, text.encode(errors="surrogateescape")
        if NAMES[stream] in self._targets:
            with suppress(OSError):  # the user's disk is full, which must not keep the attempt from its end
                os.write(self._file(stream), data)
        else:
            self._put(stream, data)

    def settle(self) -> bool:
        """Write what waits, and read what epoll will not report again. False: there is no room for it now."""
        waiting, self._waiting = self._waiting, []
        for stream, data in waiting:
            self._put(stream, data)
        if not self._waiting:
            unread, self._unread = self._unread, []
            for descriptor in unread:
                self.take(descriptor)
        return not self._waiting

    def finish(self) -> bool:
        """Read the FIFOs empty, after the last writer has gone. False: there is no room for it now."""
        if not self.settle():
            return False
        for descriptor in self._readers:
            while not self._waiting and self._packet(descriptor):
                continue
        return not self._waiting

    def sizes(self) -> Dict[str, int]:
        """Bytes that the agent finds of each stream."""
        return {name: size for name, size in zip(NAMES, self._sizes) if name not in self._targets}

    def rest(self) -> float:
        """In how many seconds something is to be read that epoll will not report again; infinity: there is nothing."""
        return 0.0 if self._unread and not self._waiting else math.inf

    def close(self) -> None:
        """Give back all descriptors."""
        for descriptor in (*self._readers, *self._files, self._order):
            if descriptor >= 0:
                os.close(descriptor)

    def _find(self) -> None:
        """Go on behind what another stepd has written. Raises OSError."""
        self._sizes = [os.fstat(self._file(stream)).st_size for stream in range(len(self._files))]
        if self._exact:
            self._order = self._open("order")
            self._records = os.fstat(self._order).st_size // RECORD.size
            os.ftruncate(self._order, self._records * RECORD.size)

    def _file(self, stream: int) -> int:
        """Where a stream is written to. Raises OSError."""
        if self._files[stream] < 0:
            self._files[stream] = self._open(NAMES[stream])
        return self._files[stream]

    def _open(self, name: str) -> int:
        return os.open(f"{self._folder}/{name}", APPEND, 0o600)

    def _writer(self, stream: int) -> int:
        if NAMES[stream] in self._targets:
            return os.dup(self._files[stream])
        # Not O_WRONLY: a reader has to be left when the stepd is killed.
        descriptor = os.open(self._fifos[stream], os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        if self._exact:
            with suppress(OSError):  # a kernel older than 4.5: writes that meet in the page are one
                fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_RDWR | os.O_DIRECT)
        return descriptor

    def _read(self, descriptor: int) -> None:
        stream = self._readers[descriptor]
        if self._flooding[stream]:
            self._read_on(descriptor, stream)
            return
        size = self._packet(descriptor)
        self._full[stream] = self._full[stream] + 1 if size == PACKET else 0
        if self._full[stream] >= FLOOD and resize(descriptor, MANY_SLOTS):
            self._flooding[stream] = True
            self._unread.append(descriptor)

    def _read_on(self, descriptor: int, stream: int) -> None:
        for _ in range(TURN):
            if self._waiting:
                break
            if not self._packet(descriptor):
                if self._exact and resize(descriptor, ONE_SLOT):
                    self._flooding[stream] = False
                    self._full[stream] = 0
                    self._unread.append(descriptor)  # a packet may have come before the change
                return
        self._unread.append(descriptor)

    def _packet(self, descriptor: int) -> int:
        try:
            data = os.read(descriptor, READ)
        except BlockingIOError:
            return 0
        self._put(self._readers[descriptor], data)
        return len(data)

    def _put(self, stream: int, data: bytes) -> None:
        if self._waiting:
            self._waiting.append((stream, data))
            return
        try:
            # The record goes first: bytes that no record covers would have no place in the order.
            if self._exact and stream != self._last:
                self._note(stream)
            while data:
                written = os.write(self._file(stream), data)
                self._sizes[stream] += written
                data = data[written:]
        except OSError:
            self._waiting.append((stream, data))

    def _note(self, stream: int) -> None:
        if self._order < 0:
            self._order = self._open("order")
        record = RECORD.pack(stream, self._sizes[0], self._sizes[1])
        if os.write(self._order, record) < RECORD.size:
            os.ftruncate(self._order, self._records * RECORD.size)
            raise OSError("no room for a record")
        self._records += 1
        self._last = stream


def resize(descriptor: int, size: int) -> bool:
    """Have a FIFO hold so many bytes. False: it does not."""
    try:
        fcntl.fcntl(descriptor, F_SETPIPE_SZ, size)
    except OSError:  # more is in it, or the user's share of pipe memory is used up
        return False
    return True
