"""Looking at processes through /proc: who belongs to a test, who descends from whom."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Process(NamedTuple):
    """One process as /proc shows it."""

    pid: int
    parent: int
    name: str
    command: str

    def __str__(self) -> str:
        return f"{self.pid} (child of {self.parent}): {self.command or self.name}"


def read(pid: int) -> Process | None:
    """A process that is there and no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return None
    name, rest = stat.split("(", 1)[1].rsplit(")", 1)
    state, parent = rest.split()[:2]
    text = command.replace(b"\0", b" ").decode(errors="replace").strip()
    return None if state in "ZX" else Process(pid, int(parent), name, text)


def everything() -> dict[int, Process]:
    """All processes that are no zombies."""
    found = (read(int(entry)) for entry in os.listdir("/proc") if entry.isdigit())
    return {process.pid: process for process in found if process}


def alive(pid: int) -> bool:
    """Whether it is there and no zombie."""
    return read(pid) is not None


def descendants(pids: Iterable[int], among: dict[int, Process] | None = None) -> list[Process]:
    """Children, their children and so on; not the processes themselves."""
    processes = everything() if among is None else among
    found = set(pids)
    below: list[Process] = []
    while more := [p for p in processes.values() if p.parent in found and p.pid not in found]:
        below += more
        found |= {process.pid for process in more}
    return below


def mentioning(folder: Path) -> list[Process]:
    """Processes whose environment, arguments or working folder name the test's folder; this one is left out."""
    word = os.fsencode(folder)
    return [p for p in everything().values() if p.pid != os.getpid() and _mentions(p.pid, word)]


def _mentions(pid: int, word: bytes) -> bool:
    for source in ("environ", "cmdline"):
        try:
            if word in Path(f"/proc/{pid}/{source}").read_bytes():
                return True
        except OSError:
            continue  # it is gone, or somebody else's
    try:
        return os.fsencode(os.readlink(f"/proc/{pid}/cwd")).startswith(word)
    except OSError:
        return False


def kill(processes: Iterable[Process], number: int = signal.SIGKILL) -> None:
    """Send a signal to each that is still the process it was."""
    for process in processes:
        now = read(process.pid)
        if now and now.name == process.name:
            os.kill(process.pid, number)
