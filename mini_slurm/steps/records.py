"""What a machine notes of a step, one record after the other in one file: its tasks' output, their ends, its own words.

Whoever reads the file from its beginning, or goes on where it had stopped, knows all that happened there, in order.
A record: its kind, a number, the length of its data (unsigned, network order), and the data.
"""

from __future__ import annotations

OUT, ERR = 0, 1  # number: the task. Bytes that it wrote
SAID = 2  # a line of the watcher's own, which belongs to standard error. number: the task that it is shown as
STARTED = 3  # number: how many tasks run now
EXITED = 4  # number: wait status. data: the tasks, as "0,1,7"
FED = 5  # number: one of the next. data: how much of standard input was taken, in bytes; from there it is sent again
FED_ALL = 0  # of what is for all tasks
FED_EXTRA = 1  # of sattaches, and so much more than before
FED_TASK = 2  # and those after it: of what is for one task, the number of which is added
CANCELLED = 6  # the step is being ended from elsewhere. number: 1 for its time limit
HEAD = 9  # bytes before the data


def record(kind: int, number: int, data: bytes) -> bytes:
    """A record as bytes."""
    return bytes((kind,)) + number.to_bytes(4, "big") + len(data).to_bytes(4, "big") + data


def exited(status: int, tasks: list[int]) -> bytes:
    """The record of tasks that ended alike."""
    return record(EXITED, status, ",".join(map(str, tasks)).encode())


def tasks_of(data: bytes) -> list[int]:
    """The tasks in the data of EXITED."""
    return [int(number) for number in data.split(b",")]


class Reader:
    """Bytes in, records out; remembers one that has not ended yet."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, int, bytes]]:
        """The records that are complete now: kind, number, data."""
        if self._rest:
            self._rest += data
        found = []
        begin = 0
        with memoryview(self._rest or data) as rest:  # whose slices are no copies
            while len(rest) - begin >= HEAD:
                end = begin + HEAD + int.from_bytes(rest[begin + 5 : begin + HEAD], "big")
                if end > len(rest):
                    break
                number = int.from_bytes(rest[begin + 1 : begin + 5], "big")
                found.append((rest[begin], number, bytes(rest[begin + HEAD : end])))
                begin = end
            if not self._rest:
                self._rest = bytearray(rest[begin:])
                return found
        del self._rest[:begin]
        return found
