"""Which processes are no job's, and what they use. They are looked at only: nothing is ever done to them.

A process is a job's if it descends from a stepd, the agent, or an agent of another user that claims something here.
A use is a dictionary: pid, start (as of processes.py), age (seconds), owner, command, cpus, memory (MiB), and gpu
(UUID; "": none), index and gpu_memory (MiB) of its part in one GPU.
"""

import os
import pwd
import time
from contextlib import suppress
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from mini_slurm.agent import processes

NOTABLE_CPUS = 0.5  # on average between two looks, from which on a process is named
NOTABLE_MEMORY = 1024  # MiB
MOST = 64  # uses that are named
PAGE = os.sysconf("SC_PAGE_SIZE")
KTHREADD = 2  # the parent of the kernel's own


class Sight(NamedTuple):
    """One process: seconds of processor time it has had, and MiB it has in memory."""

    parent: int
    start: int
    seconds: float
    memory: int


def scan() -> Dict[int, Sight]:
    """All processes that can be seen, by pid."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError, IndexError, ValueError), open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
                seconds = (int(fields[11]) + int(fields[12])) / processes.TICKS
                memory = int(fields[21]) * PAGE >> 20
                found[int(name)] = Sight(int(fields[1]), int(fields[19]), seconds, memory)
    return found


def holder(pid: int, sights: Dict[int, Sight], roots: Dict[int, str]) -> Optional[str]:
    """Whose the process is: the attempt below whose process it descends, "" of another user; None: nobody's."""
    seen: Set[int] = set()
    while pid in sights and pid not in seen:
        if pid in roots:
            return roots[pid]
        seen.add(pid)
        pid = sights[pid].parent
    return None


def use(pid: int, sight: Optional[Sight], cpus: float = 0.0) -> Dict[str, Any]:
    """A process as a use, of no GPU; of one that this machine does not show only the number is known."""
    owner, command = "", ""
    if sight is not None:
        with suppress(OSError):
            owner = _name(os.stat(f"/proc/{pid}").st_uid)
            with open(f"/proc/{pid}/comm", errors="replace") as file:
                command = file.read().rstrip("\n")
    start = sight.start if sight else 0
    return {
        "pid": pid,
        "start": start,
        "age": max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - start / processes.TICKS) if sight else 0.0,
        "owner": owner,
        "command": command,
        "cpus": round(cpus, 1),
        "memory": sight.memory if sight else 0,
        "gpu": "",
        "index": -1,
        "gpu_memory": 0,
    }


def busy(
    sights: Dict[int, Sight], before: Dict[int, Sight], seconds: float, roots: Dict[int, str]
) -> List[Dict[str, Any]]:
    """The processes of nobody's that use much of the CPUs or the memory, the largest first."""
    found: List[Tuple[float, Dict[str, Any]]] = []
    for pid, sight in sights.items():
        past = before.get(pid)
        known = past is not None and past.start == sight.start
        cpus = (sight.seconds - past.seconds) / seconds if past is not None and known and seconds > 0 else 0.0
        if (cpus < NOTABLE_CPUS and sight.memory < NOTABLE_MEMORY) or pid == KTHREADD or sight.parent == KTHREADD:
            continue
        if holder(pid, sights, roots) is None:
            found.append((cpus + sight.memory / NOTABLE_MEMORY, use(pid, sight, cpus)))
    return [one for _, one in sorted(found, key=lambda pair: -pair[0])[:MOST]]


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
