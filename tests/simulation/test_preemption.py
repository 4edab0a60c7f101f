"""Preemption by partition and by QOS, in virtual time."""

from __future__ import annotations

import pytest

from mini_slurm.model.fleet import Partition, Preempt, Qos
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler import evictions
from mini_slurm.scheduler.decisions import End, Signal, Start, Suspend
from tests.simulation.harness import ADMIN, STATE, Simulation, fleet_of

ONE = {"node1": Resources(cpus=4, memory=1000)}
TWO = {"node1": Resources(cpus=4, memory=1000), "node2": Resources(cpus=4, memory=1000)}
DELAY = 5


def by_partition(mode: str = "REQUEUE", machines: dict[str, Resources] = ONE, **preempt: object) -> Simulation:
    """Partitions `low` and `high`, and `middle` between them."""
    names = tuple(machines)
    partitions = {name: Partition(name, names, tier=tier) for tier, name in enumerate(("low", "middle", "high"))}
    settings = {"type": "partition_prio", "mode": mode, **preempt}
    return Simulation(fleet_of(machines, partitions=partitions, preempt=Preempt(**settings), requeue_delay=DELAY))


def by_qos(qos: dict[str, Qos], mode: str = "REQUEUE", machines: dict[str, Resources] = ONE) -> Simulation:
    return Simulation(fleet_of(machines, qos=qos, preempt=Preempt("qos", mode), requeue_delay=DELAY))


def edited(sim: Simulation, name: str, **changes: object) -> Simulation:
    """Another fleet file: this partition is another."""
    sim.cluster.fleet.partitions[name] = sim.cluster.fleet.partitions[name]._replace(**changes)
    return sim


LOW = {"partition": "low", "cpus_per_task": 4, "time_limit": 3600}
HIGH = {"partition": "high", "cpus_per_task": 4, "time_limit": 3600}


# --- requeue and cancel


def test_a_job_is_requeued_for_one_in_a_partition_of_a_higher_tier():
    sim = by_partition()
    low = sim.submit(run_time=100, **LOW)
    sim.run(until=10)
    high = sim.submit(run_time=50, **HIGH)
    assert (sim.state(low), sim.state(high), sim.job(high).reason) == ("COMPLETING", "PENDING", "Resources")
    assert sim.log[-1] == (10, End("node1", f"{STATE}.{low}.1", "PREEMPTION"))
    sim.run(until=11)
    (run,) = sim.cluster.runs
    assert (run.state.name, run.end_time, run.preempt_time) == ("PREEMPTED", 11, 10)
    found = sim.job(low)
    assert (sim.state(high), sim.state(low), found.restarts, found.preempt_time) == ("RUNNING", "PENDING", 1, None)
    assert (found.reason, found.begin_time) == ("BeginTime", 11 + DELAY)
    sim.run(until=1000)
    assert [sim.state(one) for one in (low, high)] == ["COMPLETED", "COMPLETED"]
    assert sim.job(low).start_time == 61


def test_a_cancelled_job_is_preempted():
    sim = by_partition("CANCEL")
    low = sim.submit(run_time=100, **LOW)
    sim.run(until=10)
    high = sim.submit(run_time=50, **HIGH)
    sim.run(until=12)
    assert (sim.state(low), sim.job(low).exit_signal, sim.job(low).preempt_time) == ("PREEMPTED", 15, 10)
    assert (sim.state(high), sim.job(high).start_time) == ("RUNNING", 11)


@pytest.mark.parametrize("request_of", [{"requeue": 0}, {"script": ""}])
def test_a_job_that_cannot_be_requeued_is_cancelled(request_of: dict[str, object]):
    sim = by_partition()
    low = sim.submit(run_time=100, **LOW, **request_of)
    sim.run(until=10)
    sim.submit(run_time=50, **HIGH)
    sim.run(until=12)
    assert sim.state(low) == "PREEMPTED"


@pytest.mark.parametrize("partition", ["high", "low"])
def test_nobody_makes_room_for_an_equal_or_a_lesser_job(partition: str):
    sim = by_partition()
    first = sim.submit(run_time=100, partition="high", cpus_per_task=4, priority_set=1, priority=1)
    sim.run(until=10)
    sim.submit(run_time=50, partition=partition, cpus_per_task=4, priority_set=1, priority=1000)
    sim.run(until=50)
    assert sim.state(first) == "RUNNING"


