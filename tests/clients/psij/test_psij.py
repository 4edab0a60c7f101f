"""PSI/J: jobs, and what its executor for Slurm sees of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.lab import Lab


@pytest.fixture(scope="module")
def found(lab: Lab) -> dict[str, Any]:
    return lab.program("psij", "work.py")


def test_jobs_write_their_output_where_they_should(found):
    assert found["value"] == ["COMPLETED", 0, None]
    assert found["texts"]["value"] == ["six times seven"]


def test_tasks_are_spread_over_the_nodes(found):
    assert found["wide"] == ["COMPLETED", 0, None]
    assert found["texts"]["wide"] == [f"{rank} node1 node2 4 given" for rank in range(4)]


def test_ends_are_told_apart(found):
    assert found["failing"] == ["FAILED", 3, None]
    assert found["cancelled"] == found["attached"] == ["CANCELED", None, None]


def test_a_job_that_waits_is_queued_and_can_be_cancelled(found):
    assert found["queued"] == "QUEUED"
    assert found["held"] == ["CANCELED", None, None]
    assert found["listed"]


def test_a_dependency_is_waited_for(found):
    assert found["after"] == ["COMPLETED", 0, None]
    assert found["texts"]["after"] == ["six times seven"]


def test_a_requeued_job_runs_again(found):
    assert found["requeued"] == ["COMPLETED", 0, None]
