"""Where the tasks' output goes: srun's own standard output and error, or files; in whole lines, with labels."""

from __future__ import annotations

import os
from select import POLLOUT, poll

from mini_slurm.steps.records import ERR, OUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Layout = list[tuple[str, list[int]]]  # the machines of a step, and the numbers of their tasks

LONGEST = 1 << 16  # bytes of a line that is waited for
FLAGS = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY
WIDEST = 10  # digits


class Gone(Exception):
    """Output cannot be written; `why`: what is wrong with a file, "" where its reader has gone."""

    def __init__(self, why: str = "") -> None:
        super().__init__(why)
        self.why = why


class Names:
    """What the symbols in a file's name stand for, but for those of a task."""

    def __init__(self, job_id: str, step: str, array_job: str, array_task: str, user: str, job_name: str) -> None:
        self.job_id = job_id
        self.step = step
        self.array_job = array_job
        self.array_task = array_task
        self.user = user
        self.job_name = job_name
        self.component = ""  # what messages call it beside the step's number, where that does not tell it apart
        self.part = 0  # of a step that has several: Slurm adds it to the numbers of tasks in names of files


def fill(pattern: str, names: Names, task: int, node: str, index: int) -> str:
    """A file's name for one task; `index`: the number of its machine. A backslash turns all symbols off."""
    if "\\" in pattern:
        return pattern.replace("\\", "")
    found = ""
    rest = pattern
    while rest:
        before, percent, rest = rest.partition("%")
        found += before
        if not percent:
            break
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        symbol, rest = rest[len(digits) : len(digits) + 1], rest[len(digits) + 1 :]
        found += _symbol(symbol, digits, names, task, node, index)
    return found


def _symbol(symbol: str, digits: str, names: Names, task: int, node: str, index: int) -> str:
    numbers = {
        "A": names.array_job,
        "a": names.array_task,
        "j": names.job_id,
        "n": str(index),
        "t": str(task),
    }
    if symbol in numbers:
        return numbers[symbol].rjust(min(int(digits or 0), WIDEST), "0")
    texts = {
        "%": "%",
        "J": f"{names.job_id}.{names.step}",
        "N": node.partition(".")[0],
        "s": names.step,
        "u": names.user,
        "x": names.job_name,
    }
    return texts.get(symbol, f"%{digits}{symbol}")


def is_of_task(pattern: str) -> bool:
    """Has each task, or each machine, a file of its own?"""
    nobody = Names("", "", "", "", "", "")
    return is_file(pattern) and fill(pattern, nobody, 0, "a", 0) != fill(pattern, nobody, 1, "b", 1)


def of_tasks(pattern: str, names: Names, layout: Layout, first: int) -> list[tuple[int, str, str]]:
    """Number, machine and file of each task; the `first` of them in the whole step."""
    return [
        (task, node, fill(pattern, names, first + names.part + task, node, index))
        for index, (node, tasks) in enumerate(layout)
        for task in tasks
    ]


