"""What Slurm's commands print of preemption, on a store that the test fills."""

from __future__ import annotations

from pathlib import Path

import pytest

from mini_slurm.cli.control import system
from tests.fleet.shell import FLEET, Shell, job, prepared, running

EXTRA = """
preempt_mode = "CANCEL"
grace_time = 90
[partitions.free]
machines = "node1"
[preempt]
type = "partition_prio"
mode = "SUSPEND"
exempt_time = "5:00"
[qos.low]
[qos.high]
preempt = ["low"]
preempt_mode = "REQUEUE"
grace_time = 60
preempt_exempt_time = "1:00:00"
"""


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = prepared(tmp_path, capsys, monkeypatch)
    (tmp_path / "fleet.toml").write_text(FLEET + EXTRA)
    monkeypatch.setattr(system.autostart, "ring", lambda state: True)  # a controller seems to be there already
    jobs = [running(1, preempt_time=2000.0), running(2), job(3)]
    jobs[1].start_time = 1000.0
    shell.fill(*jobs)
    return shell


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("scontrol -o show partition compute", (" GraceTime=90 ", " PreemptMode=CANCEL ")),
        ("scontrol -o show partition free", (" GraceTime=0 ", " PreemptMode=GANG,SUSPEND ")),
        ("sinfo -h -o %P,%M", ("compute*,CANCEL\n", "free,GANG,SUSPEND\n")),
        ("scontrol show config", ("\nPreemptMode             = GANG,SUSPEND\n",)),
        ("scontrol show config", ("\nPreemptType             = preempt/partition_prio\n",)),
        ("scontrol show config", ("\nPreemptExemptTime       = 00:05:00\n",)),
        ("sacctmgr -nP show qos format=name,preempt,preemptmode,gracetime,preemptexempttime", (
            "low||cluster|00:00:00|\n", "high|low|requeue|00:01:00|01:00:00\n",
        )),
        ("scontrol -o show job 2", (" PreemptEligibleTime=1970-01-01T00:21:40 PreemptTime=None ",)),
        ("scontrol -o show job 1", (" PreemptTime=1970-01-01T00:33:20 ",)),
        ("squeue -h -j 1 -O PreemptTime:30", ("1970-01-01T00:33:20 ",)),
        ("squeue -h -j 2 -O PreemptTime:30", ("N/A ",)),
    ],
)  # fmt: skip
def test_it_is_shown(run: Shell, line: str, parts: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    code, output, errors = run(line)
    assert (code, errors) == (0, "")
    assert [part for part in parts if part not in output] == []


def test_a_waiting_job_is_never_preempted(run: Shell) -> None:
    assert "Preempt" not in run("scontrol show job 3")[1]
