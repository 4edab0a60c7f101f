"""The core in virtual time: attempts that are given up, and what must not be lost or disturbed by that."""

from __future__ import annotations

from mini_slurm.model.resources import Resources
from mini_slurm.scheduler import events
from mini_slurm.scheduler.cluster import set_fleet
from mini_slurm.scheduler.decisions import Drop, End, Forget
from tests.simulation.harness import STATE, Simulation, fleet_of

ONE = {"node1": Resources(cpus=1, memory=1000)}
TWO = {**ONE, "node2": Resources(cpus=1, memory=1000)}
FOUR = {"node1": Resources(cpus=4, memory=4000)}


def drops(sim: Simulation) -> list[str]:
    return [decision.attempt for _, decision in sim.log if isinstance(decision, Drop)]


def test_a_refused_attempt_keeps_no_output_files_open():
    sim = Simulation(fleet_of(ONE))
    sim.submit()
    sim.happen(events.AttemptRefused("node1", f"{STATE}.1.1", True, "others hold the CPU"))
    assert drops(sim) == [f"{STATE}.1.1"]


def test_output_of_an_attempt_on_a_lost_machine_is_taken_no_more():
    sim = Simulation(fleet_of(TWO))
    sim.submit(run_time=100)
    sim.run(until=1)
    sim.disconnect("node1")
    sim.happen(events.MachineLost("node1"))
    assert (sim.job(1).node, drops(sim)) == ("node2", [f"{STATE}.1.1"])


def test_output_of_an_attempt_that_a_boot_ended_is_taken_no_more():
    sim = Simulation(fleet_of(ONE))
    sim.submit(run_time=100)
    sim.run(until=1)
    sim.reboot("node1")
    assert drops(sim) == [f"{STATE}.1.1"]


def ended_on_a_lost_machine() -> Simulation:
    """Job 1 has ended, and its machine was lost before its output was stored."""
    sim = Simulation(fleet_of(ONE))
    sim.submit(run_time=100)
    sim.run(until=1)
    sim.happen(events.AttemptEnded("node1", f"{STATE}.1.1", 1.0, "", 0, 0, 1000, 0.5, 0.1))
    sim.disconnect("node1")
    sim.happen(events.MachineLost("node1"))
    return sim


def test_a_job_that_ended_keeps_waiting_for_its_output_when_its_machine_is_lost():
    sim = ended_on_a_lost_machine()
    assert (sim.state(1), sim.job(1).reason) == ("COMPLETING", "its output waits on node1, which does not answer")
    sim.connect("node1")
    sim.happen(events.OutputStored(f"{STATE}.1.1"))
    assert (sim.state(1), sim.job(1).reason) == ("COMPLETED", "None")
    assert isinstance(sim.log[-1][1], Forget)


def test_output_that_waits_on_a_lost_machine_can_be_given_up_by_cancelling():
    sim = ended_on_a_lost_machine()
    sim.cancel(1)
    assert sim.state(1) == "COMPLETED"


def test_a_job_on_a_machine_that_left_the_fleet_is_not_run_a_second_time():
    sim = Simulation(fleet_of(TWO))
    sim.submit(run_time=100)
    sim.run(until=1)
    set_fleet(sim.cluster, fleet_of({"node2": TWO["node2"]}))
    sim.happen(events.MachineLost("node1"))
    assert (sim.state(1), sim.job(1).reason, sum(sim.starts.values())) == ("NODE_FAIL", "NodeDown", 1)


def test_jobs_that_overtake_together_leave_the_reservation_untouched():
    sim = Simulation(fleet_of(FOUR))
    sim.submit(run_time=100, time_limit=100, cpus_per_task=4)
    first = sim.submit(run_time=100, time_limit=100, cpus_per_task=2)
    waiting = sim.submit(run_time=10, time_limit=100, cpus_per_task=3)
    small = [sim.submit(run_time=1000) for _ in range(2)]
    sim.run(until=99)
    assert [sim.state(job) for job in (first, waiting, *small)] == ["PENDING"] * 4
    sim.run(until=201)
    assert sim.state(waiting) in ("RUNNING", "COMPLETED")
    assert [sim.state(job) for job in small].count("RUNNING") == 1


def test_a_word_about_an_attempt_that_is_no_number_is_passed_over():
    sim = Simulation(fleet_of(ONE))
    sim.submit(run_time=100)
    for attempt in (f"{STATE}.².1", f"{STATE}.{'9' * 5000}.1", "", ".", f"{STATE}.1.1.1", "5eed.-1.1"):
        sim.happen(
            events.AttemptEnded("node1", attempt, 1.0, "", 0, 0, 0, 0.0, 0.0), events.AttemptUnknown("node1", attempt)
        )
    assert sim.state(1) == "CONFIGURING"


def test_an_attempt_that_started_after_it_was_given_up_is_ended_before_anything_else_starts_there():
    """Its Start was still on an old connection when the machine answered on a new one."""
    sim = Simulation(fleet_of(ONE))
    sim.submit(run_time=100)
    sim.cancel(1)
    sim.disconnect("node1")
    sim.running["node1"].clear()
    sim.connect("node1")
    assert sim.state(1) == "CANCELLED"
    late = f"{STATE}.1.1"
    sim.happen(events.AttemptStarted("node1", late, 0.0, "0", ""))
    assert sim.log[-1][1] == End("node1", late)
    second = sim.submit(run_time=10)
    assert sim.state(second) == "PENDING"
    sim.happen(events.AttemptEnded("node1", late, 0.0, "CANCELLED", 0, 15, 0, 0.0, 0.0))
    assert (sim.state(second), Forget("node1", late) in [decision for _, decision in sim.log]) == ("CONFIGURING", True)
