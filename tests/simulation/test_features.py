"""Features that the machines of a job have together: as a real Slurm 22.05 chooses them from the same four machines."""

from __future__ import annotations

import json
import random

import pytest

from mini_slurm.model.fleet import MachineEntry
from mini_slurm.model.request import open_preference, used_features
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler import core
from tests.simulation.harness import Simulation, fleet_of
from tests.simulation.test_invariants import compared

FEATURES = {"node1": "ib skylake", "node2": "ib skylake", "node3": "ib haswell", "node4": "haswell a100"}
NEVER = "PartitionConfig"


def fleet() -> Simulation:
    of = fleet_of({name: Resources(cpus=4 if "haswell" in has else 2) for name, has in FEATURES.items()})
    entries: dict[str, MachineEntry] = {
        name: entry._replace(features=tuple(FEATURES[name].split())) for name, entry in of.machines.items()
    }
    return Simulation(of._replace(machines=entries))


@pytest.mark.parametrize(
    ("features", "request_", "expected"),
    [
        ("[skylake|haswell]", {"nodes": 2}, "node[1-2]"),
        ("[skylake|haswell]", {"nodes": 2, "ntasks": 6}, "node[3-4]"),
        ("[a100|haswell]", {"nodes": 2}, "node[3-4]"),
        ("[skylake|haswell]", {"nodes": 3}, NEVER),
        ("[ib|haswell]", {"nodes": 3}, "node[1-3]"),
        ("ib&[skylake|haswell]", {"nodes": 2}, "node[1-2]"),
        ("[skylake*2&haswell*1]", {"nodes": 3}, "node[1-3]"),
        ("[skylake*2&haswell*1]", {}, "node[1-3]"),
        ("[skylake*1&haswell*1]", {"nodes": 2}, "node[1,3]"),
        ("[skylake*1&haswell*1]", {"nodes": 2, "ntasks": 6}, "node[1,3]"),
        ("[skylake*1&haswell*1]", {"nodes": 2, "ntasks": 8}, NEVER),
        ("[skylake*1&a100*1]", {"nodes": 3}, "node[1-2,4]"),
        ("[skylake*1&a100*1]", {"nodes": 3, "excluded_nodes": "node2"}, NEVER),
        ("[ib*2&a100*1]", {"nodes": 4}, "node[1-4]"),
        ("[ib*3&a100*1]", {"nodes": 4}, "node[1-4]"),
        ("[ib*2&skylake*2]", {}, NEVER),
        ("[ib*1&haswell*1]", {"nodes": 2, "cpus_per_task": 4}, "node[3-4]"),
        ("haswell*2", {"nodes": 2}, "node[3-4]"),
        ("haswell*2", {}, "node[3-4]"),
        ("haswell*3", {}, NEVER),
        ("a100*1", {"nodes": 3, "excluded_nodes": "node2"}, "node[1,3-4]"),
        ("a100*1", {}, "node4"),
        ("(ib|a100)&haswell", {}, "node3"),
        ("ib*2&haswell*1", {"nodes": 3}, NEVER),
        ("ib*1&haswell*1", {}, NEVER),
        ("skylake*2&a100*1", {"nodes": 3}, NEVER),
        ("skylake*1&ib*2", {"nodes": 2}, "node[1-2]"),
        ("skylake*2&ib*3", {}, "node[1-3]"),
        ("ib*1&skylake*1", {}, "node1"),
        ("haswell*1&ib*2", {}, "node[2-3]"),
        ("a100*1&haswell*2", {}, "node[3-4]"),
        ("ib&haswell*1", {"nodes": 3}, "node[2-4]"),
    ],
)
def test_machines_are_chosen_by_what_they_have_together(
    features: str, request_: dict[str, object], expected: str
) -> None:
    sim = fleet()
    most = {"max_nodes": request_["nodes"]} if "nodes" in request_ else {}
    job = sim.submit(features=features, **request_, **most)
    found = sim.cluster.jobs[job]
    assert (found.node_list or found.reason) == expected


def test_one_that_has_to_wait_for_machines_of_one_kind_takes_no_others() -> None:
    sim = fleet()
    sim.submit(required_nodes="node1", cpus_per_task=2, run_time=100, time_limit=600)
    sim.submit(required_nodes="node4", cpus_per_task=4, run_time=200, time_limit=600)
    job = sim.submit(features="[skylake|haswell]", nodes=2, max_nodes=2)
    sim.run(until=99)
    assert sim.state(job) == "PENDING"
    sim.run(until=102)
    assert sim.job(job).node_list == "node[1-2]"


def preferring(sim: Simulation, wanted: str, **request: object) -> int:
    return sim.submit(100.0, extra=json.dumps({"prefer": wanted}), **request)


@pytest.mark.parametrize(
    ("wanted", "request_", "expected"),
    [
        ("a100", {}, "node4"),
        ("haswell", {}, "node3"),
        ("ib&haswell", {}, "node3"),
        ("skylake", {"ntasks": 3}, "node[1-2]"),
        ("[skylake*1&haswell*1]", {"nodes": 2}, "node[1,3]"),
        ("haswell", {"features": "skylake"}, "node3"),  # it comes in the place of --constraint
        ("a100", {"excluded_nodes": "node4"}, "node1"),
        ("a100", {"features": "haswell", "nodes": 2}, "node[3-4]"),
    ],
)
def test_a_job_starts_on_machines_that_it_prefers_if_there_are_such(wanted, request_, expected):
    sim = fleet()
    job = sim.job(preferring(sim, wanted, **request_))
    assert job.node_list == expected
    is_met = expected not in ("node1", "node[3-4]")
    assert (used_features(job), open_preference(job)) == (wanted if is_met else request_.get("features"), None)


def test_a_job_does_not_wait_for_what_it_prefers():
    sim = fleet()
    sim.submit(1000.0, required_nodes="node4", ntasks=4)
    assert sim.job(preferring(sim, "a100")).node == "node1"
    sim.submit(1000.0, nodes=3, exclusive=1)  # it waits for node1, and is first
    sim.submit(1000.0, required_nodes="node[2-3]", exclusive=1, nodes=2)
    later = sim.job(preferring(sim, "skylake", features="haswell", ntasks=4))
    assert (later.state.name, used_features(later), open_preference(later)) == ("PENDING", "haswell", "skylake")


@pytest.mark.parametrize("seed", range(4))
def test_the_pass_decides_as_the_plain_one_where_jobs_prefer_machines(seed, monkeypatch):
    monkeypatch.setattr(core, "start_pending", compared)
    rng = random.Random(seed)
    sim = fleet()
    for _ in range(40):
        preferring(
            sim, rng.choice(["a100", "haswell", "skylake|a100", "ib&haswell"]), ntasks=rng.randint(1, 4),
            features=rng.choice([None, None, "ib", "skylake"]), array_tasks=rng.choice([None, "0-2", "0-3%2"]),
            priority=rng.choice([1, 1, 5]), time_limit=rng.choice([60, 600, None]),
        )  # fmt: skip
        sim.run(until=sim.now + rng.randint(0, 90))
    sim.run(until=sim.now + 100_000)
    assert not [job for job in sim.cluster.jobs.values() if job.reason != "PartitionConfig"]
