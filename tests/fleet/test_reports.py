"""msreport as a command: what jobs of a period used, told as sreport tells it."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import pytest

from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from tests.fleet.shell import FLEET, Shell, job, prepared

ACCOUNTS = """
[accounts.science]
users = { alice = { default = true }, zoe = {} }
[accounts.extra]
users = { alice = {} }
"""
DAY = time.mktime((2026, 3, 2, 0, 0, 0, 0, 0, -1))
SPAN = "start=2026-03-02 end=2026-03-03"
RULE = "-" * 80


def ran(number: int, user: str, account: str, cpus: int, begin: float, end: float) -> Job:
    """A job that ran from and to these hours of the day."""
    moments = {"eligible_time": DAY + begin * 3600, "start_time": DAY + begin * 3600, "end_time": DAY + end * 3600}
    return job(
        number, user=user, account=account, alloc_cpus=cpus, alloc_memory=100, node="node1", state=JobState.COMPLETED,
        submit_time=DAY - 3600, **moments,
    )  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Three jobs; one of them began before the day that is reported on."""
    shell = prepared(tmp_path, capsys, monkeypatch)
    (tmp_path / "fleet.toml").write_text(FLEET + ACCOUNTS)
    shell.fill(
        ran(1, "alice", "science", 2, 1, 2), ran(2, "zoe", "science", 1, -1, 0.5), ran(3, "alice", "extra", 1, 3, 3.25)
    )
    return shell


def test_a_day_without_jobs_has_the_columns_alone(run: Shell) -> None:
    assert run("sreport cluster utilization start=2026-03-04 end=2026-03-05")[1].splitlines()[:6] == [
        RULE,
        "Cluster Utilization 2026-03-04T00:00:00 - 2026-03-04T23:59:59",
        "Usage reported in CPU Minutes",
        RULE,
        "  Cluster Allocate     Down PLND Dow     Idle  Planned Reported ",
        "--------- -------- -------- -------- -------- -------- -------- ",
    ]


def test_nothing_at_all_was_ever_done(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                      monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    shell = prepared(tmp_path, capsys, monkeypatch)
    assert shell(f"sreport -nP cluster utilization {SPAN}") == (0, "", "")
    assert shell(f"sreport -nP user top {SPAN}") == (0, "", "")


def test_the_day_before_is_the_default(run: Shell) -> None:
    yesterday = time.strftime("%Y-%m-%d", time.localtime(time.time() - 86400))
    title = run("sreport user top")[1].splitlines()[1]
    assert title == f"Top 10 Users {yesterday}T00:00:00 - {yesterday}T23:59:59 (86400 secs)"


@pytest.mark.parametrize(
    ("line", "output"),
    [
        # four CPUs for a day; two for an hour, one for half an hour, one for a quarter
        (f"cluster utilization {SPAN}", "mini|165|0|0|5595|0|5760\n"),
        (f"-t percent cluster utilization {SPAN} format=allocated,idle", "2.86%|97.14%\n"),
        (f"-t secper cluster utilization {SPAN} format=allocated", "9900(2.86%)\n"),
        (f"-T gres/gpu,mem cluster util {SPAN}", "mini|mem|10500|0|0|11509500|0|11520000\n"),
        (
            f"cluster AccountUtilizationByUser {SPAN}",
            "mini|root|||165|0\nmini|extra|||15|0\nmini|extra|alice||15|0\n"
            "mini|science|||150|0\nmini|science|alice||120|0\nmini|science|zoe||30|0\n",
        ),
        (
            f"cluster AccountUtilizationByUser {SPAN} tree accounts=extra format=account,login,used",
            "root||15\n extra||15\n  extra|alice|15\n",
        ),
        (f"cluster UA {SPAN} users=zoe", "mini|zoe||science|30|0\n"),
        (f"user top {SPAN}", "mini|alice||science|120|0\nmini|zoe||science|30|0\nmini|alice||extra|15|0\n"),
        (f"user top {SPAN} topcount=1 -t hours", "mini|alice||science|2|0\n"),
        (f"-t hours user top {SPAN} topcount=1", "mini|alice||science|2|0\n"),
        (f"user top {SPAN} group", "mini|alice||extra, science|135|0\nmini|zoe||science|30|0\n"),
        (f"-s name user top {SPAN} topcount=1", "mini|alice||extra|15|0\n"),
        (f"user top {SPAN} cluster=other", ""),
        (f"job sizes {SPAN}", "mini|root|165|0|0|0|0|100.00%\n"),
        (f"job sizes {SPAN} grouping=2,4 acctasparent", "mini|extra|15|0|0|9.09%\nmini|science|30|120|0|90.91%\n"),
        (f"job sizes {SPAN} grouping=ind flat printjob accounts=science", "mini|science|1|1|100.00%\n"),
        (f"job SizesByWcKey {SPAN}", ""),
        (f"reservation utilization {SPAN}", ""),
        (f"cluster UW {SPAN}", ""),
    ],
)
def test_usage_is_told(run: Shell, line: str, output: str) -> None:
    assert run(f"sreport -n -P {line}") == (0, output, "")


@pytest.mark.parametrize(
    ("line", "errors"),
    [
        ("cluster", "too few arguments for keyword:cluster\n"),
        ("-Q cluster", ""),
        ("user bottom", 'Not valid report bottom\nValid user reports are, "Top"\n'),
        ("nonsense", "invalid keyword: nonsense\n"),
        ("user top format=nothing,login", " Unknown field 'nothing'\n"),
        ("user top colour=red", " Unknown condition: colour=red\nUse keyword set to modify value\n"),
        ("-T dust user top", "sreport: fatal: No valid TRES given\n"),
    ],
)
def test_what_it_does_not_understand(run: Shell, line: str, errors: str) -> None:
    code, _, said = run(f"sreport -n {line}")
    assert (code, said) == (1, errors)


def test_a_bad_moment_is_said_and_the_day_before_taken(run: Shell) -> None:
    code, output, errors = run("sreport user top start=whenever")
    assert (code, errors) == (0, "Invalid time specification (pos=0): whenever\n")
    assert output.splitlines()[1].endswith("(86400 secs)")


def test_a_wide_number_widens_its_column(run: Shell) -> None:
    header = run(f"sreport -T mem cluster utilization {SPAN} format=cluster,reported")[1].splitlines()[-2]
    assert header == "--------- --------- "


def test_a_conversation(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = f"parsable2\ntime hours\nuser top {SPAN} topcount=1 format=login,used\nexit\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    code, output, errors = run("sreport -n")
    assert (code, errors) == (0, "")
    assert output.splitlines()[-2:] == ["alice|2", "sreport: exit"]


def test_leaving_takes_no_words(run: Shell) -> None:
    assert run("sreport quit now") == (1, "", "too many arguments for keyword:quit\n")
