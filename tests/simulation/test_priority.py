"""Priorities as the recorded cluster had them, and the order and the reasons that follow from them."""

from __future__ import annotations

import pytest

from mini_slurm.model.fleet import Association, Partition, Qos, Weights
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler import core, events
from tests.simulation.harness import Simulation, fleet_of
from tests.simulation.test_invariants import compared

FOUR = {
    "node1": Resources(cpus=2, memory=4000),
    "node2": Resources(cpus=2, memory=4000),
    "node3": Resources(cpus=4, memory=8000),
    "node4": Resources(cpus=4, memory=8000, gpus={"": 2}),
}
PARTITIONS = {
    "main": Partition("main", tuple(FOUR), default=True),
    "gpu": Partition("gpu", ("node4",)),
    "down": Partition("down", ("node1",), state="DOWN"),
}
# of the recorded cluster: no age yet, and the share of the user who has used the most of four
RECORDED = Weights(fair_share=0)
SHARE = 250


def busy(**settings: object) -> Simulation:
    """All four machines are taken."""
    sim = Simulation(fleet_of(FOUR, partitions=PARTITIONS, **settings))
    for name in FOUR:
        sim.submit(run_time=1000, time_limit=1200, required_nodes=name, exclusive=1)
    return sim


@pytest.mark.parametrize(
    ("request_", "priority"),
    [
        ({}, 1416),
        ({"cpus_per_task": 2}, 1458),
        ({"nodes": 2, "ntasks": 3}, 1625),
        ({"nodes": 4, "exclusive": 1}, 1916),
        ({"nice": 3}, 1413),
    ],
)
def test_the_size_of_a_job_and_its_nice_value_count_as_recorded(request_, priority):
    sim = busy(priority=RECORDED)
    assert sim.job(sim.submit(**request_)).priority + SHARE == priority


def test_a_machine_that_has_not_answered_yet_counts_with_what_the_fleet_file_says():
    late = Simulation(fleet_of(FOUR, partitions=PARTITIONS, priority=RECORDED), connected=("node1",))
    all_there = Simulation(fleet_of(FOUR, partitions=PARTITIONS, priority=RECORDED))
    request = {"cpus_per_task": 2, "begin_time": 900.0}
    assert late.job(late.submit(**request)).priority == all_there.job(all_there.submit(**request)).priority


def test_a_qos_lifts_a_job_over_others():
    sim = busy(priority=Weights(), qos={"normal": Qos("normal"), "high": Qos("high", 100)})
    normal, high = sim.submit(qos="normal"), sim.submit(qos="high")
    assert sim.job(high).priority == sim.job(normal).priority + 1000
    assert [sim.job(job).reason for job in (high, normal)] == ["Resources", "Priority"]


def test_a_job_grows_older_while_it_could_run():
    sim = busy(priority=Weights(max_age=10_000))
    job, later = sim.submit(), sim.submit(begin_time=900.0)
    before = sim.job(job).priority
    sim.now = 500.0
    sim.happen()
    assert sim.job(job).priority == before + 50
    assert sim.job(later).priority == before


def test_the_priority_never_falls_to_that_of_a_held_job():
    sim = busy(priority=Weights())
    assert sim.job(sim.submit(nice=10**6)).priority == 1


# --- why jobs wait


def test_the_first_job_of_a_partition_waits_for_resources_and_the_rest_behind_it():
    sim = busy()
    jobs = [sim.submit(nodes=4, exclusive=1), sim.submit(), sim.submit(cpus_per_task=2)]
    assert [sim.job(job).reason for job in jobs] == ["Resources", "Priority", "Priority"]


def test_machines_that_an_earlier_job_waits_for_are_closed_to_other_partitions():
    sim = busy()
    sim.submit(nodes=4, exclusive=1)
    other = sim.submit(partition="gpu", gres="gpu:2")
    assert sim.job(other).reason == (
        "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions"
    )


def test_a_job_that_wants_certain_machines_closes_only_those():
    sim = busy()
    jobs = [sim.submit(required_nodes="node1"), sim.submit(), sim.submit()]
    assert [sim.job(job).reason for job in jobs] == ["Resources", "Resources", "Priority"]


def test_a_partition_without_the_machines_that_a_job_wants_does_not_say_why_it_waits():
    partitions = {name: Partition(name, machines) for name, machines in (("one", ("node1",)), ("four", ("node4",)))}
    sim = Simulation(fleet_of(FOUR, partitions=partitions))
    sim.submit(run_time=1000, partition="one", exclusive=1)
    job = sim.submit(partition="one,four", required_nodes="node1")
    assert sim.job(job).reason == "Resources"


