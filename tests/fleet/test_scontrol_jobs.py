"""mscontrol's acting verbs, the whole way: command, controller, machine, and the answer back."""

from __future__ import annotations

import json

from tests.fleet import jobs
from tests.fleet.machines import Machines
from tests.waiting import wait_until

LATER = "--begin=now+1hour"


def control(fleet: Machines, *words: str) -> tuple[int, str]:
    """Exit status and errors."""
    done = fleet.run("mscontrol", *words)
    return done.returncode, done.stderr


def test_a_job_is_held_changed_and_released(fleet: Machines) -> None:
    job = jobs.wrap(fleet, "true", LATER)
    assert control(fleet, "hold", str(job)) == (0, "")
    assert (jobs.job(fleet, job).priority, jobs.job(fleet, job).reason) == (0, "JobHeldUser")
    assert control(fleet, "update", f"jobid={job}", "StartTime=now", "TimeLimit=+5", "JobName=other") == (0, "")
    assert control(fleet, "release", str(job)) == (0, "")
    (done,) = jobs.wait_over(fleet, job)
    assert (done.state.name, done.name) == ("COMPLETED", "other")
    assert control(fleet, "hold", str(job)) == (
        1, f"Job has already finished for job {job}\nslurm_suspend error: Job has already finished\n"
    )  # fmt: skip


NOT_DONE = (
    ("hold 999", "Invalid job id specified for job 999\nslurm_suspend error: Invalid job id specified\n"),
    ("release x", "Invalid job id specified for job x\nslurm_suspend error: Invalid job id specified\n"),
    ("requeue 999", "Invalid job id specified for job 999\n"),
    ("suspend 999", "Unexpected message received for job 999\n"),
    ("top 999", "Access/permission denied for job 999\n"),
    ("update stepid=999.0 timelimit=5", "slurm_update error: Invalid job id specified\n"),
    ("update stepid=1x timelimit=5", "Invalid StepID parameter: stepid=1x\nRequest aborted\n"),
    ("update stepid=1.0 timelimit=x", "mscontrol: error: Invalid TimeLimit value\n"),
    ("update stepid=1.0", "No changes specified\n"),
    ("update stepid=1.0 name=x", "Update of this parameter is not supported: name=x\nRequest aborted\n"),
    ("notify 999 hello", "job notify failure: Invalid job id specified\n"),
    ("notify x hello", "Invalid job_id xjob notify failure: No error\n"),
    ("notify 1", "too few arguments for keyword:notify\n"),
    ("notify 1 hello", "job notify failure: Requested operation is presently disabled\n"),
    ("update jobid=999 TimeLimit=5", "Invalid job id specified for job 999\n"),
    ("update jobid=999 UserID=root", "No changes specified\n"),
    ("update jobid=999 TimeLimit=x", "mscontrol: error: Invalid TimeLimit value\n"),
    ("update jobid=999 JobState=x", "Update of this parameter is not supported: JobState=x\nRequest aborted\n"),
    ("update jobid=999 NumNodes=2",
     "mscontrol: error: Could not load state information for job 999: Invalid job id specified\n"),
    ("update jobid=999 StartTime=", "No changes specified\n"),
    ("update jobid=999 Deadline=x", "Invalid time specification (pos=0): x\nNo changes specified\n"),
    ("update jobid=999 EndTime=x", "Invalid time specification (pos=0): x\nInvalid job id specified for job 999\n"),
    ("update jobid=999 Requeue=", "Invalid job id specified for job 999\n"),
    ("update jobid=999 Requeue=-1", "mscontrol: error: Invalid Requeue value: -1\n"),
    ("wait_job x", "Invalid job_id x"),
    ("update jobname=nope TimeLimit=5", "mscontrol: error: No jobs with name 'nope'\n"),
    ("update TimeLimit=5", 'No valid entity in update command\nInput line must include "NodeName", '
     '"PartitionName", "Reservation", "JobId", or "SlurmctldDebug"\n'),
)  # fmt: skip


def test_what_cannot_be_done_is_said_in_slurms_words(fleet: Machines) -> None:
    jobs.wrap(fleet, "true", LATER)
    for words, error in NOT_DONE:
        assert control(fleet, *words.split()) == (1, error)


def test_a_running_job_is_told_something(fleet: Machines) -> None:
    job = jobs.wrap(fleet, "sleep 100", "--output=out.txt")
    node = jobs.wait_for(fleet, job, "RUNNING").node
    assert control(fleet, "notify", str(job), "hello  there;", "$(id) ü") == (0, "")
    said = f"slurmstepd-{node}: error: hello  there; $(id) ü\n"
    wait_until(lambda: jobs.text(fleet.work / "out.txt") == said)
    assert fleet.run("mscancel", str(job)).returncode == 0
    jobs.wait_over(fleet, job)
    assert control(fleet, "notify", str(job), "x") == (
        1, "job notify failure: Job/step already completing or completed\n",
    )  # fmt: skip


def test_a_running_job_is_suspended_and_resumed(fleet: Machines) -> None:
    job = jobs.wrap(fleet, "for i in 1 2 3 4 5 6; do sleep 0.2; echo $i; done", "--output=out.txt")
    jobs.wait_for(fleet, job, "RUNNING")
    assert control(fleet, "suspend", str(job)) == (0, "")
    assert jobs.job(fleet, job).state.name == "SUSPENDED"
    assert control(fleet, "resume", str(job)) == (0, "")
    (done,) = jobs.wait_over(fleet, job)
    assert (done.state.name, done.suspended_seconds > 0) == ("COMPLETED", True)
    assert jobs.text(fleet.work / "out.txt").split() == list("123456")


