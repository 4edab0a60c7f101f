"""What `scontrol show partition` tells of a partition, line by line."""

from __future__ import annotations

from mini_slurm.model.fleet import ENDLESS
from mini_slurm.model.hostlist import compress
from mini_slurm.model.units import format_elapsed
from mini_slurm.output.records import filled
from mini_slurm.output.values import NULL, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mini_slurm.model.fleet import Partition
    from mini_slurm.output.nodes import Node
    from mini_slurm.output.records import RecordView, Value


class Record:
    """A partition and its machines."""

    __slots__ = ("nodes", "partition")

    def __init__(self, partition: Partition, nodes: Sequence[Node]) -> None:
        self.partition = partition
        self.nodes = nodes


def lines(record: Record, view: RecordView) -> list[str]:
    """The lines of one partition."""
    return filled(LINES, record, view)


def _constant(text: str) -> Value:
    return lambda record, view: text


def _limit(seconds: int | None, none: str) -> str:
    return none if seconds is None else format_elapsed(seconds)


def _nodes(record: Record, view: RecordView) -> str:
    return compress([node.name for node in record.nodes]) or NULL


def _cpus(record: Record) -> int:
    return sum(node.cpus for node in record.nodes)


def _tres(record: Record, view: RecordView) -> str:
    if not record.nodes:
        return NULL
    cpus, memory = _cpus(record), sum(node.memory for node in record.nodes)
    parts = [f"cpu={cpus}", f"mem={size(memory)}", f"node={len(record.nodes)}", f"billing={cpus}"]
    gpus = sum(sum(node.gpus.values()) for node in record.nodes)
    return ",".join([*parts, f"gres/gpu={gpus}"] if gpus else parts)


def _switch(key: str) -> Value:
    return lambda record, view: "YES" if getattr(record.partition, key) else "NO"


def names(found: Sequence[str]) -> str:
    """Who is meant; nobody stands for everybody."""
    return ",".join(found) or "ALL"


def _allowed(key: str) -> Value:
    """Who may use the partition; nothing where it is said who may not."""

    def show(record: Record, view: RecordView) -> str | None:
        allowed = getattr(record.partition, f"allow_{key}")
        return None if not allowed and getattr(record.partition, f"deny_{key}") else names(allowed)

    return show


def _denied(key: str) -> Value:
    def show(record: Record, view: RecordView) -> str | None:
        denied = getattr(record.partition, f"deny_{key}")
        return names(denied) if denied and not getattr(record.partition, f"allow_{key}") else None

    return show


def _memory(key: str, *, of_cpu: bool) -> Value:
    """The amount for a CPU or for a node, whichever there is."""

    def show(record: Record, view: RecordView) -> str | None:
        cpu = getattr(record.partition, f"{key}_memory_per_cpu")
        node = getattr(record.partition, f"{key}_memory_per_node")
        is_of_cpu = cpu is not None and node is None
        return unlimited(cpu if of_cpu else node) if of_cpu == is_of_cpu else None

    return show


def unlimited(limit: int | None) -> str:
    """A number, or that there is no limit."""
    return "UNLIMITED" if limit is None else str(limit)


def _over_time(partition: Partition) -> str:
    """In minutes; NONE where the partition says nothing."""
    seconds = partition.over_time_limit
    return "NONE" if seconds is None else "UNLIMITED" if seconds >= ENDLESS else str(seconds // 60)


# fmt: off
LINES = (
    (("PartitionName", lambda record, view: record.partition.name),),
    (("AllowGroups", lambda record, view: names(record.partition.allow_groups)),
     ("AllowAccounts", _allowed("accounts")), ("DenyAccounts", _denied("accounts")),
     ("AllowQos", _allowed("qos")), ("DenyQos", _denied("qos"))),
    (("AllocNodes", lambda record, view: compress(list(record.partition.alloc_nodes)) or "ALL"),
     ("Alternate", lambda record, view: record.partition.alternate or None),
     ("Default", _switch("default")),
     ("QoS", lambda record, view: record.partition.qos or "N/A")),
    (("DefaultTime", lambda record, view: _limit(record.partition.default_time, "NONE")),
     ("DisableRootJobs", _switch("disable_root_jobs")),
     ("ExclusiveUser", _switch("exclusive_user")),
     ("GraceTime", lambda record, view: str(record.partition.grace_time)),
     ("Hidden", _switch("hidden"))),
    (("MaxNodes", lambda record, view: unlimited(record.partition.max_nodes)),
     ("MaxTime", lambda record, view: _limit(record.partition.max_time, "UNLIMITED")),
     ("MinNodes", lambda record, view: str(record.partition.min_nodes)),
     ("LLN", _switch("lln")),
     ("MaxCPUsPerNode", lambda record, view: unlimited(record.partition.max_cpus_per_node))),
    (("Nodes", _nodes),),
    (("PriorityJobFactor", lambda record, view: str(record.partition.priority)),
     ("PriorityTier", lambda record, view: str(record.partition.tier)),
     ("RootOnly", _switch("root_only")),
     ("ReqResv", _switch("require_reservation")),
     ("OverSubscribe", lambda record, view: record.partition.over_subscribe)),
    (("OverTimeLimit", lambda record, view: _over_time(record.partition)),
     ("PreemptMode", lambda record, view: record.partition.preempt_mode)),
    (("State", lambda record, view: record.partition.state),
     ("TotalCPUs", lambda record, view: str(_cpus(record))),
     ("TotalNodes", lambda record, view: str(len(record.nodes))),
     ("SelectTypeParameters", _constant("NONE"))),
    (("JobDefaults", _constant(NULL)),),
    (("DefMemPerCPU", _memory("default", of_cpu=True)), ("DefMemPerNode", _memory("default", of_cpu=False)),
     ("MaxMemPerCPU", _memory("max", of_cpu=True)), ("MaxMemPerNode", _memory("max", of_cpu=False))),
    (("TRES", _tres),),
)
# fmt: on