def test_a_machine_that_is_down_is_named_by_the_job_that_wants_it():
    sim = Simulation(fleet_of(FOUR, partitions=PARTITIONS))
    sim.disconnect("node2")
    sim.happen(events.MachineLost("node2"))
    job = sim.submit(required_nodes="node2")
    assert sim.job(job).reason == "ReqNodeNotAvail, UnavailableNodes:node2"
    sim.connect("node2")
    assert sim.state(job) == "CONFIGURING"


def test_a_partition_that_is_down_keeps_its_jobs():
    sim = Simulation(fleet_of(FOUR, partitions=PARTITIONS))
    assert sim.job(sim.submit(partition="down")).reason == "PartitionDown"


def test_a_job_that_is_cancelled_while_it_waits_keeps_its_reason():
    sim = busy()
    job = sim.submit(priority=0)
    sim.cancel(job)
    assert sim.job(job).reason == "JobHeldUser"


# --- fair share

ACCOUNTS = {
    "science": {"alice": Association(), "bob": Association()},
    "extra": {"alice": Association()},
}


def shared(half_life: int | None = None) -> Simulation:
    """One CPU, and priorities that are fair shares alone."""
    weights = Weights(0, 1000, 0, 0, 0, half_life=half_life)
    return Simulation(fleet_of({"node1": Resources(cpus=1, memory=1000)}, accounts=ACCOUNTS, priority=weights))


def of(user: str, account: str = "science", **request: object) -> dict[str, object]:
    return {"user": user, "account": account, **request}


def test_all_are_served_alike_as_long_as_nobody_has_used_anything():
    sim = shared()
    sim.submit(run_time=10, **of("alice"))
    assert [sim.job(sim.submit(**of(user))).priority for user in ("alice", "bob")] == [1000, 1000]


def test_who_has_used_more_goes_last_as_recorded():
    sim = shared()
    sim.submit(run_time=400, time_limit=600, **of("alice"))
    alice, bob = sim.submit(**of("alice")), sim.submit(**of("bob"))
    elsewhere = sim.submit(**of("alice", "extra"))
    sim.run(until=301)
    sim.happen()
    assert sim.job(alice).priority == SHARE
    assert sim.job(elsewhere).priority > sim.job(bob).priority > sim.job(alice).priority
    sim.run(until=402)
    assert sim.state(elsewhere) == "RUNNING"
    assert sim.state(alice) == "PENDING"


def test_what_was_used_is_forgotten_by_and_by():
    sim = shared(half_life=600)
    sim.submit(run_time=300, time_limit=600, **of("bob"))
    sim.run(until=6000)
    sim.submit(run_time=300, time_limit=600, **of("alice"))
    bob, alice = sim.submit(**of("bob")), sim.submit(**of("alice"))
    sim.run(until=6301)
    assert sim.job(bob).priority > sim.job(alice).priority


def test_a_run_that_was_requeued_counts_once():
    sim = shared()
    job = sim.submit(run_time=400, time_limit=600, **of("alice"))
    sim.run(until=100)
    assert sim.requeue(job, reason="job requeued in held state") == ""
    sim.run(until=102)
    sim.submit(run_time=150, time_limit=600, **of("bob"))
    sim.run(until=602)
    sim.submit(run_time=1000, time_limit=1000, **of("alice", "extra"))
    alice, bob = sim.submit(**of("alice")), sim.submit(**of("bob"))
    assert sim.job(alice).priority > sim.job(bob).priority


def test_the_first_that_wants_a_machine_waits_for_resources_and_those_after_it_miss_the_machine() -> None:
    sim = Simulation(fleet_of({f"node{number}": Resources(cpus=2) for number in (1, 2, 3)}))
    sim.submit(100, ntasks=2, required_nodes="node1")
    waiting = [sim.submit(10, ntasks=2, required_nodes="node1") for _ in range(2)]
    other = sim.submit(10, ntasks=1, required_nodes="node1")
    both = sim.submit(10, nodes=2, required_nodes="node[1-2]")
    free = sim.submit(10, ntasks=2)
    sim.run(5)
    gone = "ReqNodeNotAvail, UnavailableNodes:node1"
    assert [sim.job(one).reason for one in (*waiting, other, both)] == ["Resources", gone, gone, gone]
    assert sim.state(free) == "RUNNING"


def test_a_job_that_was_told_of_a_missing_machine_is_told_so_when_others_wait_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(core, "start_pending", compared)
    sim = Simulation(fleet_of(FOUR, partitions=PARTITIONS))
    sim.disconnect("node2")
    sim.happen(events.MachineLost("node2"))
    told = sim.submit(required_nodes="node2")
    sim.submit(1000, required_nodes="node1", exclusive=1)
    big = sim.submit(1000, nodes=3, exclusive=1, nice=-100)
    later = sim.submit(required_nodes="node2", ntasks=2)
    assert [sim.job(job).reason for job in (big, told, later)] == [
        "Resources",
        "ReqNodeNotAvail, UnavailableNodes:node2",
        "Priority",
    ]
