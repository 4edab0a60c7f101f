"""What the measurements share: a fleet of real sshd on this host, medians, and waiting."""

from __future__ import annotations

import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mini_slurm.store.schema import UNFINISHED
from tests.fleet.machines import Machines

RUNS = 40


@contextmanager
def fleet(**machines: dict[str, object]) -> Iterator[Machines]:
    """Machines with sshd on loopback, and a state folder of their own."""
    with tempfile.TemporaryDirectory(prefix="mini_slurm-bench-") as folder:
        made = Machines(Path(folder) / "fleet")
        try:
            for name, table in machines.items():
                made.add(name, **table)
            yield made
        finally:
            made.close()


def medians(actions: dict[str, Callable[[], object]], runs: int = RUNS) -> dict[str, float]:
    """The median seconds of each action; they take turns, so that what else the machine does falls on all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(runs):
        for name, action in actions.items():
            begin = time.perf_counter()
            action()
            seconds[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in seconds.items()}


def submit(made: Machines, *words: str) -> int:
    """The number of a job submitted with msbatch."""
    done = made.run("msbatch", "--parsable", *words)
    if done.returncode:
        sys.exit(done.stderr)
    return int(done.stdout)


def wait_until_over(made: Machines, jobs: int, pause: float = 0.02) -> None:
    """Until the state folder knows this many jobs that have ended well, and no other."""
    with closing(sqlite3.connect(made.state / "state.sqlite3", timeout=30)) as db:
        # an index knows what is unfinished: to count thousands of rows each time would be a load of its own
        while _has_unfinished(db) or _states(db) != {"COMPLETED": jobs}:
            time.sleep(pause)


def _has_unfinished(db: sqlite3.Connection) -> bool:
    return db.execute(f"SELECT 1 FROM job WHERE {UNFINISHED} LIMIT 1").fetchone() is not None


def _states(db: sqlite3.Connection) -> dict[str, int]:
    return dict(db.execute("SELECT state, count(*) FROM job GROUP BY state"))


def resident(pid: int) -> float:
    """MiB of memory that a process has in use."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def run(made: Machines, *words: str) -> Callable[[], object]:
    """An action for medians(): run this command and throw its output away."""
    settings = {"env": made.environment, "cwd": made.work, "stdin": subprocess.DEVNULL}
    return lambda: subprocess.run(words, stdout=subprocess.DEVNULL, check=True, **settings)
