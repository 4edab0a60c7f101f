"""sinfo's states, groups and columns, against what a real sinfo printed for the same machines."""

from __future__ import annotations

import pytest

from mini_slurm.model.fleet import Fleet, MachineEntry, Partition
from mini_slurm.model.job import Job
from mini_slurm.model.machine import Machine
from mini_slurm.model.states import JobState
from mini_slurm.output import node_fields, nodes
from mini_slurm.output.layout import View, by_letters

DAY = 86400
VIEW = View(0.0, lambda moment: f"T{moment:.0f}")
NAMES = ("node1", "node2", "node3", "node4")
FLEET = Fleet(
    "mini",
    "/fleet.toml",
    {
        "node1": MachineEntry("node1", "node1", features=("ib", "skylake")),
        "node2": MachineEntry("node2", "node2", features=("ib", "skylake")),
        "node3": MachineEntry("node3", "node3", features=("ib", "haswell")),
        "node4": MachineEntry("node4", "node4", gpus={"": 2}, features=("haswell", "a100")),
    },
    {
        "compute": Partition("compute", NAMES, default=True, max_time=DAY, default_time=3600),
        "gpu": Partition("gpu", ("node4",), max_time=DAY),
        "debug": Partition("debug", ("node1",), max_time=1800),
    },
)
IDLE = {
    name: Machine(name=name, state="UP", cpus=cpus, memory=2000 * cpus)
    for name, cpus in zip(NAMES, (2, 2, 4, 4), strict=True)
}


def running(node: str, cpus: int, state: JobState = JobState.RUNNING) -> Job:
    return Job(job_id=1, node=node, alloc_cpus=cpus, alloc_memory=500 * cpus, state=state)


def table(
    text: str,
    machines: dict[str, Machine] | None = None,
    jobs: list[Job] | None = None,
    *,
    apart: bool = False,
    exact: bool = False,
    only: frozenset[str] | None = None,
) -> list[str]:
    layout, unknown = by_letters(text.replace("{P}", "9").replace("{N}", "9"), node_fields.NODE_FIELDS)
    assert not unknown
    every = nodes.node_list(FLEET, IDLE if machines is None else machines, jobs or [])
    chosen = {name: node for name, node in every.items() if only is None or name in only}
    partitions = [*FLEET.partitions.values()]
    groups = nodes.group(partitions, chosen, layout, VIEW, apart=apart, exact=exact)
    nodes.sort(groups, partitions, apart, None)
    return [layout.header(), *layout.lines(groups, VIEW)]


def test_the_default_listing_of_an_idle_fleet_is_slurms() -> None:
    assert table(node_fields.DEFAULT) == [
        "PARTITION AVAIL  TIMELIMIT  NODES  STATE NODELIST",
        "compute*     up 1-00:00:00      4   idle node[1-4]",
        "gpu          up 1-00:00:00      1   idle node4",
        "debug        up      30:00      1   idle node1",
    ]


def test_busy_nodes_stand_before_idle_and_lost_ones() -> None:
    machines = {**IDLE, "node1": Machine(name="node1", state="DOWN", cpus=2, reason="not reached", reason_time=5.0)}
    jobs = [running("node3", 2), running("node4", 4)]
    assert table(node_fields.DEFAULT, machines, jobs)[1:5] == [
        "compute*     up 1-00:00:00      1  down* node1",
        "compute*     up 1-00:00:00      1    mix node3",
        "compute*     up 1-00:00:00      1  alloc node4",
        "compute*     up 1-00:00:00      1   idle node2",
    ]


def test_a_listing_by_node_is_slurms() -> None:
    assert table(node_fields.BY_NODE, apart=True) == [
        "NODELIST   NODES PARTITION STATE ",
        "node1          1  compute* idle  ",
        "node1          1     debug idle  ",
        "node2          1  compute* idle  ",
        "node3          1  compute* idle  ",
        "node4          1  compute* idle  ",
        "node4          1       gpu idle  ",
    ]


def test_the_long_listing_by_node_is_slurms() -> None:
    lines = table(node_fields.BY_NODE_LONG, apart=True)
    assert lines[0] == (
        "NODELIST   NODES PARTITION       STATE CPUS    S:C:T MEMORY TMP_DISK WEIGHT AVAIL_FE REASON              "
    )
    assert lines[1] == (
        "node1          1  compute*        idle 2       2:1:1   4000        0      1 ib,skyla none                "
    )


