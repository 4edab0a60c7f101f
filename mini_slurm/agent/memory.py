"""How much memory an attempt's processes have, and what is done when it is more than the job asked for.

The processes are looked at every second. As the kernel's out-of-memory handler does, this kills the largest one and
leaves the others alone: the script sees `Killed`, and may go on. The job is OUT_OF_MEMORY at its end.
"""

import os
import signal
from contextlib import suppress
from typing import Dict, Iterable

PAUSE = 1.0  # seconds between two looks
PAGE = os.sysconf("SC_PAGE_SIZE") // 1024  # KiB
EXIT_SIGNAL = 125  # what Slurm books for a job that was out of memory
MESSAGE = (
    "Detected {} oom-kill event(s) in StepId={}. Some of your processes may have been killed by the"
    " cgroup out-of-memory handler."
)


class Watch:
    """The memory of one attempt on one machine."""

    def __init__(self, limit: int, begun: float) -> None:
        """`limit` in MiB, 0 for none; `begun`: now, by the clock that look() is given."""
        self._limit = limit * 1024
        self.due = begun + PAUSE  # when look() is to be called
        self.peak = 0  # KiB, the most that all processes had together
        self.kills = 0

    def look(self, pids: Iterable[int], now: float) -> None:
        """Measure these processes, and kill the largest if they have too much."""
        self.due = now + PAUSE
        sizes = {pid: _resident(pid) for pid in pids}
        if self._limit and sum(sizes.values()) > self._limit:
            sizes = {pid: _share(pid, size) for pid, size in sizes.items()}
        total = sum(sizes.values())
        self.peak = max(self.peak, total)
        if self._limit and total > self._limit:
            self._kill_largest(sizes)

    def _kill_largest(self, sizes: Dict[int, int]) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(max(sizes, key=lambda pid: sizes[pid]), signal.SIGKILL)
            self.kills += 1


def _resident(pid: int) -> int:
    """KiB that a process has in memory, those included that it shares with others; 0: it is gone."""
    with suppress(OSError, IndexError, ValueError), open(f"/proc/{pid}/statm", "rb") as file:
        return int(file.read().split()[1]) * PAGE
    return 0


def _share(pid: int, resident: int) -> int:
    """KiB of a process, with what several share counted once among them; `resident` where the kernel does not tell."""
    with suppress(OSError, ValueError), open(f"/proc/{pid}/smaps_rollup", "rb") as file:
        for line in file:
            if line.startswith(b"Pss:"):
                return int(line.split()[1])
    return resident
