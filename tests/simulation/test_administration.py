"""What administrators do with machines and partitions, and what becomes of the jobs."""

from __future__ import annotations

from typing import Any

import pytest

from mini_slurm.model.changed_fleet import from_text, to_text
from mini_slurm.model.fleet import Fleet, Partition
from mini_slurm.model.overrides import NO_OVERRIDE, NodeOverride
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler.cluster import set_fleet
from mini_slurm.scheduler.events import MachineDisconnected
from tests.simulation.harness import USER, Simulation, fleet_of

ONE = {"node1": Resources(cpus=1, memory=1000)}
TWO = {**ONE, "node2": Resources(cpus=1, memory=1000)}
BAD_STATE = "Invalid node state specified"
NOT_ADMIN = "Invalid user id"
GIVEN: dict[str, Any] = {"reason": "x", "reason_time": 5.0, "reason_uid": 0}


def drained(fleet: Fleet | None = None) -> Simulation:
    sim = Simulation(fleet or fleet_of(TWO))
    assert sim.change_nodes("node1", State="DRAIN", Reason="fix fan") == ""
    return sim


def reason(sim: Simulation, job: int) -> str:
    return sim.job(job).reason


# --- machines


def test_nothing_is_started_on_a_drained_machine_until_it_is_resumed():
    sim = drained(fleet_of(ONE))
    job = sim.submit()
    assert sim.state(job) == "PENDING"
    assert reason(sim, job).startswith("Nodes required for job are DOWN, DRAINED")
    assert sim.change_nodes("node1", State="RESUME") == ""
    assert sim.state(job) == "CONFIGURING"


def test_a_machine_that_was_not_heard_of_yet_is_no_machine_that_is_down():
    sim = Simulation(fleet_of(ONE), connected=())
    job = sim.submit()
    assert reason(sim, job) == "Resources"
    sim.happen(MachineDisconnected("node1"))
    assert reason(sim, job).startswith("Nodes required for job are DOWN, DRAINED")
    sim.connect("node1")
    assert sim.state(job) == "CONFIGURING"


def test_what_runs_on_a_drained_machine_goes_on():
    sim = Simulation(fleet_of(ONE))
    job = sim.submit(run_time=50)
    sim.change_nodes("node1", State="DRAIN", Reason="fix fan")
    sim.run(until=100)
    assert sim.state(job) == "COMPLETED"


def test_jobs_go_to_the_machines_that_are_left():
    sim = drained()
    job = sim.submit()
    assert sim.job(job).node == "node2"
    wanting = sim.submit(required_nodes="node1")
    assert reason(sim, wanting) == "ReqNodeNotAvail, UnavailableNodes:node1"


def test_nobody_is_told_that_a_machine_of_the_future_is_missing():
    sim = drained()
    sim.change_nodes("node1", State="FUTURE")
    assert reason(sim, sim.submit(required_nodes="node1")) == "ReqNodeNotAvail, May be reserved for other job"


def test_what_runs_on_a_machine_that_is_set_down_is_requeued():
    sim = Simulation(fleet_of(TWO))
    job = sim.submit(run_time=50)
    other = sim.submit(run_time=50, requeue=False)
    assert (sim.job(job).node, sim.job(other).node) == ("node1", "node2")
    assert sim.change_nodes("node1", "node2", State="DOWN", Reason="bad disk") == ""
    assert (sim.state(job), sim.state(other)) == ("PENDING", "NODE_FAIL")
    assert sim.change_nodes("node1", State="RESUME") == ""
    sim.run(until=120)
    assert (sim.state(job), reason(sim, job)) == ("PENDING", "BeginTime")  # two minutes, as in Slurm
    sim.run(until=200)
    assert sim.state(job) == "COMPLETED"
    assert (sim.job(job).restarts, sim.job(job).begin_time) == (1, 121.0)


def test_the_fleet_says_how_long_a_job_waits_whose_machine_is_set_down():
    sim = Simulation(fleet_of(TWO, requeue_delay=0))
    job = sim.submit(run_time=50)
    assert sim.change_nodes("node1", State="DOWN", Reason="bad disk") == ""
    assert (sim.state(job), sim.job(job).node, sim.job(job).restarts) == ("CONFIGURING", "node2", 1)


