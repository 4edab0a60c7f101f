"""What does it cost to pass a job on to a real Slurm, and how often is that asked for the states of many jobs?"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mini_slurm.clusters.refresh import SPAN, Refresh
from mini_slurm.clusters.slurm import Slurm as Reader
from mini_slurm.store import database
from tests.clusters.conftest import FLEET
from tests.clusters.real_slurm import PATH, Slurm, missing
from tests.unit.test_clusters_refresh import COMMANDS, JOBS, Counting, fill
from tests.unit.test_clusters_slurm import ENTRY

RUNS = 40
LIMIT = 0.060  # seconds that ours may take longer
CALLS = 2


def main() -> list[dict[str, object]]:
    """Both, in one run."""
    if missing():
        sys.exit(missing())
    with tempfile.TemporaryDirectory(prefix="mini_slurm-bench-", dir="/var/lib") as name:
        folder = Path(name)
        (folder / "slurm").mkdir()
        slurm = Slurm(folder / "slurm")
        try:
            slurm.start()
            first = _passing_through(folder, slurm)
        finally:
            slurm.close()
        return [*first, _states(folder / "states")]


def _passing_through(folder: Path, slurm: Slurm) -> list[dict[str, object]]:
    (folder / "fleet.toml").write_text(FLEET.format(configuration=slurm.configuration))
    (folder / "home").mkdir()
    ours = {
        "PATH": f"{Path(sys.executable).parent}:{PATH}", "HOME": str(folder / "home"),
        "MINI_SLURM_STATE": str(folder / "state"), "MINI_SLURM_FLEET": str(folder / "fleet.toml"),
        "MINI_SLURM_SPOOL": str(folder / "spool"),
    }  # fmt: skip
    job = ("-H", "-o", "/dev/null", "--wrap", "true")
    times: dict[str, list[tuple[float, float]]] = {"sbatch": [], "msbatch": [], "python": []}
    _run(("msbatch", "-M", "big", *job), ours, folder)  # starts the controller, and warms everything
    for _ in range(RUNS):
        times["python"].append(_run((sys.executable, "-c", "pass"), ours, folder))
        times["sbatch"].append(_run(("sbatch", *job), slurm.environment, folder))
        times["msbatch"].append(_run(("msbatch", "-M", "big", *job), ours, folder))
    _run(("mini-slurm", "stop", "--all"), ours, folder)  # the agent, too
    slurm.run("scancel", "--state=PENDING")
    cpu, wall = (
        statistics.median(row[column] for row in times["msbatch"])
        - statistics.median(row[column] for row in times["sbatch"])
        for column in (0, 1)
    )
    bare = statistics.median(row[0] for row in times["python"])
    measured = (
        f"{cpu * 1000:.0f} ms of processor time, `python -c pass` {bare * 1000:.0f} ms ({wall * 1000:.0f} ms passed)"
    )
    return [
        {"what": "msbatch -M of a real Slurm, over its own sbatch", "measured": measured, "value": cpu,
         "limit": f"at most {LIMIT * 1000:.0f} ms", "good": cpu <= LIMIT}
    ]  # fmt: skip


def _run(words: tuple[str, ...], environment: dict[str, str], folder: Path) -> tuple[float, float]:
    """Processor time and time of a command."""
    begin = time.perf_counter()
    program = shutil.which(words[0], path=environment["PATH"])
    assert program is not None
    child = subprocess.Popen(
        [program, *words[1:]], env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{words[0]}: exit status {child.returncode}")
    return used.ru_utime + used.ru_stime, time.perf_counter() - begin


def _states(folder: Path) -> dict[str, Any]:
    folder.mkdir()
    fill(folder)
    slurm = Counting("RUNNING")
    end = time.monotonic() + 3 * SPAN

    def wait() -> None:
        db = database.open_database(str(folder))
        while time.monotonic() < end:
            Refresh(str(folder), db, ENTRY.name, Reader(ENTRY), slurm).run()
            time.sleep(0.05)
        db.close()

    with ThreadPoolExecutor(COMMANDS) as commands:
        for done in [commands.submit(wait) for _ in range(COMMANDS)]:
            done.result()
    most = max(sum(first <= moment < first + SPAN for moment in slurm.moments) for first in slurm.moments)
    return {
        "what": f"calls for the states of {JOBS:,} jobs in {SPAN:g} s, {COMMANDS} commands wait", "measured": str(most),
        "value": most, "limit": f"at most {CALLS}", "good": most <= CALLS,
    }  # fmt: skip
