"""Running jobs make room for parts of a heterogeneous job that may use different machines."""

from __future__ import annotations

import pytest

from mini_slurm.model.fleet import Partition, Preempt
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler import core
from tests.simulation.harness import Simulation, fleet_of
from tests.simulation.test_invariants import compared

FOUR, FIVE = Resources(cpus=4, memory=1000), Resources(cpus=5, memory=1000)


@pytest.fixture(autouse=True)
def each_pass_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the plain one."""
    monkeypatch.setattr(core, "start_pending", compared)


def fleet(
    machines: dict[str, Resources], *partitions: Partition, mode: str = "REQUEUE", at: str = "node2"
) -> Simulation:
    """Where jobs in partitions of lower tiers make room, and one in `low` has four CPUs of this machine."""
    named = {one.name: one for one in (*partitions, Partition("low", (at,), tier=0, grace_time=5))}
    sim = Simulation(fleet_of(machines, partitions=named, preempt=Preempt("partition_prio", mode)))
    sim.submit(run_time=1000, partition="low", cpus_per_task=4)
    sim.run(until=10)
    return sim


def test_room_is_made_where_the_time_limit_of_the_part_itself_lets_it_run():
    sim = fleet(
        {"node1": FOUR, "node2": FOUR}, Partition("long", ("node1",)), Partition("short", ("node2",), max_time=1200)
    )
    job = sim.submit_together(
        {"partition": "long", "cpus_per_task": 4}, {"partition": "short", "cpus_per_task": 4, "time_limit": 60}
    )
    sim.run(until=17)
    assert [sim.state(job), sim.state(job + 1), sim.state(1)] == ["RUNNING", "RUNNING", "PENDING"]


def test_the_part_that_finds_no_room_beside_others_is_placed_first_at_last():
    sim = fleet(
        {"node1": FOUR, "node2": FOUR, "node3": FOUR},
        Partition("any", ("node2", "node3"), tier=0),
        Partition("both", ("node1", "node2")),
    )
    job = sim.submit_together({"partition": "any", "cpus_per_task": 4}, {"partition": "both", "nodes": 2})
    sim.run(until=17)
    assert [sim.job(job).node_list, sim.job(job + 1).node_list, sim.state(1)] == ["node3", "node[1-2]", "PENDING"]


TWO_IN_A_ROW = {"partition": "three", "nodes": 2, "cpus_per_task": 4, "extra": '{"contiguous": ""}'}


def in_each_others_way(mode: str = "REQUEUE", at: str = "node2", keeper: int = 0) -> tuple[Simulation, int]:
    """A job whose first part would have the one machine that leaves its second part no two in a row.

    Unless a keeper has so many CPUs of node1.
    """
    partitions = Partition("one", ("node1", "node2"), tier=0), Partition("three", ("node1", "node2", "node3"))
    sim = fleet({"node1": FIVE, "node2": FOUR, "node3": FIVE}, *partitions, mode=mode, at=at)
    if keeper:
        sim.submit(run_time=1000, partition="three", cpus_per_task=keeper, required_nodes="node1")
    return sim, sim.submit_together({"partition": "one", "cpus_per_task": 4}, TWO_IN_A_ROW)


def test_nobody_makes_room_for_parts_that_would_still_be_in_each_others_way():
    sim, job = in_each_others_way()
    sim.run(until=100)
    assert (sim.state(1), sim.job(1).restarts, sim.state(job), sim.cluster.plans) == ("RUNNING", 0, "PENDING", {})


def test_parts_for_which_room_is_made_wait_for_it_even_if_empty_machines_would_not_do():
    sim, job = in_each_others_way(at="node3", keeper=1)
    assert sim.job(job).reason == "Resources"
    sim.run(until=17)
    assert [sim.job(job).node_list, sim.job(job + 1).node_list, sim.state(1)] == ["node1", "node[2-3]", "PENDING"]


def test_parts_are_not_in_each_others_way_where_one_may_not_have_what_is_lent():
    sim, job = in_each_others_way("SUSPEND")
    sim.run(until=12)
    assert [sim.job(job).node_list, sim.job(job + 1).node_list, sim.state(1)] == ["node1", "node[2-3]", "SUSPENDED"]
