"""api/jobs: values, back-off, and scripts as child processes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from mini_slurm.api.jobs import (
    Backoff,
    JobManager,
    JobStatus,
    LocalScheduler,
    PBSScheduler,
    ResourceRequirements,
    Scheduler,
)
from mini_slurm.api.jobs.schedulers import asked
from mini_slurm.api.jobs.values import STATUS
from mini_slurm.api.words import option_words
from mini_slurm.errors import BadUsage, Refused, Unreachable
from mini_slurm.model.states import JobState
from tests.fleet import processes
from tests.waiting import wait_until

NEEDS = ResourceRequirements()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINI_SLURM_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("MINI_SLURM_FLEET", "MINI_SLURM_CLUSTER", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def script(text: str, name: str = "job.sh") -> str:
    Path(name).write_text(text)
    return name


def test_every_state_of_slurm_is_one_of_the_interface() -> None:
    assert set(STATUS) == set(JobState)
    assert {state.is_over for state in JobState if STATUS[state].is_over} == {True}


def test_resources_are_the_options_of_the_documents_own_command_line() -> None:
    resources = ResourceRequirements(2, 32, 4, 1, 64, 12.5, "gpu", "high", "project123", "ib")
    assert option_words(asked(resources)) == [
        *("--nodes=2", "--ntasks-per-node=32", "--cpus-per-task=4", "--mem=64G", "--time=12:30:00"),
        *("--partition=gpu", "--qos=high", "--account=project123", "--constraint=ib", "--gres=gpu:1"),
    ]
    assert not any("gres" in word or "partition" in word for word in option_words(asked(NEEDS)))


# --- back-off


class Failing:
    """What fails so many times with this error."""

    def __init__(self, times: int, error: Exception) -> None:
        self.left, self.error, self.calls = times, error, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.left:
            raise self.error
        return "done"


PASSING = Refused("Batch job submission failed: Unable to contact slurm controller (connect failure)")


def test_what_may_pass_is_tried_again_with_growing_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    assert Backoff(tries=6, first=1, longest=5).call(Failing(5, PASSING)) == "done"
    assert pauses == [1, 2, 4, 5, 5]


def test_what_does_not_pass_is_raised_after_the_last_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda pause: None)
    failing = Failing(9, Unreachable("login: no answer"))
    with pytest.raises(Unreachable):
        Backoff(tries=3).call(failing)
    assert failing.calls == 3


@pytest.mark.parametrize(
    "error",
    [
        Refused("invalid partition: x"),
        Unreachable("key refused", again=False),
        ValueError("connection refused"),
    ],
    ids=["refused", "key", "bug"],
)
def test_what_cannot_pass_is_raised_at_once(error: Exception) -> None:
    failing = Failing(9, error)
    with pytest.raises(type(error)):
        Backoff().call(failing)
    assert failing.calls == 1


# --- no scheduler


def test_a_script_runs_and_its_output_lies_in_two_files() -> None:
    scheduler = LocalScheduler()
    job = scheduler.submit_job(script('echo "out $1"; echo err >&2; exit 3'), "probe", NEEDS, arguments=["a b"])
    assert scheduler.wait_for_job(job) is JobStatus.FAILED
    assert (job, scheduler.get_job_info(job).exit_code) == ("local_1", 3)
    assert Path("probe_local_1.out").read_text() == "out a b\n"
    assert Path("probe_local_1.err").read_text() == "err\n"


def test_a_script_runs_with_the_interpreter_that_it_names() -> None:
    scheduler = LocalScheduler()
    job = scheduler.submit_job(script("#!/usr/bin/env -S python3 -S\nprint(6 * 7)\n"), "py", NEEDS, output="o.txt")
    assert (scheduler.wait_for_job(job), Path("o.txt").read_text()) == (JobStatus.COMPLETED, "42\n")


def test_what_depends_on_a_failure_does_not_run() -> None:
    scheduler = LocalScheduler()
    bad = scheduler.submit_job(script("exit 1"), "bad", NEEDS)
    after = scheduler.submit_job(script("touch ran", "next.sh"), "next", NEEDS, [bad])
    assert (scheduler.get_job_status(after), Path("ran").exists()) == (JobStatus.CANCELLED, False)
    assert scheduler.get_job_info(after).reason == "DependencyNeverSatisfied"


def test_a_cancelled_job_leaves_no_process() -> None:
    scheduler = LocalScheduler()
    job = scheduler.submit_job(script("sleep 600 & echo $! > child; wait"), "long", NEEDS)
    number = wait_until(lambda: Path("child").exists() and Path("child").read_text().strip(), "the script")
    assert [info.job_id for info in scheduler.get_queue()] == [job]
    assert (scheduler.cancel_job(job), scheduler.cancel_job(job)) == (True, False)
    assert (scheduler.get_job_status(job), scheduler.get_queue()) == (JobStatus.CANCELLED, [])
    wait_until(lambda: not processes.alive(int(number)), "its child to end")


def test_waiting_ends_with_its_time_out() -> None:
    scheduler = LocalScheduler()
    job = scheduler.submit_job(script("sleep 600"), "long", NEEDS)
    with pytest.raises(TimeoutError):
        scheduler.wait_for_job(job, timeout=0.05)
    assert scheduler.cancel_job(job)


def test_the_tasks_of_an_array_have_their_numbers() -> None:
    manager = JobManager(LocalScheduler())
    ids = manager.submit_array(script("echo $SLURM_ARRAY_TASK_ID $PBS_ARRAY_INDEX"), "sweep", 3)
    assert set(manager.wait_all(ids).values()) == {JobStatus.COMPLETED}
    assert [Path(manager.get_info(job).stdout).read_text() for job in ids] == ["0 0\n", "1 1\n", "2 2\n"]


def test_what_there_is_not_is_unknown_or_refused() -> None:
    manager = JobManager(LocalScheduler())
    assert (manager.status("local_9"), manager.cancel("local_9")) == (JobStatus.UNKNOWN, False)
    assert manager.get_info("local_9").status is JobStatus.UNKNOWN
    with pytest.raises(Refused):
        manager.submit("no-such.sh", "x")
    with pytest.raises(BadUsage):
        manager.submit(script("true"), "x", retries="3")


# --- which scheduler


def test_without_fleet_and_cluster_scripts_run_as_child_processes() -> None:
    assert isinstance(JobManager().scheduler, LocalScheduler)
    assert isinstance(JobManager(auto_detect=False).scheduler, LocalScheduler)
    with pytest.raises(Refused, match="no PBS"):
        PBSScheduler()


@pytest.mark.parametrize(("command", "name"), [("qsub", "PBS"), ("bsub", "LSF"), ("sbatch", "SLURM")])
def test_a_queue_system_on_path_is_found(
    command: str, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = folder / "bin" / command
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    assert JobManager().scheduler.name == name


def test_a_fleet_file_is_a_scheduler_that_speaks_slurm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = folder / "fleet.toml"
    fleet.write_text('[machines.here]\nlocal = true\n[partitions.main]\nmachines = "here"\ndefault = true\n')
    monkeypatch.setenv("MINI_SLURM_FLEET", str(fleet))
    assert JobManager().scheduler.name == "SLURM"


class Own(Scheduler):
    """A user's own: three methods are enough."""

    def __init__(self) -> None:
        super().__init__("own")
        self.looks: dict[str, int] = {}

    def submit_job(
        self, script_path: Any, job_name: str, resources: Any, dependencies: Any = None, **kwargs: Any
    ) -> str:
        self.looks[job_name] = 0
        return job_name

    def get_job_status(self, job_id: str) -> JobStatus:
        self.looks[job_id] += 1
        return JobStatus.COMPLETED if self.looks[job_id] > 2 else JobStatus.RUNNING

    def cancel_job(self, job_id: str) -> bool:
        return False


def test_a_scheduler_of_ones_own_needs_three_methods() -> None:
    manager = JobManager(Own())
    ids = manager.submit_array("x.sh", "x", 2)
    assert manager.wait_all(ids, poll_interval=0) == {"x_0": JobStatus.COMPLETED, "x_1": JobStatus.COMPLETED}
    with pytest.raises(TimeoutError):
        manager.wait(manager.submit("x.sh", "late"), poll_interval=0, timeout=-1)
