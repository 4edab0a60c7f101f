"""Jobs that wait for others, in virtual time."""

from __future__ import annotations

import random

import pytest

from mini_slurm.model.resources import Resources
from mini_slurm.model.states import SPECIAL_EXIT
from tests.simulation.harness import ADMIN, OTHER, Simulation, fleet_of

ROOMY = {"node1": Resources(cpus=64, memory=64_000)}


def shown(sim: Simulation, job: int) -> tuple[str, str, str | None]:
    found = sim.job(job)
    return found.state.name, found.reason, found.dependency


@pytest.mark.parametrize(
    ("kind", "exit_code", "state"),
    [
        ("afterok", 0, "RUNNING"),
        ("afterok", 1, "PENDING"),
        ("afternotok", 0, "PENDING"),
        ("afternotok", 1, "RUNNING"),
        ("afterany", 1, "RUNNING"),
        ("afterburstbuffer", 1, "RUNNING"),
    ],
)
def test_a_job_waits_for_the_end_of_another(kind, exit_code, state):
    sim = Simulation(fleet_of(ROOMY))
    first = sim.submit(run_time=10, exit_code=exit_code)
    second = sim.submit(dependency=f"{kind}:{first}(unfulfilled)", run_time=100)
    sim.run(until=9)
    assert shown(sim, second) == ("PENDING", "Dependency", f"{kind}:{first}(unfulfilled)")
    sim.run(until=11)
    assert sim.state(second) == state
    if state == "PENDING":
        assert shown(sim, second)[1:] == ("DependencyNeverSatisfied", f"{kind}:{first}(failed)")
    else:
        assert (sim.job(second).dependency, sim.job(second).eligible_time) == (None, 10.0)


@pytest.mark.parametrize(
    ("kind", "state"), [("afternotok", "RUNNING"), ("afterany", "PENDING"), ("afterok", "PENDING")]
)
def test_a_job_in_the_special_exit_state_has_not_ended_well(kind, state):
    sim = Simulation(fleet_of(ROOMY))
    first = sim.submit(run_time=10)
    second = sim.submit(dependency=f"{kind}:{first}(unfulfilled)", run_time=100)
    sim.run(until=5)
    assert sim.requeue(first, reason=SPECIAL_EXIT) == ""
    sim.run(until=20)
    assert (sim.state(first), sim.state(second)) == ("PENDING", state)


def test_accounting_keeps_that_a_job_waited_for_another_and_not_that_it_waited_for_room():
    sim = Simulation(fleet_of({"node1": Resources(cpus=2, memory=64_000)}))
    first, other = sim.submit(run_time=10), sim.submit(run_time=50)
    late = sim.submit(dependency=f"afterok:{first}(unfulfilled)", cpus_per_task=2)
    next_one = sim.submit(cpus_per_task=2)
    sim.run(until=20)
    assert (sim.job(late).reason, sim.job(late).wait_reason) == ("Resources", "Dependency")
    sim.run(until=5000)
    assert {sim.state(job) for job in (first, other, late, next_one)} == {"COMPLETED"}
    assert (sim.job(late).wait_reason, sim.job(next_one).wait_reason) == ("Dependency", None)


def test_a_job_that_nobody_knows_is_waited_for_no_longer():
    sim = Simulation(fleet_of(ROOMY))
    assert sim.state(sim.submit(dependency="afterok:999(unfulfilled)")) == "CONFIGURING"


def test_ends_from_before_the_submission_count():
    sim = Simulation(fleet_of(ROOMY))
    good, bad = sim.submit(run_time=1), sim.submit(run_time=1, exit_code=1)
    sim.run(until=5)
    assert sim.state(sim.submit(dependency=f"afterok:{good}(unfulfilled)")) == "CONFIGURING"
    assert shown(sim, sim.submit(dependency=f"afterok:{bad}(unfulfilled)"))[1] == "DependencyNeverSatisfied"
    held = sim.submit(priority=0)
    sim.cancel(held)
    assert shown(sim, sim.submit(dependency=f"afterok:{held}(unfulfilled)"))[1] == "DependencyNeverSatisfied"


