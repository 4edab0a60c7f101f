"""msprio as a command: jobs that wait for room, and what their priorities are made of."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.fleet.shell import FLEET, OWN, Shell, job, prepared, running

EXTRA = """
[partitions.long]
machines = "node1"
priority = 1
[qos.normal]
[qos.high]
priority = 100
[priority]
qos = 500
"""
HEADER = "          JOBID PARTITION   PRIORITY       SITE        AGE  FAIRSHARE    JOBSIZE  PARTITION        QOS"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = prepared(tmp_path, capsys, monkeypatch)
    monkeypatch.delenv("SPRIO_FORMAT", raising=False)
    (tmp_path / "fleet.toml").write_text(FLEET.replace('max_time = "1-00:00:00"', "priority = 4") + EXTRA)
    now = time.time()
    shell.fill(
        job(1, eligible_time=now - 10, qos="high", priority=100, nice=7),
        job(2, eligible_time=now - 3.5 * 86400, partition="compute,long", priority=100, nodes=2, ntasks=4),
        job(3, eligible_time=now - 10, priority=0),
        job(4, eligible_time=now + 1000, priority=100),
        job(5, eligible_time=now - 10, priority=100, dependency="afterok:1(unfulfilled)"),
        running(6, eligible_time=now - 10, priority=100),
        job(7, eligible_time=now - 10, priority=4321, priority_set=1, nice=3, uid=12345, user="other"),
    )
    return shell


def test_jobs_that_wait_for_room_are_listed_in_each_of_their_partitions(run: Shell) -> None:
    code, output, errors = run("sprio")
    assert (code, errors) == (0, "")
    lines = output.splitlines()
    assert lines[0] == HEADER
    assert [line.split()[:2] for line in lines[1:]] == [
        ["1", "compute"], ["2", "compute"], ["2", "long"], ["7", "compute"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "output"),
    [
        ("-j1 -o %i,%N,%P,%Q,%A", "1,7,1000,500,0\n"),
        ("-j 2 -o %r,%A,%J,%P,%Q", "compute,500,1000,1000,0\nlong,500,1000,250,0\n"),
        ("-j 2 -p long -n -o %j,%p,%q", "1.0000000,0.2500000,0.0000000\n"),
        ("--jobs=7 -o %Y,%S,%N,%A,%u", "4321,0,0,0,other\n"),
        ("-j 7 -o %y", "4321.00000000000000\n"),
        ("-p none -j ,", "Unable to find jobs matching user/id(s) specified\n"),
        ("-j 3", "Unable to find jobs matching user/id(s) specified\n"),
        ("-j 4,5,6", "Unable to find jobs matching user/id(s) specified\n"),
        (f"-u {OWN} -p long -o %i", "2\n"),
        ("-S -i -p compute -o %i", "7\n2\n1\n"),
        ("-S -Q,i -p compute -o %i", "1\n2\n7\n"),
        ("-w -o %i,%A,%Q,%q,%S,%Y", "Weights,1000,500,500,1,\n"),
        ("-j 1 -o %.6i|%3i|%c", "     1|1  |mini\n"),
    ],
)
def test_what_is_shown_of_them(run: Shell, line: str, output: str) -> None:
    assert run(f"sprio -h {line}") == (0, output, "")


def test_the_priority_is_the_sum_of_its_parts(run: Shell) -> None:
    _, output, _ = run("sprio -h -j 2 -p compute")
    _, _, total, *parts = (int(word) for word in output.replace("compute", "0").split())
    assert abs(total - sum(parts)) <= 1  # each is rounded for itself


def test_a_part_without_weight_has_no_column(run: Shell, tmp_path: Path) -> None:
    with (tmp_path / "fleet.toml").open("a") as file:
        file.write("job_size = 0\n")
    assert "JOBSIZE" not in run("sprio")[1]
    assert "JOBSIZE" in run("sprio -l")[1]


@pytest.mark.parametrize(
    ("line", "errors"),
    [
        ("-j none", "sprio: error: Invalid job id: none\n"),
        ("-S z", "sprio: error: Invalid sort specification: z\n"),
        ("-l -o %i", "sprio: fatal: Options -o(--format) and -l(--long) are mutually exclusive."
         " Please remove one and retry.\n"),
        ("word", "sprio: error: Unrecognized option: word\n"),
    ],
)  # fmt: skip
def test_what_is_refused(run: Shell, line: str, errors: str) -> None:
    code, _, said = run(f"sprio {line}")
    assert (code, said) == (1, errors)


def test_the_format_may_come_from_the_environment(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPRIO_FORMAT", "%i:%u")
    assert run("sprio -h -j 1")[1] == f"1:{OWN}\n"
    assert run("sprio -l")[1].split()[2] == "USER"
