"""qtoolkit: the interface for Slurm that jobflow-remote uses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.lab import Lab


@pytest.fixture(scope="module")
def found(lab: Lab) -> dict[str, Any]:
    return lab.program("qtoolkit", "work.py")


def test_a_list_of_jobs_is_read(found):
    held, long = found["listed"]
    assert held == ["held", "QUEUED", 1, 300]
    assert long in (["long", state, 1, 300] for state in ("QUEUED", "RUNNING"))
    assert found["unknown"] == []


def test_a_job_is_read(found):
    assert found["job"] == ["good", "DONE", "COMPLETED", "main", 300, 1, 1, None]


def test_ends_are_told_apart(found):
    assert found["cancelled"] == ["SUCCESSFUL", "SUCCESSFUL"]
    assert found["ends"] == ["COMPLETED", "FAILED", "CANCELLED", "CANCELLED", "COMPLETED"]


def test_an_array_runs_each_task(found):
    assert found["array"] == ["1\n", "2\n", "3\n"]


def test_a_requeued_job_runs_again(found):
    assert found["again"] == ["COMPLETED", "1\n"]


def test_a_dependency_is_waited_for(found):
    assert found["after"] == "good\n"
