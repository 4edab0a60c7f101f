"""A machine whose clock is off by a day: what is booked, limited and told goes by the login node's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest

from tests.fleet import jobs, processes
from tests.fleet.conftest import skip_or_fail
from tests.fleet.machines import Machines

LIBRARY = "faketime/libfaketime.so.1"
FOLDERS = ("/usr/lib", "/usr/lib64", "/usr/local/lib")
DAY = 86_400  # seconds


def library() -> str:
    """Debian's libfaketime, which shows a process another time of day; empty without it."""
    found = [path for folder in FOLDERS for pattern in ("", "*/") for path in Path(folder).glob(pattern + LIBRARY)]
    return str(found[0]) if found else ""


@pytest.fixture(scope="module", autouse=True)
def shared_memory() -> Iterator[None]:
    """Each process that is killed leaves the library's files behind."""
    yield
    for path in Path("/dev/shm").glob("*faketime_s*_*"):
        if not processes.alive(int(path.name.rpartition("_")[2])):
            with suppress(PermissionError, FileNotFoundError):  # of another account, or of a run beside this one
                path.unlink()


@pytest.fixture(params=["+1d", "-1d"])
def skewed(request: pytest.FixtureRequest, machines: Callable[..., Machines]) -> Machines:
    """One machine, where whatever a login starts sees a clock that is a day off."""
    skip_or_fail("" if library() else "libfaketime is not installed (Debian: apt install faketime)")
    clock = {"LD_PRELOAD": library(), "FAKETIME": request.param, "NO_FAKE_STAT": "1"}
    fleet = machines()
    fleet.add("node1", environment=clock, cpus=2, memory="2000M")
    return fleet


def test_times_are_the_login_nodes(skewed: Machines) -> None:
    begin = time.time()
    number = jobs.wrap(skewed, "sleep 1")
    [job] = jobs.wait_over(skewed, number)
    agent_began, _ = (skewed.machines["node1"].spool / "agent.log").read_text().split(maxsplit=1)
    assert abs(datetime.fromisoformat(agent_began).timestamp() - begin) > DAY / 2  # its clock is off indeed
    assert job.state.name == "COMPLETED"
    assert begin - 1 <= job.start_time <= job.end_time - 1 <= time.time()
    assert job.end_time - job.start_time < 10


def test_a_time_limit_is_kept(skewed: Machines) -> None:
    number = jobs.wrap(skewed, "sleep 60", "-t", "10")
    jobs.wait_for(skewed, number, "RUNNING")
    done = skewed.run("mscontrol", "update", f"jobid={number}", "EndTime=now+1")
    assert done.returncode == 0, done.stderr
    [job] = jobs.wait_over(skewed, number)
    assert (job.state.name, job.end_time - job.start_time < 20) == ("TIMEOUT", True)


def test_it_is_said_in_the_controllers_log(skewed: Machines) -> None:
    jobs.wait_over(skewed, jobs.wrap(skewed, "true"))
    log = (skewed.state / "controller.log").read_text()
    assert log.count("WARNING node1: its clock is wrong, and so are the times of files made there: set it\n") == 1
