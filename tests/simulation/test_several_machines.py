"""Jobs on several machines in virtual time: all or none, and nothing stays behind."""

from __future__ import annotations

from mini_slurm.model.fleet import Partition
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler import events
from mini_slurm.scheduler.decisions import Decision, End, Forget, Hold, Start
from tests.simulation.harness import STATE, Simulation, fleet_of

THREE = {f"node{number}": Resources(cpus=2, memory=1000) for number in (1, 2, 3)}
BOTH = {"nodes": 2, "max_nodes": 2}


def said(sim: Simulation, kind: type[Decision]) -> list[Decision]:  # type: ignore[valid-type]
    return [decision for _, decision in sim.log if isinstance(decision, kind)]


def test_the_script_is_sent_when_all_other_machines_have_said_yes():
    sim = Simulation(fleet_of(THREE))
    job = sim.submit(run_time=10, nodes=3, max_nodes=3)
    sim.run(until=1)
    assert [type(decision) for _, decision in sim.log] == [Hold, Hold, Start]
    assert (sim.state(job), sim.job(job).node, sim.job(job).node_list) == ("RUNNING", "node1", "node[1-3]")
    assert (sim.job(job).alloc_cpus, [books.free.cpus for books in sim.cluster.machines.values()]) == (3, [1, 1, 1])


def test_with_the_script_all_machines_are_done():
    sim = Simulation(fleet_of(THREE))
    job = sim.submit(run_time=10, **BOTH)
    sim.run(until=20)
    assert (sim.state(job), sim.running) == ("COMPLETED", {"node1": set(), "node2": set(), "node3": set()})
    assert said(sim, End) == [End("node2", f"{STATE}.{job}.1")]
    assert {decision.machine for decision in said(sim, Forget)} == {"node1", "node2"}


def test_a_machine_that_refuses_its_part_frees_the_others():
    sim = Simulation(fleet_of(THREE))
    sim.connected.discard("node2")  # it hears nothing of what is sent
    job = sim.submit(run_time=10, nodes=3, max_nodes=3)
    sim.connected.add("node2")
    sim.happen(events.AttemptRefused("node2", f"{STATE}.{job}.1", True, "others hold the CPU"))
    assert (sim.state(job), sim.job(job).node_list) == ("PENDING", None)
    assert said(sim, Start) == []
    sim.run(until=30)
    assert (sim.state(job), sim.starts) == ("COMPLETED", {f"{STATE}.{job}.2": 1})
    assert not any(sim.running.values())


def test_a_job_that_loses_one_machine_is_ended_on_the_others_and_runs_again():
    sim = Simulation(fleet_of(THREE))
    job = sim.submit(run_time=100, **BOTH)
    sim.run(until=5)
    sim.disconnect("node2")
    sim.happen(events.MachineLost("node2"))
    assert End("node1", f"{STATE}.{job}.1") in said(sim, End)
    sim.run(until=200)
    assert (sim.state(job), sim.job(job).node_list, sim.job(job).restarts) == ("COMPLETED", "node[1,3]", 1)
    sim.connect("node2")
    sim.run(until=210)
    assert not any(sim.running.values())


def test_a_job_that_may_not_run_again_fails_with_its_machine():
    sim = Simulation(fleet_of(THREE))
    job = sim.submit(run_time=100, requeue=0, **BOTH)
    sim.run(until=5)
    sim.reboot("node2")
    assert sim.state(job) == "NODE_FAIL"
    sim.run(until=10)
    assert not any(sim.running.values())


def test_a_job_cancelled_before_its_script_was_sent_leaves_nothing():
    sim = Simulation(fleet_of(THREE))
    sim.connected.discard("node2")
    job = sim.submit(run_time=100, **BOTH)
    sim.cancel(job)
    sim.happen(events.AttemptUnknown("node1", f"{STATE}.{job}.1"))
    assert sim.state(job) == "CANCELLED"
    sim.connect("node2")
    sim.run(until=10)
    assert (sim.starts, any(sim.running.values())) == ({}, False)


def test_a_new_controller_asks_again_for_what_it_does_not_know():
    """Which machines have said yes is not stored: they say it again when they are connected."""
    sim = Simulation(fleet_of(THREE))
    sim.connected.discard("node3")
    job = sim.submit(run_time=10, nodes=3, max_nodes=3)
    sim.run(until=1)
    assert sim.state(job) == "CONFIGURING"
    sim.cluster.ready.clear()
    for name in THREE:
        sim.connect(name)
    for name in ("node2", "node3"):
        sim.happen(events.AttemptStarted(name, f"{STATE}.{job}.1", 1.0, "0", ""))
    sim.run(until=20)
    assert (sim.state(job), sim.starts) == ("COMPLETED", {f"{STATE}.{job}.1": 1})


def test_a_large_job_gets_its_turn_while_small_ones_keep_coming():
    sim = Simulation(fleet_of(THREE))
    for moment in range(0, 1000, 10):
        sim.plan(float(moment), lambda: sim.submit(run_time=50, time_limit=60))
    sim.run(until=100)
    large = sim.submit(run_time=10, time_limit=60, nodes=3, max_nodes=3, exclusive=1)
    sim.run(until=400)
    assert sim.state(large) == "COMPLETED"


def test_machines_that_are_about_to_be_free_are_kept_for_the_job_that_is_first():
    sim = Simulation(fleet_of(THREE))
    sim.submit(run_time=100, nodes=3, max_nodes=3, cpus_per_task=2, time_limit=600)
    first = sim.submit(run_time=50, nodes=3, max_nodes=3, cpus_per_task=2, time_limit=600)
    later = sim.submit(run_time=50, cpus_per_task=2, time_limit=600)
    sim.run(until=103)  # the script's machine was free before the others had ended what belongs to it
    assert (sim.state(first), sim.state(later)) == ("RUNNING", "PENDING")


def test_a_partition_may_spread_its_jobs_over_the_least_loaded_machines() -> None:
    has = {"node1": Resources(cpus=2), "node2": Resources(cpus=4), "node3": Resources(cpus=4)}
    partitions = {
        "main": Partition("main", tuple(has), default=True),
        "even": Partition("even", tuple(has), lln=True),
    }
    sim = Simulation(fleet_of(has, partitions=partitions))
    jobs = [sim.submit(partition="even", run_time=1000) for _ in range(6)]
    assert [sim.job(job).node for job in jobs] == ["node1", "node2", "node3", "node2", "node3", "node1"]
    packed = sim.submit(run_time=1000)
    assert sim.job(packed).node == "node2"
    assert sim.change_partition("even", lln=False) == ""
    assert sim.job(sim.submit(partition="even", run_time=1000)).node == "node2"
