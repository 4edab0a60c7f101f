"""What agrees with a recording, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.cases import UIDS, Case, agreed, differences, load, newest_before, queues, waived
from tests.conformance.judge import Judge, compare

CASES = load()
AIM = 0.02  # part of the cases that may be believed unable to agree on a fleet


def judge(case: Case, *, ours: int | None = None) -> Judge:
    """One for a user who has the recorded name; `ours`: the number of our newest job."""
    last = newest_before([*CASES]).get(case["id"], 0)
    return Judge(last, last if ours is None else ours, {uid: uid for uid in UIDS.values()}, lambda text: text)


def as_recorded(case: Case, **changes: object) -> dict[str, Any]:
    """What a player would hand in, had the case been answered as it was recorded, except for some changes."""
    parts = ("stdout", "stderr", "rc")
    command = {part: case[part] for part in parts} | changes
    after = [{part: answer.get(part) for part in parts} for answer in case.get("after", [])]
    return {"cmd": command, "after": after, "show": dict(case.get("show", {})), "late": False}


def verdict(recorded: str, ours: str, command: str = "squeue", last: tuple[int, int] = (100, 200)) -> bool:
    """Do two texts agree, when the newest jobs before had these numbers?"""
    return Judge(*last, {}, lambda text: text).text(recorded, ours, command)


def test_every_case_agrees_with_itself_and_with_no_other_answer() -> None:
    before = newest_before(CASES)
    for case in CASES:
        one = Judge(before[case["id"]], before[case["id"]], {}, lambda text: text)
        assert compare(case, as_recorded(case), one) == [], case["id"]
        for part, other in (("rc", case["rc"] + 1), ("stdout", case["stdout"] + "more"), ("stderr", None)):
            wrong = compare(case, as_recorded(case, **{part: other}), one)
            assert [difference.what for difference in wrong] == [f"{part} of cmd: {case['cmd']}"], case["id"]


def test_a_file_that_is_missing_or_too_much_is_a_difference() -> None:
    case = next(case for case in CASES if case.get("show"))
    name, text = next(iter(case["show"].items()))
    got = as_recorded(case)
    got["show"].pop(name)
    assert [found.what for found in compare(case, got, judge(case))] == [f"file {name}"]
    got["show"] |= {name: text, "another": ""}
    assert [found.what for found in compare(case, got, judge(case))] == ["file another that should not be"]


def test_job_numbers_move_together() -> None:
    one = Judge(100, 200, {}, lambda text: text)
    one.learn({"A": 101, "B": 102}, {"A": 203, "B": 204})
    assert one.text("101 102\n", "203 204\n")
    assert one.text("Job 103\n", "Job 205\n")
    assert not one.text("101 102\n", "203 205\n")


@pytest.mark.parametrize(
    ("recorded", "ours", "agrees"),
    [
        ("Submitted batch job 101\n", "Submitted batch job 201\n", True),
        ("Submitted batch job 101\n", "Submitted batch job 101\n", True),
        ("Submitted batch job 101\n", "Submitted batch job 301\n", False),
        ("error: no such job\n", "Error: no such job\n", False),
        ("RUNNING 0:05\n", "RUNNING 0:58\n", True),
        ("RUNNING 0:05\n", "RUNNING 00:58\n", False),
        ("RUNNING 0:05\n", "RUNNING 9:05\n", False),
        ("PENDING 0:00\n", "PENDING 0:01\n", False),
        ("a  b\n", "a b\n", False),
        ("one\n", "one\ntwo\n", False),
    ],
)
def test_what_may_differ(recorded: str, ours: str, agrees: bool) -> None:
    assert verdict(recorded, ours) is agrees


def test_moments_keep_their_distance() -> None:
    recorded = "2026-01-02T10:00:00 2026-01-02T11:00:00\n"
    assert verdict(recorded, "2027-05-06T07:08:09 2027-05-06T08:08:30\n")
    assert not verdict(recorded, "2027-05-06T07:08:09 2027-05-06T09:08:09\n")
    assert not verdict(recorded, "2027-05-06T07:08:09 2027-02-30T08:08:09\n")


def test_what_the_lists_name_was_recorded() -> None:
    known = {case["id"] for case in CASES}
    assert {*differences(), *agreed()} <= known
    assert {case["queue"] for case in CASES if "queue" in case} <= queues().keys()


def test_few_cases_are_believed_unable_to_agree_and_none_of_them_agrees() -> None:
    assert len(differences()) < AIM * len(CASES)
    assert not differences().keys() & (agreed().keys() | waived())
    assert all(reason.strip() for reason in differences().values())
