"""Machines next to each other, and beside those that a job names, as a real Slurm 22.05 gave them."""

from __future__ import annotations

import pytest

from mini_slurm.model.hostlist import compress
from mini_slurm.model.resources import Resources
from tests.simulation.harness import Simulation, fleet_of

LAB = {"node1": 2, "node2": 2, "node3": 4, "node4": 4}
CONTIGUOUS = '{"contiguous": ""}'


def lab() -> Simulation:
    return Simulation(fleet_of({name: Resources(cpus=cpus, memory=cpus * 1000) for name, cpus in LAB.items()}))


def given(sim: Simulation, **wanted: object) -> str:
    """The machines that a job gets at once; empty: it waits."""
    return sim.job(sim.submit(run_time=600, **wanted)).node_list or ""


@pytest.mark.parametrize(
    ("busy", "wanted", "machines"),
    [
        ("node2", {"nodes": 2, "max_nodes": 2, "ntasks": 2}, "node[3-4]"),
        ("node2", {"nodes": 3, "max_nodes": 3, "ntasks": 3}, ""),
        ("node1", {"nodes": 3, "max_nodes": 3, "ntasks": 3}, "node[2-4]"),
        ("node3", {"ntasks": 4, "nodes": 2}, "node[1-2]"),
        ("node3", {"ntasks": 5}, ""),
        ("node1", {"nodes": 1, "max_nodes": 3, "ntasks": 2}, "node[2-4]"),
    ],
)
def test_contiguous_machines_have_no_gap(busy: str, wanted: dict[str, object], machines: str) -> None:
    sim = lab()
    given(sim, required_nodes=busy, ntasks=LAB[busy])
    assert given(sim, extra=CONTIGUOUS, **wanted) == machines


def test_a_contiguous_job_starts_when_the_gap_is_closed() -> None:
    sim = lab()
    sim.submit(run_time=60, required_nodes="node2", ntasks=2)
    job = sim.submit(run_time=10, nodes=4, max_nodes=4, extra=CONTIGUOUS)
    sim.run(until=50)
    assert sim.state(job) == "PENDING"
    sim.run(until=61)
    assert sim.job(job).node_list == "node[1-4]"


def test_contiguous_machines_are_around_those_that_are_named() -> None:
    assert given(lab(), nodes=3, max_nodes=3, required_nodes="node2,node4", extra=CONTIGUOUS) == "node[2-4]"


@pytest.mark.parametrize(
    ("named", "wanted", "shares"),
    [
        ("node2", {"ntasks": 3}, {"node2": 2, "node3": 1}),
        ("node4", {"ntasks": 5}, {"node3": 1, "node4": 4}),
        ("node4", {"nodes": 2, "ntasks": 2}, {"node3": 1, "node4": 1}),
        ("node3", {"nodes": 1, "max_nodes": 2}, {"node3": 1, "node4": 1}),
        ("node1,node2", {"nodes": 1, "max_nodes": 3, "ntasks": None}, {"node1": 1, "node2": 1, "node3": 1}),
    ],
)
def test_who_wants_more_than_the_machines_that_he_names_gets_those_beside(
    named: str, wanted: dict[str, object], shares: dict[str, int]
) -> None:
    sim = lab()
    assert given(sim, required_nodes=named, **wanted) == compress(list(shares))


def test_a_task_for_which_the_named_machine_has_no_room_goes_to_the_next() -> None:
    sim = lab()
    given(sim, required_nodes="node3", ntasks=3)
    assert given(sim, required_nodes="node3", ntasks=2) == "node[3-4]"
    assert given(sim, required_nodes="node3", ntasks=1) == ""


def test_who_says_one_machine_waits_for_the_one_that_he_names() -> None:
    sim = lab()
    given(sim, required_nodes="node3", ntasks=3)
    assert given(sim, required_nodes="node3", ntasks=2, nodes=1, max_nodes=1) == ""


@pytest.mark.parametrize(
    ("wanted", "machines"),
    [
        ({"ntasks": 4}, "node[1-2]"),
        ({"ntasks": 4, "max_nodes": 1}, "node4"),
        ({"ntasks": 5}, "node[1-2,4]"),
        ({"ntasks": 2}, "node1"),
        ({"ntasks": 4, "gres": "gpu:1"}, "node4"),
    ],
)
def test_several_machines_without_gpus_come_before_one_that_has_some(wanted: dict[str, object], machines: str) -> None:
    sizes = {name: Resources(cpus, cpus * 1000, {"gpu": 2} if name == "node4" else {}) for name, cpus in LAB.items()}
    sim = Simulation(fleet_of(sizes))
    given(sim, required_nodes="node3", ntasks=4)
    assert given(sim, **wanted) == machines