def test_the_summary_counts_allocated_idle_other_and_all() -> None:
    machines = {**IDLE, "node1": Machine(name="node1", state="DOWN", cpus=2)}
    assert table(node_fields.SUMMARY, machines, [running("node4", 1)]) == [
        "PARTITION AVAIL  TIMELIMIT   NODES(A/I/O/T) NODELIST",
        "compute*     up 1-00:00:00          1/2/1/4 node[1-4]",
        "gpu          up 1-00:00:00          1/0/0/1 node4",
        "debug        up      30:00          0/0/1/1 node1",
    ]


def test_a_node_counts_once_where_partitions_are_not_shown() -> None:
    assert table("%C %N", jobs=[running("node3", 3)])[1:] == ["3/9/0/12 node[1-4]"]


def test_a_partition_without_chosen_nodes_is_not_available() -> None:
    assert table(node_fields.DEFAULT, only=frozenset({"node4"}))[1:] == [
        "compute*     up 1-00:00:00      1   idle node4",
        "gpu          up 1-00:00:00      1   idle node4",
        "debug        up      30:00      0    n/a ",
    ]


def test_differing_amounts_are_the_least_with_a_plus() -> None:
    assert table("%P|%c|%m|%z")[1:] == ["compute*|2+|4000+|2+:1:1", "gpu|4|8000|4:1:1", "debug|2|4000|2:1:1"]


def test_exact_keeps_differing_amounts_apart() -> None:
    assert table("%R %c %N", exact=True)[1:3] == ["compute 2 node[1-2]", "compute 4 node[3-4]"]


def test_load_and_free_memory_are_spans() -> None:
    machines = {
        **IDLE,
        "node1": Machine(name="node1", state="UP", load=0.5, free_memory=100),
        "node2": Machine(name="node2", state="UP", load=1.25, free_memory=100),
    }
    assert table("%R|%O|%e", machines)[1] == "compute|0.50-1.25|100"
    assert table("%R|%O|%e")[1] == "compute|N/A|N/A"


def test_features_and_gres_keep_nodes_apart() -> None:
    assert table("%f|%G|%N")[1:] == [
        "ib,skylake|(null)|node[1-2]",
        "ib,haswell|(null)|node3",
        "haswell,a100|gpu:2|node4",
    ]


@pytest.mark.parametrize(
    ("machine", "jobs", "state"),
    [
        (None, [], "unk*"),
        (Machine(name="node1", state="DOWN", cpus=2), [], "down*"),
        (IDLE["node1"], [], "idle"),
        (IDLE["node1"], [running("node1", 1)], "mix"),
        (IDLE["node1"], [running("node1", 1), running("node1", 1)], "alloc"),
        (IDLE["node1"], [running("node1", 2, JobState.COMPLETING)], "comp"),
    ],
)
def test_states_come_of_the_machine_and_its_jobs(machine: Machine | None, jobs: list[Job], state: str) -> None:
    known = {} if machine is None else {"node1": machine}
    assert nodes.node_list(FLEET, known, jobs)["node1"].compact == state


def test_a_job_of_several_machines_holds_its_share_of_each() -> None:
    wide = running("node1", 3)
    wide.allocation = '{"node1":[2,1000,"",2],"node4":[1,500,"1",1]}'
    found = nodes.node_list(FLEET, IDLE, [wide])
    assert [(found[name].alloc_cpus, found[name].compact) for name in ("node1", "node2", "node4")] == [
        (2, "alloc"),
        (0, "idle"),
        (1, "mix"),
    ]
    assert (found["node4"].alloc_memory, found["node4"].alloc_gpus) == (500, 1)


def test_a_reason_is_shown_for_a_lost_node() -> None:
    machines = {**IDLE, "node2": Machine(name="node2", state="DOWN", cpus=2, reason="Not responding", reason_time=7.0)}
    assert table(node_fields.REASONS, machines, only=frozenset({"node2"}))[1] == (
        "Not responding       slurm     T7                  node2"
    )


@pytest.mark.parametrize(
    ("words", "states"),
    [(["idle", "MIX"], {"idle", "mixed"}), (["alloc"], {"allocated"}), (["drain"], {"drain"}), (["down*"], {"down"})],
)
def test_state_words_are_understood(words: list[str], states: set[str]) -> None:
    assert nodes.wanted_states(words) == states


def test_an_unknown_state_word_is_refused() -> None:
    with pytest.raises(ValueError, match="foo"):
        nodes.wanted_states(["idle", "foo"])
