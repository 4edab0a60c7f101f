"""Machines and partitions of a real Slurm, from answers of Slurm 22.05.8."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mini_slurm.api import slurm_site
from mini_slurm.clusters.base import Answer, Call, Unanswered

SINFO = """\
node1|debug|idle|2|4000|(null)|ib,skylake|0/2/0/2|0|gpu:0|none|
node1|compute*|idle|2|4000|(null)|ib,skylake|0/2/0/2|0|gpu:0|none|
node4|gpu|mixed|4|8000|gpu:a100:2(S:0-1),shard:8|(null)|1/3/0/4|1000|gpu:a100:1(IDX:0,1),shard:0|a | b|
""".replace("|", slurm_site.SEPARATOR).replace(f"a {slurm_site.SEPARATOR} b", "a | b")
SCONTROL = (
    "PartitionName=compute AllowGroups=ALL Default=YES DefaultTime=01:00:00 MaxNodes=UNLIMITED MaxTime=1-00:00:00"
    " Nodes=node[1-4] State=UP\n"
    "PartitionName=empty Default=NO DefaultTime=NONE MaxNodes=2 MaxTime=UNLIMITED Nodes=(null) State=DOWN\n"
)


def answer(call: Call) -> Answer:
    """What that Slurm says."""
    return Answer(0, (SINFO if call.words[0] == "sinfo" else SCONTROL).encode(), b"")


def test_machines() -> None:
    first, second = slurm_site.nodes(answer)
    assert (first.name, first.partitions, first.features) == ("node1", ("debug", "compute"), ("ib", "skylake"))
    assert (first.cpus, first.free_cpus, first.memory, first.gpus, first.reason) == (2, 2, 4000, {}, "")
    assert (second.state, second.free_cpus, second.free_memory) == ("mixed", 3, 7000)
    assert (second.gpus, second.free_gpus, second.features, second.reason) == ({"a100": 2}, 1, (), "a | b")


def test_partitions() -> None:
    compute, empty = slurm_site.partitions(answer)
    assert (compute.name, compute.is_default, compute.state, len(compute.nodes)) == ("compute", True, "UP", 4)
    assert (compute.max_time, compute.default_time) == (timedelta(days=1), timedelta(hours=1))
    assert (empty.nodes, empty.max_nodes, empty.max_time, empty.default_time) == ((), 2, None, None)


def test_no_answer() -> None:
    with pytest.raises(Unanswered, match="Unable to contact"):
        slurm_site.nodes(lambda call: Answer(1, b"", b"slurm_load_node: Unable to contact slurm controller\n"))