def test_a_running_job_is_requeued_and_says_so(fleet: Machines) -> None:
    command = 'echo run ${SLURM_RESTART_COUNT:-0}; [ "$SLURM_RESTART_COUNT" ] || sleep 60'
    job = jobs.wrap(fleet, command, "--output=out.txt", "--open-mode=append")
    jobs.wait_for(fleet, job, "RUNNING")
    assert control(fleet, "requeue", str(job)) == (0, "")
    waiting = jobs.wait_for(fleet, job, "PENDING")
    assert (waiting.reason, waiting.restarts) == ("BeginTime", 1)
    assert control(fleet, "update", f"jobid={job}", "StartTime=now") == (0, "")
    jobs.wait_over(fleet, job)
    first, requeued, second = jobs.text(fleet.work / "out.txt").splitlines()
    assert (first, second) == ("run 0", "run 1")
    assert requeued.endswith("DUE TO JOB REQUEUE ***")


def test_a_shorter_limit_reaches_the_machine(fleet: Machines) -> None:
    job = jobs.wrap(fleet, "sleep 60", "--time=10")
    jobs.wait_for(fleet, job, "RUNNING")
    assert control(fleet, "update", f"jobid={job}", "EndTime=now+1") == (0, "")
    assert jobs.wait_over(fleet, job)[0].state.name == "TIMEOUT"


def test_another_limit_of_a_step_reaches_all_of_its_machines(fleet: Machines) -> None:
    job = jobs.wrap(fleet, "srun -t 9 sleep 60", "--time=10", "--nodes=2")
    parts = [machine.spool / "attempts" for machine in fleet.machines.values()]
    wait_until(lambda: f"{job}.0\n" in fleet.run("msqueue", "-hs", "-o", "%i").stdout, "the step")
    for limit, shown in (("3", "00:03:00"), ("+4", "00:07:00"), ("-2", "00:05:00"), ("0", "00:05:00")):
        assert control(fleet, "update", f"stepid={job}.0", f"timelimit={limit}") == (0, "")
        assert f"TimeLimit={shown}\n" in fleet.run("mscontrol", "show", "step", f"{job}.0").stdout
    clocks = [path / "clock.json" for spool in parts for path in spool.glob(f"*.{job}.1-0")]
    assert len(clocks) == 2
    wait_until(lambda: all(json.loads(jobs.text(clock) or "{}").get("limit") == 300 for clock in clocks), "both clocks")
    assert control(fleet, "update", f"stepid={job}.7", "timelimit=3") == (
        1, "slurm_update error: Invalid job id specified\n",
    )  # fmt: skip
    assert control(fleet, "update", f"stepid={job}.0", "timelimit=-6") == (
        1, "mscontrol: error: TimeLimit decrement larger than current time limit (6 > 5)\n",
    )  # fmt: skip
    assert fleet.run("mscancel", str(job)).returncode == 0
    jobs.wait_over(fleet, job)


def test_the_machine_lets_a_job_go_on_after_its_limit_for_as_long_as_the_fleet_says(fleet: Machines) -> None:
    fleet.write_fleet(over_time_limit="2")
    job = jobs.wrap(fleet, "sleep 60", "--time=10", "--nodelist=node1")
    jobs.wait_for(fleet, job, "RUNNING")
    [spool] = (fleet.machines["node1"].spool / "attempts").glob(f"*.{job}.*")
    assert json.loads((spool / "start.json").read_text())["time_limit"] == 720
    assert control(fleet, "update", f"jobid={job}", "TimeLimit=5") == (0, "")
    wait_until(lambda: "420" in (spool / "clock.json").read_text())
    assert "\nOverTimeLimit           = 2 min\n" in fleet.run("mscontrol", "show", "config").stdout
    assert fleet.run("mscancel", str(job)).returncode == 0
    jobs.wait_over(fleet, job)


def test_a_partition_has_a_time_after_the_limit_of_its_own(fleet: Machines) -> None:
    fleet.write_fleet(over_time_limit="UNLIMITED")
    assert control(fleet, "update", "partitionname=main", "overtimelimit=3") == (0, "")
    assert "OverTimeLimit=3 " in fleet.run("mscontrol", "show", "partition", "main").stdout
    job = jobs.wrap(fleet, "sleep 60", "--time=10", "--nodelist=node1")
    jobs.wait_for(fleet, job, "RUNNING")
    [spool] = (fleet.machines["node1"].spool / "attempts").glob(f"*.{job}.*")
    assert json.loads((spool / "start.json").read_text())["time_limit"] == 780
    assert fleet.run("mscancel", str(job)).returncode == 0
    jobs.wait_over(fleet, job)


def test_the_warning_comes_before_the_limit_however_long_a_job_may_go_on(fleet: Machines) -> None:
    fleet.write_fleet(over_time_limit="UNLIMITED")
    command = "trap 'echo warned; exit' USR1; while :; do sleep 0.1; done"
    job = jobs.wrap(fleet, command, "--time=10", "--signal=B:USR1@598", "--output=out.txt")
    assert jobs.wait_over(fleet, job)[0].state.name == "COMPLETED"
    assert jobs.text(fleet.work / "out.txt") == "warned\n"


def test_tasks_of_an_array_are_told_apart(fleet: Machines) -> None:
    array = jobs.wrap(fleet, "true", LATER, "--array=1-4")
    assert control(fleet, "hold", f"{array}_[2-3]") == (0, "")
    assert control(fleet, "update", f"jobid={array}_9", "Comment=x") == (
        1, f"{array}_9: Invalid job id specified\n"
    )  # fmt: skip
    held = {job.array_task_id for job in jobs.all_jobs(fleet).values() if job.priority == 0}
    assert held == {2, 3}
