"""The fleet that all clients share, and which of them are tested."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.clients.environments import HERE
from tests.clients.lab import NODES, SETTINGS, Lab
from tests.fleet import sshd
from tests.fleet.conftest import skip_or_fail
from tests.fleet.machines import Machines

QUICK = ("dask_jobqueue", "psij", "simple_slurm", "submitit")  # those that all tests include
CLIENTS = sorted(path.parent.name for path in HERE.glob("*/requirements.txt"))
TIMED = ("psij", "simple_slurm", "submitit")  # those that say what became of a job

TESTED = CLIENTS if os.environ.get("MINI_SLURM_CLIENTS") == "all" else QUICK

collect_ignore = [client for client in CLIENTS if client not in TESTED]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two machines, used by all: clients take their own jobs only for theirs."""
    skip_or_fail(sshd.missing())
    fleet = Machines(tmp_path_factory.mktemp("clients") / "fleet")
    try:
        for name, table in NODES.items():
            fleet.add(name, **table)
        fleet.write_fleet(**SETTINGS)
        yield Lab(fleet)
    finally:
        fleet.close()


@pytest.fixture(scope="session", autouse=True)
def limits(request: pytest.FixtureRequest, lab: Lab) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Programs of clients whose jobs reach their limit, a minute, while the other tests run."""
    wanted = any(item.path.name == "test_limits.py" for item in request.session.items)
    programs = {client: lab.start(client, "limit.py") for client in TIMED if wanted}
    yield programs
    for program in programs.values():
        program.kill()
        program.communicate()
