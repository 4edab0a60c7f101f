"""A person at a terminal: a command with a terminal of its own, to which a test types."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from select import select

from tests.fleet.machines import LoginNode

ROWS, COLUMNS = 30, 90


class Terminal:
    """What it shows is collected."""

    def __init__(self, pid: int, master: int) -> None:
        self._pid = pid
        self._master = master
        self.shown = ""

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def paste(self, text: str) -> None:
        """Have so much come that it does not go in at once; what is shown meanwhile is read."""
        rest = text.encode()
        while rest:
            self._read(0)
            if select([], [self._master], [], 0.2)[1]:
                rest = rest[os.write(self._master, rest[:1024]) :]

    def shows(self, text: str, seconds: float = 30) -> None:
        """Wait until this has been shown since the last time."""
        end = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < end, f"{text!r} is not in {self.shown!r}"
            self._read()
        self.shown = self.shown.partition(text)[2]

    def _read(self, seconds: float = 0.2) -> bool:
        if not select([self._master], [], [], seconds)[0]:
            return True
        with suppress(OSError):  # the other side has ended
            data = os.read(self._master, 4096)
            self.shown += data.decode(errors="replace")
            return bool(data)
        return False

    def end(self) -> int:
        """The command's exit status, when it has ended."""
        while self._read():
            continue
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


@contextmanager
def at_terminal(fleet: LoginNode, *words: str) -> Iterator[Terminal]:
    """Start a command there."""
    pid, master = pty.fork()
    if not pid:
        os.chdir(fleet.work)
        os.execvpe(words[0], words, {**fleet.environment, "TERM": "dumb", "PS1": "$ "})
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    try:
        yield Terminal(pid, master)
    finally:
        os.close(master)
