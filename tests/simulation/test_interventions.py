"""requeue, suspend, resume and top, in virtual time."""

from __future__ import annotations

import signal

import pytest

from mini_slurm.model.fleet import Weights
from mini_slurm.model.resources import Resources
from mini_slurm.model.states import written
from mini_slurm.scheduler import events
from mini_slurm.scheduler.decisions import Answer, End, Limit, Measure, Signal, Suspend
from tests.simulation.harness import ADMIN, OTHER, STATE, USER, Simulation, fleet_of

ONE = {"node1": Resources(cpus=1, memory=1000)}
DENIED = "Access/permission denied"


def running(**request: object) -> tuple[Simulation, int]:
    sim = Simulation(fleet_of(ONE))
    job = sim.submit(run_time=100, time_limit=600, **request)
    sim.run(until=10)
    return sim, job


# --- requeue


def test_a_running_job_is_ended_and_waits_two_minutes_until_it_runs_again():
    sim, job = running()
    assert sim.requeue(job) == ""
    assert (sim.state(job), sim.log[-2][1]) == ("COMPLETING", End("node1", f"{STATE}.{job}.1", "JOB REQUEUE"))
    sim.run(until=12)
    found = sim.job(job)
    assert (sim.state(job), found.reason, found.restarts, found.begin_time) == ("PENDING", "BeginTime", 1, 132.0)
    (run,) = sim.cluster.runs
    assert (run.state.name, run.start_time, run.end_time, run.attempt) == ("REQUEUED", 0.0, 11.0, 1)
    sim.run(until=240)
    assert (sim.state(job), found.attempt, found.start_time) == ("COMPLETED", 2, 132.0)


def test_a_finished_job_runs_again():
    sim, job = running()
    sim.run(until=200)
    assert sim.requeue(job) == ""
    assert (sim.state(job), sim.job(job).begin_time) == ("PENDING", 321.0)
    assert [run.state.name for run in sim.cluster.runs] == ["REQUEUED"]
    sim.run(until=500)
    assert (sim.state(job), sim.job(job).end_time) == ("COMPLETED", 421.0)


def test_a_job_can_be_requeued_held():
    sim, job = running()
    assert sim.requeue(job, reason="job requeued in held state") == ""
    sim.run(until=1000)
    assert (sim.state(job), sim.job(job).reason) == ("PENDING", "job requeued in held state")
    assert sim.update(job, Priority=None) == ""
    assert sim.state(job) == "CONFIGURING"


def test_what_cannot_be_requeued():
    sim, job = running(requeue=0)
    waiting = sim.submit()
    assert sim.requeue(job, by=OTHER) == DENIED
    assert sim.requeue(job) == "Requested operation is presently disabled"
    assert sim.requeue(waiting) == "Job is pending execution"
    assert sim.requeue(999) == "Invalid job id specified"


def test_a_job_that_is_being_requeued_can_be_cancelled():
    sim, job = running()
    sim.requeue(job)
    sim.cancel(job)
    sim.run(until=1000)
    assert (sim.state(job), sum(sim.starts.values())) == ("CANCELLED", 1)


def test_a_task_of_an_array_is_requeued_alone():
    sim = Simulation(fleet_of({"node1": Resources(cpus=3)}))
    array = sim.submit(array_tasks="1-3", run_time=100)
    sim.run(until=10)
    assert sim.requeue(array, 2) == ""
    sim.run(until=1000)
    assert {job.array_task_id: job.restarts for job in sim.done.values()} == {1: 0, 2: 1, 3: 0}


def test_a_machine_that_is_lost_while_a_job_is_requeued_does_not_run_it_twice_at_once():
    sim, job = running()
    sim.disconnect("node1")
    sim.requeue(job)
    sim.happen(events.MachineLost("node1"))
    assert (sim.state(job), sim.job(job).restarts) == ("PENDING", 1)
    sim.connect("node1")
    sim.run(until=1000)
    assert (sim.state(job), max(sim.starts.values())) == ("COMPLETED", 1)


# --- signals


@pytest.mark.parametrize(("ends", "by"), [(True, USER.uid), (False, -1)])
def test_who_cancels_a_step_is_told_and_not_who_sends_it_a_signal(ends: bool, by: int):
    sim, job = running()
    sim.happen(events.SignalRequested(job, 15, True, USER.uid, 0, ends))
    signals = [decision for _, decision in sim.log if isinstance(decision, Signal)]
    assert signals == [Signal("node1", f"{STATE}.{job}.1", 15, True, 0, by)]


