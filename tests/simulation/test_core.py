"""The core in virtual time: what becomes of single jobs."""

from __future__ import annotations

import pytest

from mini_slurm.model.fleet import Partition
from mini_slurm.model.job import Job
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler import events
from mini_slurm.scheduler.cluster import make_cluster
from mini_slurm.scheduler.core import step
from mini_slurm.scheduler.decisions import End, Forget, Start
from mini_slurm.scheduler.starting import set_reason
from tests.simulation.harness import STATE, Simulation, fleet_of

ONE = {"node1": Resources(cpus=1, memory=1000)}
TWO = {"node1": Resources(cpus=2, memory=4000), "node2": Resources(cpus=4, memory=8000, gpus={"a100": 2})}


def test_a_job_runs_and_completes():
    sim = Simulation(fleet_of(ONE))
    job = sim.submit(run_time=60)
    assert sim.state(job) == "CONFIGURING"
    sim.run(until=1)
    assert sim.state(job) == "RUNNING"
    sim.run(until=60)
    assert (sim.state(job), sim.job(job).end_time, sim.job(job).exit_code) == ("COMPLETED", 60, 0)


def test_a_failing_job_is_failed_with_its_exit_code():
    sim = Simulation(fleet_of(ONE))
    job = sim.submit(run_time=1, exit_code=3)
    sim.run(until=5)
    assert (sim.state(job), sim.job(job).exit_code, sim.job(job).reason) == ("FAILED", 3, "NonZeroExitCode")


def test_a_job_waits_until_cpus_are_free():
    sim = Simulation(fleet_of(ONE))
    first, second = sim.submit(run_time=60), sim.submit(run_time=60)
    assert (sim.state(second), sim.job(second).reason) == ("PENDING", "Resources")
    sim.run(until=61)
    assert (sim.state(first), sim.state(second)) == ("COMPLETED", "RUNNING")


def test_a_job_over_its_limit_times_out():
    sim = Simulation(fleet_of(ONE))
    job = sim.submit(run_time=10_000, time_limit=3600)
    sim.run(until=3600)
    assert (sim.state(job), sim.job(job).reason) == ("TIMEOUT", "TimeLimit")


def test_a_cpu_job_keeps_off_gpu_machines_while_others_are_free():
    sim = Simulation(fleet_of(TWO))
    jobs = [sim.submit() for _ in range(3)]
    assert [sim.job(job).node for job in jobs] == ["node1", "node1", "node2"]


def test_a_gpu_job_gets_gpus_by_type():
    sim = Simulation(fleet_of(TWO))
    job = sim.submit(gres="gpu:1")
    assert (sim.job(job).node, sim.job(job).alloc_gpus) == ("node2", "a100:1")


def test_two_gpu_jobs_share_a_machine_and_a_third_waits():
    sim = Simulation(fleet_of(TWO))
    jobs = [sim.submit(gres="gpu:a100:1") for _ in range(3)]
    assert [sim.state(job) for job in jobs] == ["CONFIGURING", "CONFIGURING", "PENDING"]


def test_an_exclusive_job_waits_for_an_empty_machine():
    sim = Simulation(fleet_of(ONE))
    sim.submit(run_time=5)
    alone = sim.submit(exclusive=1)
    assert sim.state(alone) == "PENDING"
    sim.run(until=6)
    assert (sim.state(alone), sim.job(alone).alloc_cpus) == ("RUNNING", 1)


def test_an_exclusive_job_gets_all_cpus_and_gpus_of_its_machine():
    sim = Simulation(fleet_of({"node1": Resources(cpus=4, memory=8000, gpus={"a100": 2, "": 1})}))
    alone = sim.submit(exclusive=1, gres="gpu:1", memory_per_node=500)
    job = sim.job(alone)
    assert (job.alloc_cpus, job.alloc_memory, job.alloc_gpus) == (4, 500, "1,a100:2")


def test_a_held_job_waits_for_its_release():
    sim = Simulation(fleet_of(ONE))
    job = sim.submit(priority=0)
    sim.run(until=100)
    assert (sim.state(job), sim.job(job).reason) == ("PENDING", "JobHeldUser")


def test_a_job_does_not_start_before_its_begin_time():
    sim = Simulation(fleet_of(ONE))
    job = sim.submit(begin_time=50.0)
    assert sim.job(job).reason == "BeginTime"
    sim.run(until=49)
    assert sim.state(job) == "PENDING"
    sim.run(until=51)
    assert (sim.state(job), sim.job(job).start_time) == ("RUNNING", 50.0)


