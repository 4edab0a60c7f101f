"""Times of clients' programs on a fleet and on a real Slurm, in turns: scripts/test-clients --beside [CLIENT ...].

The real one is that of tests/clusters, on this machine, which keeps no accounting: clients that ask sacct are left out.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.clients.environments import HERE, environment
from tests.clients.lab import Lab, started
from tests.clusters.real_slurm import Slurm, missing

CLIENTS = ("dask_jobqueue", "dpdispatcher", "executorlib", "qtoolkit")
ROUNDS = 5
LIMIT = 300  # seconds for one program
PARTITION = "PartitionName=main Nodes=sl[1-2] State=UP\n"


def seconds(client: str, variables: Mapping[str, str], folder: Path) -> float:
    """How long the client's program takes, in a new folder."""
    with tempfile.TemporaryDirectory(dir=folder) as work:
        begin = time.monotonic()
        words = ["python", str(HERE / client / "work.py")]
        done = subprocess.run(words, env=variables, cwd=work, capture_output=True, text=True, timeout=LIMIT)
        assert done.returncode == 0, f"{client}: {done.stdout}{done.stderr}"
        return time.monotonic() - begin


def theirs(client: str, slurm: Slurm, folder: Path) -> dict[str, str]:
    """The environment of a shell with the client and the real Slurm."""
    path = f"{environment(client) / 'bin'}:{slurm.environment['PATH']}"
    return {**slurm.environment, "PATH": path, "HOME": str(folder), "USER": "root", "LANG": "C.UTF-8"}


def main(clients: Sequence[str]) -> int:
    """Print a table; exit status 1 where ours takes longer."""
    unknown = [client for client in clients if client not in CLIENTS]
    why = missing() or (f"{unknown[0]} is none of {', '.join(CLIENTS)}" if unknown else "")
    if why:
        print(f"test-clients: {why}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="mini_slurm-beside-", dir="/var/lib") as name:
        os.chmod(name, 0o755)
        folder = Path(name)
        (folder / "slurm").mkdir()
        slurm = Slurm(folder / "slurm")
        with open(slurm.configuration, "a") as file:
            file.write(PARTITION)
        try:
            slurm.start()
            with started(folder) as lab:
                return int(any([_is_slower(client, lab, slurm, folder) for client in clients or CLIENTS]))
        finally:
            slurm.close()


def _is_slower(client: str, lab: Lab, slurm: Slurm, folder: Path) -> bool:
    """Measure one client, and print its row."""
    ours, real = lab.environment(client), theirs(client, slurm, folder)
    rounds = [(seconds(client, ours, folder), seconds(client, real, folder)) for _ in range(ROUNDS)]
    own, other = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(f"{client:20} ours {own:6.1f} s  a real Slurm {other:6.1f} s  ratio of medians {own / other:.2f}", flush=True)
    return own > other
