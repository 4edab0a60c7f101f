"""AiiDA: calculations of a profile of its own, through its plugin for Slurm and its transport to this machine."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.lab import Lab


@pytest.fixture(scope="module")
def found(lab: Lab) -> dict[str, Any]:
    return lab.program("aiida", "work.py", seconds=300)


def test_calculations_have_values(found):
    assert found["value"] == [42, 0]
    assert found["many"] == [3, 0]


def test_one_goes_on_with_what_another_found(found):
    assert found["chained"] == [41, 0]


def test_a_program_that_fails_is_told(found):
    value, status, *_ = found["failing"]
    assert value is None
    assert status == 320  # ERROR_INVALID_OUTPUT: its parser found no number


def test_too_much_memory_is_told_from_accounting(found):
    assert found["greedy"][2:] == ["The job ran out of memory."]


def test_the_plugin_sees_states_and_kills(found):
    assert found["plugin"] == {
        "states": ["running", "queued held"],
        "machines": "node1",
        "limit": 300,
        "killed": [True, True],
        "detailed": 1,
    }