def test_a_time_limit_over_the_partitions_pends():
    sim = Simulation(fleet_of(ONE, partitions={"main": Partition("main", ("node1",), True, max_time=600)}))
    assert sim.job(sim.submit(time_limit=1200)).reason == "PartitionTimeLimit"
    assert sim.job(sim.submit(time_limit=None)).reason == "PartitionTimeLimit"


def test_a_job_that_no_machine_can_hold_pends_and_blocks_nobody():
    sim = Simulation(fleet_of(ONE))
    huge, small = sim.submit(cpus_per_task=64), sim.submit()
    assert (sim.job(huge).reason, sim.state(small)) == ("PartitionConfig", "CONFIGURING")


def test_a_short_job_overtakes_where_it_delays_nobody():
    sim = Simulation(fleet_of({"node1": Resources(cpus=2)}))
    sim.submit(run_time=100, time_limit=120)
    wide = sim.submit(cpus_per_task=2, time_limit=600)
    short, long = sim.submit(run_time=60, time_limit=60), sim.submit(run_time=500, time_limit=600)
    assert [sim.state(job) for job in (wide, short, long)] == ["PENDING", "CONFIGURING", "PENDING"]
    assert [sim.job(job).reason for job in (wide, long)] == ["Resources", "Priority"]
    sim.run(until=101)
    assert sim.state(wide) == "RUNNING"


def test_a_pending_job_is_cancelled_at_once():
    sim = Simulation(fleet_of(ONE))
    job = sim.submit(priority=0)
    sim.cancel(job)
    assert (sim.state(job), sim.job(job).cancelled_by) == ("CANCELLED", 1000)


def test_a_running_job_is_completing_until_its_processes_have_ended():
    sim = Simulation(fleet_of(ONE))
    job, waiting = sim.submit(run_time=100), sim.submit()
    sim.run(until=10)
    sim.cancel(job)
    assert (sim.state(job), sim.state(waiting)) == ("COMPLETING", "PENDING")
    assert sim.log[-1][1] == End("node1", f"{STATE}.{job}.1")
    sim.run(until=12)
    assert (sim.state(job), sim.state(waiting)) == ("CANCELLED", "RUNNING")


def test_nobody_cancels_somebody_elses_job():
    sim = Simulation(fleet_of(ONE))
    job = sim.submit()
    sim.cancel(job, uid=1001)
    sim.run(until=5)
    assert sim.state(job) == "RUNNING"


def test_a_short_cut_of_the_cable_changes_nothing():
    sim = Simulation(fleet_of(ONE))
    job = sim.submit(run_time=100)
    sim.run(until=10)
    sim.disconnect("node1")
    sim.run(until=20)
    sim.connect("node1")
    sim.run(until=101)
    assert (sim.state(job), sim.starts) == ("COMPLETED", {f"{STATE}.{job}.1": 1})


def test_a_start_that_was_never_heard_is_said_again():
    sim = Simulation(fleet_of(ONE))
    sim.connected.clear()  # the channel is gone, and the core does not know it yet
    job = sim.submit(run_time=5)
    sim.connect("node1")
    sim.run(until=10)
    assert (sim.state(job), sim.starts) == ("COMPLETED", {f"{STATE}.{job}.1": 1})


def test_a_rebooted_machine_requeues_its_jobs():
    sim = Simulation(fleet_of(ONE))
    job = sim.submit(run_time=100)
    sim.run(until=10)
    sim.reboot("node1")
    assert (sim.job(job).restarts, sim.job(job).attempt) == (1, 2)
    sim.run(until=200)
    assert sim.state(job) == "COMPLETED"


def test_a_job_that_may_not_be_requeued_ends_as_node_fail():
    sim = Simulation(fleet_of(ONE))
    job = sim.submit(run_time=100, requeue=0)
    sim.run(until=10)
    sim.reboot("node1")
    assert (sim.state(job), sim.job(job).reason) == ("NODE_FAIL", "NodeDown")


def test_an_attempt_that_was_given_up_is_ended_before_anything_starts_there():
    sim = Simulation(fleet_of(ONE))
    job = sim.submit(run_time=1000)
    sim.run(until=10)
    sim.disconnect("node1")
    sim.happen(events.MachineLost("node1"))
    assert (sim.state(job), sim.job(job).restarts) == ("PENDING", 1)
    sim.connect("node1")
    assert sim.log[-1][1] == End("node1", f"{STATE}.{job}.1")
    assert sim.state(job) == "PENDING"
    sim.run(until=12)
    assert sim.state(job) == "RUNNING"
    assert sim.running["node1"] == {f"{STATE}.{job}.2"}