def test_without_preemption_tiers_only_say_who_goes_first():
    sim = by_partition()
    sim.cluster.fleet = sim.cluster.fleet._replace(preempt=Preempt())
    low = sim.submit(run_time=100, **LOW)
    sim.run(until=10)
    sim.submit(run_time=50, **HIGH)
    sim.run(until=50)
    assert sim.state(low) == "RUNNING"


def test_a_partition_may_be_exempt_and_another_have_its_own_mode():
    sim = edited(by_partition(machines=TWO), "middle", preempt_mode="CANCEL")
    edited(sim, "low", preempt_mode="OFF")
    low = sim.submit(run_time=100, **LOW)
    middle = sim.submit(run_time=100, **{**LOW, "partition": "middle"})
    sim.run(until=10)
    first, second = sim.submit(run_time=50, **HIGH), sim.submit(run_time=50, **HIGH)
    sim.run(until=12)
    assert [sim.state(one) for one in (low, middle, first, second)] == ["RUNNING", "PREEMPTED", "RUNNING", "PENDING"]


# --- grace and exemption


def test_a_job_is_warned_and_has_its_grace_time():
    sim = edited(by_partition(), "low", grace_time=60)
    low = sim.submit(run_time=1000, **LOW)
    sim.run(until=10)
    high = sim.submit(run_time=50, **HIGH)
    name = f"{STATE}.{low}.1"
    assert [one for _, one in sim.log[-2:]] == [
        Signal("node1", name, 18, False, to_steps=True),
        Signal("node1", name, 15, False, to_steps=True),
    ]
    assert (sim.state(low), sim.job(low).preempt_time) == ("RUNNING", 10)
    sim.run(until=69)
    assert (sim.state(low), sim.state(high)) == ("RUNNING", "PENDING")
    sim.run(until=72)
    assert (sim.state(low), sim.state(high), sim.job(low).restarts) == ("PENDING", "RUNNING", 1)


@pytest.mark.parametrize(
    ("signal", "wanted", "sent"),
    [("USR2@90", True, [(12, True)]), ("B:USR1@90", True, [(10, False)]), ("USR2@90", False, [(18, True), (15, True)]),
     ("USR2@3599", True, [(18, True), (15, True)]), (None, True, [(18, True), (15, True)])],
)  # fmt: skip
def test_a_job_gets_its_own_signal_where_the_fleet_wants_it(
    signal: str | None, wanted: bool, sent: list[tuple[int, bool]]
):
    sim = edited(by_partition(send_user_signal=wanted), "low", grace_time=60)
    sim.submit(run_time=1000, signal=signal, **LOW)
    sim.run(until=10)
    sim.submit(run_time=50, **HIGH)
    assert [(one.signal, one.to_steps) for _, one in sim.log if isinstance(one, Signal)] == sent


@pytest.mark.parametrize(("code", "state"), [(0, "COMPLETED"), (3, "PENDING")])
def test_a_job_that_ends_in_its_grace_time_is_requeued_unless_it_has_done_its_work(code: int, state: str):
    sim = edited(by_partition(), "low", grace_time=60)
    low = sim.submit(run_time=20, exit_code=code, **LOW)
    sim.run(until=10)
    high = sim.submit(run_time=50, **HIGH)
    sim.run(until=22)
    assert (sim.state(low), sim.state(high), sim.job(high).start_time) == (state, "RUNNING", 20)


def test_a_job_is_left_alone_until_it_has_run_for_a_while():
    sim = by_partition(exempt_time=600)
    low = sim.submit(run_time=10_000, **LOW)
    sim.run(until=10)
    high = sim.submit(run_time=50, **HIGH)
    sim.run(until=599)
    assert (sim.state(low), sim.state(high)) == ("RUNNING", "PENDING")
    sim.run(until=602)
    assert (sim.state(low), sim.job(high).start_time) == ("PENDING", 601)