# --- suspend and resume


def test_the_clock_of_a_suspended_job_stands_still():
    sim, job = running()
    assert sim.suspend(job) == ""
    order = Suspend("node1", f"{STATE}.{job}.1", resume=False, lends=True)
    assert (sim.state(job), sim.log[-2][1]) == ("SUSPENDED", order)
    sim.run(until=510)
    assert sim.state(job) == "SUSPENDED"
    assert sim.suspend(job, resume=True) == ""
    assert (sim.state(job), sim.job(job).suspended_seconds) == ("RUNNING", 500.0)
    sim.run(until=599)
    assert sim.state(job) == "RUNNING"
    sim.run(until=601)
    assert (sim.state(job), sim.job(job).end_time) == ("COMPLETED", 600.0)


def test_only_whoever_looks_after_the_fleet_suspends():
    sim, job = running()
    assert sim.suspend(job, by=USER) == DENIED
    sim.cluster.owner = USER.uid
    assert sim.suspend(job, by=USER) == ""


def test_what_cannot_be_suspended_or_resumed():
    sim, job = running()
    waiting = sim.submit()
    assert sim.suspend(job, resume=True) == "Job is not suspended"
    assert sim.suspend(waiting) == "Job is pending execution"
    assert (sim.suspend(job), sim.suspend(job)) == ("", "")
    sim.cancel(job)
    assert sim.suspend(job) == "Job/step already completing or completed"
    assert sim.suspend(999) == "Invalid job id specified"


def test_a_suspended_job_has_no_priority_and_an_own_one_when_it_goes_on():
    sim, job = running()
    before = sim.job(job).priority
    assert sim.update(job, by=ADMIN, Priority=before + 7) == ""
    sim.suspend(job)
    assert sim.job(job).priority == 0
    sim.suspend(job, resume=True)
    assert sim.job(job).priority == before > 0


def test_a_suspended_job_that_is_requeued_is_held_by_the_administrator_and_starts_anew():
    sim, job = running()
    sim.suspend(job)
    assert sim.requeue(job, by=ADMIN) == ""
    sim.run(until=1000)
    assert (sim.state(job), sim.job(job).reason) == ("PENDING", "JobHeldAdmin")
    assert sim.update(job, by=ADMIN, Priority=None) == ""
    sim.run(until=2000)
    assert (sim.state(job), sim.job(job).suspended_seconds, sim.job(job).suspend_time) == ("COMPLETED", 0.0, None)


def test_a_machine_hears_of_what_it_missed_when_it_answers_again():
    sim, job = running()
    sim.disconnect("node1")
    sim.suspend(job)
    sim.update(job, TimeLimit=300)
    sim.log.clear()
    sim.connect("node1")
    orders = [decision for _, decision in sim.log if isinstance(decision, Limit | Suspend)]
    name = f"{STATE}.{job}.1"
    assert orders == [Limit("node1", name, 300), Suspend("node1", name, resume=False, lends=True)]


# --- top


AS_ADMIN = events.Caller(0, as_admin=True)


def top(sim: Simulation, *jobs: int, by: events.Caller = ADMIN) -> str:
    sim.happen(events.TopRequested(1, by, tuple((job, None) for job in jobs)))
    return sim.answers[-1].error


def test_a_job_changes_places_with_those_before_it():
    sim = Simulation(fleet_of(ONE, priority=Weights()))
    sim.submit(run_time=1000)
    jobs = [sim.submit(nice=nice) for nice in (0, 10, 20)]
    before = sum(sim.job(job).priority for job in jobs)
    assert top(sim, jobs[2]) == ""
    after = [sim.job(job).priority for job in jobs]
    assert after[2] > after[0] > after[1]
    assert sum(after) == before
    sim.now += 400
    sim.happen()
    assert [sim.job(job).priority for job in jobs] == after


