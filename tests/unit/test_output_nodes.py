"""sinfo's states, groups and columns, against what a real sinfo printed for the same machines."""

from __future__ import annotations

import pytest

from mini_slurm.model import node_state
from mini_slurm.model.changed_fleet import Overrides, apply
from mini_slurm.model.fleet import Fleet, MachineEntry, Partition
from mini_slurm.model.job import Job
from mini_slurm.model.machine import Machine
from mini_slurm.model.overrides import NodeOverride
from mini_slurm.model.states import JobState
from mini_slurm.output import node_fields, node_lines, nodes
from mini_slurm.output.layout import View, by_letters, by_names
from mini_slurm.output.values import CONTROLLER

DAY = 86400
VIEW = View(0.0, lambda moment: f"T{moment:.0f}")
VIEW.user_name = {0: "root", CONTROLLER: "slurm"}.get
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


def compact(node: nodes.Node) -> str:
    return node_state.written(node.state)[1].lower()


def running(node: str, cpus: int, state: JobState = JobState.RUNNING) -> Job:
    return Job(job_id=1, node=node, alloc_cpus=cpus, alloc_memory=500 * cpus, state=state)


def table(
    text: str,
    machines: dict[str, Machine] | None = None,
    jobs: list[Job] | None = None,
    orders: dict[str, NodeOverride] | None = None,
    *,
    apart: bool = False,
    exact: bool = False,
    by_reason: bool = False,
    only: str = " ".join(NAMES),
    order: str = "",
) -> list[str]:
    every = nodes.node_list(apply(FLEET, Overrides(orders or {})), IDLE if machines is None else machines, jobs or [])
    read, known = (by_letters if "%" in text else by_names), node_fields.NODE_FIELDS
    layout, unknown = read(text.replace("{P}", "9").replace("{N}", "9"), known)
    assert not unknown
    chosen = {name: every[name] for name in only.split()}
    partitions = [*FLEET.partitions.values()]
    found = node_lines.lines(partitions, chosen, layout.fields, VIEW, apart=apart, exact=exact, by_reason=by_reason)
    node_lines.sort(found, layout.fields, order or (node_lines.ORDER_BY_NODE if apart else node_lines.DEFAULT_ORDER))
    return [layout.header(), *layout.lines(found, VIEW)]


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
    assert table(node_fields.DEFAULT, only="node4")[1:] == [
        "compute*     up 1-00:00:00      1   idle node4",
        "gpu          up 1-00:00:00      1   idle node4",
        "debug        up      30:00      0    n/a ",
    ]


def test_differing_amounts_are_the_least_with_a_plus() -> None:
    assert table("%P|%c|%m|%z")[1:] == ["compute*|2+|4000+|2+:1:1", "gpu|4|8000|4:1:1", "debug|2|4000|2:1:1"]


def test_exact_keeps_differing_amounts_apart() -> None:
    assert table("%R %c %N", exact=True)[1:3] == ["compute 2 node[1-2]", "compute 4 node[3-4]"]
    assert table("%R %C %N", exact=True)[1:3] == ["compute 0/4/0/4 node[1-2]", "compute 0/8/0/8 node[3-4]"]


def test_load_and_free_memory_are_spans() -> None:
    machines = {
        **IDLE,
        "node1": Machine(name="node1", state="UP", load=0.5, free_memory=100),
        "node2": Machine(name="node2", state="UP", load=1.25, free_memory=100),
    }
    assert table("%R|%O|%e", machines, only="node1 node2")[1] == "compute|0.50-1.25|100"
    assert table("%R|%O|%e", machines)[1] == "compute|0.50-N/A|100-N/A"
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
    assert compact(nodes.node_list(FLEET, known, jobs)["node1"]) == state


def test_a_job_of_several_machines_holds_its_share_of_each() -> None:
    wide = running("node1", 3)
    wide.allocation = '{"node1":[2,1000,"",2],"node4":[1,500,"1",1]}'
    found = nodes.node_list(FLEET, IDLE, [wide])
    assert [(found[name].alloc_cpus, compact(found[name])) for name in ("node1", "node2", "node4")] == [
        (2, "alloc"),
        (0, "idle"),
        (1, "mix"),
    ]
    assert (found["node4"].alloc_memory, found["node4"].alloc_gpus) == (500, 1)


def test_a_reason_is_shown_for_a_lost_node() -> None:
    machines = {**IDLE, "node2": Machine(name="node2", state="DOWN", cpus=2, reason="Not responding", reason_time=7.0)}
    assert table(node_fields.REASONS, machines, only="node2")[1] == (
        "Not responding       slurm     T7                  node2"
    )