def test_the_exempt_time_of_a_qos_counts_before_that_of_the_fleet():
    sim = by_partition(exempt_time=600)
    sim.cluster.fleet = sim.cluster.fleet._replace(qos={"steady": Qos("steady", preempt_exempt_time=30)})
    low = sim.submit(run_time=10_000, qos="steady", **LOW)
    sim.run(until=10)
    sim.submit(run_time=50, **HIGH)
    sim.run(until=32)
    assert sim.job(low).restarts == 1


# --- who makes room


def small(sim: Simulation, partition: str = "low", run_time: float = 1000.0, **request: object) -> int:
    number = sim.submit(run_time=run_time, partition=partition, cpus_per_task=2, time_limit=3600, **request)
    sim.run(until=sim.now + 10)
    return number


def test_the_lowest_tier_makes_room_first_then_who_was_submitted_first():
    sim = by_partition()
    first, second = small(sim, "middle"), small(sim)
    small(sim, "high")
    assert [sim.state(one) for one in (first, second)] == ["RUNNING", "PENDING"]
    sim = by_partition()
    first, second = small(sim), small(sim)
    small(sim, "high")
    assert [sim.state(one) for one in (first, second)] == ["PENDING", "RUNNING"]


def test_of_several_partitions_that_of_the_highest_tier_goes_first():
    sim = by_partition()
    first, second = small(sim), small(sim)
    job = sim.submit(run_time=50, partition="low,high", cpus_per_task=2)
    sim.run(until=sim.now + 5)
    assert [sim.state(one) for one in (first, second, job)] == ["PENDING", "RUNNING", "RUNNING"]
    assert sim.job(job).partition == "high"


def test_the_youngest_makes_room_first_where_that_is_said():
    sim = by_partition(youngest_first=True)
    first, second = small(sim), small(sim, "middle")
    sim.submit(run_time=50, partition="high", cpus_per_task=2)
    sim.run(until=sim.now + 2)
    assert [sim.state(one) for one in (first, second)] == ["RUNNING", "PENDING"]


def test_nobody_is_ended_whose_end_does_not_help():
    sim = by_partition(machines=TWO)
    young = small(sim, required_nodes="node2")
    wide = sim.submit(run_time=1000, partition="low", cpus_per_task=4, required_nodes="node1")
    sim.run(until=sim.now + 10)
    sim.submit(run_time=50, partition="high", cpus_per_task=4, required_nodes="node1")
    sim.run(until=sim.now + 5)
    assert (sim.state(young), sim.state(wide)) == ("RUNNING", "PENDING")


def test_nobody_is_ended_where_all_together_would_not_do():
    sim = by_partition()
    keeper, low = small(sim, "high"), small(sim)
    high = sim.submit(run_time=50, **HIGH)
    sim.run(until=sim.now + 5)
    assert [sim.state(one) for one in (keeper, low, high)] == ["RUNNING", "RUNNING", "PENDING"]


def test_what_is_free_is_taken_first():
    sim = by_partition(machines=TWO)
    low = sim.submit(run_time=1000, **LOW)
    sim.run(until=10)
    high = sim.submit(run_time=50, **HIGH)
    sim.run(until=12)
    assert (sim.state(low), sim.job(high).node) == ("RUNNING", "node2")


def test_what_is_about_to_end_is_waited_for():
    sim = by_partition(machines=TWO)
    first, second = sim.submit(run_time=1000, **LOW), sim.submit(run_time=1000, **LOW)
    sim.run(until=10)
    sim.cancel(first)
    high = sim.submit(run_time=50, **HIGH)
    sim.run(until=12)
    assert (sim.state(second), sim.job(high).node) == ("RUNNING", "node1")


def test_a_job_on_several_machines_makes_room_as_a_whole():
    sim = by_partition(machines=TWO)
    low = sim.submit(run_time=1000, partition="low", nodes=2, max_nodes=2, ntasks=8)
    sim.run(until=10)
    high = sim.submit(run_time=50, **HIGH)
    sim.run(until=12)
    assert (sim.state(low), sim.state(high)) == ("PENDING", "RUNNING")


