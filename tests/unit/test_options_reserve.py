"""options/reserve.py: what the words of a reservation mean, and that nothing else than BadReservation comes out."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.options.reserve import READERS, BadReservation, Wish, for_new


def no_moment(text: str) -> float:
    return float(text)


def read(line: str) -> dict[str, object]:
    return Wish(line.split(), "No.", no_moment).changes


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        ("reservation starttime=5 dur=1:00:00", {"start": 5.0, "duration": 3600, "sign": ""}),
        ("res=a ST=1 E=2", {"name": "a", "start": 1.0, "end": 2.0}),
        ("reservationname=a Duration+=10", {"name": "a", "duration": 600, "sign": "+"}),
        ("r=a users=a,b", {"name": "a", "users": ["a", "b"]}),
        ("r=a users-=a,b", {"name": "a", "users": ["-a", "-b"]}),
        ("r=a acc=x nodecnt=1k", {"name": "a", "accounts": ["x"], "count": 1024}),
        ("r=a nodec=2,3", {"name": "a", "count": 5}),
        ("r=a flags=maint,Ignore,d", {"name": "a", "flags": ["MAINT", "IGNORE_JOBS", "DAILY"]}),
        ("r=a flags-=maint", {"name": "a", "flags": ["-MAINT"]}),
        ("r=a flags=+weekly,-daily skip", {"name": "a", "flags": ["WEEKLY", "-DAILY", "SKIP"]}),
        ("r=a tres=node=2,license/m=3", {"name": "a", "count": 2, "licenses": "m:3"}),
        ("r=a maxstartdelay=5", {"name": "a", "delay": 300}),
    ],
)
def test_words_are_read_as_scontrol_reads_them(line: str, changes: dict[str, object]):
    assert read(line) == changes


@pytest.mark.parametrize(
    "line",
    [
        "nodes+=a",
        "users=a users=b",
        "flags=-overlap",
        "tres=cpu=2",
        "corecnt=2",
        "watts=3",
        "starttime=x",
        "s=1",
        "duration=-45",
    ],
)
def test_what_scontrol_does_not_take_is_refused(line: str):
    with pytest.raises(BadReservation):
        read(line)


def test_a_partition_alone_means_all_of_it():
    base: dict[str, object] = {"start": 1.0, "duration": 60, "users": ["a"], "partition": "p"}
    assert for_new(dict(base)) == {**base, "flags": ["PART_NODES"], "machines": "ALL"}


NAMES = st.sampled_from([name for name, _, _ in READERS])


@given(
    st.lists(st.builds(lambda name, end, text: name + end + text, NAMES, st.sampled_from(["=", "+=", ""]), st.text()))
)
def test_nothing_but_the_error_comes_out(words: list[str]):
    with contextlib.suppress(BadReservation):
        for_new(Wish(words, "No.", no_moment).changes)
