"""desk/places.py: which clusters -M names, as a real Slurm 22.05.8 was seen to read it."""

from __future__ import annotations

import pytest

from mini_slurm.desk import places
from mini_slurm.errors import BadUsage

KNOWN = ["lab", "Big"]


@pytest.mark.parametrize(
    ("text", "found", "missing"),
    [
        ("lab", ["lab"], []),
        ("LAB,big", ["lab", "Big"], []),
        ("all", KNOWN, []),
        ("ALL", KNOWN, []),
        ("lab,,lab,", ["lab"], []),
        ('"lab"', ["lab"], []),
        ("lab,nope,x", ["lab"], ["nope", "x"]),
        ("all,lab", ["lab"], ["all"]),
        ("lab , big", [], ["lab ", " big"]),
        ("", [], [""]),
        ("nope", [], ["nope"]),
    ],
)
def test_clusters_that_there_are_not_are_told_and_passed_over(text: str, found: list[str], missing: list[str]) -> None:
    told: list[str] = []
    lines = [f"squeue: error: No cluster '{name}' known by database." for name in missing]
    if found:
        assert places.check("squeue", text, KNOWN, warn=told.append) == found
        assert told == lines
        return
    with pytest.raises(BadUsage) as raised:
        places.check("squeue", text, KNOWN, warn=told.append)
    where = f"squeue: error: '{text}' can't be reached now, or it is an invalid entry for --cluster."
    assert raised.value.lines[:-1] == tuple(lines)
    assert raised.value.lines[-1].startswith(where)
    assert (told, raised.value.exit_code) == ([], 1)