def test_after_waits_for_the_start_and_so_many_minutes_more():
    sim = Simulation(fleet_of({"node1": Resources(cpus=2)}))
    running = sim.submit(run_time=10)
    waiting = sim.submit(begin_time=100.0, run_time=1)
    assert sim.state(sim.submit(dependency=f"after:{running}(unfulfilled)", run_time=1)) == "CONFIGURING"
    after = sim.submit(dependency=f"after:{waiting}(unfulfilled)", run_time=1)
    later = sim.submit(dependency=f"after:{running}+2(unfulfilled)", run_time=1)
    sim.run(until=99)
    assert [sim.state(job) for job in (after, later)] == ["PENDING", "PENDING"]
    sim.run(until=119)
    assert [sim.state(job) for job in (after, later)] == ["COMPLETED", "PENDING"]
    sim.run(until=122)
    assert (sim.state(later), sim.job(later).start_time) == ("COMPLETED", 120.0)


def test_after_counts_from_its_end_where_a_job_never_started():
    sim = Simulation(fleet_of(ROOMY))
    cancelled, array = sim.submit(begin_time=900.0), sim.submit(array_tasks="0-3", begin_time=900.0)
    one = sim.submit(dependency=f"after:{cancelled}+1(unfulfilled)", run_time=1)
    two = sim.submit(dependency=f"after:{array}_2+1(unfulfilled)", run_time=1)
    sim.plan(10, lambda: sim.cancel(cancelled))
    sim.plan(20, lambda: sim.cancel(array, 2))
    sim.run(until=69)
    assert [sim.state(job) for job in (one, two)] == ["PENDING", "PENDING"]
    sim.run(until=200)
    assert [sim.job(job).start_time for job in (one, two)] == [70.0, 80.0]


def test_all_conditions_have_to_be_met_or_one_of_them():
    sim = Simulation(fleet_of(ROOMY))
    one, two = sim.submit(run_time=10), sim.submit(run_time=20, exit_code=1)
    both = sim.submit(dependency=f"afterany:{one}(unfulfilled),afterany:{two}(unfulfilled)")
    either = sim.submit(dependency=f"afterok:{one}(unfulfilled)?afterok:{two}(unfulfilled)")
    neither = sim.submit(dependency=f"afternotok:{one}(unfulfilled)?afterok:{two}(unfulfilled)")
    sim.run(until=11)
    assert [sim.state(job) for job in (both, either)] == ["PENDING", "RUNNING"]
    assert sim.job(both).dependency == f"afterany:{two}(unfulfilled)"
    assert shown(sim, neither)[1:] == ("Dependency", f"afternotok:{one}(failed)?afterok:{two}(unfulfilled)")
    sim.run(until=21)
    assert sim.state(both) == "RUNNING"
    assert shown(sim, neither)[1:] == ("DependencyNeverSatisfied", f"afternotok:{one}(failed)?afterok:{two}(failed)")


def test_a_job_that_can_never_start_is_cancelled_where_its_user_wants_that():
    sim = Simulation(fleet_of(ROOMY))
    first = sim.submit(run_time=1, exit_code=1)
    job = sim.submit(dependency=f"afterok:{first}(unfulfilled)", extra='{"kill-on-invalid-dep": "yes"}')
    sim.run(until=2)
    assert shown(sim, job) == ("CANCELLED", "DependencyNeverSatisfied", f"afterok:{first}(failed)")
    assert sim.job(job).cancelled_by is None


def test_singletons_of_a_name_and_user_run_one_after_the_other():
    sim = Simulation(fleet_of(ROOMY))
    jobs = [sim.submit(name="train", dependency="singleton(unfulfilled)", run_time=10) for _ in range(3)]
    other = [
        sim.submit(name="test", dependency="singleton(unfulfilled)"),
        sim.submit(name="train", uid=OTHER.uid, dependency="singleton(unfulfilled)"),
    ]
    assert [sim.state(job) for job in (*jobs, *other)] == [
        "CONFIGURING", "PENDING", "PENDING", "CONFIGURING", "CONFIGURING",
    ]  # fmt: skip
    sim.run(until=11)
    assert [sim.state(job) for job in jobs] == ["COMPLETED", "RUNNING", "PENDING"]


# --- arrays


def test_an_array_is_waited_for_as_a_whole():
    sim = Simulation(fleet_of({"node1": Resources(cpus=1)}))
    array = sim.submit(array_tasks="1-3", run_time=10)
    job = sim.submit(dependency=f"afterok:{array}_*(unfulfilled)")
    sim.run(until=29)
    assert shown(sim, job) == ("PENDING", "Dependency", f"afterok:{array}_*(unfulfilled)")
    sim.run(until=31)
    assert sim.state(job) == "RUNNING"


