"""dpdispatcher: tasks as jobs and as arrays, with files taken there and back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.lab import Lab


@pytest.fixture(scope="module")
def found(lab: Lab) -> dict[str, Any]:
    return lab.program("dpdispatcher", "work.py", seconds=240)


def test_tasks_bring_their_files_back(found):
    assert found["single"] == ["one", "1"]


def test_tasks_of_an_array_bring_their_files_back(found):
    assert found["array"] == [f"{number} squared" for number in range(4)]


def test_a_failing_task_is_tried_again_and_then_given_up(found):
    assert "failed 4 times" in found["said"]
