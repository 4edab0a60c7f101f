"""The same tasks by HyperQueue, where that is installed (`pip install hyperqueue`): no part of the project needs it.

`python -m benchmarks.hyperqueue_rate SCRIPT TASKS` prints tasks a second. Its server and its four workers of 8 cores
are threads of this process, without SSH; standard output and error of each task are kept in a file each.
"""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

WORKERS, CORES = 4, 8


def is_there() -> bool:
    """Is HyperQueue installed?"""
    return importlib.util.find_spec("hyperqueue") is not None


def rate(script: str, tasks: int) -> float:
    """Such scripts a second, in a process of their own."""
    words = [sys.executable, "-m", "benchmarks.hyperqueue_rate", script, str(tasks)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"HyperQueue could not be measured: {done.stderr}")
    return float(done.stdout.split()[-1])


def main(script: str, tasks: int) -> None:
    """Run them, and print the rate."""
    cluster = importlib.import_module("hyperqueue.cluster")
    with tempfile.TemporaryDirectory(prefix="mini_slurm-bench-") as folder, cluster.LocalCluster() as made:
        for _ in range(WORKERS):
            made.start_worker(cluster.WorkerConfig(cores=CORES))
        client = made.client()
        _seconds(client, Path(folder) / "first", script, WORKERS * CORES)
        print(tasks / _seconds(client, Path(folder) / "measured", script, tasks))


def _seconds(client: Any, folder: Path, script: str, tasks: int) -> float:
    """From the submission to the start of the last task: the client itself looks once a second whether all are over."""
    job = importlib.import_module("hyperqueue").Job(default_workdir=folder)
    folder.mkdir()
    for _ in range(tasks):
        job.program([script])
    begin = time.time()
    client.wait_for_jobs([client.submit(job)])
    outputs = list(folder.glob("*.stdout"))
    assert len(outputs) == tasks, f"{len(outputs)} outputs of {tasks}"
    return max(path.stat().st_mtime for path in outputs) - begin


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
