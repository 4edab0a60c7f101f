"""sstat's columns, against what a real sstat printed."""

from __future__ import annotations

from mini_slurm.output import stat_fields as fields
from mini_slurm.output.layout import View, by_prefixes
from mini_slurm.output.stat_fields import Record, Task
from tests.conformance.cases import load

VIEW = View(0.0, str)


def step(*tasks: Task) -> Record:
    record = Record("159.0")
    record.tasks, record.nodes, record.pids, record.frequencies = list(tasks), ["node1", "node2"], [7, 9], [2_300_000]
    return record


RECORDED = step(Task("node1", 0, (1656, 2920, 0, 0.01, 6977, 1 << 20)))


def show(record: Record, text: str) -> str:
    table, unknown = by_prefixes(text, fields.STAT_FIELDS)
    assert unknown is None
    return "".join(table.joined([record], VIEW, "|", False))


def test_the_whole_table_is_as_recorded() -> None:
    case = next(case for case in load() if case["id"] == "sacct-251")
    table, _ = by_prefixes(fields.DEFAULT, fields.STAT_FIELDS)
    assert [*table.header(), *table.lines([RECORDED], VIEW)] == case["stdout"].split("\n")[:3]


def test_the_most_the_least_and_the_mean_of_several_tasks_are_told_with_their_places() -> None:
    wide = step(Task("node1", 0, (100, 900, 3, 7.0, 0, 0)), Task("node2", 1, (300, 500, 0, 3.0, 0, 0)))
    assert show(wide, "maxrss,maxrssnode,maxrsstask,averss,maxpages") == "300K|node2|1|200K|3"
    assert show(wide, "mincpu,mincpunode,mincputask,avecpu,ntasks") == "00:00:03|node2|1|00:00:05|2"
    assert show(wide, "tresusageintot") == "cpu=00:00:10,energy=0,fs/disk=0,mem=400K,pages=3,vmem=1400K"
    assert show(wide, "tresusageinmaxnode") == "cpu=node1,energy=node2,fs/disk=node1,mem=node2,pages=node1,vmem=node1"


def test_processes_are_told_with_where_they_are() -> None:
    assert show(RECORDED, fields.PIDS) == "159.0|node[1-2]|7,9"


def test_what_a_job_has_of_gpus_is_told_of_its_script() -> None:
    record = step(Task("node1", 0, (100, 900, 3, 7.0, 0, 0)))
    record.gpus = [3072, 50, 1024, 87]
    rest = "mem=100K,pages=3,vmem=900K"
    assert show(record, "tresusageinmax") == f"cpu=00:00:07,energy=0,fs/disk=0,gres/gpumem=3G,gres/gpuutil=87,{rest}"
    assert show(record, "tresusageintot") == f"cpu=00:00:07,energy=0,fs/disk=0,gres/gpumem=4G,gres/gpuutil=137,{rest}"
    assert "gres" not in show(record, "tresusageinmin,tresusageinmaxnode,tresusageoutmax")
