"""How fast does the Python client submit, and how soon does it hear of the end of the last of many jobs?

The jobs wait while they are submitted, as a queue of them does; then they run. The controller is at work all the time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.measure import fleet
from mini_slurm import Client
from tests.fleet.machines import Machines

JOBS = 1000
LEAST = 500  # submissions a second
LATEST = 0.100  # seconds
RUNS = 3


@contextmanager
def program(made: Machines) -> Iterator[Client]:
    """A client in this process, as a program on the login node has it."""
    before, folder = dict(os.environ), os.getcwd()
    os.environ.update(made.environment)
    os.chdir(made.work)
    try:
        with Client() as client:
            yield client
            made.end_controllers()
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(before)


def main() -> list[dict[str, object]]:
    """The best of three runs of 1,000 jobs, each on disk when submit() returns; and the wait for each of these runs."""
    rates, late = [], []
    with fleet(node1={"cpus": 8, "memory": "8000M"}) as made, program(made) as client:
        client.submit(wrap="true", output="/dev/null").check(60)
        for _ in range(RUNS):
            gate = client.submit(wrap="sleep 1000", exclusive=True, output="/dev/null")
            begin = time.perf_counter()
            jobs = [client.submit(wrap="true", output="/dev/null") for _ in range(JOBS)]
            rates.append(JOBS / (time.perf_counter() - begin))
            gate.cancel()
            found = client.wait(jobs, 300)
            late.append(time.time() - max(info.end_time.timestamp() for info in found.values() if info.end_time))
    rate, seconds = max(rates), max(late)
    shown = ", ".join(f"{one:.0f}" for one in rates)
    return [
        {"what": "Client.submit, 1,000 jobs from one process", "value": rate, "measured": f"{shown} a second",
         "limit": f"the best at least {LEAST} a second", "good": rate >= LEAST},
        {"what": "Client.wait on 1,000 jobs: from the last end to its return", "value": seconds,
         "measured": ", ".join(f"{one * 1000:.0f}" for one in late) + " ms",
         "limit": f"each at most {LATEST * 1000:.0f} ms", "good": seconds <= LATEST},
    ]  # fmt: skip