@pytest.mark.parametrize(
    ("before", "state", "error", "after"),
    [
        ({}, "RESUME", BAD_STATE, NO_OVERRIDE),
        ({}, "UNDRAIN", "", NO_OVERRIDE),
        ({}, "IDLE", "", NO_OVERRIDE),
        ({}, "POWER_UP", BAD_STATE, NO_OVERRIDE),
        ({"State": "DRAIN"}, "RESUME", "", NO_OVERRIDE),
        ({"State": "DRAIN"}, "UNDRAIN", "", NO_OVERRIDE),
        ({"State": "FAIL"}, "UNDRAIN", "", NodeOverride(flags=("FAIL",), **GIVEN)),
        ({"State": "FAIL"}, "DRAIN", "", NodeOverride(flags=("DRAIN",), **GIVEN)),
        ({"State": "DOWN"}, "DRAIN", "", NodeOverride(state="DOWN", flags=("DRAIN",), **GIVEN)),
        ({"State": "DOWN"}, "UNDRAIN", "", NodeOverride(state="DOWN", **GIVEN)),
        ({"State": "DOWN"}, "IDLE", "", NO_OVERRIDE),
        ({"State": "DOWN"}, "FUTURE", "", NodeOverride(state="FUTURE")),
        ({"State": "DRAIN"}, "FUTURE", "", NodeOverride(state="FUTURE")),
        ({}, "FUTURE", "", NodeOverride(state="FUTURE")),
        ({"State": "FUTURE"}, "IDLE", BAD_STATE, NodeOverride(state="FUTURE")),
        ({"State": "FUTURE"}, "UNDRAIN", "", NodeOverride(state="FUTURE")),
        ({"State": "FUTURE"}, "FUTURE", "", NodeOverride(state="FUTURE")),
        ({"State": "FUTURE"}, "RESUME", "", NO_OVERRIDE),
    ],
)
def test_a_state_can_follow_certain_others(before: dict[str, str], state: str, error: str, after: NodeOverride):
    sim = Simulation(fleet_of(ONE))
    sim.now = 5.0
    if before:
        assert sim.change_nodes("node1", Reason="x", **before) == ""
    assert sim.change_nodes("node1", State=state) == error
    assert sim.cluster.machines["node1"].entry.override == after


def test_a_machine_of_the_future_can_be_drained_or_set_down_meanwhile():
    sim = Simulation(fleet_of(TWO))
    assert sim.change_nodes("node1", State="FUTURE") == ""
    assert sim.change_nodes("node1", State="DRAIN", Reason="x") == ""
    override = sim.cluster.machines["node1"].entry.override
    assert (override.state, override.flags, override.reason) == ("FUTURE", ("DRAIN",), "x")
    assert sim.change_nodes("node1", State="DOWN", Reason="x") == ""
    override = sim.cluster.machines["node1"].entry.override
    assert (override.state, override.flags, override.reason) == ("DOWN", ("DRAIN",), "x")


def test_a_machine_of_the_future_is_idle_before_and_gets_no_job_until_it_is_resumed():
    sim = Simulation(fleet_of(ONE))
    job = sim.submit(run_time=50)
    assert sim.change_nodes("node1", State="FUTURE") == BAD_STATE
    assert sim.state(job) == "CONFIGURING"
    sim.run(until=100)
    assert sim.change_nodes("node1", State="FUTURE") == ""
    late = sim.submit()
    assert sim.state(late) == "PENDING"
    assert sim.change_nodes("node1", State="RESUME") == ""
    assert sim.state(late) == "CONFIGURING"


def test_the_others_are_changed_when_one_cannot_be():
    sim = drained()
    assert sim.change_nodes("node1", "node2", State="RESUME") == BAD_STATE
    assert sim.cluster.machines["node1"].is_usable
    assert sim.change_nodes("node1", "nowhere", "node2", State="DRAIN", Reason="x") == "Invalid node name specified"
    assert not sim.cluster.machines["node1"].is_usable
    assert sim.cluster.machines["node2"].is_usable


