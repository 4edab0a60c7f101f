"""Machines that are one user's at a time: --exclusive=user, and partitions with exclusive_user."""

from __future__ import annotations

from mini_slurm.cli.test_only import forecast
from mini_slurm.model.fleet import Partition
from mini_slurm.model.job import Job
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler.plan import Planned, plan
from mini_slurm.scheduler.why import explain
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


def test_who_wants_to_be_alone_delays_nobody_who_came_before() -> None:
    sim = Simulation(fleet_of({"node1": MACHINES["node1"]}))
    sim.submit(**ALICE, **ALONE, run_time=600, time_limit=600)
    waits = sim.submit(**BOB)
    long = sim.submit(**ALICE, **ALONE, run_time=5000, time_limit=6000)
    short = sim.submit(**ALICE, **ALONE, run_time=60, time_limit=300)
    assert [sim.state(job) for job in (waits, long, short)] == ["PENDING", "PENDING", "CONFIGURING"]
    sim.run(until=603)
    assert sim.state(waits) == "RUNNING"


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


# --- what is told beforehand


def told(sim: Simulation, job: int) -> list[str]:
    return explain(sim.cluster, sim.job(job), sim.now, lambda moment: f"T+{int(moment)}")


def test_who_waits_for_other_users_to_leave_is_told_so_and_when_he_starts() -> None:
    sim = Simulation(fleet_of(MACHINES))
    for name, limit in (("node1", 600), ("node2", 900)):
        sim.submit(**BOB, required_nodes=name, run_time=limit, time_limit=limit)
    sim.submit(**ALICE, required_nodes="node2", run_time=100, time_limit=100)
    alone = sim.submit(**ALICE, **ALONE, time_limit=60, run_time=60)
    lines = told(sim, alone)
    assert "It wants 1 machine of main with 1 CPU, where no other user is, for 1:00." in lines
    at = lines.index("  node2 lacks that other users leave it; free by T+900 at the latest")
    assert lines[at - 1] == "    job 1 of bob holds 1 CPU until T+600"
    assert lines[at - 2] == "  node1 lacks that other users leave it; free by T+600 at the latest"
    assert lines[at + 1 : at + 3] == [
        "    job 2 of bob holds 1 CPU until T+900", "    job 3 of alice holds 1 CPU until T+100"
    ]  # fmt: skip
    assert plan(sim.cluster, sim.now, {alone}) == {alone: Planned(600.0, ("node1",))}
    sim.run(until=603)
    assert (sim.state(alone), sim.job(alone).node) == ("RUNNING", "node1")


def test_who_waits_for_somebody_who_bears_no_other_users_is_told_so_and_when_he_starts() -> None:
    sim = Simulation(fleet_of({"node1": MACHINES["node1"]}))
    sim.submit(**ALICE, **ALONE, run_time=600, time_limit=600)
    later, last = sim.submit(**BOB, time_limit=60), sim.submit(**ALICE, **ALONE, time_limit=6000)
    lines = told(sim, later)
    assert lines[-2:] == [
        "  node1 lacks that other users leave it; free by T+600 at the latest",
        "    job 1 of alice holds 1 CPU until T+600, with no other user beside it",
    ]
    assert plan(sim.cluster, sim.now, {later, last}) == {
        later: Planned(600.0, ("node1",)),
        last: Planned(660.0, ("node1",)),
    }


def test_a_partition_of_one_user_at_a_time_counts_as_well() -> None:
    partitions = {"own": Partition("own", ("node1",), default=True, exclusive_user=True)}
    sim = Simulation(fleet_of(MACHINES, partitions=partitions))
    sim.submit(**ALICE, partition="own", run_time=600, time_limit=600)
    later = sim.submit(**BOB, partition="own")
    assert "  node1 lacks that other users leave it; free by T+600 at the latest" in "\n".join(told(sim, later))
    assert plan(sim.cluster, sim.now, {later}) == {later: Planned(600.0, ("node1",))}


def test_the_forecast_for_a_submission_knows_whom_it_would_meet() -> None:
    sim = Simulation(fleet_of({"node1": MACHINES["node1"]}))
    sim.submit(**ALICE, **ALONE, run_time=600, time_limit=600)
    theirs = Job(job_id=0, **BOB, partition="main", time_limit=60)
    own = Job(job_id=0, **ALICE, partition="main", time_limit=60)
    assert forecast(theirs, sim.cluster, sim.now) == (600.0, ["node1"], [])
    assert forecast(own, sim.cluster, sim.now) == (sim.now, ["node1"], [])