def test_others_make_room_for_every_task_of_an_array_at_once():
    sim = by_partition(machines=TWO)
    low = [sim.submit(run_time=1000, **LOW) for _ in range(2)]
    sim.run(until=10)
    array = sim.submit(run_time=50, array_tasks="1-2", **HIGH)
    sim.run(until=11)
    assert [sim.state(one) for one in low] == ["PENDING", "PENDING"]
    assert {job.start_time for job in sim.cluster.jobs.values() if job.array_job_id == array} == {11}


def test_who_was_stopped_by_an_administrator_makes_room_as_soon_as_he_goes_on():
    sim = by_partition()
    low = sim.submit(run_time=1000, memory_per_node=800, **LOW)
    sim.run(until=5)
    assert sim.suspend(low) == ""
    high = sim.submit(run_time=50, memory_per_node=800, **HIGH)
    sim.run(until=100)
    assert (sim.state(low), sim.state(high)) == ("SUSPENDED", "PENDING")
    assert sim.suspend(low, resume=True) == ""
    assert sim.state(low) == "COMPLETING"
    sim.run(until=102)
    assert sim.state(high) == "RUNNING"


def test_all_parts_of_a_job_that_lends_its_cpus_stay_suspended_when_a_controller_goes_on():
    sim = by_partition("SUSPEND", machines=TWO)
    part = {**LOW, "time_limit": 7200}
    low = sim.submit_together(part, part, run_time=100)
    sim.run(until=10)
    sim.submit(run_time=50, **HIGH)
    for name in TWO:
        sim.disconnect(name)
    sim.restart()
    assert [sim.state(low + n) for n in range(2)] == ["SUSPENDED"] * 2
    for name in TWO:
        sim.connect(name)
    sim.run(until=1000)
    assert [sim.state(low + n) for n in range(2)] == ["COMPLETED"] * 2


def test_a_heterogeneous_job_makes_room_when_all_its_parts_may():
    sim = by_partition(machines=TWO)
    mixed = sim.submit_together({"partition": "low", "cpus_per_task": 4}, {"partition": "high", "cpus_per_task": 4})
    sim.run(until=2)
    both = Simulation(sim.cluster.fleet)
    low = both.submit_together({"partition": "low", "cpus_per_task": 4}, {"partition": "low", "cpus_per_task": 4},
                               run_time=1000)  # fmt: skip
    both.run(until=2)
    sim.submit(**HIGH)
    both.submit(**HIGH)
    sim.run(until=5)
    both.run(until=5)
    assert (sim.state(mixed), both.state(low)) == ("RUNNING", "PENDING")


