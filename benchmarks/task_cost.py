"""What a task of `bash -c true` over four SSH machines costs each part of us: CPU time, which other load changes less.

`python -m benchmarks.task_cost [ROUNDS [TASKS]]` prints a JSON line a round; milliseconds a task. `xargs` is what the
same scripts cost by themselves, in the same minute; `scripts` what they cost as jobs, with the making of a process.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from benchmarks.measure import fleet, submit, wait_until_over
from benchmarks.throughput import WRAPPED, plain_rate
from tests.fleet.machines import Machines
from tests.fleet.processes import Process, everything, mentioning

TICK = os.sysconf("SC_CLK_TCK")


def own(pid: int) -> float:
    """Seconds of CPU time of a process's threads."""
    spent = 0.0
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            spent += int((thread / "schedstat").read_text().split()[0]) / 1e9
    return spent


def of_children(pid: int) -> float:
    """Seconds of CPU time of those that a process has reaped."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[13]) + int(fields[14])) / TICK
    return 0.0


def spent(made: Machines) -> dict[str, float]:
    """Seconds of CPU time so far, by who."""
    ours = mentioning(made.folder)
    stepds = [process for process in ours if process.name == "msstepd"]
    agents, controllers = made.agents(), made.controllers()
    rest = {process.pid for process in [*stepds, *agents, *controllers]}
    others = [process for process in everything().values() if process.name.startswith("sshd") or process in ours]
    return {
        "controller": _sum(controllers),
        "agents": _sum(agents),
        "stepds": _sum(stepds),
        "ssh": _sum(process for process in others if process.pid not in rest),
        "scripts": sum(of_children(process.pid) for process in stepds),
    }


def _sum(processes: Iterable[Process]) -> float:
    return sum(own(process.pid) for process in processes)


def plain_cost(script: str) -> tuple[float, float]:
    """Such scripts a second by xargs, and the milliseconds of CPU time of one."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    rate = plain_rate(script)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return rate, used


def main(rounds: int = 3, tasks: int = 1000) -> None:
    """Measure, and print."""
    with fleet(**{f"node{number}": {"cpus": 8, "memory": "8000M"} for number in range(1, 5)}) as made:
        script = made.work / "script"
        script.write_text(WRAPPED)
        script.chmod(0o700)
        done = 64
        submit(made, "--array=1-64", "--wrap", "true")
        wait_until_over(made, done)
        for _ in range(rounds):
            plain, cost = plain_cost(str(script))
            before, begin = spent(made), time.perf_counter()
            submit(made, f"--array=1-{tasks}", "--wrap", "bash -c true")
            done += tasks
            wait_until_over(made, done)
            seconds, after = time.perf_counter() - begin, spent(made)
            used = {who: round((after[who] - before[who]) / tasks * 1000, 2) for who in after}
            ours = round(used["controller"] + used["agents"] + used["stepds"], 2)
            rates = {"tasks_a_second": round(tasks / seconds), "xargs_a_second": round(plain), "xargs": round(cost, 2)}
            print(json.dumps({**rates, **used, "ours": ours}), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
