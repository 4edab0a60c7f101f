"""What holds for all tests: which of them share a process, and that none leaves one behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from tests.fleet import processes
from tests.waiting import PAUSE

settings.register_profile("unhurried", deadline=None)  # a busy machine is no fault of an example
settings.load_profile("unhurried")

# What tests and their machines run keeps out of cgroups, but for the tests of these: see tests/fleet/cgroups.py.
os.environ["MINI_SLURM_CGROUPS"] = "off"

TOGETHER = ("clients", "clusters", "mission")  # folders whose tests share machines
PASSING = 10.0  # seconds that what is just ending may take


class ByMachines(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Tests that share machines stay in one process, as those of one file do."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        folder = file.split("/")[1]
        return folder if folder in TOGETHER else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByMachines:
    """How `pytest -n` spreads the tests over its processes; see scripts/test."""
    return ByMachines(config, log)


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left_running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """At the end no process may have to do with a folder of these tests."""
    yield
    folder = tmp_path_factory.getbasetemp()
    end = time.monotonic() + PASSING
    while (left := processes.mentioning(folder)) and time.monotonic() < end:
        time.sleep(PAUSE)
    processes.kill(left)
    assert not left, "left behind:\n" + "\n".join(map(str, left))
