"""cli/account_request.py, account_filters.py: what sacct chooses, as a real Slurm 22.05.8 was seen to do."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from mini_slurm.cli import account_filters, account_request, msacct
from mini_slurm.cli.account_request import Span
from mini_slurm.errors import BadUsage
from mini_slurm.model.fleet import Fleet, Qos
from mini_slurm.model.job import Job
from mini_slurm.options import job_ids, sacct
from mini_slurm.options.grammar import parse
from mini_slurm.options.listings import Chosen
from mini_slurm.store.queries import Where

NOW = time.mktime((2026, 11, 22, 12, 0, 0, 0, 0, -1))


@pytest.fixture(autouse=True)
def no_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in the state folder of whoever runs the tests plays no part."""
    monkeypatch.setenv("MINI_SLURM_STATE", str(tmp_path / "state"))


def chosen(*words: str) -> Chosen:
    return Chosen(parse("sacct", [*words], sacct.OPTIONS, permute=True)[0])


def complaint(*words: str) -> tuple[str, ...]:
    asked = chosen(*words)
    with pytest.raises(BadUsage) as raised:
        account_request.where("sacct", asked, Span("sacct", asked, NOW), None)
    return raised.value.lines


@pytest.mark.parametrize(
    ("words", "since", "until", "after"),
    [
        (["-j", "1"], 0, 0, 1),
        ([], -12 * 3600, 0, 1),
        (["-s", "R"], 0, 0, 1),
        (["-s", "CD", "-S", "now-1hour"], -3600, -3600, -3599),
        (["-s", "CD", "-S", "now-1hour", "-E", "now"], -3600, 0, 1),
        (["-S", "now-2hours", "-E", "now-1hour"], -7200, -3600, -3600),
        (["-s", "", "-S", "now-1hour"], -3600, 0, 1),
    ],
)
def test_the_time_that_is_looked_at(words: list[str], since: float, until: float, after: float) -> None:
    span = Span("sacct", chosen(*words), NOW + 0.5)
    begin = span.since - NOW if span.since else 0
    assert (begin, span.until - NOW, span.after - NOW) == (since, until, after)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-s", "COMPLETING"], "sacct: fatal: job state COMPLETING is not supported / accounted"),
        (["-s", "CG"], "sacct: fatal: job state CG is not supported / accounted"),
        (["-s", "R,FOO"], "sacct: fatal: unrecognized job state value 'FOO'"),
        (["-i", "x"], 'sacct: error: Invalid numeric value "x" for requested node range.'),
        (["-i", "2-x"], 'sacct: error: Invalid numeric value "2-x" for requested node range.'),
        (["-I", "-3"], 'sacct: error: Invalid numeric value "-3" for requested cpu range.'),
        (["-F", "SchedMain,Foo"], "sacct: error: str_2_job_flags: Invalid job flag Foo"),
        (["--reason=foo"], "sacct: fatal: unrecognized job reason value 'foo'"),
        (["-u", "nosuchuser"], "sacct: error: Invalid user id: nosuchuser"),
    ],
)
def test_what_cannot_be_chosen_is_said(words: list[str], says: str) -> None:
    assert complaint(*words) == (says,)


@pytest.mark.parametrize(
    "words", [["-s", "RQ,RS,RV"], ["-i", "0"], ["-I", "1k-2k"], ["-i", "*"], ["--reason=joBheldUser"]]
)
def test_what_can_be_chosen_is_taken(words: list[str]) -> None:
    asked = chosen(*words)
    account_request.where("sacct", asked, Span("sacct", asked, NOW), None)


@pytest.mark.parametrize(
    ("words", "everybody"), [(["-u", "root", "-a"], True), (["-a", "-u", "root"], False), (["-u", "-1"], True)]
)
def test_whose_jobs_is_what_was_said_last(words: list[str], everybody: bool) -> None:
    assert account_filters.users("sacct", chosen(*words)) == (None if everybody else [0])


def test_a_qos_has_to_be_one_of_the_fleets() -> None:
    fleet = Fleet("mini", "", {}, {}, qos={"normal": Qos("normal"), "high": Qos("high")})
    account_filters.add_fleets("sacct", Where(), chosen("-q", "HIGH"), fleet)
    with pytest.raises(BadUsage) as raised:
        account_filters.add_fleets("sacct", Where(), chosen("-q", "high,1"), fleet)
    assert raised.value.lines == (
        "sacct: error: You gave a bad qos '1'. Valid QOS's are normal,high",
        "sacct: fatal: problem processing qos list",
    )


