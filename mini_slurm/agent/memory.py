"""How much memory an attempt's processes have, and what is done when it is more than the job asked for.

Where cgroups can be made the kernel sees to it. Elsewhere the processes are looked at every second: as the kernel's
out-of-memory handler does, this kills the largest one and leaves the others alone: the script sees `Killed`, and may go
on. The job is OUT_OF_MEMORY at its end.
"""

import os
import signal
from contextlib import suppress
from typing import Callable, Dict, Iterable, List, Optional

from mini_slurm.agent import cgroup
from mini_slurm.agent.log import log

LEAST = 30  # MiB that a job has in any case, as with Slurm's MinRAMSpace: below that hardly a shell runs
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
        self.limit = max(limit, LEAST) if limit else 0
        self.due = begun + PAUSE  # when look() is to be called
        self.folder = ""  # of the cgroup; "": there is none, and this sees to the limit
        self._group: Optional[cgroup.Group] = None  # the one in it that has the processes, until they have ended
        self.peak = 0  # KiB, the most that all processes had together, as far as it was seen
        self._kills = 0

    @property
    def kills(self) -> int:
        """How many processes were killed for their memory."""
        return self._kills + (self._group.kills() if self._group else 0)

    def enclose(self, beginning: str, attempt: str, is_job: bool) -> None:
        """Have the kernel see to the limit, if there is one, in a cgroup whose path begins with this, if any can."""
        if self.limit and beginning:
            self._enclose(beginning + attempt, cgroup.make_for_job if is_job else cgroup.make)

    def enclose_within(self, job: str, step: str) -> None:
        """The same for a step whose job has a cgroup: whatever it asked for, it is in there."""
        self._enclose(f"{job}/{step}", cgroup.make)

    def add(self, pid: int) -> None:
        """Put a process that has not begun into the cgroup, if there is one."""
        if self._group:
            try:
                self._group.add(pid)
            except OSError as error:
                self._do_without(error)

    def find(self, folder: str) -> None:
        """Take up the cgroup that another watch has made, if it has."""
        self.folder = folder
        self._group = cgroup.with_processes(folder) if folder else None

    def with_hidden(self, pids: List[int]) -> List[int]:
        """These processes, and those that are in the cgroup."""
        return sorted({*pids, *self._group.pids()}) if self._group else pids

    def settle(self) -> int:
        """All processes have ended: note what the kernel says. How many were killed."""
        if self._group:
            self._kills = self.kills
            # Without a kill the kernel's peak says too much: it keeps what was read of files as long as there is room.
            self.peak = max(self.peak, self._group.peak() if self._kills else 0)
            self._group = None
        return self._kills

    def close(self) -> None:
        """Give the cgroup back."""
        if self.folder:
            cgroup.remove(self.folder)

    def _enclose(self, folder: str, make: Callable[[str, int], None]) -> None:
        self.folder = folder
        try:
            make(folder, self.limit)
            self._group = cgroup.with_processes(folder)
        except OSError as error:
            self._do_without(error)

    def _do_without(self, error: OSError) -> None:
        log(f"memory is watched, as the cgroup {self.folder} cannot be used: {error}")
        cgroup.remove(self.folder)
        self.folder, self._group = "", None

    def look(self, pids: Iterable[int], now: float) -> None:
        """Measure these processes, and kill the largest if they have too much."""
        self.due = now + PAUSE
        sizes = {pid: _resident(pid) for pid in pids}
        most = self.limit * 1024
        if most and sum(sizes.values()) > most:
            sizes = {pid: _share(pid, size) for pid, size in sizes.items()}
        total = sum(sizes.values())
        self.peak = max(self.peak, total)
        if most and total > most and not self._group:
            self._kill_largest(sizes)

    def _kill_largest(self, sizes: Dict[int, int]) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(max(sizes, key=lambda pid: sizes[pid]), signal.SIGKILL)
            self._kills += 1


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