def test_one_task_that_fails_spoils_its_array_and_is_remembered():
    sim = Simulation(fleet_of({"node1": Resources(cpus=1)}))
    array = sim.submit(array_tasks="1-3", run_time=10)
    jobs = [sim.submit(dependency=f"{kind}:{array}_*(unfulfilled)") for kind in ("afterok", "afternotok")]
    sim.run(until=5)
    sim.cancel(array, 1)
    sim.run(until=25)
    assert [sim.job(job).reason for job in jobs] == ["Dependency", "Dependency"]
    sim.run(until=40)
    assert shown(sim, jobs[0])[1:] == ("DependencyNeverSatisfied", f"afterok:{array}_*(failed)")
    assert sim.state(jobs[1]) in ("RUNNING", "COMPLETED")


def test_one_task_can_be_waited_for():
    sim = Simulation(fleet_of(ROOMY))
    array = sim.submit(array_tasks="1-3", run_time=100)
    job = sim.submit(dependency=f"afterok:{array}_2(unfulfilled)")
    sim.run(until=1)
    sim.cancel(array, 2)
    sim.run(until=5)
    assert shown(sim, job)[1:] == ("DependencyNeverSatisfied", f"afterok:{array}_2(failed)")


def test_a_task_that_is_cancelled_before_it_starts_is_no_success():
    sim = Simulation(fleet_of(ROOMY))
    array = sim.submit(array_tasks="1-3", priority=0)
    bound = sim.submit(dependency=f"afterok:{array}_2(unfulfilled)")
    loose = sim.submit(dependency=f"afterany:{array}_2(unfulfilled)")
    sim.cancel(array, 2)
    assert shown(sim, bound)[1:] == ("DependencyNeverSatisfied", f"afterok:{array}_2(failed)")
    assert sim.job(loose).dependency is None


def test_aftercorr_lets_each_task_follow_its_own():
    sim = Simulation(fleet_of({"node1": Resources(cpus=2)}))
    first = sim.submit(array_tasks="1-3%1", run_time=10)
    second = sim.submit(array_tasks="1-3", dependency=f"aftercorr:{first}_*(unfulfilled)", run_time=5)
    sim.run(until=11)
    tasks = {job.array_task_id: job for job in sim.cluster.jobs.values() if job.array_job_id == second}
    assert (tasks[1].state.name, tasks[1].dependency) == ("RUNNING", None)
    assert tasks[None].array_tasks == "2-3"
    sim.cancel(first, 2)
    sim.run(until=60)
    ends = {job.array_task_id: job.state.name for job in sim.done.values() if job.array_job_id == second}
    assert ends == {1: "COMPLETED", 3: "COMPLETED"}
    (left,) = [job for job in sim.cluster.jobs.values() if job.array_job_id == second]
    assert (left.array_task_id, left.reason) == (2, "DependencyNeverSatisfied")


def test_aftercorr_of_an_array_that_has_ended_already():
    sim = Simulation(fleet_of(ROOMY))
    first = sim.submit(array_tasks="1-2", run_time=10)
    sim.run(until=20)
    second = sim.submit(array_tasks="1-2", dependency=f"aftercorr:{first}_*(unfulfilled)")
    assert {job.state.name for job in sim.cluster.jobs.values() if job.array_job_id == second} == {"CONFIGURING"}


# --- held jobs, and dependencies that are changed


def test_the_dependency_of_a_held_job_is_looked_at_when_it_is_released():
    sim = Simulation(fleet_of(ROOMY))
    first = sim.submit(run_time=10, exit_code=1)
    job = sim.submit(priority=0, dependency=f"afterok:{first}(unfulfilled),afterok:999(unfulfilled)")
    sim.run(until=20)
    assert shown(sim, job)[1:] == ("JobHeldUser", f"afterok:{first}(unfulfilled),afterok:999(unfulfilled)")
    assert sim.update(job, Priority=None) == ""
    assert shown(sim, job)[1:] == ("None", f"afterok:{first}(failed)")
    sim.run(until=22)
    assert shown(sim, job)[1:] == ("DependencyNeverSatisfied", f"afterok:{first}(failed)")


def test_a_dependency_can_be_changed_while_the_job_waits():
    sim = Simulation(fleet_of(ROOMY))
    array = sim.submit(array_tasks="1-2", run_time=50)
    job = sim.submit(begin_time=1000.0)
    assert sim.update(job, Dependency=f"afterok:{array}") == ""
    assert sim.job(job).dependency == f"afterok:{array}_*(unfulfilled)"
    assert sim.update(job, Dependency="foo:1") == "Job dependency problem"
    assert sim.update(job, Dependency="expand:1") == "Requested operation not supported on this system"
    assert sim.update(job, Dependency="") == ""
    sim.run(until=3)
    assert (sim.job(job).dependency, sim.job(job).reason) == (None, "BeginTime")