def test_looks_for_jobs_that_make_room_are_few_and_none_is_forgotten(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(evictions, "MOST_WORK", 1)
    sim = by_partition(machines=TWO)
    low = [sim.submit(run_time=1000, **LOW) for _ in range(2)]
    sim.run(until=10)
    shapes = ({"time_limit": 60}, {"time_limit": 120})
    high = [sim.submit(run_time=50, **{**HIGH, **shape}) for shape in shapes]
    sim.happen()
    sim.run(until=13)
    assert [sim.state(one) for one in (*low, *high)] == ["PENDING", "PENDING", "RUNNING", "RUNNING"]


def test_a_vain_look_is_repeated_when_things_have_changed_but_not_at_once():
    sim = by_partition()
    keeper, low = small(sim, "high", run_time=30), small(sim)
    high = sim.submit(run_time=50, **HIGH)
    sim.cancel(keeper)
    assert sim.state(low) == "RUNNING"
    sim.run(until=sim.now + 4)
    assert (sim.state(low), sim.state(high)) == ("PENDING", "RUNNING")


# --- what was freed is kept


def test_what_others_leave_is_kept_for_whom_they_left_it():
    """Also from a job that stands before it in the queue, but could not have had it freed."""
    sim = by_qos({"low": Qos("low"), "high": Qos("high", preempt=("low",))})
    low = sim.submit(run_time=1000, cpus_per_task=4, qos="low")
    sim.run(until=10)
    high = sim.submit(run_time=50, cpus_per_task=4, qos="high", priority_set=1, priority=1)
    other = sim.submit(run_time=50, cpus_per_task=4, qos="other", priority_set=1, priority=1000)
    sim.run(until=12)
    assert [sim.state(one) for one in (low, high, other)] == ["PENDING", "RUNNING", "PENDING"]


def test_what_was_kept_is_free_again_when_nobody_waits_for_it():
    sim = edited(by_partition(machines=TWO), "low", grace_time=60)
    sim.submit(run_time=30, partition="low", cpus_per_task=3, required_nodes="node1")
    sim.submit(run_time=1000, partition="high", cpus_per_task=4, required_nodes="node2")
    sim.run(until=10)
    high = sim.submit(run_time=50, partition="high", cpus_per_task=4)
    other = sim.submit(run_time=50, partition="low", cpus_per_task=1)
    assert sim.state(other) == "PENDING"
    sim.cancel(high)
    assert sim.state(other) == "CONFIGURING"


def test_preemption_outlives_the_controller():
    sim = edited(by_partition(), "low", grace_time=60)
    low = sim.submit(run_time=1000, **LOW)
    sim.run(until=10)
    sim.submit(run_time=50, **HIGH)
    sim.restart()
    sim.run(until=72)
    assert sim.job(low).restarts == 1


# --- by QOS


def test_a_qos_names_those_whose_jobs_make_room():
    sim = by_qos({"low": Qos("low", preempt_mode="CANCEL"), "fair": Qos("fair"), "high": Qos("high", preempt=("low",))})
    low = sim.submit(run_time=1000, cpus_per_task=2, qos="low")
    fair = sim.submit(run_time=1000, cpus_per_task=2, qos="fair")
    sim.run(until=10)
    high = sim.submit(run_time=50, cpus_per_task=2, qos="high")
    again = sim.submit(run_time=50, cpus_per_task=2, qos="high")
    sim.run(until=12)
    assert [sim.state(one) for one in (low, fair, high, again)] == ["PREEMPTED", "RUNNING", "RUNNING", "PENDING"]


def test_the_qos_of_the_lowest_priority_makes_room_first_and_has_its_grace_time():
    qos = {"a": Qos("a", priority=10), "b": Qos("b", priority=5, grace_time=30), "c": Qos("c", preempt=("a", "b"))}
    sim = by_qos(qos)
    first, second = (sim.submit(run_time=1000, cpus_per_task=2, qos=name) for name in "ba")
    sim.run(until=10)
    sim.submit(run_time=50, cpus_per_task=2, qos="c")
    assert (sim.job(first).preempt_time, sim.job(second).preempt_time) == (10, None)
    assert sim.state(first) == "RUNNING"


# --- suspend


def test_a_suspended_job_goes_on_when_the_other_has_ended():
    sim = by_partition("SUSPEND")
    low = sim.submit(run_time=100, **LOW)
    sim.run(until=10)
    high = sim.submit(run_time=50, **HIGH)
    assert sim.log[-2][1] == Suspend("node1", f"{STATE}.{low}.1", resume=False, lends=True)
    assert isinstance(sim.log[-1][1], Start)
    assert (sim.state(low), sim.job(low).preempt_time, sim.job(high).start_time) == ("SUSPENDED", 10, 10)
    sim.run(until=61)
    assert (sim.state(low), sim.job(low).preempt_time, sim.state(high)) == ("RUNNING", None, "COMPLETED")
    sim.run(until=200)
    assert (sim.state(low), sim.job(low).end_time, sim.job(low).restarts) == ("COMPLETED", 150, 0)
    assert sim.job(low).suspended_seconds == 50


def test_a_suspended_job_keeps_its_memory():
    sim = by_partition("SUSPEND")
    low = sim.submit(run_time=100, memory_per_node=800, **LOW)
    sim.run(until=10)
    high = sim.submit(run_time=50, memory_per_node=800, **HIGH)
    sim.run(until=20)
    assert (sim.state(low), sim.state(high)) == ("RUNNING", "PENDING")


def test_nobody_else_gets_the_cpus_of_a_suspended_job():
    sim = by_partition("SUSPEND")
    low = sim.submit(run_time=1000, **LOW)
    sim.run(until=10)
    sim.submit(run_time=50, partition="high", cpus_per_task=2)
    other = sim.submit(run_time=5, partition="low", cpus_per_task=1)
    sim.run(until=50)
    assert (sim.state(low), sim.state(other)) == ("SUSPENDED", "PENDING")
    sim.run(until=61)
    assert sim.state(low) == "RUNNING"


def test_another_of_the_higher_tier_goes_before_those_that_are_suspended():
    sim = by_partition("SUSPEND")
    low = sim.submit(run_time=1000, **LOW)
    sim.run(until=10)
    first, second = sim.submit(run_time=50, **HIGH), sim.submit(run_time=50, **HIGH)
    sim.run(until=70)
    assert [sim.state(one) for one in (low, first, second)] == ["SUSPENDED", "COMPLETED", "RUNNING"]


def test_a_suspended_job_can_be_cancelled_but_not_resumed_by_hand():
    sim = by_partition("SUSPEND")
    low = sim.submit(run_time=1000, **LOW)
    sim.run(until=10)
    sim.submit(run_time=50, **HIGH)
    sim.run(until=12)
    assert sim.suspend(low, by=ADMIN, resume=True) == "Requested operation is presently disabled"
    sim.cancel(low)
    sim.run(until=100)
    assert sim.state(low) == "CANCELLED"


def test_a_job_on_several_machines_lends_the_cpus_of_all():
    sim = by_partition("SUSPEND", machines=TWO)
    low = sim.submit(run_time=1000, partition="low", nodes=2, max_nodes=2, ntasks=8)
    sim.run(until=10)
    sim.submit(run_time=50, **HIGH)
    sim.submit(run_time=80, **HIGH)
    assert sim.state(low) == "SUSPENDED"
    sim.run(until=65)
    assert sim.state(low) == "SUSPENDED"
    sim.disconnect("node2")
    sim.connect("node2")
    assert Suspend("node2", f"{STATE}.{low}.1", resume=False, lends=True) in [one for _, one in sim.log[-4:]]
    sim.run(until=95)
    assert sim.state(low) == "RUNNING"


def test_a_suspended_job_outlives_the_controller():
    sim = by_partition("SUSPEND")
    low = sim.submit(run_time=100, **LOW)
    sim.run(until=10)
    sim.submit(run_time=50, **HIGH)
    sim.run(until=20)
    sim.restart()
    sim.run(until=1000)
    assert sim.state(low) == "COMPLETED"


# --- bad luck


def test_a_job_whose_machine_fails_in_its_grace_time_runs_again():
    sim = edited(by_partition(), "low", grace_time=60)
    low = sim.submit(run_time=1000, **LOW)
    sim.run(until=10)
    high = sim.submit(run_time=50, **HIGH)
    sim.run(until=20)
    sim.reboot("node1")
    sim.run(until=5000)
    assert (sim.state(low), sim.state(high), sim.job(low).restarts) == ("COMPLETED", "COMPLETED", 1)


def test_a_drained_machine_is_not_cleared():
    sim = by_partition()
    low = sim.submit(run_time=1000, **LOW)
    sim.run(until=10)
    sim.change_nodes("node1", State="DRAIN", Reason="test")
    sim.submit(run_time=50, **HIGH)
    sim.run(until=20)
    assert sim.state(low) == "RUNNING"


def test_a_machine_that_others_hold_is_not_cleared():
    """The agent refused what was started there: the end of another job would not help."""
    sim = by_partition(machines=TWO)
    low = sim.submit(run_time=1000, **{**LOW, "required_nodes": "node1", "cpus_per_task": 2})
    sim.run(until=10)
    sim.cluster.machines["node1"].paused_until = 15
    sim.cluster.note("node1")
    sim.submit(run_time=50, required_nodes="node1", **HIGH)
    assert sim.state(low) == "RUNNING"
    sim.run(until=40)
    assert sim.job(low).restarts == 1


# --- for all parts of a heterogeneous job at once


PARTS = ({"partition": "high", "cpus_per_task": 4}, {"partition": "high", "cpus_per_task": 4})


@pytest.mark.parametrize("mode", ["REQUEUE", "CANCEL", "SUSPEND"])
def test_jobs_make_room_for_all_parts_of_a_heterogeneous_job(mode: str):
    sim = by_partition(mode, TWO)
    low = [sim.submit(run_time=100, **LOW) for _ in range(2)]
    sim.run(until=10)
    job = sim.submit_together(*PARTS, run_time=50)
    sim.run(until=12)
    assert [sim.state(job + part) for part in range(2)] == ["RUNNING"] * 2
    assert [sim.job(one).preempt_time for one in low] == ([10, 10] if mode != "REQUEUE" else [None, None])
    sim.run(until=1000)
    assert sim.state(job) == "COMPLETED"
    assert {sim.state(one) for one in low} == {"PREEMPTED" if mode == "CANCEL" else "COMPLETED"}


def test_nobody_is_ended_for_a_part_while_another_finds_no_room():
    sim = by_partition("REQUEUE", TWO)
    low = sim.submit(run_time=1000, **LOW)
    same = sim.submit(run_time=500, partition="high", cpus_per_task=4)
    sim.run(until=10)
    job = sim.submit_together(*PARTS, run_time=50)
    sim.run(until=490)
    assert (sim.state(low), sim.job(low).restarts, sim.state(job)) == ("RUNNING", 0, "PENDING")
    sim.run(until=510)
    assert (sim.state(same), sim.state(job), sim.state(job + 1)) == ("COMPLETED", "RUNNING", "RUNNING")
    assert sim.job(low).restarts == 1


def test_only_as_many_make_room_as_it_takes_and_nothing_is_left_to_others_meanwhile():
    sim = by_partition(
        "REQUEUE",
        {**TWO, "node3": Resources(cpus=4, memory=1000)},
    )
    low = [sim.submit(run_time=1000, **LOW) for _ in range(2)]
    edited(sim, "low", grace_time=20)
    sim.run(until=10)
    job = sim.submit_together(*PARTS, run_time=50)
    assert sum(sim.job(one).preempt_time is not None for one in low) == 1
    late = sim.submit(run_time=10, partition="low", cpus_per_task=4)
    sim.run(until=32)
    assert [sim.state(one) for one in (job, job + 1, late)] == ["RUNNING", "RUNNING", "PENDING"]
    assert not sim.cluster.plans


def test_a_part_does_not_use_what_others_leave_for_another_part():
    sim = by_partition("REQUEUE", TWO)
    low = [sim.submit(run_time=1000, **LOW) for _ in range(2)]
    sim.run(until=10)
    job = sim.submit_together(PARTS[0], {"partition": "low", "cpus_per_task": 4}, run_time=50)
    sim.run(until=200)
    assert ([sim.job(one).restarts for one in low], sim.state(job)) == ([0, 0], "PENDING")


def test_jobs_make_room_for_parts_by_qos():
    sim = by_qos({"low": Qos("low"), "high": Qos("high", preempt=("low",))}, machines=TWO)
    low = [sim.submit(run_time=1000, qos="low", cpus_per_task=4) for _ in range(2)]
    sim.run(until=10)
    job = sim.submit_together({"qos": "high", "cpus_per_task": 4}, {"qos": "high", "cpus_per_task": 2}, run_time=50)
    sim.run(until=12)
    assert [sim.state(job), sim.state(job + 1)] == ["RUNNING", "RUNNING"]
    assert [sim.job(one).restarts for one in low] == [1, 1]


def test_room_that_was_made_for_a_job_is_for_one_before_it_that_asks_for_the_same():
    sim = edited(by_partition(), "low", grace_time=20)
    sim.submit(run_time=1000, **LOW)
    first = sim.submit(run_time=50, **HIGH, priority=0)
    sim.run(until=10)
    second = sim.submit(run_time=50, **HIGH)
    assert list(sim.cluster.plans) == [second]
    sim.update(first, by=ADMIN, Priority=None)
    sim.run(until=500)
    assert [sim.state(one) for one in (first, second)] == ["COMPLETED", "COMPLETED"]


def test_others_make_room_for_each_of_two_that_ask_for_the_same():
    sim = edited(by_partition(machines=TWO), "low", grace_time=20)
    low = [sim.submit(run_time=1000, **LOW) for _ in range(2)]
    sim.run(until=10)
    high = [sim.submit(run_time=50, **HIGH) for _ in range(2)]
    assert [sim.job(one).preempt_time for one in low] == [10, 10]
    assert list(sim.cluster.plans) == high
