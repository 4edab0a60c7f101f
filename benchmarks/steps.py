"""How fast are steps, on one machine and on four, and how fast does output come from another machine?"""

from __future__ import annotations

import json
import threading

from benchmarks.measure import fleet, resident, submit, wait_until_over
from tests.fleet.machines import Machines

STEPS = 1000  # one after the other, on their own machine
MEGABYTES = 200  # of output
# what the job measures; `python3 -c pass` and `ssh` are taken in turns with it, as the machine is shared with others
SCRIPT = """#!/usr/bin/env python3
import json, statistics, subprocess, sys, time

def seconds(*words):
    begin = time.perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin

def median(*times):
    return statistics.median(times)

ssh = ("ssh", "-F", "{ssh_config}", "node3")
big = ("head", "-c", "{size}", "/dev/zero")
on_all = [(seconds("srun", "-N4", "hostname"), seconds(*ssh, "hostname")) for _ in range(20)]
local = [(seconds("srun", "-N1", "-n1", "true"), seconds("python3", "-I", "-S", "-c", "pass")) for _ in range({steps})]
many = [seconds("srun", "--overcommit", "-n256", "true") for _ in range(3)]
near = [seconds("srun", "-N1", "-n1", *big) for _ in range(3)]
far = [(seconds("srun", "-N1", "-n1", "-w", "node3", *big), seconds(*ssh, *big)) for _ in range(3)]
json.dump(
    dict(on_all=[median(*column) for column in zip(*on_all)], local=[median(*column) for column in zip(*local)],
         mean=statistics.mean(time for time, _ in local), many=median(*many), near=median(*near),
         far=[median(*column) for column in zip(*far)]),
    open("measured.json", "w"))
"""
SLOW = f"srun -N1 -n1 -w node3 head -c {4 * MEGABYTES * 10**6} /dev/zero | (sleep 5; cat > /dev/null)"


def main() -> list[dict[str, object]]:
    """In a job on four machines over SSH to this host."""
    machine = {"cpus": 4, "memory": "4000M"}
    with fleet(node1=machine, node2=machine, node3=machine, node4=machine) as made:
        submit(made, "-N4", "--wrap", "srun -N4 true")
        wait_until_over(made, 1)
        script = SCRIPT.format(ssh_config=made.ssh_config, steps=STEPS, size=MEGABYTES * 10**6)
        (made.work / "measure.py").write_text(script)
        submit(made, "-N4", "-n4", "-o", "/dev/null", "measure.py")
        wait_until_over(made, 2, 0.5)
        measured = json.loads((made.work / "measured.json").read_text())
        more = _memory_of_slow_reader(made)
    return [*_times(measured), *_speeds(measured), _row("more memory of the controller, slow reader", more, 50, "MiB")]


def _memory_of_slow_reader(made: Machines) -> float:
    """How much larger the controller becomes while nobody reads what a task on another machine writes."""
    [controller] = made.controllers()
    before = highest = resident(controller.pid)
    done = threading.Event()

    def watch() -> None:
        nonlocal highest
        while not done.wait(0.05):
            highest = max(highest, resident(controller.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    submit(made, "-N4", "-o", "/dev/null", "--wrap", SLOW)
    wait_until_over(made, 3, 0.2)
    done.set()
    watcher.join()
    return highest - before


def _times(measured: dict[str, list[float]]) -> list[dict[str, object]]:
    on_all, ssh = measured["on_all"]
    local, python = measured["local"]
    return [
        _row(
            "`srun -N4 hostname` in a job on four machines",
            on_all * 1000,
            150,
            f"ms ({on_all / ssh:.1f} x one plain ssh)",
        ),
        _row(
            f"each of {STEPS} local steps `srun -n1 true`",
            local * 1000,
            40,
            f"ms ({local / python:.1f} x python -c pass)",
        ),
        _row("a step of 256 tasks on four machines", float(measured["many"]), 2, "s"),  # type: ignore[arg-type]
    ]


def _speeds(measured: dict[str, list[float]]) -> list[dict[str, object]]:
    far, ssh = (MEGABYTES / seconds for seconds in measured["far"])
    near = MEGABYTES / float(measured["near"])  # type: ignore[arg-type]
    return [
        _row("output of a task on the same machine", near, 50, "MB/s", at_least=True),
        _row("output of a task on another machine", far, 50, f"MB/s (one plain ssh: {ssh:.0f})", at_least=True),
    ]


def _row(what: str, value: float, limit: float, unit: str, *, at_least: bool = False) -> dict[str, object]:
    good = value >= limit if at_least else value <= limit
    word = "at least" if at_least else "at most"
    return {"what": what, "measured": f"{value:.3g} {unit}", "value": value,
            "limit": f"{word} {limit} {unit.split()[0]}", "good": good}  # fmt: skip


if __name__ == "__main__":
    for row in main():
        print(row["what"], row["measured"], row["limit"], sep=" | ")
