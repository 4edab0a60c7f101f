"""submitit: functions as jobs, arrays and tasks."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.clients.lab import Lab


@pytest.fixture(scope="module")
def found(lab: Lab) -> dict[str, Any]:
    return lab.program("submitit", "work.py")


def test_functions_return_their_values(found):
    assert found["executor"] == "slurm"
    assert found["value"] == 49
    assert found["stdout"]
    assert found["dependent"] == "COMPLETED"


def test_an_array_is_one_job_with_a_value_a_task(found):
    assert found["array"] == [0, 1, 4, 9, 16]
    assert found["array ids"] == ["0", "1", "2", "3", "4"]


def test_tasks_know_their_ranks(found):
    nodes = ["node1", "node2"]
    assert found["ranks"] == [[0, 0, 4, nodes], [1, 1, 4, nodes], [2, 0, 4, nodes], [3, 1, 4, nodes]]


def test_ends_are_told_apart(found):
    assert found["states"] == ["COMPLETED"] * 7
    assert found["failing"] == ["ValueError: no such luck", "FAILED"]
    assert found["cancelled"] == f"CANCELLED by {os.getuid()}"


def test_a_dependency_that_failed_lets_a_job_wait(found):
    assert found["never"] == "PENDING"


def test_a_function_goes_on_from_its_checkpoint_after_a_requeue(found):
    assert found["requeued"] == [[2, "1"], "COMPLETED"]
    assert found["requeue in its log"]