def test_jobs_do_not_wait_for_each_other():
    sim = Simulation(fleet_of(ROOMY))
    first = sim.submit(priority=0)
    second = sim.submit(dependency=f"afterok:{first}(unfulfilled)")
    third = sim.submit(dependency=f"afterok:{second}(unfulfilled)")
    assert sim.update(first, Dependency=f"afterok:{first}") == "Job dependency problem"
    assert sim.update(first, Dependency=f"afterok:{third}") == "Circular job dependency"
    assert sim.update(first, Dependency=f"afterok:{third + 1}") == ""


def test_a_requeued_job_is_waited_for_again():
    sim = Simulation(fleet_of(ROOMY, requeue_delay=50))
    first = sim.submit(run_time=100)
    second = sim.submit(dependency=f"afterany:{first}(unfulfilled)")
    sim.run(until=10)
    sim.requeue(first, by=ADMIN)
    sim.run(until=60)
    assert [sim.state(job) for job in (first, second)] == ["PENDING", "PENDING"]
    sim.run(until=165)
    assert [sim.state(job) for job in (first, second)] == ["COMPLETED", "RUNNING"]


@pytest.mark.parametrize("seed", range(10))
def test_random_workflows_come_to_an_end(seed):
    """Whatever waits for whatever: nothing runs before what it waits for has ended, and nothing hangs."""
    rng = random.Random(seed)
    sim = Simulation(fleet_of({"node1": Resources(cpus=3)}))
    jobs: list[int] = []
    waited_for: dict[int, list[int]] = {}
    for _ in range(40):
        array = {"array_tasks": "1-3"} if rng.random() < 0.3 else {}
        before = rng.sample(jobs, min(len(jobs), rng.randrange(3)))
        conditions = [
            f"afterany:{job}{'_*' if sim.job(job).array_job_id else ''}(unfulfilled)" for job in before
        ]  # fmt: skip
        jobs.append(sim.submit(rng.uniform(1, 100), dependency=",".join(conditions) or None, **array))
        waited_for[jobs[-1]] = before
        if rng.random() < 0.2:
            sim.cancel(rng.choice(jobs))
        sim.run(until=sim.now + rng.uniform(0, 50))
    sim.run(until=10**6)
    assert not sim.cluster.jobs
    assert {job.state.name for job in sim.done.values()} <= {"COMPLETED", "CANCELLED"}
    records = {
        number: [job for job in sim.done.values() if number in (job.job_id, job.array_job_id)] for number in jobs
    }
    for number, before in waited_for.items():
        starts = [job.start_time for job in records[number] if job.start_time is not None]
        ends = [job.end_time for other in before for job in records[other]]
        assert min(starts, default=10**6) >= max(ends, default=0)


@pytest.mark.parametrize("restarts", [False, True])
def test_an_array_of_which_a_task_was_cancelled_before_its_start_has_not_ended_well(restarts: bool) -> None:
    sim = Simulation(fleet_of({"node1": Resources(cpus=1)}))
    array = sim.submit(5, array_tasks="0-1", priority=0)
    well, badly = (sim.submit(5, dependency=f"{kind}:{array}_*(unfulfilled)") for kind in ("afterok", "afternotok"))
    late = sim.submit(5, dependency=f"afterok:{array}_*(unfulfilled)", priority=0)
    twin = sim.submit(5, array_tasks="0-1", dependency=f"aftercorr:{array}_*(unfulfilled)", priority=0)
    sim.cancel(array, 1)
    sim.update(array, Priority=None)
    if restarts:
        sim.restart()
    sim.run(until=100)
    if restarts:
        sim.restart()
    sim.update(late, Priority=None)
    sim.update(twin, Priority=None)
    sim.run(until=200)
    never = "DependencyNeverSatisfied"
    assert [(sim.state(job), sim.job(job).reason) for job in (well, late)] == [("PENDING", never)] * 2
    assert sim.state(badly) == "COMPLETED"
    tasks = {
        job.array_task_id: job for job in (*sim.done.values(), *sim.cluster.jobs.values()) if job.array_job_id == twin
    }
    assert (tasks[0].state.name, tasks[1].reason) == ("COMPLETED", never)