MIX = {
    "node1": NodeOverride(state="DOWN", reason="bad disk", reason_time=7.0, reason_uid=0),
    "node2": NodeOverride(flags=("DRAIN",), reason="fix fan", reason_time=7.0, reason_uid=0),
}


def test_nodes_that_an_administrator_took_away() -> None:
    jobs = [running("node3", 2), running("node4", 4)]
    assert table(node_fields.DEFAULT, None, jobs, MIX)[1:] == [
        "compute*     up 1-00:00:00      1  drain node2",
        "compute*     up 1-00:00:00      1    mix node3",
        "compute*     up 1-00:00:00      1  alloc node4",
        "compute*     up 1-00:00:00      1   down node1",
        "gpu          up 1-00:00:00      1  alloc node4",
        "debug        up      30:00      1   down node1",
    ]
    assert table("%C", None, jobs, MIX)[1:] == ["6/2/4/12"]


def test_a_drained_node_with_jobs_drains() -> None:
    orders = {"node3": NodeOverride(flags=("DRAIN",))}
    text = "statecompact:|,statelong:|,statecomplete:|"
    assert table(text, None, [running("node3", 2)], orders, only="node3")[1:] == ["drng|draining|allocated+drain|"]
    assert table(text, None, [], orders, only="node3")[1:] == ["drain|drained|idle+drain|"]


def test_reasons_are_listed_whatever_the_partition() -> None:
    assert table(node_fields.REASONS_LONG, None, [], MIX, by_reason=True, only="node1 node2")[1:] == [
        "fix fan              root(0)      T7                  drain  node2",
        "bad disk             root(0)      T7                  down   node1",
    ]


@pytest.mark.parametrize(("width", "shown"), [(5, "comp*"), (8, "compute*"), (7, "comput*"), (0, "compute*")])
def test_the_star_of_the_default_partition_is_not_cut_off(width: int, shown: str) -> None:
    assert table(f"%{width or ''}P", only="node1")[1] == shown


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("-N", ["node4", "node3", "node2", "node1"]),
        ("c,-N", ["node2", "node1", "node4", "node3"]),
        ("-n", ["node1", "node2", "node3", "node4"]),
        ("?-N", ["node4", "node3", "node2", "node1"]),
        ("u,N", ["node1", "node2", "node3", "node4"]),
        ("-t", ["node2", "node3", "node4", "node1"]),
    ],
)
def test_lines_are_sorted_by_letters(order: str, names: list[str]) -> None:
    found = table("%N %t %u", None, [], MIX, exact=True, apart=True, order=order)[1:]
    assert [*dict.fromkeys(line.split()[0] for line in found)] == names


def test_the_size_of_jobs_and_the_tier_are_the_partitions() -> None:
    partitions = {
        "wide": Partition("wide", NAMES, max_nodes=4, min_nodes=2),
        "one": Partition("one", ("node1",), max_nodes=1, tier=7),
        "any": Partition("any", ("node2",), tier=3),
    }
    fleet = FLEET._replace(partitions=partitions)
    layout, _ = by_letters("%R %s %p", node_fields.NODE_FIELDS)
    views = nodes.node_list(fleet, IDLE, [])
    found = node_lines.lines(
        list(partitions.values()), views, layout.fields, VIEW, apart=False, exact=False, by_reason=False
    )
    shown = {}
    for order in ("s", "-p"):
        node_lines.sort(found, layout.fields, order)
        shown[order] = [*layout.lines(found, VIEW)]
    assert shown == {
        "s": ["one 1 7", "wide 2-4 1", "any 1-infinite 3"],
        "-p": ["one 1 7", "any 1-infinite 3", "wide 2-4 1"],
    }


def test_features_and_weights_may_be_changed() -> None:
    orders = {"node1": NodeOverride(features=("a", "b"), active_features=("a",), weight=7, comment="hi")}
    assert table("features:|,features_act:|,weight:|,comment:|", None, [], orders, only="node1")[1:] == ["a,b|a|7|hi|"]


@pytest.mark.parametrize(("state", "word"), [(JobState.SUSPENDED, "idle"), (JobState.RUNNING, "alloc")])
def test_a_job_has_no_cpus_that_others_may_have(state: JobState, word: str) -> None:
    """While it is suspended, and when it goes on where there is no room for them."""
    job = running("node3", 4, state)
    job.lent = 2
    found = nodes.node_list(FLEET, IDLE, [job])["node3"]
    assert (compact(found), found.alloc_cpus, found.alloc_memory) == (word, 0, 2000)
    assert (nodes.allocated(found), found.node_counts) == (
        "mem=2000M",
        (int(word == "alloc"), int(word == "idle"), 0, 1),
    )
