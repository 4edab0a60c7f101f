"""Python's values as the words of a command line."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mini_slurm.api.updates import read
from mini_slurm.api.words import option_words
from mini_slurm.errors import BadUsage


class Numbered:
    """As a job is: it has an id."""

    id = "12_3"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"job_name": "a b", "nodes": 2, "mem": None}, ["--job-name=a b", "--nodes=2"]),
        ({"hold": True, "exclusive": "user", "overcommit": False}, ["--hold", "--exclusive=user"]),
        ({"requeue": False, "exclusive": False}, ["--no-requeue"]),
        ({"exclusive": True, "nice": 7}, ["--exclusive", "--nice=7"]),
        ({"time": timedelta(days=1, minutes=90), "time_min": timedelta(seconds=90)},
         ["--time=1-01:30:00", "--time-min=1:30"]),
        ({"begin": timedelta(hours=1), "deadline": datetime(2027, 1, 2, 3, 4, 5)},
         ["--begin=now+3600seconds", "--deadline=2027-01-02T03:04:05"]),
        ({"output": Path("/tmp/x"), "gpus_per_node": 2}, ["--output=/tmp/x", "--gpus-per-node=2"]),
        ({"array": range(0, 10, 3)}, ["--array=0,3,6,9"]),
        ({"array": [5, 1, 2, 3]}, ["--array=1-3,5"]),
        ({"array": "0-9%2"}, ["--array=0-9%2"]),
        ({"nodelist": ["node1", "node2"], "export": ["A", "B=1"]}, ["--nodelist=node1,node2", "--export=A,B=1"]),
        ({"dependency": {"afterok": [Numbered(), "13"], "after": 14}}, ["--dependency=afterok:12_3:13,after:14"]),
        ({"dependency": "singleton"}, ["--dependency=singleton"]),
        ({"stage_in": ["a,b:c", Path("d")], "snapshot": True}, ["--stage-in=a,b:c", "--stage-in=d", "--snapshot"]),
        ({"no_such": 1}, ["--no-such=1"]),
    ],
)  # fmt: skip
def test_values_as_slurm_writes_them(options: dict[str, Any], words: list[str]) -> None:
    assert option_words(options) == words


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"hold": "yes"}, "option '--hold' doesn't allow an argument"),
        ({"partition": False}, "option '--partition' cannot be False"),
        ({"partition": object()}, "a object cannot be the value"),
        ({"wait": True}, "submit.. takes no wait"),
        ({"test_only": True}, "submit.. takes no test_only"),
    ],
)
def test_values_that_cannot_be(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadUsage, match=complaint):
        option_words(options)


def test_changes_are_scontrols() -> None:
    changes, words = read({"time_limit": timedelta(hours=2), "nice": 5, "job_name": "x"})
    assert (changes["TimeLimit"], changes["Nice"]) == (7200, 5)
    assert words == ["TimeLimit=2:00:00", "Nice=5", "JobName=x"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({}, "No changes specified"),
        ({"colour": 1}, "Update of this parameter is not supported: colour"),
        ({"time_limit": "soon"}, "Invalid TimeLimit value"),
        ({"start_time": "soon"}, "Invalid time specification"),
    ],
)
def test_changes_that_cannot_be(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadUsage, match=complaint):
        read(changes)
