"""Machines that are one user's at a time: --exclusive=user, and partitions with exclusive_user."""

from __future__ import annotations

from mini_slurm.model.fleet import Partition
from mini_slurm.model.resources import Resources
from tests.simulation.harness import Simulation, fleet_of

MACHINES = {name: Resources(cpus=4, memory=8000) for name in ("node1", "node2")}
ALICE, BOB = {"uid": 1001, "user": "alice"}, {"uid": 1002, "user": "bob"}
ALONE = {"exclusive": 2}


def where(sim: Simulation, *jobs: int) -> list[str | None]:
    return [sim.cluster.jobs[job].node for job in jobs]


def test_who_wants_to_be_alone_shares_machines_with_himself() -> None:
    sim = Simulation(fleet_of(MACHINES))
    jobs = [sim.submit(**who, **how) for who, how in ((ALICE, ALONE), (ALICE, {}), (BOB, {}), (BOB, ALONE))]
    assert where(sim, *jobs) == ["node1", "node1", "node2", "node2"]


def test_others_wait_until_he_has_left() -> None:
    sim = Simulation(fleet_of(MACHINES))
    sim.submit(**ALICE, **ALONE, nodes=2, max_nodes=2, run_time=100, time_limit=600)
    later = sim.submit(**BOB)
    assert sim.cluster.jobs[later].reason == "Resources"
    sim.run(until=103)
    assert sim.state(later) == "RUNNING"


def test_who_wants_to_be_alone_is_not_kept_waiting_by_those_who_come_later() -> None:
    sim = Simulation(fleet_of({"node1": MACHINES["node1"]}))
    sim.submit(**BOB, run_time=600, time_limit=600)
    alone = sim.submit(**ALICE, **ALONE, run_time=50, time_limit=600)
    long, short = sim.submit(**BOB, run_time=5000, time_limit=6000), sim.submit(**BOB, run_time=60, time_limit=300)
    assert [sim.state(job) for job in (alone, long, short)] == ["PENDING", "PENDING", "CONFIGURING"]
    sim.run(until=603)
    assert [sim.state(job) for job in (alone, long)] == ["RUNNING", "PENDING"]


def test_a_partition_may_say_so_for_all_its_jobs() -> None:
    partitions = {
        "main": Partition("main", tuple(MACHINES), default=True),
        "own": Partition("own", ("node1",), exclusive_user=True),
    }
    sim = Simulation(fleet_of(MACHINES, partitions=partitions))
    first = sim.submit(**ALICE, partition="own")
    same, other, elsewhere = sim.submit(**ALICE), sim.submit(**BOB, partition="own"), sim.submit(**BOB)
    assert where(sim, first, same, other, elsewhere) == ["node1", "node1", None, "node2"]


def test_nobody_is_looked_for_where_nobody_wants_to_be_alone() -> None:
    sim = Simulation(fleet_of(MACHINES))
    sim.cluster.queue.tell_apart(True)  # as limits do
    sim.submit(**ALICE)
    assert not sim.cluster.has_owners
    sim.submit(**BOB, **ALONE)
    assert sim.cluster.has_owners
