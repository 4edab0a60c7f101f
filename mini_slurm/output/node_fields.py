"""The columns of sinfo: one row of a table each. A record is a line: a partition, and nodes that share the line."""

from __future__ import annotations

from mini_slurm.model import node_state
from mini_slurm.model.hostlist import compress
from mini_slurm.model.units import format_duration
from mini_slurm.output import nodes
from mini_slurm.output.layout import SMALL, Field, View
from mini_slurm.output.node_lines import ALWAYS, EXACT, NOBODY, PARTITION, Line, listed_state, reason_user
from mini_slurm.output.values import NOT_KNOWN, NULL, SLURM_VERSION, count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_slurm.model.fleet import Partition
    from mini_slurm.output.layout import Value
    from mini_slurm.output.nodes import Node

# as -O takes them; {P} and {N} are as wide as the longest name of a partition and of the nodes in a line
DEFAULT = "partition:{P} ,available:.5 ,time:.10 ,nodes:.6 ,statecompact:.6 ,nodelist:0"
LONG = (
    "partition:{P} ,available:.5 ,time:.10 ,size:.10 ,root:.4 ,oversubscribe:.8 ,groups:.10 ,nodes:.6 ,statelong:.11 "
    ",nodelist:0"
)
SUMMARY = "partition:{P} ,available:.5 ,time:.10 ,nodeaiot:.16 ,nodelist:0"
BY_NODE = "nodelist:{N} ,nodes:.6 ,partition:.{P} ,statecompact:6"
BY_NODE_LONG = (
    "nodelist:{N} ,nodes:.6 ,partition:.{P} ,statelong:.11 ,cpus:4 ,socketcorethread:.8 ,memory:.6 ,disk:.8 ,weight:.6 "
    ",features:.8 ,reason:20"
)
REASONS = "reason:20 ,user:9 ,timestamp:19 ,nodelist:0"
REASONS_LONG = "reason:20 ,userlong:12 ,timestamp:19 ,statecompact:6 ,nodelist:0"

UNKNOWN = "Unknown"
AVAILABLE = {"UP": "up", "DOWN": "down", "DRAIN": "drain", "INACTIVE": "inactive"}
NOT_GIVEN = "n/a"


def widest_names(lines: list[Line]) -> tuple[int, int]:
    """How wide the columns {P} and {N} are."""
    partitions = [len(_partition(line)) for line in lines]
    names = [len(_names(line)) for line in lines]
    return max([9, *partitions]), max([9, *names])


def _constant(text: str) -> Value:
    return lambda line, view: text


def _partition(line: Line) -> str:
    return line.partition.name + "*" * line.partition.default


def _time(limit: int | None, none: str) -> str:
    return none if limit is None else format_duration(limit)


def _state(write: Callable[[int], str]) -> Value:
    return lambda line, view: write(listed_state(line.first)).lower() if line.first else NOT_GIVEN


def _names(line: Line) -> str:
    return compress([node.name for node in line.nodes])


def _addresses(line: Line) -> str:
    return compress([node.entry.address or node.entry.host for node in line.nodes])


def _first(value: Callable[[Node], str], none: str = "") -> Value:
    """What all nodes of a line have in common."""
    return lambda line, view: value(line.first) if line.first else none


def _amounts(line: Line, value: Callable[[Node], float | None]) -> tuple[float, float]:
    """The least and the largest; what a machine has not told counts as the most."""
    found = [float("inf") if amount is None else amount for amount in map(value, line.nodes)] or [0]
    return min(found), max(found)


def _least(value: Callable[[Node], int], *, short: bool = False) -> Value:
    """The least amount, with a plus where some node has more; `short`: 1024 is 1K."""

    def show(line: Line, view: View) -> str:
        least, most = map(int, _amounts(line, value))
        shown = count(least, view.convert) if short else str(least)
        return shown + "+" * (least < most)

    return show


def _span(value: Callable[[Node], float | None], form: str) -> Value:
    """From the least to the largest amount."""

    def show(line: Line, view: View) -> str:
        least, most = (
            NOT_KNOWN if amount == float("inf") else format(amount, form) for amount in _amounts(line, value)
        )
        return least if least == most else f"{least}-{most}"

    return show


_CPUS = _least(lambda node: node.cpus, short=True)


def _sums(counts: list[tuple[int, int, int, int]], parts: int) -> str:
    return "/".join(str(sum(column)) for column in [*zip(*counts, strict=True)][:parts] or [(0,)] * parts)


def _node_counts(line: Line, parts: int) -> str:
    return _sums([node.node_counts for node in line.nodes], parts)


def _since(line: Line, view: View) -> str:
    return view.moment(line.first.reason_time) if line.first and line.first.reason_time else UNKNOWN


def _user(*, with_number: bool) -> Value:
    def show(line: Line, view: View) -> str:
        uid = reason_user(line)
        if uid == NOBODY:
            return UNKNOWN
        name = view.user_name(uid)
        if name is None:
            return f"Unk({uid})"
        return f"{name}({uid})" if with_number else name

    return show


def _size(partition: Partition) -> str:
    """How many nodes a job may have."""
    least = str(max(partition.min_nodes, 1))
    most = "infinite" if partition.max_nodes is None else str(partition.max_nodes)
    return least if least == most else f"{least}-{most}"


def _row(
    name: str, letter: str, header: str, value: Value, group: str = "", *, cut_header: bool = True, mark: str = ""
) -> Field:
    return Field(name, letter, header, "", value, group=group, cut_header=cut_header, mark=mark)


