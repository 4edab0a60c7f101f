"""Preemption, the whole way: jobs are requeued, cancelled or suspended to make room for one of a higher tier."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from tests import waiting
from tests.fleet import jobs
from tests.fleet.machines import Machines

TABLES = """
[partitions.low]
machines = "node1"
preempt_mode = "{mode}"
grace_time = {grace}
[partitions.high]
machines = "node1"
tier = 2
[preempt]
type = "partition_prio"
mode = "REQUEUE"
"""
LOW, HIGH = ("-p", "low", "-c2", "-t10"), ("-p", "high", "-c2", "-t10")


@pytest.fixture
def preempting(fleet: Machines, request: pytest.FixtureRequest) -> Machines:
    mode, grace = request.param
    fleet.write_fleet(requeue_delay=0)
    with open(fleet.fleet_file, "a") as file:
        file.write(TABLES.format(mode=mode, grace=grace))
    return fleet


def begun(fleet: Machines, text: str, output: Path) -> int:
    """A job of the low partition that has written something."""
    number = jobs.submit(fleet, *LOW, "-o", str(output), jobs.script(fleet, text))
    waiting.wait_until(lambda: "begun" in jobs.text(output), "the script to begin", logs=fleet.logs)
    return number


@pytest.mark.parametrize("preempting", [("REQUEUE", 0)], indirect=True)
def test_a_job_makes_room_and_runs_again(preempting: Machines, tmp_path: Path) -> None:
    fleet, output = preempting, tmp_path / "low.txt"
    low = begun(fleet, 'echo begun; test "$SLURM_RESTART_COUNT" || sleep 1000', output)
    high = jobs.wrap(fleet, "true", *HIGH)
    first, second = jobs.wait_over(fleet, low, high)
    assert (first.state.name, first.restarts, second.state.name) == ("COMPLETED", 1, "COMPLETED")
    said = fleet.run("msacct", "-nXDPo", "JobID,State,ExitCode", "-j", str(low)).stdout.split()
    assert said == [f"{low}|PREEMPTED|0:0", f"{low}|COMPLETED|0:0"]


@pytest.mark.parametrize("preempting", [("CANCEL", 60)], indirect=True)
def test_a_job_is_warned_before_it_is_cancelled(preempting: Machines, tmp_path: Path) -> None:
    fleet, output = preempting, tmp_path / "low.txt"
    step = "trap 'echo saved; exit 3' TERM; echo begun; while :; do sleep 0.1; done"
    low = begun(fleet, f"trap 'echo told' TERM\nsrun -n1 sh -c {shlex.quote(step)}", output)
    said = fleet.run("msbatch", "--test-only", *HIGH, "--wrap", "true")
    assert said.stderr.splitlines()[-1] == f"msbatch:   Preempts: {low}"
    high = jobs.wrap(fleet, "true", *HIGH)
    first, _ = jobs.wait_over(fleet, low, high)
    assert (first.state.name, first.exit_code) == ("PREEMPTED", 3)
    assert "saved\n" in jobs.text(output) and "told" not in jobs.text(output)  # the step is warned, the script is not
    assert (first.preempt_time or 0) >= (first.start_time or 0)


@pytest.mark.parametrize("preempting", [("SUSPEND", 0)], indirect=True)
def test_a_job_is_suspended_while_another_has_its_cpus(preempting: Machines, tmp_path: Path) -> None:
    fleet, output, flag = preempting, tmp_path / "low.txt", tmp_path / "flag"
    low = begun(fleet, f"echo begun; until [ -e {flag} ]; do sleep 0.1; done; echo done", output)
    os.mkfifo(tmp_path / "go")
    high = jobs.wrap(fleet, f"nproc; touch {flag}; read line < {tmp_path}/go", *HIGH, "-o", str(tmp_path / "high.txt"))
    jobs.wait_for(fleet, high, "RUNNING")
    waiting.wait_until(
        lambda: jobs.text(tmp_path / "high.txt") == "2\n", "the other job to have both CPUs", logs=fleet.logs
    )
    assert jobs.job(fleet, low).state.name == "SUSPENDED"
    assert "It makes room" in fleet.run("msqueue", "--why", str(low)).stdout
    (tmp_path / "go").write_text("\n")
    first, second = jobs.wait_over(fleet, low, high)
    assert (first.state.name, first.restarts, jobs.text(output)) == ("COMPLETED", 0, "begun\ndone\n")
    assert (first.start_time or 0) < (second.start_time or 0) < (second.end_time or 0) <= (first.end_time or 0)
