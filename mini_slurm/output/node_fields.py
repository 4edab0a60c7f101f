"""The columns of sinfo: one row of a table each. A record is a line: a partition, and nodes that share the line."""

from __future__ import annotations

from mini_slurm.model.hostlist import compress
from mini_slurm.model.units import format_duration
from mini_slurm.output.layout import Field, View
from mini_slurm.output.nodes import Group, Node
from mini_slurm.output.values import NULL, SLURM_VERSION, gpus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_slurm.output.layout import Value

DEFAULT = "%{P}P %.5a %.10l %.6D %.6t %N"
LONG = "%{P}P %.5a %.10l %.10s %.4r %.8h %.10g %.6D %.11T %N"
SUMMARY = "%{P}P %.5a %.10l %.16F %N"
BY_NODE = "%{N}N %.6D %.{P}P %6t"
BY_NODE_LONG = "%{N}N %.6D %.{P}P %.11T %4c %.8z %.6m %.8d %.6w %.8f %20E"
REASONS = "%20E %9u %19H %N"
REASONS_LONG = "%20E %12U %19H %6t %N"

UNKNOWN = "Unknown"
ALWAYS, EXACT = "always", "exact"  # when nodes that differ in a field are not one line


def _constant(text: str) -> Value:
    return lambda line, view: text


def _partition(line: Group, view: View) -> str:
    return line.partition.name + "*" * line.partition.default


def _available(line: Group, view: View) -> str:
    return {"DRAIN": "drain", "INACTIVE": "inact"}.get(line.partition.state, line.partition.state.lower())


def _max_time(line: Group, view: View) -> str:
    limit = line.partition.max_time
    return "infinite" if limit is None else format_duration(limit)


def _default_time(line: Group, view: View) -> str:
    limit = line.partition.default_time
    return "n/a" if limit is None else format_duration(limit)


def _state(line: Group) -> str:
    return line.nodes[0].compact if line.nodes else "n/a"


def _long_state(line: Group, view: View) -> str:
    return line.nodes[0].long if line.nodes else "n/a"


def _full_state(line: Group, view: View) -> str:
    return line.nodes[0].long.replace("*", "+not_responding") if line.nodes else "n/a"


def _names(line: Group, view: View) -> str:
    return compress([node.name for node in line.nodes])


def _first(value: Callable[[Node], str], none: str = "") -> Value:
    """What all nodes of a line have in common."""
    return lambda line, view: value(line.nodes[0]) if line.nodes else none


def _least(value: Callable[[Node], int]) -> Value:
    """The least amount, with a plus where some node has more."""

    def show(line: Group, view: View) -> str:
        amounts = [value(node) for node in line.nodes] or [0]
        return f"{min(amounts)}{'+' if max(amounts) > min(amounts) else ''}"

    return show


def _span(value: Callable[[Node], float | None], form: str) -> Value:
    """From the least to the largest amount, where a machine has said any."""

    def show(line: Group, view: View) -> str:
        amounts = sorted(amount for amount in map(value, line.nodes) if amount is not None)
        if not amounts:
            return "N/A"
        least, most = format(amounts[0], form), format(amounts[-1], form)
        return least if least == most else f"{least}-{most}"

    return show


def _layout(line: Group, view: View) -> str:
    return f"{_least(lambda node: node.cpus)(line, view)}:1:1"


def _sums(counts: list[tuple[int, int, int, int]], parts: int) -> str:
    return "/".join(str(sum(column)) for column in [*zip(*counts, strict=True)][:parts] or [(0,)] * parts)


def _cpu_counts(line: Group, view: View) -> str:
    return _sums([node.cpu_counts for node in line.nodes], 4)


def _node_counts(line: Group, view: View) -> str:
    return _sums([node.node_counts for node in line.nodes], 4)


def _features(node: Node) -> str:
    return ",".join(node.entry.features) or NULL


def _gres(node: Node) -> str:
    return gpus(node.gpus) or NULL


def _gres_used(node: Node) -> str:
    return f"gpu:{node.alloc_gpus}" if node.gpus else "gpu:0"


def _since(line: Group, view: View) -> str:
    when = line.nodes[0].reason_time if line.nodes else 0
    return view.moment(when) if when else UNKNOWN


def _reason_user(text: str) -> Value:
    """Reasons are the controller's: they bear the name that Slurm's own controller has."""
    return _first(lambda node: text if node.reason else UNKNOWN, UNKNOWN)


