"""What others get of a job that was suspended by hand, and what it gets when it goes on: as a real Slurm has it."""

from __future__ import annotations

import pytest

from mini_slurm.model.fleet import Partition, Preempt
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler.decisions import Start, Suspend
from mini_slurm.scheduler.plan import plan
from tests.simulation.harness import ADMIN, STATE, Simulation, fleet_of

ONE = {"node1": Resources(cpus=4, memory=8000, gpus={"a100": 2})}
TWO = {name: Resources(cpus=2, memory=4000) for name in ("node1", "node2")}
WHOLE = {"cpus_per_task": 4, "memory_per_node": 1000, "time_limit": 3600}
SMALL = {"cpus_per_task": 1, "memory_per_node": 100, "time_limit": 3600}
ALSO = {name: Partition(name, ("node1",)) for name in ("main", "also")}


def of(machines: dict[str, Resources] = ONE, **settings: object) -> Simulation:
    return Simulation(fleet_of(machines, **settings))


def suspended(sim: Simulation, **request: object) -> int:
    """A job that ran, and was suspended."""
    job = sim.submit(run_time=1000, **request)
    sim.run(sim.now + 1)
    assert (sim.state(job), sim.suspend(job)) == ("RUNNING", "")
    return job


def running(sim: Simulation, **request: object) -> int:
    job = sim.submit(run_time=1000, **request)
    sim.run(sim.now + 1)
    assert sim.state(job) == "RUNNING"
    return job


def waiting(sim: Simulation, **request: object) -> int:
    job = sim.submit(run_time=1000, **request)
    sim.run(sim.now + 40)
    assert sim.state(job) == "PENDING"
    return job


def go_on(sim: Simulation, job: int) -> None:
    assert (sim.suspend(job, resume=True), sim.state(job)) == ("", "RUNNING")


def free(sim: Simulation, name: str = "node1") -> int:
    return sim.cluster.machines[name].free.cpus


# --- while it is suspended


def test_others_get_the_cpus_of_a_suspended_job_and_nothing_else():
    sim = of(licenses={"matlab": 1})
    job = suspended(sim, gres="gpu:1", licenses="matlab", **WHOLE)
    assert sim.cluster.machines["node1"].free == Resources(cpus=4, memory=7000, gpus={"a100": 1})
    assert (sim.state(running(sim, **WHOLE)), sim.state(job)) == ("RUNNING", "SUSPENDED")
    wanting_more = ({"memory_per_node": 7500}, {"gres": "gpu:2"}, {"licenses": "matlab"})
    assert [sim.state(sim.submit(**one)) for one in wanting_more] == ["PENDING"] * 3


def test_its_machines_are_told_that_its_cpus_are_lent():
    sim = of(TWO)
    job = suspended(sim, nodes=2, max_nodes=2, ntasks=4)
    told = [decision for _, decision in sim.log if isinstance(decision, Suspend)]
    assert told == [Suspend(name, f"{STATE}.{job}.1", resume=False, lends=True) for name in TWO]


def test_it_counts_for_what_waits_for_its_memory_as_if_it_went_on_at_once():
    sim = of()
    suspended(sim, cpus_per_task=4, memory_per_node=7000, time_limit=1800)
    late = sim.submit(memory_per_node=7500, time_limit=600)
    sim.run(until=100)
    assert plan(sim.cluster, sim.now, {late})[late].begin == 1800.0
    beside = {"cpus_per_task": 1, "memory_per_node": 1000}
    assert sim.state(sim.submit(run_time=5, time_limit=3600, **beside)) == "PENDING"  # it would be there still
    assert sim.state(sim.submit(run_time=5, time_limit=600, **beside)) == "CONFIGURING"


def test_what_waits_for_cpus_waits_for_those_who_have_them():
    sim = of()
    suspended(sim, **WHOLE)
    second = sim.submit(run_time=1000, **{**WHOLE, "time_limit": 600})
    third = waiting(sim, **WHOLE)
    end = (sim.job(second).start_time or 0) + 600
    assert plan(sim.cluster, sim.now, {third})[third].begin == end
    assert sim.state(sim.submit(run_time=5, cpus_per_task=1, memory_per_node=500, time_limit=60)) == "PENDING"
    sim.cancel(second)
    sim.run(sim.now + 5)
    assert sim.state(third) == "RUNNING"


