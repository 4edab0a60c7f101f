"""Lightning: processes that find each other by its SLURMEnvironment; a training that goes on after a requeue."""

from __future__ import annotations

import os

import pytest

from tests.clients.lab import Lab
from tests.clients.processes import Processes
from tests.waiting import wait_until


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


def test_a_training_goes_on_from_its_checkpoint(jobs: Processes):
    """At SIGUSR1 the trainer saves one and has its job requeued: by the array's number and the task's."""
    number = jobs.submit(script="trainer.sh", options=("--array=3-4",))
    for name in ("trainer-3", "trainer-4"):
        wait_until(lambda name=name: jobs.count(name, "BEGINS"), f"{name} to begin", seconds=120)
    jobs.cancel("-s", "USR1", f"{number}_3")
    wait_until(lambda: jobs.count("trainer-3", "BEGINS") == 2, "the second beginning", seconds=120)
    jobs.cancel(f"{number}_4")
    assert sorted(jobs.end(number)) == [f"CANCELLED by {os.getuid()}", "COMPLETED"]
    lines = [line.split() for line in jobs.text("trainer-3").splitlines()]
    first, again, end = [int(line[1]) for line in lines if line and line[0] in ("BEGINS", "ENDS")]
    assert first == 0 < again < end