def shown(ids: str, *words: str) -> list[str]:
    jobs = [Job(job_id=number, submit_time=NOW, het_job_id=7, het_offset=number - 7) for number in (7, 8)]
    asked = chosen(*words)
    names = [job_ids.parse_selected(word) for word in job_ids.split(ids)]
    return [line.job.job_id for line in account_request.lines(jobs, [], asked, names, Span("sacct", asked, NOW))]


@pytest.mark.parametrize(
    ("ids", "words", "numbers"),
    [
        ("7", [], [7, 8]),
        ("7+0", [], [7]),
        ("7+1", [], [8]),
        ("7+1", ["--whole-hetjob"], [7, 8]),
        ("7", ["--whole-hetjob=no"], [7]),
        ("7.batch", ["-X"], [7, 8]),
    ],
)
def test_parts_of_heterogeneous_jobs(ids: str, words: list[str], numbers: list[int]) -> None:
    assert shown(ids, *words) == numbers


def columns(*words: str) -> list[tuple[str, int]]:
    return [(field.name, width) for field, width in msacct._table("sacct", chosen(*words)).cells]


def test_columns_add_up() -> None:
    assert columns("-b", "-o", "user") == [("User", 9), ("JobID", -12), ("State", 10), ("ExitCode", 8)]
    assert columns("-o", "jobname%3,jobname,jobname%10") == [("JobName", 10)] * 3
    assert columns("-o", "jobid, state,  ,user") == [("JobID", -12), ("State", 10)]


@pytest.mark.parametrize("word", ["all", "ALL", "a", "al", ""])
def test_every_column_is_what_begins_all(word: str) -> None:
    assert len(columns("-o", f"{word}%5")) > 100


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-l", "-o", "user"], "mutually exclusive"),
        (["-o", "AllocGRES"], "sacct: fatal: AllocGRES has been removed, please use AllocTRES"),
        (["-o", "xyz"], 'sacct: error: Invalid field requested: "xyz"'),
    ],
)
def test_columns_that_there_are_not(words: list[str], says: str) -> None:
    with pytest.raises(BadUsage, match=says):
        columns(*words)


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["-X", "extra", "more"], ("sacct: error: Unknown arguments:", "sacct: error:  extra", "sacct: error:  more")),
        (["-f", "/nonexistent"], ("/nonexistent is not a valid file",)),
        (["--whole-hetjob=foo"], ('sacct: error: Invalid --whole-hetjob value "foo". Valid values: [yes|no].',)),
    ],
)
def test_command_lines_that_are_refused(words: list[str], lines: tuple[str, ...]) -> None:
    with pytest.raises(BadUsage) as raised:
        msacct.msacct("sacct", words)
    assert raised.value.lines == lines


def test_a_group_that_nobody_knows_is_said() -> None:
    assert complaint("--gid=99999999") == ("sacct: error: Invalid group id: 99999999",)
    assert complaint("--gid=no.such") == ("sacct: error: Invalid group id: no.such",)


def test_an_earlier_run_stands_in_for_a_job_that_is_not_shown() -> None:
    runs = [Job(job_id=number, attempt=attempt) for number, attempt in ((1, 1), (2, 1), (2, 2))]
    found = account_request.instead(runs, [Job(job_id=1, attempt=2)])
    assert [(one.job_id, one.attempt) for one in found] == [(2, 2)]


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("Resources", 1),
        ("BeginTime", 1),  # its moment decides
        ("JobHeldUser", 0),
        ("Dependency", 0),
        ("DependencyNeverSatisfied", 0),
        ("JobArrayTaskLimit", 0),
        ("job requeued in held state", 0),
    ],
)
def test_a_job_that_may_not_start_yet_is_not_looked_at(reason: str, shown: int) -> None:
    row = "SELECT ? AS reason, NULL AS start_time, 1 AS submit_time, NULL AS eligible_time"
    query = f"SELECT count(*) FROM ({row}) WHERE {account_request.ELIGIBLE}"
    assert sqlite3.connect(":memory:").execute(query, [reason, 2]).fetchone() == (shown,)
