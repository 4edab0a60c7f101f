"""The fleet that all clients share, and which of them are tested."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.clients.environments import HERE
from tests.clients.lab import Lab, started
from tests.fleet import sshd
from tests.fleet.conftest import skip_or_fail

QUICK = ("dask_jobqueue", "psij", "simple_slurm", "submitit")  # those that all tests include
CLIENTS = sorted(path.parent.name for path in HERE.glob("*/requirements.txt"))
CHOSEN = os.environ.get("MINI_SLURM_CLIENTS", " ".join(QUICK)).split()  # by scripts/test-clients
TESTED = [client for client in CLIENTS if client in CHOSEN or CHOSEN == ["all"]]
BY_ADDRESS = ("batchspawner", "jax", "lightning")  # those that connect to nodes by their names
# those that say what became of a job
TIMED = [path.parent.name for path in sorted(HERE.glob("*/limit.py")) if path.parent.name in TESTED]

collect_ignore = [client for client in CLIENTS if client not in TESTED]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two machines, used by all: clients take their own jobs only for theirs."""
    skip_or_fail(sshd.missing())
    with started(tmp_path_factory.mktemp("clients")) as made:
        yield made


@pytest.fixture(scope="session")
def lab_by_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The same for clients that take the names of nodes for addresses."""
    skip_or_fail(sshd.missing())
    with started(tmp_path_factory.mktemp("addresses"), by_address=True) as made:
        yield made


@pytest.fixture(scope="session", autouse=True)
def limits(request: pytest.FixtureRequest, lab: Lab) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Programs of clients whose jobs reach their limit, a minute, while the other tests run."""
    wanted = any(item.path.name == "test_limits.py" for item in request.session.items)
    programs = {client: lab.start(client, "limit.py") for client in TIMED if wanted}
    yield programs
    for program in programs.values():
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)  # with what it has started
        program.communicate()