def _row(name: str, letter: str, header: str, value: Value, group: str = "") -> Field:
    return Field(name, letter, header, "", value, group=group)


# fmt: off
NODE_FIELDS = (
    _row("Available", "a", "AVAIL", _available, ALWAYS),
    _row("NodeAI", "A", "NODES(A/I)", lambda line, view: _sums([node.node_counts for node in line.nodes], 2)),
    _row("features_act", "b", "ACTIVE_FEATURES", _first(_features), ALWAYS),
    _row("MaxCPUsPerNode", "B", "MAX_CPUS_PER_NODE", _constant("UNLIMITED")),
    _row("CPUs", "c", "CPUS", _least(lambda node: node.cpus), EXACT),
    _row("CPUsState", "C", "CPUS(A/I/O/T)", _cpu_counts),
    _row("Disk", "d", "TMP_DISK", _constant("0")),
    _row("Nodes", "D", "NODES", lambda line, view: str(len(line.nodes))),
    _row("FreeMem", "e", "FREE_MEM", _span(lambda node: node.known.free_memory, "d"), EXACT),
    _row("Reason", "E", "REASON", _first(lambda node: node.reason or "none", "none"), ALWAYS),
    _row("Features", "f", "AVAIL_FEATURES", _first(_features), ALWAYS),
    _row("NodeAIOT", "F", "NODES(A/I/O/T)", _node_counts),
    _row("Groups", "g", "GROUPS", _constant("all")),
    _row("Gres", "G", "GRES", _first(_gres, NULL), ALWAYS),
    _row("OverSubscribe", "h", "OVERSUBSCRIBE", _constant("NO")),
    _row("TimeStamp", "H", "TIMESTAMP", _since, ALWAYS),
    _row("PriorityJobFactor", "I", "PRIO_JOB_FACTOR", _constant("1")),
    _row("Time", "l", "TIMELIMIT", _max_time, ALWAYS),
    _row("Defaulttime", "L", "DEFAULTTIME", _default_time, ALWAYS),
    _row("Memory", "m", "MEMORY", _least(lambda node: node.memory), EXACT),
    _row("PreemptMode", "M", "PREEMPT_MODE", _constant("OFF")),
    _row("NodeHost", "n", "HOSTNAMES", _names, ALWAYS),
    _row("NodeList", "N", "NODELIST", _names),
    _row("NodeAddr", "o", "NODE_ADDR", _first(lambda node: node.entry.host), ALWAYS),
    _row("CPUsLoad", "O", "CPU_LOAD", _span(lambda node: node.known.load, ".2f"), EXACT),
    _row("PriorityTier", "p", "PRIO_TIER", _constant("1")),
    _row("Partition", "P", "PARTITION", _partition, ALWAYS),
    _row("Root", "r", "ROOT", _constant("no")),
    _row("PartitionName", "R", "PARTITION", lambda line, view: line.partition.name, ALWAYS),
    _row("Size", "s", "JOB_SIZE", _constant("1-infinite")),
    _row("AllocNodes", "S", "ALLOCNODES", _constant("all")),
    _row("StateCompact", "t", "STATE", lambda line, view: _state(line), ALWAYS),
    _row("StateLong", "T", "STATE", _long_state, ALWAYS),
    _row("User", "u", "USER", _reason_user("slurm"), ALWAYS),
    _row("UserLong", "U", "USER", _reason_user("slurm(64030)"), ALWAYS),
    _row("Version", "v", "VERSION", _constant(SLURM_VERSION)),
    _row("Cluster", "V", "CLUSTER", _constant("N/A")),
    _row("Weight", "w", "WEIGHT", _least(lambda node: node.entry.weight), EXACT),
    _row("Sockets", "X", "SOCKETS", _least(lambda node: node.cpus), EXACT),
    _row("Cores", "Y", "CORES", _constant("1")),
    _row("SocketCoreThread", "z", "S:C:T", _layout, EXACT),
    _row("Threads", "Z", "THREADS", _constant("1")),
    # -O alone
    _row("AllocMem", "", "ALLOCMEM", _least(lambda node: node.alloc_memory)),
    _row("Comment", "", "COMMENT", _constant(NULL)),
    _row("Extra", "", "EXTRA", _constant(NULL)),
    _row("GresUsed", "", "GRES_USED", _first(_gres_used), ALWAYS),
    _row("Port", "", "PORT", _first(lambda node: str(node.entry.port or 22)), ALWAYS),
    _row("StateComplete", "", "STATECOMPLETE", _full_state, ALWAYS),
)
# fmt: on
