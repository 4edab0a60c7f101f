"""Tests that clients' authors run against a live Slurm, on a fleet: scripts/test-clients --own [CLIENT ...]."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.clients.environments import CACHE, environment
from tests.clients.lab import Lab, started

LIMIT = 1800  # seconds for one client's
PYTEST = "pytest==8.4.2"


class Own(NamedTuple):
    """Where a client's tests are, and which of them want a Slurm."""

    repository: str
    version: str  # tag or commit
    packages: tuple[str, ...]  # that they need besides
    words: tuple[str, ...]  # pytest's arguments
    variables: tuple[tuple[str, str], ...] = ()
    settings: tuple[tuple[str, object], ...] = ()  # of the fleet, as on their authors' cluster: lab.started's


OWN = {
    "dask_jobqueue": Own(
        "https://github.com/dask/dask-jobqueue",
        "0.9.0",
        (PYTEST, "pytest-asyncio", "pytest-timeout", "cryptography"),
        (
            "dask_jobqueue/tests/test_slurm.py",
            "dask_jobqueue/tests/test_jobqueue_core.py",
            "-E",
            "slurm",
            "--timeout=200",
            # these want the network interface and the folder of their authors' containers
            "--deselect=dask_jobqueue/tests/test_slurm.py::test_different_interfaces_on_scheduler_and_workers",
            "--deselect=dask_jobqueue/tests/test_slurm.py::test_slurm_runner",
        ),
    ),
    "dpdispatcher": Own(
        "https://github.com/deepmodeling/dpdispatcher",
        "e23bb8c364a72570eb44b703622305c45e950ccb",
        (PYTEST,),
        ("tests/test_run_submission.py", "-k", "Slurm"),
        variables=(("DPDISPATCHER_TEST", "slurm"), ("CI_SHARED_SPACE", ".")),
        settings=(("partition", "normal"),),
    ),
    "psij": Own(
        "https://github.com/ExaWorks/psij-python",
        "0.9.9",
        (PYTEST, "pytest-timeout", "pytest-cov", "requests", "filelock<3.20"),
        (
            "tests/test_executor.py",
            "tests/test_nodefile.py",
            "tests/test_wait.py",
            "--executors=slurm:srun,slurm:single",
        ),
    ),
    "snakemake": Own(
        "https://github.com/snakemake/snakemake-executor-plugin-slurm",
        "v2.7.1",
        (PYTEST,),
        ("tests/tests.py", "-k", "Workflows or Script or Escaping"),
        # a rule of theirs asks for mem=5MB, and runs Python: where memory is enforced, it ends as OUT_OF_MEMORY
        settings=(("constrain_memory", False),),
    ),
}


def source(client: str) -> Path:
    """The client's repository, cloned when it is first asked for."""
    folder, own = CACHE / "sources" / client, OWN[client]
    if not folder.exists():
        subprocess.run(["git", "clone", "--quiet", own.repository, str(folder)], check=True)
        subprocess.run(["git", "-C", str(folder), "checkout", "--quiet", own.version], check=True)
    return folder


def test(client: str, lab: Lab) -> int:
    """Run them, and show what they print. pytest's exit status."""
    own = OWN[client]
    python = environment(client, own.packages) / "bin"
    variables = lab.environment(client) | dict(own.variables)
    variables["PATH"] = f"{lab.shims}:{python}:{lab.fleet.environment['PATH']}"
    words = [str(python / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", *own.words]
    print(f"--- {client}: {' '.join(own.words)}", flush=True)
    return subprocess.run(words, cwd=source(client), env=variables, timeout=LIMIT).returncode


def main(clients: Sequence[str]) -> int:
    """Exit status 1 when one of them has failed."""
    unknown = [client for client in clients if client not in OWN]
    if unknown:
        print(
            f"test-clients: {unknown[0]} has no tests for a live Slurm; these have: {', '.join(OWN)}", file=sys.stderr
        )
        return 2
    return int(any([_alone(client) for client in clients or OWN]))


def _alone(client: str) -> int:
    """On a fleet of its own. pytest's exit status."""
    settings = dict(OWN[client].settings)
    with tempfile.TemporaryDirectory(prefix="mini_slurm-own-") as folder, started(Path(folder), **settings) as lab:
        return test(client, lab)