def test_top_is_the_administrators_and_of_jobs_that_wait():
    sim, job = running()
    waiting, held = sim.submit(), sim.submit(priority=0)
    assert top(sim, waiting, by=USER) == DENIED
    assert top(sim, job) == "Job is no longer pending execution"
    assert top(sim, held) == "Job is in held state, pending scheduler release"
    assert top(sim, 999) == top(sim) == top(sim, 999, by=USER) == DENIED
    assert top(sim, 999, by=AS_ADMIN) == top(sim, by=AS_ADMIN) == "Invalid job id specified"


# --- measuring


def test_each_machine_of_a_running_job_that_answers_is_asked_what_it_uses() -> None:
    machines = {name: Resources(cpus=1, memory=1000) for name in ("node1", "node2")}
    sim = Simulation(fleet_of(machines))
    job = sim.submit(nodes=2, ntasks=2, run_time=100)
    sim.run(until=1)
    attempt = sim.cluster.attempt_name(sim.job(job))
    sim.happen(events.MeasureRequested(7, job))
    assert [decision for _, decision in sim.log[-2:]] == [Measure(name, attempt, 7) for name in machines]
    sim.disconnect("node2")
    sim.happen(events.MeasureRequested(8, job))
    assert sim.log[-1][1] == Measure("node1", attempt, 8)


def test_a_job_that_does_not_run_cannot_be_measured() -> None:
    sim = Simulation(fleet_of({"node1": Resources(cpus=1, memory=1000)}))
    job = sim.submit(priority=0)
    for number in (job, 77):
        sim.happen(events.MeasureRequested(7, number))
        assert sim.answers[-1].error == f"No steps running for job {number}"


def sent(sim: Simulation, job: int, *numbers: int, step: int | None = None) -> tuple[str, str]:
    """How squeue writes the job's state after these signals."""
    for number in numbers:
        sim.happen(events.SignalRequested(job, number, False, USER.uid, step, False))
    found = sim.job(job)
    return written(found.state, found.reason, found.stopped)


def test_a_job_counts_as_stopped_from_its_signal_until_it_may_go_on():
    sim, job = running()
    assert sent(sim, job, signal.SIGSTOP) == ("STOPPED", "ST")
    assert sent(sim, job, signal.SIGTSTP, signal.SIGUSR1) == ("STOPPED", "ST")
    assert sent(sim, job, signal.SIGCONT) == ("RUNNING", "R")
    assert sent(sim, job, signal.SIGSTOP, step=0) == ("RUNNING", "R")


def test_a_job_without_steps_counts_as_stopped_although_nothing_is_sent():
    sim, job = running()
    before = len(sim.log)
    sim.happen(events.SignalRequested(job, signal.SIGSTOP, True, USER.uid, is_noted=True))
    assert (sim.job(job).stopped, len(sim.log)) == (1, before)


def test_a_stopped_job_that_is_suspended_or_requeued_is_no_longer_stopped():
    sim, job = running()
    sent(sim, job, signal.SIGSTOP)
    assert (sim.suspend(job), sent(sim, job)) == ("", ("SUSPENDED", "S"))
    assert (sim.suspend(job, resume=True), sent(sim, job)) == ("", ("RUNNING", "R"))
    sent(sim, job, signal.SIGSTOP)
    sim.requeue(job)
    sim.run(until=200)
    assert sent(sim, job) == ("RUNNING", "R")
    assert [run.stopped for run in sim.cluster.runs] == [0]


def test_a_job_that_is_on_its_way_back_cannot_be_requeued_again():
    sim, job = running()
    assert (sim.requeue(job), sim.state(job)) == ("", "COMPLETING")
    assert sim.requeue(job) == "Job is pending execution"
    sim.run(until=12)
    assert (sim.state(job), sim.job(job).restarts) == ("PENDING", 1)


# --- limits of steps


@pytest.mark.parametrize(
    ("by", "over", "error"),
    [
        (USER, False, ""),
        (ADMIN, False, ""),
        (OTHER, False, "Invalid user id"),
        (USER, True, "Invalid job id specified"),
    ],
)
def test_a_step_gets_another_limit_from_its_owner(by: events.Caller, over: bool, error: str) -> None:
    sim, job = running()
    if over:
        sim.run(until=1000)
    sim.happen(events.StepLimitRequested(7, by, job, 2, 120))
    limits = [decision for _, decision in sim.log if isinstance(decision, Limit)]
    assert sim.answers[-1] == Answer(7, error)
    assert limits == ([] if error else [Limit("node1", f"{STATE}.{job}.1", 120, 2)])