def test_a_busy_machine_is_asked_again_later():
    sim = Simulation(fleet_of(ONE))
    sim.connected.clear()
    job = sim.submit(run_time=5)
    sim.connected.add("node1")
    sim.happen(events.AttemptRefused("node1", f"{STATE}.{job}.1", True, "GPU held by another user"))
    assert (sim.state(job), sim.job(job).reason) == ("PENDING", "Resources")
    sim.run(until=20)
    assert (sim.state(job), sim.job(job).attempt) == ("COMPLETED", 2)


def test_output_that_cannot_be_opened_fails_the_job_with_53():
    sim = Simulation(fleet_of(ONE))
    sim.connected.clear()
    job = sim.submit()
    sim.happen(events.OutputFailed(f"{STATE}.{job}.1", True, "cannot open"))
    assert (sim.state(job), sim.job(job).exit_signal) == ("FAILED", 53)


def test_a_late_word_of_an_old_attempt_changes_nothing():
    sim = Simulation(fleet_of(ONE))
    job = sim.submit(run_time=100)
    sim.run(until=5)
    sim.reboot("node1")
    sim.happen(events.AttemptEnded("node1", f"{STATE}.{job}.1", sim.now, "", 0, 0, 0, 0.0, 0.0))
    assert sim.state(job) in ("CONFIGURING", "RUNNING")


def test_an_array_starts_its_tasks_one_by_one_and_the_last_takes_the_arrays_number():
    sim = Simulation(fleet_of({"node1": Resources(cpus=8)}))
    array = sim.submit(array_tasks="1-3", run_time=5)
    started = [decision.job for _, decision in sim.log if isinstance(decision, Start)]
    assert [(job.job_id, job.array_task_id) for job in started] == [(2, 1), (3, 2), (array, 3)]
    sim.run(until=6)
    assert {sim.state(number) for number in (1, 2, 3)} == {"COMPLETED"}


def test_an_array_keeps_to_its_throttle():
    sim = Simulation(fleet_of({"node1": Resources(cpus=8)}))
    array = sim.submit(array_tasks="1-6%2", run_time=10)
    assert len(sim.running["node1"]) == 2
    assert (sim.job(array).display_id, sim.job(array).reason) == (f"{array}_[3-6%2]", "JobArrayTaskLimit")
    sim.run(until=30)
    assert len(sim.done) == 6


def test_the_last_task_that_waits_is_shown_as_a_task():
    sim = Simulation(fleet_of({"node1": Resources(cpus=4, memory=4000)}))
    array = sim.submit(array_tasks="1-3%2", run_time=10)
    sim.run(until=1)
    last = sim.job(array)
    assert (last.display_id, last.array_throttle, last.reason) == (f"{array}_3", 2, "JobArrayTaskLimit")
    sim.run(until=11)
    assert sim.state(array) == "RUNNING"


def test_tasks_that_were_requeued_keep_to_their_arrays_throttle():
    sim = Simulation(fleet_of({"node1": Resources(cpus=8)}, requeue_delay=10.0))
    array = sim.submit(array_tasks="1-4%2", run_time=100)
    for task in (1, 2):
        sim.requeue(array, task)
    sim.run(until=5)
    assert {job.array_task_id for job in sim.cluster.jobs.values() if job.state.name == "RUNNING"} == {3, 4}
    sim.run(until=50)
    waiting = [job for job in sim.cluster.jobs.values() if job.array_task_id in (1, 2)]
    assert [(job.state.name, job.reason) for job in waiting] == [("PENDING", "JobArrayTaskLimit")] * 2
    sim.run(until=300)
    assert [job.state.name for job in sim.done.values()].count("COMPLETED") == 4


def test_one_waiting_task_of_an_array_is_cancelled_alone():
    sim = Simulation(fleet_of(ONE))
    array = sim.submit(array_tasks="1-4", run_time=10)
    sim.cancel(array, 3)
    sim.run(until=100)
    ends = {job.array_task_id: job.state.name for job in sim.done.values()}
    assert ends == {1: "COMPLETED", 2: "COMPLETED", 4: "COMPLETED"}  # nothing is kept of it, as in Slurm


def test_the_last_waiting_task_of_an_array_is_cancelled_as_the_array():
    sim = Simulation(fleet_of(ONE))
    array = sim.submit(array_tasks="1-2", priority=0)
    sim.cancel(array, 1)
    sim.cancel(array, 2)
    assert [(job.job_id, job.array_task_id, job.state.name) for job in sim.done.values()] == [(array, 2, "CANCELLED")]


def test_a_task_of_somebody_else_stays_in_its_array():
    sim = Simulation(fleet_of(ONE))
    array = sim.submit(array_tasks="1-2", priority=0)
    sim.cancel(array, 1, uid=1001)
    assert [job.array_tasks for job in sim.cluster.jobs.values()] == ["1-2"]


