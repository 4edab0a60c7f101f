"""parsl: functions on workers of a pilot job, and what its provider for Slurm sees of jobs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.lab import Lab


@pytest.fixture(scope="module")
def found(lab: Lab) -> dict[str, Any]:
    return lab.program("parsl", "work.py", seconds=240)


def test_functions_return_their_values(found):
    assert found["squares"] == [number * number for number in range(10)]
    assert found["shell"] == 0
    assert found["failure"] == "no such luck"


def test_the_workers_are_one_job_on_two_nodes_which_is_cancelled_at_the_end(found):
    assert (found["jobs"], found["nodes"]) == (1, ["2"])
    assert found["after"] == "CANCELLED"


def test_ends_are_told_apart(found):
    assert (found["good"], found["bad"], found["gone"]) == (["COMPLETED"], ["FAILED"], ["True", "CANCELLED"])
