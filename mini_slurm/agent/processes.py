"""Processes as /proc shows them: who descends from whom, who belongs to an attempt."""

import os
import signal
import time
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Set, Tuple

MARK = "MINI_SLURM_ATTEMPT"
TICKS = os.sysconf("SC_CLK_TCK")  # a second
LATE = 5  # ticks; no process number comes up again within this time


class Process(NamedTuple):
    """What /proc/PID/stat says. `start`, in clock ticks since the boot, and the pid name one process for ever."""

    pid: int
    state: str
    parent: int
    session: int
    start: int


def look(pid: int) -> Optional[Process]:
    """The process of this number; None if there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if len(fields) < 20:
        return None
    return Process(pid, fields[0].decode(), int(fields[1]), int(fields[3]), int(fields[19]))


def start_now() -> int:
    """The `start` of a process that is made just now."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * TICKS)


def start_of(pid: int, since: int) -> int:
    """The `start` of a process that was made since then, as is_running() takes it."""
    latest = start_now()
    if latest - since <= LATE:
        return latest  # not from /proc: that costs half as much as the process
    found = look(pid)
    return found.start if found else latest


def is_running(pid: int, start: int) -> bool:
    """Is this very process alive, and not just waiting to be reaped? `start` may be a few ticks late."""
    found = look(pid)
    return found is not None and 0 <= start - found.start <= LATE and found.state not in "ZX"


def everything() -> List[Process]:
    """All processes that can be seen."""
    found = (look(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return [process for process in found if process]


def ended_children() -> Iterator[Tuple[int, int, Any]]:
    """Children of this process that have ended: pid, wait status and what they used (getrusage(2)). They are reaped."""
    while True:
        try:
            pid, status, used = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        yield pid, status, used


def has_children() -> bool:
    """Has this process any, ended or not?"""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def descendants(roots: Iterable[int]) -> List[int]:
    """The processes below these, without them, parents first."""
    try:
        return _below(roots)
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN
        return _below_by_scan(roots)


def members(attempt: str, session: int) -> List[int]:
    """The processes of an attempt whose stepd is lost: by environment, session (0: none) and descent."""
    mark = f"\0{MARK}={attempt}\0".encode()
    alive = {process.pid: process for process in everything() if process.state not in "ZX"}
    roots = [pid for pid, process in alive.items() if (session and process.session == session) or _has(pid, mark)]
    mine = set(roots) | set(descendants(roots))
    return sorted(mine.intersection(alive) - {os.getpid()})


def send(pids: Iterable[int], number: int) -> None:
    """A signal to each; those that are gone, or may not be signalled, are passed over."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def freeze_and_kill(pids: List[int]) -> None:
    """SIGKILL, after all were stopped: what forks faster than it is killed one by one comes to an end too."""
    send(pids, signal.SIGSTOP)
    send(pids, signal.SIGKILL)


def _below(roots: Iterable[int]) -> List[int]:
    found: List[int] = []
    queue = list(roots)
    for pid in queue:
        try:
            threads = os.listdir(f"/proc/{pid}/task")
        except (FileNotFoundError, ProcessLookupError):
            continue
        for thread in threads:
            children = _children(pid, thread)
            found += children
            queue += children
    return found


def _children(pid: int, thread: str) -> List[int]:
    try:
        with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
            return [int(word) for word in file.read().split()]
    except ProcessLookupError:
        return []
    except FileNotFoundError:
        if os.path.exists(f"/proc/self/task/{os.getpid()}/children"):
            return []
        raise


def _below_by_scan(roots: Iterable[int]) -> List[int]:
    children: Dict[int, List[int]] = {}
    for process in everything():
        children.setdefault(process.parent, []).append(process.pid)
    found: List[int] = []
    seen: Set[int] = set()
    queue = list(roots)
    for pid in queue:
        if pid not in seen:
            seen.add(pid)
            found += children.get(pid, [])
            queue += children.get(pid, [])
    return found


def _has(pid: int, mark: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return mark in b"\0" + file.read()
    except OSError:
        return False
