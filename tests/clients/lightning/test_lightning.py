"""Lightning Fabric: processes that find each other by its SLURMEnvironment, and compute together."""

from __future__ import annotations

import pytest

from tests.clients.lab import Lab
from tests.clients.processes import Processes


@pytest.fixture(scope="module")
def jobs(lab_by_address: Lab) -> Processes:
    return Processes(lab_by_address, "lightning")


def test_processes_on_two_machines_compute_together(jobs: Processes):
    number = jobs.submit("2", "2")
    assert jobs.end(number) == ["COMPLETED"]
    assert jobs.printed("value-4294967294") == [4, 10.0, "127.0.0.1", int(number)]


def test_what_was_asked_of_slurm_is_compared(jobs: Processes):
    """Lightning refuses a number of nodes that is not Slurm's."""
    assert jobs.end(jobs.submit("1", "2", options=("--job-name=other",))) == ["FAILED"]
    assert "`--nodes=2` does not match" in jobs.text("other-4294967294")


def test_a_process_that_fails_is_the_jobs_failure(jobs: Processes):
    assert jobs.end(jobs.submit("2", "2", "5", options=("--job-name=failing",))) == ["FAILED"]
