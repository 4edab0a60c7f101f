"""Nodes and queues of a PBS, as an OpenPBS 23.06 printed them, told as machines and partitions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mini_slurm.clusters.base import Answer, Site, Unanswered
from mini_slurm.clusters.pbs import Pbs
from mini_slurm.model import node_state
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.output.nodes import Node, node_list

RECORDED = Path(__file__).parents[1] / "clusters" / "openpbs.jsonl"
CASES = {case["id"]: case for case in map(json.loads, RECORDED.read_text().splitlines())}
PBS = Pbs(ClusterEntry("far", "pbs"))
# qstat -Q -f of the server of qstat-050
QUEUES = """\
Queue: workq
    queue_type = Execution
    total_jobs = 6
    state_count = Transit:0 Queued:0 Held:0 Waiting:1 Running:4 Exiting:0 Begun
	:1 
    resources_default.walltime = 01:00:00
    enabled = True
    started = True

Queue: small
    queue_type = Execution
    resources_max.ncpus = 2
    resources_max.walltime = 00:10:00
    enabled = True
    started = True

Queue: closed
    queue_type = Execution
    enabled = False
    started = True

Queue: stopped
    queue_type = Execution
    enabled = True
    started = False

Queue: route
    queue_type = Route
    enabled = True
    started = True
"""


def read(nodes: str) -> Site:
    answers = [Answer(0, text.encode(), b"") for text in (nodes, QUEUES, CASES["qstat-018"]["stdout"])]
    return PBS.read_site(answers)


def nodes(text: str) -> dict[str, Node]:
    site = read(text)
    return node_list(site.fleet, site.machines, site.held)


def test_nodes_have_what_pbsnodes_tells() -> None:
    found = nodes(CASES["pbsnodes-002"]["stdout"])
    assert list(found) == ["pbsn1", "pbsn2", "pbsn3"]
    first = found["pbsn1"]
    assert (first.cpus, first.alloc_cpus, first.memory, dict(first.gpus)) == (4, 1, 8192, {"": 2})
    assert (first.features, node_state.written(first.state)[1]) == (("skylake", "avx512"), "MIX")
    assert node_state.written(found["pbsn2"].state)[1] == "IDLE"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("free", "MIX"),
        ("job-exclusive", "ALLOC"),
        ("offline", "DRNG"),
        ("offline,job-busy", "DRNG"),
        ("down", "DOWN*"),
        ("state-unknown,down", "DOWN*"),
        ("stale", "DOWN*"),
        ("maintenance", "DRNG"),
        ("resv-exclusive", "ALLOC"),
    ],
)
def test_states_of_nodes_are_slurms(state: str, expected: str) -> None:
    text = CASES["pbsnodes-002"]["stdout"].replace("state = free", f"state = {state}", 1)
    assert node_state.written(nodes(text)["pbsn1"].state)[1] == expected


def test_queues_are_partitions() -> None:
    found = read(CASES["pbsnodes-002"]["stdout"]).fleet.partitions
    assert {name: one.state for name, one in found.items()} == {
        "workq": "UP", "small": "UP", "closed": "DRAIN", "stopped": "DOWN", "route": "UP"
    }  # fmt: skip
    assert [name for name, one in found.items() if one.default] == ["workq"]
    assert (found["workq"].default_time, found["workq"].max_time, found["small"].max_time) == (3600, None, 600)
    assert found["workq"].machines == ("pbsn1", "pbsn2", "pbsn3")
    assert found["route"].machines == ()


def test_a_node_that_belongs_to_a_queue_serves_no_other() -> None:
    text = CASES["pbsnodes-002"]["stdout"].replace("     pcpus = 2\n", "     pcpus = 2\n     queue = small\n", 1)
    found = read(text).fleet.partitions
    assert found["small"].machines == ("pbsn1",)
    assert found["workq"].machines == ("pbsn2", "pbsn3")


def test_a_server_that_does_not_answer_tells_of_nothing() -> None:
    case = CASES["qstat-066"]["stderr"].splitlines()
    with pytest.raises(Unanswered, match="cannot connect"):
        PBS.read_site([Answer(1, b"", case[-1].encode()), Answer(0, b"", b""), Answer(0, b"", b"")])
    with pytest.raises(Unanswered, match="cannot connect"):
        PBS.read_site([Answer(0, b"", b""), Answer(255, b"", case[1].encode()), Answer(0, b"", b"")])