def test_whole_machines_are_whole_where_only_memory_is_held():
    sim = of()
    suspended(sim, **WHOLE)
    assert sim.state(running(sim, exclusive=1, cpus_per_task=1, memory_per_node=500)) == "RUNNING"
    sim = of()
    suspended(sim, gres="gpu:1", **WHOLE)
    waiting(sim, exclusive=1, cpus_per_task=1, memory_per_node=500)


def test_the_cpus_of_a_machine_that_was_whole_are_given_to_others():
    sim = of()
    job = suspended(sim, exclusive=1, cpus_per_task=1, memory_per_node=500)
    assert (sim.job(job).alloc_cpus, free(sim)) == (4, 4)
    running(sim, **SMALL)


def test_all_parts_of_a_heterogeneous_job_lend_their_cpus():
    sim = of(TWO)
    part = {"cpus_per_task": 2, "time_limit": 3600}
    job = sim.submit_together(part, part, run_time=1000)
    sim.run(until=5)
    assert sim.suspend(job) == ""
    other = running(sim, required_nodes="node2", **part)
    go_on(sim, job)
    assert [sim.state(one) for one in (job, job + 1, other)] == ["RUNNING"] * 3
    assert (free(sim, "node1"), free(sim, "node2")) == (2, 0)  # it counts nowhere, as not all of it has room


@pytest.mark.parametrize("way", ["cancel", "requeue", "down", "lost"])
def test_one_that_ends_while_it_is_suspended_leaves_what_it_held(way: str):
    sim = of()
    job = suspended(sim, **WHOLE)
    running(sim, cpus_per_task=3, memory_per_node=500)
    if way == "cancel":
        sim.cancel(job)
    elif way == "requeue":
        sim.requeue(job, by=ADMIN)
    elif way == "down":
        sim.change_nodes("node1", State="DOWN", Reason="test")
        sim.change_nodes("node1", State="RESUME")
    else:
        sim.reboot("node1")
    sim.run(sim.now + 1000)
    assert sim.state(job) == "CANCELLED" if way == "cancel" else (sim.job(job).reason, "JobHeldAdmin")
    assert sim.cluster.machines["node1"].free.memory >= 7500


def test_the_clock_of_one_that_is_ended_stood_still_until_then():
    sim = of()
    jobs = [suspended(sim, **SMALL) for _ in range(2)]
    sim.run(until=502)
    sim.cancel(jobs[0])
    sim.requeue(jobs[1], by=ADMIN)
    sim.run(until=600)
    run = sim.cluster.runs[0]
    assert [int(one.suspended_seconds) for one in (sim.job(jobs[0]), run)] == [501, 500]
    assert sim.job(jobs[1]).suspended_seconds == 0


# --- when it goes on


def test_it_counts_again_where_there_is_room():
    sim = of()
    job = suspended(sim, **WHOLE)
    go_on(sim, job)
    assert (free(sim), sim.log[-2][1]) == (0, Suspend("node1", f"{STATE}.{job}.1", resume=True, lends=False))
    waiting(sim, **SMALL)


def test_it_goes_on_beside_those_who_have_its_cpus_and_what_these_leave_is_others():
    sim = of()
    job = suspended(sim, **WHOLE)
    second = running(sim, **WHOLE)
    go_on(sim, job)
    assert sim.log[-2][1] == Suspend("node1", f"{STATE}.{job}.1", resume=True, lends=True)
    third = waiting(sim, **SMALL)
    sim.cancel(second)
    sim.run(sim.now + 5)
    assert [sim.state(one) for one in (job, second, third)] == ["RUNNING", "CANCELLED", "RUNNING"]
    assert free(sim) == 3
    sim.cancel(third)
    sim.run(sim.now + 5)
    assert free(sim) == 4
    sim.suspend(job)
    go_on(sim, job)  # now there is room
    assert free(sim) == 0
    sim.run(sim.now + 2000)
    assert (sim.state(job), free(sim)) == ("COMPLETED", 4)


def test_one_that_has_room_on_some_of_its_machines_only_counts_on_none():
    sim = of(TWO)
    job = suspended(sim, nodes=2, max_nodes=2, ntasks=4)
    running(sim, cpus_per_task=2, required_nodes="node1")
    go_on(sim, job)
    assert (free(sim, "node1"), free(sim, "node2")) == (0, 2)
    running(sim, required_nodes="node2")


