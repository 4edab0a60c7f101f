"""An attempt's output on its way to the submit side: what was sent, what is acknowledged, what comes next."""

import os
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from mini_slurm.agent import spool
from mini_slurm.agent.log import log
from mini_slurm.agent.streams import NAMES, RECORD
from mini_slurm.protocol.messages import Output

WINDOW = 1 << 20  # bytes that may be under way, sent and not acknowledged
CHUNK = 1 << 18  # bytes of one message
RECORDS = 256  # of the order, read at a time
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class Run(NamedTuple):
    """Bytes of one stream that were written without the other one between them."""

    stream: str
    begin: int
    end: int
    merged: int  # bytes of both streams before `begin`


class Outlet:
    """One attempt's streams, read from its folder."""

    def __init__(self, attempt: str, folder: str, kind: str) -> None:
        self.attempt = attempt
        self.folder = folder
        self.ordered = kind == "ordered"
        names = NAMES[:1] if kind == "merged" else NAMES
        self.sizes: Dict[str, int] = dict.fromkeys(names, 0)
        self.sent: Dict[str, int] = dict.fromkeys(names, 0)
        self.acked: Dict[str, int] = dict.fromkeys(names, 0)
        self._unplaced: Set[str] = set()  # streams that a new connection has not acknowledged anything of
        self._index = 0  # of the run that is being sent
        self._first = 0  # number of the first of `_records`
        self._records: List[Tuple[int, int, int]] = []

    def look(self, sizes: Optional[Dict[str, int]] = None) -> bool:
        """Find out how much there is, unless the stepd has said so. True: there is more than was sent."""
        for name in self.sizes:
            self.sizes[name] = spool.size(self.folder, name) if sizes is None else sizes.get(name, 0)
        return any(self.sizes[name] > self.sent[name] for name in self.sizes)

    def rewind(self) -> None:
        """Begin again behind what is acknowledged: the connection that carried the rest is gone."""
        self.sent = dict(self.acked)
        self._unplaced = set(self.acked)
        self._index = 0

    def acknowledge(self, stream: str, offset: int) -> None:
        """These bytes are on disk at the submit side.

        A connection's first word of a stream says where to begin, whatever was acknowledged before: another controller
        may know more than a new agent, or less than the one whose last notes did not reach its disk.
        """
        if stream in self._unplaced:
            self._unplaced.discard(stream)
            self.acked[stream] = self.sent[stream] = offset
            self._index = 0
        elif stream in self.acked and offset > self.acked[stream]:
            self.acked[stream] = offset
            self.sent[stream] = max(self.sent[stream], offset)

    def next(self) -> Optional[Output]:
        """The next piece; None when there is nothing more for now, or the window is full. Raises OSError."""
        if self.sent == self.sizes:
            return None
        room = WINDOW - sum(self.sent.values()) + sum(self.acked.values())
        run = self._next_run() if room > 0 else None
        if run is None:
            return None
        begin = self.sent[run.stream]
        data = self._read(run.stream, begin, min(run.end - begin, room, CHUNK))
        if not data:
            return None
        self.sent[run.stream] += len(data)
        return Output(self.attempt, run.stream, begin, run.merged + begin - run.begin, data)

    def _next_run(self) -> Optional[Run]:
        if self.ordered:
            return self._next_ordered()
        for name, size in self.sizes.items():
            if size > self.sent[name]:
                return Run(name, 0, size, 0)
        return None

    def _next_ordered(self) -> Optional[Run]:
        while True:
            record = self._record(self._index)
            if record is None:
                return None
            stream, out, err = record
            following = self._record(self._index + 1)
            # Bytes are written after their record: what `sizes` saw before the records were read, these records cover.
            end = following[1 + stream] if following else self.sizes[NAMES[stream]]
            if self.sent[NAMES[stream]] < end:
                return Run(NAMES[stream], (out, err)[stream], end, out + err)
            if following is None:
                return None
            self._index += 1

    def _record(self, number: int) -> Optional[Tuple[int, int, int]]:
        if not 0 <= number - self._first < len(self._records):
            data = self._read("order", number * RECORD.size, RECORDS * RECORD.size)
            whole = len(data) // RECORD.size * RECORD.size
            self._first, self._records = number, list(RECORD.iter_unpack(data[:whole]))
        return self._records[number - self._first] if self._records else None

    def _read(self, name: str, offset: int, count: int) -> bytes:
        descriptor = os.open(os.path.join(self.folder, name), READ)
        try:
            return os.pread(descriptor, count, offset)
        finally:
            os.close(descriptor)


def pump(peer: Any) -> None:
    """Send output, a piece of each attempt in turn, as long as the connection has room."""
    while peer.outlets and peer.has_room:
        attempt = peer.outlets.popleft()
        attempt.queued = False
        try:
            output = attempt.outlet.next()
        except OSError as error:
            log(f"output of {attempt.name}: {error}")
            continue
        if output:
            peer.send(output)
            attempt.queued = True
            peer.outlets.append(attempt)
