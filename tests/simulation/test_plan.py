"""scheduler/plan.py: when and where waiting jobs are expected to start."""

from __future__ import annotations

from mini_slurm.model.resources import Resources
from mini_slurm.scheduler.plan import MOST_TASKS, Planned, plan
from tests.simulation.harness import Simulation, fleet_of

MACHINES = {name: Resources(cpus=4, memory=8000) for name in ("node1", "node2")}


def full() -> Simulation:
    """Both machines are taken for 20 minutes."""
    sim = Simulation(fleet_of(MACHINES))
    sim.submit(nodes=2, max_nodes=2, exclusive=1, time_limit=1200, run_time=1200)
    return sim


def planned(sim: Simulation, *jobs: int) -> list[Planned | None]:
    found = plan(sim.cluster, sim.now, jobs)
    return [found.get(job) for job in jobs]


def test_jobs_start_when_those_before_them_have_used_up_their_limits() -> None:
    sim = full()
    whole = sim.submit(nodes=2, max_nodes=2, exclusive=1, time_limit=600, run_time=600)
    small = sim.submit(cpus_per_task=3, time_limit=60)
    another = sim.submit(cpus_per_task=3, time_limit=60)
    third = sim.submit(cpus_per_task=3, time_limit=60)
    assert planned(sim, whole, small, another, third) == [
        Planned(1200.0, ("node1", "node2")),
        Planned(1800.0, ("node1",)),
        Planned(1800.0, ("node2",)),
        Planned(1860.0, ("node1",)),
    ]
    sim.run(until=1260)
    assert sim.state(whole) == "RUNNING"


def test_the_time_for_which_a_job_was_suspended_puts_its_end_off() -> None:
    sim = Simulation(fleet_of(MACHINES))
    first = sim.submit(nodes=2, max_nodes=2, exclusive=1, time_limit=1200, run_time=1200)
    sim.run(until=100)
    sim.suspend(first)
    sim.run(until=400)
    sim.suspend(first, resume=True)
    waiting = sim.submit(nodes=2, max_nodes=2, exclusive=1, time_limit=600, run_time=600)
    small = sim.submit(cpus_per_task=1, time_limit=600)
    assert planned(sim, waiting, small) == [Planned(1500.0, ("node1", "node2")), Planned(2100.0, ("node1",))]
    sim.run(until=1499)
    assert sim.state(waiting) == "PENDING"
    sim.run(until=1502)  # when both machines have said that nothing is left
    assert sim.state(waiting) == "RUNNING"


def test_a_gap_is_used_that_is_long_enough() -> None:
    sim = Simulation(fleet_of(MACHINES))
    sim.submit(required_nodes="node1", cpus_per_task=4, time_limit=600, run_time=600)
    sim.submit(required_nodes="node2", cpus_per_task=4, time_limit=1200, run_time=1200)
    both = sim.submit(nodes=2, max_nodes=2, exclusive=1, time_limit=600)
    long = sim.submit(cpus_per_task=4, time_limit=1000)
    short = sim.submit(cpus_per_task=4, time_limit=300)
    assert planned(sim, both, long, short) == [
        Planned(1200.0, ("node1", "node2")),
        Planned(1800.0, ("node1",)),
        Planned(600.0, ("node1",)),
    ]


def test_nothing_is_expected_of_jobs_that_wait_for_more_than_room_or_behind_what_never_ends() -> None:
    sim = full()
    held, later = sim.submit(priority=0), sim.submit(begin_time=9000.0)
    child = sim.submit(dependency="afterok:1")
    endless = sim.submit(nodes=2, max_nodes=2, exclusive=1, time_limit=None)
    behind = sim.submit()
    assert planned(sim, held, later, child, behind) == [None] * 4
    assert planned(sim, endless) == [Planned(1200.0, ("node1", "node2"))]


def test_the_next_tasks_of_an_array_are_planned_for_together() -> None:
    sim = full()
    array = sim.submit(array_tasks="0-99", cpus_per_task=4, time_limit=60, array_job_id=2)
    last = sim.submit(cpus_per_task=4, time_limit=60)
    assert planned(sim, array, last) == [
        Planned(1200.0, ("node1",)),
        Planned(1200.0 + MOST_TASKS // 2 * 60, ("node1",)),
    ]


def test_the_parts_of_a_heterogeneous_job_are_expected_together() -> None:
    sim = Simulation(fleet_of(MACHINES))
    sim.submit(required_nodes="node1", cpus_per_task=4, time_limit=600, run_time=600)
    sim.submit(required_nodes="node2", cpus_per_task=2, time_limit=1200, run_time=1200)
    parts = ({"cpus_per_task": 3, "time_limit": 300}, {"cpus_per_task": 2, "time_limit": 60})
    both = sim.submit_together(*parts, run_time=300)
    behind = sim.submit(cpus_per_task=4, time_limit=100)
    assert planned(sim, both, both + 1, behind) == [
        Planned(600.0, ("node1",)),
        Planned(600.0, ("node2",)),
        Planned(900.0, ("node1",)),
    ]
    assert planned(sim, both + 1) == [Planned(600.0, ("node2",))]
    sim.run(until=603)
    assert [sim.job(both + n).node_list for n in range(2)] == ["node1", "node2"]


def test_parts_are_expected_on_one_machine_when_there_is_no_other_and_not_where_one_waits_for_more() -> None:
    sim = Simulation(fleet_of({"node1": MACHINES["node1"]}))
    sim.submit(cpus_per_task=2, time_limit=600, run_time=600)
    two = {"cpus_per_task": 2, "time_limit": 60}
    both, later = sim.submit_together(two, two), sim.submit_together(two, {**two, "begin_time": 9000.0})
    assert planned(sim, both, both + 1) == [Planned(600.0, ("node1",))] * 2
    assert planned(sim, later, later + 1) == [None, None]
