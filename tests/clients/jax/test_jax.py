"""JAX: processes that find each other as jax.distributed detects Slurm, and compute together."""

from __future__ import annotations

import pytest

from tests.clients.lab import Lab
from tests.clients.processes import Processes

TOGETHER = [4, 4, 0 + 1 + 4 + 9]  # processes, devices, sum of the squares of their numbers


@pytest.fixture(scope="module")
def jobs(lab_by_address: Lab) -> Processes:
    return Processes(lab_by_address, "jax")


def test_processes_on_two_machines_compute_together(jobs: Processes):
    assert jobs.end(jobs.submit()) == ["COMPLETED"]
    *found, coordinator = jobs.printed("value-4294967294")
    assert found == TOGETHER
    assert coordinator.startswith("127.0.0.1:")


def test_the_tasks_of_an_array_keep_to_themselves(jobs: Processes):
    number = jobs.submit(options=("--array=0-1", "--job-name=array"))
    assert jobs.end(number) == ["COMPLETED"] * 2
    assert [jobs.printed(f"array-{task}")[:3] for task in range(2)] == [TOGETHER] * 2


def test_a_process_that_fails_is_the_jobs_failure(jobs: Processes):
    assert jobs.end(jobs.submit("1", options=("--job-name=failing",))) == ["FAILED"]
