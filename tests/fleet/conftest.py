"""Fixtures of the tests with real machines. They are skipped where sshd is missing, but not in CI."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fleet import sshd
from tests.fleet import testbed as bed_module
from tests.fleet.agent_client import client, make_client  # noqa: F401 - fixtures
from tests.fleet.cgroups import enclosure  # noqa: F401 - a fixture
from tests.fleet.machines import Machines, Testbed


def skip_or_fail(reason: str) -> None:
    """In CI nothing is left out silently."""
    if reason and os.environ.get("CI"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.fixture(autouse=True)
def no_ssh_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of whoever runs the tests play no part."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Callable[..., Machines]]:
    """Make machines: `machines("node1", "node2")`, or with settings: `machines(node1={"cpus": 2, "gpus": 1})`."""
    skip_or_fail(sshd.missing())
    fleet = Machines(tmp_path / "fleet")

    def make(*names: str, **tables: dict[str, object]) -> Machines:
        for name in names:
            fleet.add(name)
        for name, table in tables.items():
            fleet.add(name, **table)
        return fleet

    yield make
    fleet.close()


@pytest.fixture
def fleet(machines: Callable[..., Machines]) -> Machines:
    """Two machines, node1 and node2, of two CPUs each."""
    return machines(node1={"cpus": 2, "memory": "2000M"}, node2={"cpus": 2, "memory": "2000M"})


@pytest.fixture
def testbed(tmp_path: Path) -> Iterator[Callable[..., Testbed]]:
    """Make machines with cables and power of their own: `testbed(node1={"cpus": 2}, node2={"gpus": 2})`."""
    skip_or_fail(bed_module.missing())
    folder = Path(tempfile.mkdtemp(prefix="mini_slurm-testbed-", dir="/var/lib"))  # machines do not share /tmp
    number = os.getpid() % 250
    fleet = Testbed(tmp_path / "fleet", bed_module.Bed(folder, f"10.77.{number}", f"ms{number}"))

    def make(**tables: dict[str, object]) -> Testbed:
        fleet.up(**tables)
        return fleet

    try:
        yield make
    finally:
        try:
            fleet.close()
        finally:
            shutil.rmtree(folder)