# fmt: off
NODE_FIELDS = (
    _row("Available", "a", "AVAIL", lambda line, view: AVAILABLE[line.partition.state], PARTITION),
    _row("NodeAI", "A", "NODES(A/I)", lambda line, view: _node_counts(line, 2)),
    _row("features_act", "b", "ACTIVE_FEATURES", _first(lambda node: ",".join(node.active_features) or NULL, NULL),
         ALWAYS),
    _row("MaxCPUsPerNode", "B", "MAX_CPUS_PER_NODE",
         lambda line, view: "UNLIMITED" if line.partition.max_cpus_per_node is None
         else str(line.partition.max_cpus_per_node), ALWAYS),
    _row("CPUs", "c", "CPUS", _CPUS, EXACT),
    _row("CPUsState", "C", "CPUS(A/I/O/T)", lambda line, view: _sums([node.cpu_counts for node in line.nodes], 4),
         EXACT),
    _row("Disk", "d", "TMP_DISK", _constant("0")),
    _row("Nodes", "D", "NODES", lambda line, view: str(len(line.nodes))),
    _row("FreeMem", "e", "FREE_MEM", _span(lambda node: node.known.free_memory, "d"), EXACT),
    _row("Reason", "E", "REASON", _first(lambda node: node.reason or "none", "none"), ALWAYS),
    _row("Features", "f", "AVAIL_FEATURES", _first(lambda node: ",".join(node.features) or NULL, NULL), ALWAYS),
    _row("NodeAIOT", "F", "NODES(A/I/O/T)", lambda line, view: _node_counts(line, 4)),
    _row("Groups", "g", "GROUPS", lambda line, view: ",".join(line.partition.allow_groups) or "all", ALWAYS),
    _row("Gres", "G", "GRES", _first(lambda node: nodes.gres(node) or NULL, NULL), ALWAYS),
    _row("OverSubscribe", "h", "OVERSUBSCRIBE", lambda line, view: line.partition.over_subscribe, ALWAYS),
    _row("TimeStamp", "H", "TIMESTAMP", _since, ALWAYS),
    _row("PriorityJobFactor", "I", "PRIO_JOB_FACTOR", lambda line, view: str(line.partition.priority), ALWAYS),
    _row("Time", "l", "TIMELIMIT", lambda line, view: _time(line.partition.max_time, "infinite"), PARTITION),
    _row("DefaultTime", "L", "DEFAULTTIME", lambda line, view: _time(line.partition.default_time, NOT_GIVEN),
         PARTITION),
    _row("Memory", "m", "MEMORY", _least(lambda node: node.memory), EXACT),
    _row("PreemptMode", "M", "PREEMPT_MODE", lambda line, view: line.partition.preempt_mode, ALWAYS),
    _row("NodeHost", "n", "HOSTNAMES", lambda line, view: _names(line), ALWAYS, cut_header=False),
    _row("NodeList", "N", "NODELIST", lambda line, view: _names(line), cut_header=False),
    _row("NodeAddr", "o", "NODE_ADDR", lambda line, view: _addresses(line), ALWAYS, cut_header=False),
    _row("CPUsLoad", "O", "CPU_LOAD", _span(lambda node: node.known.load, ".2f"), EXACT),
    _row("PriorityTier", "p", "PRIO_TIER", lambda line, view: str(line.partition.tier), ALWAYS),
    _row("Partition", "P", "PARTITION", lambda line, view: _partition(line), PARTITION, mark="*"),
    _row("Root", "r", "ROOT", lambda line, view: "yes" if line.partition.root_only else "no", ALWAYS),
    _row("PartitionName", "R", "PARTITION", lambda line, view: line.partition.name, PARTITION),
    _row("Size", "s", "JOB_SIZE", lambda line, view: _size(line.partition), ALWAYS),
    _row("AllocNodes", "S", "ALLOCNODES",
         lambda line, view: compress(list(line.partition.alloc_nodes)) or "all", ALWAYS),
    _row("StateCompact", "t", "STATE", _state(lambda state: node_state.written(state)[1]), ALWAYS),
    _row("StateLong", "T", "STATE", _state(lambda state: node_state.written(state)[0]), ALWAYS),
    _row("User", "u", "USER", _user(with_number=False), ALWAYS),
    _row("UserLong", "U", "USER", _user(with_number=True), ALWAYS),
    _row("Version", "v", "VERSION", _first(lambda node: SLURM_VERSION, NOT_KNOWN)),
    _row("Cluster", "V", "CLUSTER", lambda line, view: view.cluster or NOT_KNOWN),
    _row("Weight", "w", "WEIGHT", _least(lambda node: node.weight), EXACT),
    _row("Sockets", "X", "SOCKETS", _CPUS, EXACT),
    _row("Cores", "Y", "CORES", _first(lambda node: "1", "0")),
    _row("SocketCoreThread", "z", "S:C:T",
         lambda line, view: f"{_CPUS(line, view)}:1:1" if line.nodes else "0:0:0", EXACT),
    _row("Threads", "Z", "THREADS", _first(lambda node: "1", "0")),
    # -O alone
    _row("AllocMem", "", "ALLOCMEM", _first(lambda node: str(node.alloc_memory), "0"), ALWAYS),
    _row("Comment", "", "COMMENT", _first(lambda node: node.comment or NULL, NULL), ALWAYS),
    _row("Extra", "", "EXTRA", _first(lambda node: node.extra or NULL, NULL), ALWAYS),
    _row("GresUsed", "", "GRES_USED", _first(nodes.gres_used, NULL), ALWAYS),
    _row("Port", "", "PORT", _first(lambda node: str(node.entry.port or 22), "0"), EXACT),
    _row("StateComplete", "", "STATECOMPLETE", _state(node_state.complete), ALWAYS),
)
# fmt: on
ALIASES = {"share": "oversubscribe"}
EVERY = "|".join([*(f"%{letter}" for letter in SMALL), *(f"%{letter} " for letter in SMALL.upper())])
