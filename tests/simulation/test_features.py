"""Features that the machines of a job have together: as a real Slurm 22.05 chooses them from the same four machines."""

from __future__ import annotations

import pytest

from mini_slurm.model.fleet import MachineEntry
from mini_slurm.model.resources import Resources
from tests.simulation.harness import Simulation, fleet_of

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
