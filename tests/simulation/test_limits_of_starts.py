"""What decides whether, and for how long, a job may start besides room: deadlines, licenses, --time-min."""

from __future__ import annotations

from mini_slurm.model.resources import Resources
from tests.simulation.harness import Simulation, fleet_of

ONE = {"node1": Resources(cpus=1, memory=1000)}
TWO = {**ONE, "node2": Resources(cpus=1, memory=1000)}


def test_a_job_that_cannot_end_in_time_is_over():
    sim = Simulation(fleet_of(ONE))
    sim.submit(run_time=1000)
    job = sim.submit(time_limit=300, deadline=600.0)
    sim.run(until=300)
    assert sim.state(job) == "PENDING"
    sim.run(until=302)
    assert (sim.state(job), sim.job(job).reason) == ("DEADLINE", "DeadLine")
    assert (sim.job(job).exit_code, sim.job(job).exit_signal, sim.job(job).end_time) == (0, 1, 301.0)


def test_the_least_time_counts_where_there_is_one():
    sim = Simulation(fleet_of(ONE))
    sim.submit(run_time=400)
    job = sim.submit(run_time=1000, time_limit=600, time_min=60, deadline=720.0)
    sim.run(until=401)
    assert sim.state(job) == "RUNNING"
    assert sim.job(job).time_limit == 300  # what is left until the deadline, in whole minutes


def test_a_held_job_misses_no_deadline():
    sim = Simulation(fleet_of(ONE))
    job = sim.submit(time_limit=60, deadline=100.0, priority=0)
    sim.run(until=500)
    assert sim.state(job) == "PENDING"


def test_licenses_are_shared_out():
    sim = Simulation(fleet_of(TWO, licenses={"matlab": 2}))
    first = sim.submit(run_time=10, licenses="matlab")
    second = sim.submit(run_time=10, licenses="matlab:2")
    third = sim.submit(run_time=10, licenses="matlab")
    assert (sim.job(second).state.name, sim.job(second).reason) == ("PENDING", "Licenses")
    assert (sim.state(first), sim.state(third)) == ("CONFIGURING", "CONFIGURING")
    sim.run(until=30)
    assert {sim.state(job) for job in (first, second, third)} == {"COMPLETED"}


def test_each_task_of_an_array_holds_licenses():
    sim = Simulation(fleet_of(TWO, licenses={"matlab": 1}))
    job = sim.submit(run_time=10, licenses="matlab", array_tasks="1-2")
    assert len([one for one in sim.cluster.jobs.values() if one.state.name == "PENDING"]) == 1
    assert sim.job(job).reason == "Licenses"


def test_a_flexible_job_is_shortened_to_fit_before_the_one_that_waits():
    sim = Simulation(fleet_of(TWO))
    sim.submit(run_time=600, time_limit=600)
    wide = sim.submit(run_time=10, nodes=2, ntasks=2, time_limit=60)
    long = sim.submit(run_time=900, time_limit=900)
    flexible = sim.submit(run_time=900, time_limit=900, time_min=300)
    assert (sim.state(long), sim.state(flexible)) == ("PENDING", "CONFIGURING")
    assert sim.job(flexible).time_limit == 600
    sim.run(until=605)
    assert sim.state(wide) == "RUNNING"
