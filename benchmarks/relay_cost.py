"""What a megabyte of a task's output costs each process on its way from another machine to srun, as CPU time.

`python -m benchmarks.relay_cost [ROUNDS [MEGABYTES]]` prints a JSON line a round; milliseconds a megabyte.
"""

from __future__ import annotations

import json
import os
import sys
import time

from benchmarks.measure import fleet, submit, wait_until_over
from benchmarks.task_cost import of_children, own
from tests.fleet import processes
from tests.fleet.machines import Machines

WRITER, READER = "node2", "node1"
# one step for each line of the one FIFO; what srun took goes into the other
SCRIPT = """#!/usr/bin/env python3
import resource, subprocess
orders, answers = open("orders"), open("answers", "w")
for line in orders:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = ["srun", "-N1", "-n1", "-w", "{writer}", "head", "-c", line.strip(), "/dev/zero"]
    subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, file=answers, flush=True)
"""


def spent(made: Machines) -> dict[str, float]:
    """Seconds of CPU time so far, by who."""
    ours = processes.mentioning(made.folder)
    stepds = [process.pid for process in ours if process.name == "msstepd"]
    agents = {process.pid: process for process in made.agents()}
    relays = [process.pid for process in ours if "s.readline" in process.command]
    sessions = [session.pid for machine in made.machines.values() for session in machine.sessions()]
    found = {
        "controller": sum(own(process.pid) for process in made.controllers()),
        "stepds": sum(map(own, stepds)),
        "task": sum(map(of_children, stepds)),
        "relays": sum(map(own, relays)),
        "sshd": sum(map(own, sessions)),
    }
    for name in (READER, WRITER):
        here = [pid for pid, process in agents.items() if f"/{name}/" in process.command]
        found[f"agent of {'reader' if name == READER else 'writer'}"] = sum(map(own, here))
    return found


def main(rounds: int = 5, megabytes: int = 200) -> None:
    """Measure, and print."""
    machine = {"cpus": 4, "memory": "4000M"}
    with fleet(**{READER: machine, WRITER: machine}) as made:
        for name in ("orders", "answers"):
            os.mkfifo(made.work / name)
        (made.work / "measure.py").write_text(SCRIPT.format(writer=WRITER))
        submit(made, "-N2", "-w", f"{READER},{WRITER}", "-o", "measured.out", "measure.py")
        with open(made.work / "orders", "w") as orders, open(made.work / "answers") as answers:
            for number in range(rounds + 1):
                before, begin = spent(made), time.perf_counter()
                print(megabytes * 10**6, file=orders, flush=True)
                of_srun = float(answers.readline())
                seconds, after = time.perf_counter() - begin, spent(made)
                if number:  # the first one is of processes that have not done this before
                    _show(megabytes, seconds, {"srun": of_srun, **{who: after[who] - before[who] for who in after}})
        wait_until_over(made, 1)


def _show(megabytes: int, seconds: float, used: dict[str, float]) -> None:
    costs = {who: round(value / megabytes * 1000, 2) for who, value in used.items()}
    total = round(sum(used.values()) / megabytes * 1000, 1)
    print(json.dumps({"MB/s": round(megabytes / seconds, 1), "all": total, **costs}), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
