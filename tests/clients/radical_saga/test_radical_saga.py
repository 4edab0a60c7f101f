"""radical.saga: jobs by its adaptor for Slurm."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.lab import Lab


@pytest.fixture(scope="module")
def found(lab: Lab) -> dict[str, Any]:
    return lab.program("radical_saga", "work.py", seconds=200)


def test_jobs_write_their_output_where_they_should(found):
    assert found["value"] == ["Done", "0"]
    assert found["texts"]["value"] == ["given", "six times seven"]


def test_tasks_are_run(found):
    assert found["wide"] == ["Done", "0"]
    assert found["texts"]["wide"] == [f"{rank}: hello" for rank in range(4)]


def test_ends_are_told_apart(found):
    assert found["failing"] == ["Failed", "3"]
    assert found["cancelled"] == ["Canceled"]


def test_jobs_are_suspended_resumed_listed_and_found_again(found):
    assert found["states"] == ["Running", "Suspended", "Running", "Running"]
    assert found["listed"]
    assert found["hosts"] in ("node1", "node2")