def test_a_user_changes_no_machine():
    sim = Simulation(fleet_of(ONE))
    assert sim.change_nodes("node1", by=USER, State="DRAIN", Reason="x") == NOT_ADMIN


def test_features_decide_where_a_job_goes():
    sim = Simulation(fleet_of(TWO))
    assert sim.change_nodes("node2", Features=["a", "b"], ActiveFeatures=["a"]) == ""
    assert sim.job(sim.submit(features="a")).node == "node2"
    error = sim.change_nodes("node2", ActiveFeatures=["c"])
    assert error == "Active features not subset of available features"


def test_light_machines_come_first():
    sim = Simulation(fleet_of(TWO))
    assert sim.change_nodes("node1", Weight=7) == ""
    assert sim.job(sim.submit()).node == "node2"


def test_changes_outlive_the_fleet_file_and_the_controller():
    sim = drained()
    set_fleet(sim.cluster, sim.fleet._replace(name="other"))
    assert not sim.cluster.machines["node1"].is_usable
    assert from_text(to_text(sim.cluster.overrides)) == sim.cluster.overrides


# --- partitions


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"state": "DOWN"}, "PartitionDown"),
        ({"state": "INACTIVE"}, "PartitionInactive"),
        ({"max_time": 60}, "PartitionTimeLimit"),
        ({"min_nodes": 2}, "PartitionNodeLimit"),
    ],
)
def test_a_partition_that_takes_no_such_jobs_says_why(changes: dict[str, object], why: str):
    sim = Simulation(fleet_of(ONE))
    assert sim.change_partition("main", **changes) == ""
    job = sim.submit(time_limit=600)
    assert reason(sim, job) == why
    back = {key: getattr(sim.fleet.partitions["main"], key) for key in changes}
    assert sim.change_partition("main", **back) == ""
    assert sim.state(job) == "CONFIGURING"


def test_jobs_of_a_higher_tier_go_first():
    fleet = fleet_of(ONE)
    also = Partition("also", ("node1",))
    sim = Simulation(fleet._replace(partitions={**fleet.partitions, "also": also}))
    sim.submit(run_time=10)
    plain, raised = sim.submit(), sim.submit(partition="also")
    assert sim.change_partition("also", tier=2) == ""
    sim.run(until=11)
    assert (sim.state(plain), sim.state(raised)) == ("PENDING", "RUNNING")


def test_a_partition_is_made_and_deleted():
    sim = Simulation(fleet_of(TWO))
    assert sim.change_partition("new", create=True, machines=["node2"]) == ""
    assert sim.change_partition("new", create=True) == "Invalid partition name specified"
    job = sim.submit(partition="new", run_time=10)
    assert sim.job(job).node == "node2"
    assert sim.delete_partition("new") == "Partition is in use"
    sim.run(until=20)
    assert sim.delete_partition("new") == ""
    assert sim.delete_partition("new") == "Invalid partition name specified"
    assert sim.delete_partition("main", by=USER) == NOT_ADMIN
    assert sim.delete_partition("main") == ""
    assert sim.cluster.fleet.partitions == {}
    assert sim.change_partition("main", create=True, machines=["ALL"]) == ""
    assert sim.cluster.fleet.partitions["main"] == Partition("main", ("node1", "node2"), min_nodes=1)


def test_there_is_one_default_partition():
    sim = Simulation(fleet_of(ONE))
    assert sim.change_partition("new", create=True, default=True) == ""
    assert [name for name, one in sim.cluster.fleet.partitions.items() if one.default] == ["new"]
    assert sim.change_partition("main", default=True) == ""
    assert [name for name, one in sim.cluster.fleet.partitions.items() if one.default] == ["main"]


def test_what_does_not_fit_a_partition_is_refused():
    sim = Simulation(fleet_of(ONE))
    assert sim.change_partition("main", machines=["nowhere"]) == "Invalid node name specified"
    assert sim.change_partition("nowhere", state="DOWN") == "Invalid partition name specified"
    assert sim.change_partition("main", by=USER, state="DOWN") == NOT_ADMIN
    assert sim.change_partition("main", max_time=60, default_time=120) == ""
    assert sim.cluster.fleet.partitions["main"].default_time is None
