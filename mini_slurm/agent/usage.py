"""What the tasks of a job use just now, as /proc counts it: the answer to a Measure."""

import os
from contextlib import suppress
from typing import Dict, Iterable, List, Tuple

from mini_slurm.agent import processes
from mini_slurm.agent.attempt import Attempt
from mini_slurm.agent.part import Part
from mini_slurm.protocol.messages import Measure, Measured

KIB = os.sysconf("SC_PAGE_SIZE") // 1024  # in a page
FIGURES = 6  # of a task, behind its number


def answer(order: Measure, attempts: Dict[str, Attempt], gpus: List[int]) -> Measured:
    """The figures of the job's script and of the steps' tasks that run on this machine."""
    tasks: Dict[str, List[List[float]]] = {}
    pids: Dict[str, List[int]] = {}
    for name, attempt in attempts.items():
        job, _, step = name.partition("-")
        if job != order.attempt or attempt.started is None or attempt.ended is not None:
            continue
        trees = [(task, [root, *processes.descendants([root])]) for task, root in _roots(attempt)]
        if trees:
            tasks[step] = [[task, *_together(tree)] for task, tree in trees]
            pids[step] = [pid for _, tree in trees for pid in tree]
    return Measured(order.attempt, order.number, tasks, pids, _frequency(), gpus)


def _roots(attempt: Attempt) -> List[Tuple[int, int]]:
    numbers = attempt.tasks if isinstance(attempt, Part) else [0]
    return [(task, pid) for task, pid in zip(numbers, attempt.children) if pid and processes.look(pid)]


def _together(pids: Iterable[int]) -> List[float]:
    """Resident and virtual memory in KiB, page faults, seconds of processor time, bytes read and written."""
    total = [0.0] * FIGURES
    for pid in pids:
        total = [one + other for one, other in zip(total, _figures(pid))]
    return total


def _figures(pid: int) -> List[float]:
    found = [0.0] * FIGURES
    with suppress(OSError, ValueError, IndexError):
        virtual, resident = _read(pid, "statm").split()[:2]
        found[:2] = int(resident) * KIB, int(virtual) * KIB
        fields = _read(pid, "stat").rpartition(b")")[2].split()
        found[2] = int(fields[9])  # proc(5): majflt; utime, stime and those of children that were waited for
        found[3] = sum(map(int, fields[11:15])) / processes.TICKS
        amounts = dict(line.split(b": ") for line in _read(pid, "io").splitlines())
        found[4:] = int(amounts[b"rchar"]), int(amounts[b"wchar"])
    return found


def _read(pid: int, name: str) -> bytes:
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read()


def _frequency() -> int:
    """kHz at which the machine's CPUs run, on average; 0 where it does not tell."""
    with suppress(OSError, ValueError, ZeroDivisionError), open("/proc/cpuinfo", "rb") as file:
        found = [float(line.partition(b":")[2]) for line in file if line.startswith(b"cpu MHz")]
        return int(sum(found) / len(found) * 1000)
    return 0
