"""What partitions allow, in virtual time."""

from __future__ import annotations

import pytest

from mini_slurm.model.fleet import Limits, Partition, Preempt, Qos
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler.plan import Planned, plan
from tests.simulation.harness import Simulation, fleet_of

MACHINES = {name: Resources(cpus=4, memory=8000) for name in ("node1", "node2")}


def simulation(**keys: object) -> Simulation:
    partitions = {
        "p": Partition("p", ("node1", "node2"), default=True, **keys),
        "q": Partition("q", ("node1", "node2")),
    }
    return Simulation(fleet_of(MACHINES, partitions=partitions, qos={"small": Qos("small", limits=Limits(grp_jobs=1))}))


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"allow_accounts": ("a",)}, "Job's account not permitted to use this partition (p allows a not lab)"),
        ({"deny_accounts": ("lab",)}, "Job's account not permitted to use this partition (p denies lab including lab)"),
        ({"allow_qos": ("high",)}, "Job's QOS not permitted to use this partition (p allows high not normal)"),
        ({"max_memory_per_node": 100}, "MaxMemPerLimit"),
    ],
)
def test_a_job_waits_with_what_the_partition_says_until_that_changes(keys: dict[str, object], reason: str) -> None:
    sim = simulation(**keys)
    job = sim.submit(partition="p", account="lab", qos="normal", memory_per_node=200)
    assert (sim.state(job), sim.job(job).reason) == ("PENDING", reason)
    assert (
        sim.change_partition("p", **dict.fromkeys(keys, None if "memory" in reason.lower() + str(keys) else [])) == ""
    )
    assert sim.state(job) == "CONFIGURING"


def test_jobs_of_a_partition_together_get_no_more_cpus_of_a_machine() -> None:
    sim = simulation(max_cpus_per_node=1)
    jobs = [sim.submit(partition="p", run_time=60) for _ in range(3)]
    assert [sim.state(job) for job in jobs] == ["CONFIGURING", "CONFIGURING", "PENDING"]
    assert {sim.job(job).node for job in jobs[:2]} == {"node1", "node2"}
    assert sim.state(sim.submit(partition="q", cpus_per_task=3)) == "CONFIGURING"
    sim.run(until=62)
    assert sim.state(jobs[2]) == "RUNNING"


def test_the_moment_when_a_job_can_start_is_one_when_its_partition_lets_it_have_the_cpus() -> None:
    sim = simulation(max_cpus_per_node=3)
    sim.submit(partition="p", cpus_per_task=1, required_nodes="node1", run_time=5000, time_limit=5000)
    sim.submit(partition="q", cpus_per_task=2, required_nodes="node2", run_time=600, time_limit=600)
    waits = sim.submit(partition="p", cpus_per_task=3, time_limit=60)
    assert plan(sim.cluster, sim.now, [waits]) == {waits: Planned(600.0, ("node2",))}
    beside = sim.submit(partition="q", cpus_per_task=2, required_nodes="node2", time_limit=5000, run_time=5000)
    assert sim.state(beside) == "PENDING"  # or the one before it would have to wait for 5000 seconds
    sim.run(until=602)
    assert sim.state(waits) == "RUNNING"


def test_what_a_partition_may_have_is_kept_for_the_first_job_that_waits() -> None:
    sim = simulation(max_cpus_per_node=3)
    sim.submit(partition="q", cpus_per_task=3, required_nodes="node1", run_time=600, time_limit=600)
    waits = sim.submit(partition="p", cpus_per_task=3, required_nodes="node1", time_limit=60)
    beside = sim.submit(partition="p", required_nodes="node1", time_limit=5000, run_time=5000)
    assert sim.state(beside) == "PENDING"
    sim.run(until=602)
    assert sim.state(waits) == "RUNNING"


def test_nobody_makes_room_beyond_what_a_partition_may_have() -> None:
    sim = simulation(max_cpus_per_node=2, tier=2)
    sim.cluster.fleet = sim.cluster.fleet._replace(preempt=Preempt("partition_prio", "CANCEL"))
    sim.submit(partition="p", cpus_per_task=2, required_nodes="node1", run_time=500, time_limit=500)
    spared = sim.submit(partition="q", cpus_per_task=2, required_nodes="node1", run_time=500, time_limit=500)
    sim.run(until=5)
    waits = sim.submit(partition="p", cpus_per_task=2, required_nodes="node1", time_limit=60)
    sim.run(until=20)
    assert [sim.state(job) for job in (spared, waits)] == ["RUNNING", "PENDING"]


def test_the_qos_of_a_partition_limits_its_jobs() -> None:
    sim = simulation(qos="small")
    first, second = (sim.submit(partition="p", run_time=60) for _ in range(2))
    assert (sim.state(first), sim.job(second).reason) == ("CONFIGURING", "QOSGrpJobsLimit")
    assert sim.state(sim.submit(partition="q")) == "CONFIGURING"


def test_a_partition_that_is_made_with_what_cannot_be_is_made_without_it() -> None:
    sim = simulation()
    assert sim.change_partition("new", create=True, machines=["node9"]) == "Invalid node name specified"
    assert sim.cluster.fleet.partitions["new"] == Partition("new", (), min_nodes=1)
    assert sim.change_partition("new", qos="nope", hidden=True) == "Invalid qos specification"
    assert sim.cluster.fleet.partitions["new"].hidden