def test_jobs_of_other_partitions_do_not_keep_it_from_counting():
    sim = of(partitions=ALSO)
    job = suspended(sim, partition="also", **WHOLE)
    second = running(sim, **WHOLE)
    go_on(sim, job)
    third = waiting(sim, **SMALL)
    begin = plan(sim.cluster, sim.now, {third})[third].begin
    assert begin == max(sim.job(one).start_time + sim.job(one).suspended_seconds + 3600 for one in (job, second))
    sim.cancel(second)
    sim.run(sim.now + 50)
    assert (sim.state(third), free(sim)) == ("PENDING", 0)
    sim.cancel(job)
    sim.run(sim.now + 50)
    assert sim.state(third) == "RUNNING"


def test_one_with_machines_to_itself_keeps_others_off_as_soon_as_it_goes_on():
    sim = of()
    job = suspended(sim, exclusive=1, **SMALL)
    second = running(sim, **SMALL)
    go_on(sim, job)
    third = waiting(sim, **SMALL)
    sim.cancel(second)
    sim.run(sim.now + 50)
    assert (sim.state(job), sim.state(third)) == ("RUNNING", "PENDING")


def test_cpus_that_jobs_share_are_counted_in_rows():
    shared = Partition("main", ("node1",), over_subscribe="FORCE:2")
    sim = of(partitions={"main": shared})
    job = suspended(sim, **WHOLE)
    second = running(sim, **WHOLE)
    go_on(sim, job)
    assert sim.job(job).lent == 0  # one row each
    sim.suspend(job)
    running(sim, **WHOLE)
    go_on(sim, job)
    assert sim.job(job).lent
    sim.cancel(second)
    sim.run(sim.now + 5)
    running(sim, **WHOLE)


# --- whatever happens besides


def test_another_controller_knows_who_has_lent_and_who_went_on_beside_others():
    sim = of(partitions=ALSO)
    first = suspended(sim, **WHOLE)
    running(sim, **{**WHOLE, "cpus_per_task": 2})
    second = suspended(sim, **{**WHOLE, "cpus_per_task": 2})
    running(sim, partition="also", **{**WHOLE, "cpus_per_task": 2})
    go_on(sim, first)  # has no room
    go_on(sim, second)  # has room in its own partition
    assert free(sim) == -2
    sim.restart()
    assert [sim.state(one) for one in (first, second)] == ["RUNNING"] * 2
    assert (free(sim), sim.job(first).lent, sim.job(second).lent) == (-2, 2, 0)
    waiting(sim, **SMALL)


def test_a_machine_that_was_cut_off_hears_whose_cpus_are_lent():
    sim = of(TWO)
    job = suspended(sim, nodes=2, max_nodes=2, ntasks=4)
    running(sim, cpus_per_task=2, required_nodes="node1")
    for resumes in (False, True):
        if resumes:
            go_on(sim, job)
        for name in TWO:
            sim.disconnect(name)
            sim.log.clear()
            sim.connect(name)
            assert Suspend(name, f"{STATE}.{job}.1", resumes, lends=True) in [decision for _, decision in sim.log]


def test_one_beside_others_that_is_to_make_room_is_ended_after_its_grace_time():
    partitions = {
        "low": Partition("low", ("node1",), grace_time=60),
        "high": Partition("high", ("node1",), tier=2),
    }
    sim = of(partitions=partitions, preempt=Preempt("partition_prio", "REQUEUE"), requeue_delay=5)
    job = suspended(sim, partition="low", **{**WHOLE, "memory_per_node": 6000})
    second = running(sim, partition="low", **WHOLE)
    go_on(sim, job)
    high = sim.submit(run_time=50, partition="high", cpus_per_task=1, memory_per_node=6000)
    sim.run(sim.now + 30)
    assert (sim.job(job).preempt_time is not None, sim.state(high)) == (True, "PENDING")
    sim.run(sim.now + 40)
    assert (sim.job(job).restarts, sim.job(second).restarts, sim.state(high)) == (1, 1, "RUNNING")


def test_one_that_makes_room_still_waits_for_its_cpus_beside_one_suspended_by_hand():
    partitions = {"low": Partition("low", ("node1",)), "high": Partition("high", ("node1",), tier=2)}
    sim = of(partitions=partitions, preempt=Preempt("partition_prio", "SUSPEND"))
    low = running(sim, partition="low", **WHOLE)
    high = sim.submit(run_time=1000, partition="high", **WHOLE)
    sim.run(sim.now + 5)
    assert (sim.state(low), sim.suspend(high)) == ("SUSPENDED", "")
    assert sim.state(low) == "RUNNING"
    go_on(sim, high)  # jobs of its own partition leave it room
    assert (sim.state(low), free(sim)) == ("RUNNING", -4)
    assert isinstance(sim.submit(**SMALL, partition="high"), int) and not isinstance(sim.log[-1][1], Start)