class Outputs:
    """Both streams of all tasks."""

    def __init__(self, out: str, err: str, *, label: bool, unbuffered: bool, append: bool) -> None:
        self._patterns = {OUT: out, ERR: err or (out if is_file(out) else "")}
        self._label = label
        self._unbuffered = unbuffered
        self._append = append
        self._first = 0
        self._width = 1
        self._targets: dict[tuple[int, int], int] = {}  # stream, task -> descriptor; -1: nowhere
        self._lines: dict[tuple[int, int], bytearray] = {}  # what has no end yet
        self._opened: dict[str, int] = {}
        self._lost: set[int] = set()  # descriptors that cannot be written
        self.lose: Callable[[Gone], None] = _raise  # is told of each of these once

    @property
    def has_files(self) -> bool:
        """Is there any to open?"""
        return any(map(is_file, self._patterns.values()))

    def open(self, names: Names, layout: Layout, first: int, count: int) -> None:
        """Open what all of these tasks share. Raises OSError, whose filename2 says which stream it was.

        They are the `first` of the step and those after it, out of `count`.
        """
        self._first, self._width = first, len(str(max(count - 1, 0)))
        for stream, pattern in self._patterns.items():
            for task, _, path in of_tasks(pattern, names, layout, first):
                if not is_file(pattern):
                    self._targets[stream, task] = _standard(pattern, stream, task)
                elif not is_of_task(pattern):
                    self._targets[stream, task] = self._open(path, stream)

    def open_own(self, names: Names, layout: Layout, first: int) -> set[str]:
        """Open the files that tasks have for themselves; the machines of those that cannot be opened."""
        failed = set()
        for stream, pattern in self._patterns.items():
            for task, node, path in of_tasks(pattern, names, layout, first) if is_of_task(pattern) else ():
                try:
                    self._targets[stream, task] = self._open(path, stream)
                except OSError:
                    failed.add(node)
        return failed

    def _open(self, path: str, stream: int) -> int:
        try:
            if path not in self._opened:
                self._opened[path] = os.open(path, FLAGS | (os.O_APPEND if self._append else os.O_TRUNC), 0o666)
            return self._opened[path]
        except OSError as error:
            raise OSError(error.errno, error.strerror, path, None, "stderr" if stream else "stdout") from None

    def put(self, stream: int, task: int, data: bytes) -> None:
        """Bytes of a task: its whole lines go out. What is told of losses may raise."""
        target = self._targets.get((stream, task), -1)
        if target < 0:
            return
        if self._unbuffered and not self._label:
            self._write(target, data)
            return
        line = self._lines.setdefault((stream, task), bytearray())
        text: bytes | bytearray = data  # where nothing waits for it, it need not be copied
        if line:
            text = line
            line += data
        end = text.rfind(b"\n") + 1
        if self._unbuffered or len(text) - end > LONGEST:
            end = len(text)
        if end:
            self._send(target, task, bytes(text[:end]))
        if text is line:
            del line[:end]
        else:
            line += data[end:]

    def finish(self, task: int | None = None) -> None:
        """A task has ended, or all have: what has no end of line goes out too. What is told of losses may raise."""
        for (stream, owner), line in list(self._lines.items()):
            if task in (None, owner) and line:
                self._send(self._targets[stream, owner], owner, bytes(line))
                line.clear()

    def _send(self, target: int, task: int, data: bytes) -> None:
        if self._label:
            label = f"{self._first + task:>{self._width}}: ".encode()
            data = b"".join(label + line.rstrip(b"\n") + b"\n" for line in data.splitlines(keepends=True))
        self._write(target, data)

    def _write(self, target: int, data: bytes) -> None:
        """Where nothing can be written any more, nothing is tried."""
        if target in self._lost:
            return
        try:
            _write(target, data)
        except Gone as gone:
            self._lost.add(target)
            self.lose(gone)

    def say(self, task: int, data: bytes) -> None:
        """A line of a machine's own."""
        self.put(ERR, task, data)


def is_file(pattern: str) -> bool:
    """Does an --output or --error name a file, and not a choice of tasks?"""
    return pattern not in ("", "all", "none") and not pattern.isdigit()


def _standard(pattern: str, stream: int, task: int) -> int:
    if pattern == "none" or (pattern.isdigit() and int(pattern) != task):
        return -1
    return 2 if stream == ERR else 1


def _raise(gone: Gone) -> None:
    raise gone


def _write(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(target, view) :]
        except BlockingIOError:  # whoever started srun does not want to wait for its pipe; srun has to
            _wait_for_room(target)
        except BrokenPipeError:
            raise Gone from None
        except OSError as error:
            raise Gone(error.strerror or str(error)) from None


def _wait_for_room(target: int) -> None:
    poller = poll()
    poller.register(target, POLLOUT)
    poller.poll()
