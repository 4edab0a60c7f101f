"""Priorities as the recorded cluster had them, and the order and the reasons that follow from them."""

from __future__ import annotations

import pytest

from mini_slurm.model.fleet import Partition, Qos, Weights
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler import events
from tests.simulation.harness import Simulation, fleet_of

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
