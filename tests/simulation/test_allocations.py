"""Jobs without a script, in virtual time: they hold their machines until they are given back, and keep no output."""

from __future__ import annotations

import pytest

from mini_slurm.model.resources import Resources
from mini_slurm.scheduler import events
from mini_slurm.scheduler.decisions import End, Forget
from tests.simulation.harness import STATE, Simulation, fleet_of

ONE = {"node1": Resources(cpus=1, memory=1000)}


def held(**request: object) -> tuple[Simulation, int]:
    sim = Simulation(fleet_of(ONE))
    job = sim.submit(run_time=1000, script="", **request)
    sim.run(until=10)
    return sim, job


@pytest.mark.parametrize(("code", "number", "state"), [(0, 0, "COMPLETED"), (3, 0, "FAILED"), (0, 15, "COMPLETED")])
def test_it_ends_as_the_command_did_that_it_was_for(code: int, number: int, state: str):
    sim, job = held()
    sim.happen(events.ReleaseRequested(job, 1000, code, number))
    assert (sim.state(job), sim.log[-1][1]) == ("COMPLETING", End("node1", f"{STATE}.{job}.1"))
    sim.run(until=20)
    found = sim.job(job)
    assert (sim.state(job), found.exit_code, found.exit_signal) == (state, code, number)
    assert Forget("node1", f"{STATE}.{job}.1") in [decision for _, decision in sim.log]


def test_the_next_job_gets_what_was_given_back():
    sim, job = held()
    waiting = sim.submit()
    assert sim.state(waiting) == "PENDING"
    sim.happen(events.ReleaseRequested(job, 1000, 0, 0))
    sim.run(until=20)
    assert sim.state(waiting) == "RUNNING"


def test_what_is_not_ones_own_or_has_a_script_is_not_given_back():
    sim, job = held()
    sim.happen(events.ReleaseRequested(job, 1001, 0, 0), events.ReleaseRequested(99, 1000, 0, 0))
    assert sim.state(job) == "RUNNING"
    batch = sim.submit()
    sim.happen(events.ReleaseRequested(batch, 1000, 0, 0))
    assert sim.state(batch) == "PENDING"


def test_one_that_waits_is_cancelled():
    sim, _ = held()
    waiting = sim.submit(script="")
    sim.happen(events.ReleaseRequested(waiting, 1000, 0, 0))
    assert (sim.state(waiting), sim.job(waiting).cancelled_by) == ("CANCELLED", 1000)


def test_one_that_was_cancelled_stays_so():
    sim, job = held()
    sim.cancel(job)
    sim.happen(events.ReleaseRequested(job, 1000, 3, 0))
    sim.run(until=20)
    assert (sim.state(job), sim.job(job).exit_code) == ("CANCELLED", 0)


def test_it_is_not_run_again():
    sim, job = held(requeue=1)
    assert sim.requeue(job) == "Only batch jobs are accepted or processed"
    sim.reboot("node1")
    sim.run(until=2000)
    assert (sim.state(job), sim.job(job).restarts) == ("NODE_FAIL", 0)