def test_a_whole_array_is_cancelled_with_its_running_tasks():
    sim = Simulation(fleet_of(ONE))
    array = sim.submit(array_tasks="1-4", run_time=100)
    sim.run(until=5)
    sim.cancel(array, array=True)
    sim.run(until=10)
    assert {job.state.name for job in sim.done.values()} == {"CANCELLED"}
    assert not sim.cluster.jobs


def test_a_job_whose_output_cannot_be_written_completes_until_it_is_cancelled():
    sim = Simulation(fleet_of(ONE))
    job = sim.submit(run_time=1000)
    sim.run(until=5)
    attempt = f"{STATE}.{job}.1"
    sim.happen(events.OutputFailed(attempt, False, "cannot write output: No space left on device"))
    sim.happen(events.AttemptEnded("node1", attempt, sim.now, "", 0, 0, 0, 0.0, 0.0))
    assert (sim.state(job), sim.job(job).reason) == ("COMPLETING", "cannot write output: No space left on device")
    sim.cancel(job)
    assert (sim.state(job), sim.log[-1][1]) == ("COMPLETED", Forget("node1", attempt))


def test_the_first_job_without_room_waits_for_resources_whatever_waits_before_it():
    sim = Simulation(fleet_of(ONE))
    sim.submit(cpus_per_task=64)
    sim.submit(run_time=100)
    jobs = [sim.submit() for _ in range(3)]
    assert [sim.job(job).reason for job in jobs] == ["Resources", "Priority", "Priority"]


def test_a_held_job_of_the_same_shape_keeps_its_own_reason():
    sim = Simulation(fleet_of(ONE))
    sim.submit(run_time=100)
    waiting, held, later = sim.submit(), sim.submit(priority=0), sim.submit(begin_time=1000.0)
    assert [sim.job(job).reason for job in (waiting, held, later)] == ["Resources", "JobHeldUser", "BeginTime"]


def test_a_clock_that_is_set_back_does_not_keep_a_machine_paused():
    sim = Simulation(fleet_of(ONE))
    sim.now = 100_000.0
    sim.connected.clear()
    job = sim.submit(run_time=5)
    sim.connected.add("node1")
    sim.happen(events.AttemptRefused("node1", f"{STATE}.{job}.1", True, "GPU held by another user"))
    sim.now = 10_000.0
    sim.happen()
    assert sim.state(job) == "CONFIGURING"


def test_a_job_that_was_stored_before_the_controller_started_is_admitted_when_it_is_announced():
    fleet = fleet_of(ONE)
    job = Job(job_id=1, uid=1000, partition="main", submit_time=5.0)
    cluster = make_cluster(fleet, STATE, [job], {})
    step(cluster, [events.JobSubmitted(Job(**job.__dict__))], 6.0)
    admitted = cluster.jobs[1].priority
    assert (cluster.jobs[1].eligible_time, admitted > 0) == (5.0, True)
    cluster.jobs[1].eligible_time = 7.0  # as of one that was held and is released
    step(cluster, [events.JobSubmitted(Job(**job.__dict__))], 8.0)
    assert cluster.jobs[1].eligible_time == 7.0


def test_a_kept_moment_stays_though_a_job_before_it_has_none():
    sim = Simulation(fleet_of(dict.fromkeys("abc", Resources(cpus=2))))
    sim.change_nodes("c", State="DRAIN", Reason="test")
    sim.submit(1000, ntasks=2, required_nodes="a", time_limit=1000)
    sim.submit(ntasks=2, required_nodes="c")
    second = sim.submit(nodes=2, ntasks=2, required_nodes="a,b")
    sim.submit(ntasks=3)  # one more, so that it matters when the others can start
    kept = sim.cluster.reservation
    assert kept is not None and kept.job_id == second
    sim.run(until=10)
    sim.submit(ntasks=4)
    assert sim.cluster.reservation == kept


@pytest.mark.parametrize(
    ("partition", "reason", "told"),
    [
        ("main", "PartitionConfig", "PartitionConfig"),
        ("main", "Resources", None),
        ("main,other", "PartitionConfig", None),
        ("main,other", "JobHeldUser", "JobHeldUser"),
        ("main,other", "Dependency", "Dependency"),
    ],
)
def test_accounting_tells_of_a_job_with_several_partitions_what_its_user_ordered_alone(
    partition: str, reason: str, told: str | None
):
    sim = Simulation(fleet_of({"node1": Resources(cpus=1)}))
    job = Job(job_id=1, uid=1000, partition=partition, submit_time=5.0)
    set_reason(sim.cluster, job, reason)
    assert (job.reason, job.wait_reason) == (reason, told)
