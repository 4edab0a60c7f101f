"""msacct --report: hours added up by user, account, machine and month."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from mini_slurm.cli import usage_request
from mini_slurm.model.job import Job
from mini_slurm.output.usage_report import rows, table

HOUR = 3600.0
ACROSS = '{"node1":[3,1500,"a100:1",3],"node2":[1,500,"",1]}'


def whole(begin: float, end: float) -> Iterator[tuple[str, float]]:
    """One month that never ends."""
    yield "2026-11", max(end - begin, 0.0)


def job(number: int, **values: object) -> Job:
    common: dict[str, object] = {
        "job_id": number, "user": "ann", "account": "lab", "start_time": 0.0, "end_time": 2 * HOUR, "node": "node1",
        "alloc_cpus": 2,
    }  # fmt: skip
    return Job(**{**common, **values})


def report(*jobs: Job, keys: str = "user", begin: float = 0.0, end: float = 100 * HOUR) -> list[list[object]]:
    return [list(row.values()) for row in rows(jobs, keys.split(), begin, end, whole)]


def test_hours_are_added_up_by_what_is_asked_for() -> None:
    jobs = [job(1), job(2, user="ben"), job(3, account="other", alloc_gpus="a100:2"), job(4, start_time=None)]
    assert report(*jobs) == [["ann", 2, 8.0, 4.0], ["ben", 1, 4.0, 0.0]]
    assert report(*jobs, keys="account user") == [
        ["lab", "ann", 1, 4.0, 0.0], ["lab", "ben", 1, 4.0, 0.0], ["other", "ann", 1, 4.0, 4.0],
    ]  # fmt: skip


def test_each_machine_has_its_part_of_a_job() -> None:
    wide = job(1, allocation=ACROSS, alloc_cpus=4, alloc_gpus="a100:1")
    assert report(wide, keys="machine") == [["node1", 1, 6.0, 2.0], ["node2", 1, 2.0, 0.0]]
    assert report(wide, keys="user") == [["ann", 1, 8.0, 2.0]]


def test_only_what_lies_in_the_time_counts_and_what_runs_has_run_until_its_end() -> None:
    assert report(job(1), begin=1.5 * HOUR) == [["ann", 1, 1.0, 0.0]]
    assert report(job(1, end_time=None), end=3 * HOUR) == [["ann", 1, 6.0, 0.0]]


def test_a_suspended_job_used_nothing_meanwhile() -> None:
    assert report(job(1, suspended_seconds=HOUR / 2)) == [["ann", 1, 3.0, 0.0]]


def test_two_runs_of_a_job_are_two() -> None:
    assert report(job(1, attempt=1), job(1, attempt=2)) == [["ann", 2, 8.0, 0.0]]


def test_the_table_has_names_and_columns() -> None:
    found = rows([job(1), job(2, user="benedict")], ["user"], 0.0, 100 * HOUR, whole)
    assert table(["user"], found, named=True) == [
        "User      Jobs  CPU hours  GPU hours",
        "ann          1       4.00       0.00",
        "benedict     1       4.00       0.00",
    ]
    assert table(["user"], [], named=False) == []


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_months_are_those_of_the_calendar_here(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    begin = time.mktime((2026, 11, 30, 23, 0, 0, 0, 0, -1))
    assert list(usage_request._months(begin, begin + 2 * HOUR)) == [("2026-11", HOUR), ("2026-12", HOUR)]
    year = [month for month, _ in usage_request._months(begin, begin + 366 * 24 * HOUR)]
    assert (year[0], year[-1], len(year)) == ("2026-11", "2027-12", 14)
    monkeypatch.undo()
    time.tzset()
