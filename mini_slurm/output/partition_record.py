"""What `scontrol show partition` tells of a partition, line by line."""

from __future__ import annotations

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
    cpus, memory = _cpus(record), sum(node.memory for node in record.nodes)
    parts = [f"cpu={cpus}", f"mem={size(memory)}", f"node={len(record.nodes)}", f"billing={cpus}"]
    gpus = sum(sum(node.gpus.values()) for node in record.nodes)
    return ",".join([*parts, f"gres/gpu={gpus}"] if gpus else parts)


# fmt: off
LINES = (
    (("PartitionName", lambda record, view: record.partition.name),),
    (("AllowGroups", _constant("ALL")), ("AllowAccounts", _constant("ALL")), ("AllowQos", _constant("ALL"))),
    (("AllocNodes", _constant("ALL")),
     ("Default", lambda record, view: "YES" if record.partition.default else "NO"),
     ("QoS", _constant("N/A"))),
    (("DefaultTime", lambda record, view: _limit(record.partition.default_time, "NONE")),
     ("DisableRootJobs", _constant("NO")),
     ("ExclusiveUser", _constant("NO")),
     ("GraceTime", lambda record, view: str(record.partition.grace_time)),
     ("Hidden", _constant("NO"))),
    (("MaxNodes", lambda record, view: str(record.partition.max_nodes or "UNLIMITED")),
     ("MaxTime", lambda record, view: _limit(record.partition.max_time, "UNLIMITED")),
     ("MinNodes", lambda record, view: str(record.partition.min_nodes)),
     ("LLN", _constant("NO")),
     ("MaxCPUsPerNode", _constant("UNLIMITED"))),
    (("Nodes", _nodes),),
    (("PriorityJobFactor", lambda record, view: str(record.partition.priority)),
     ("PriorityTier", lambda record, view: str(record.partition.tier)),
     ("RootOnly", _constant("NO")),
     ("ReqResv", _constant("NO")),
     ("OverSubscribe", _constant("NO"))),
    (("OverTimeLimit", _constant("NONE")), ("PreemptMode", lambda record, view: record.partition.preempt_mode)),
    (("State", lambda record, view: record.partition.state),
     ("TotalCPUs", lambda record, view: str(_cpus(record))),
     ("TotalNodes", lambda record, view: str(len(record.nodes))),
     ("SelectTypeParameters", _constant("NONE"))),
    (("JobDefaults", _constant(NULL)),),
    (("DefMemPerNode", _constant("UNLIMITED")), ("MaxMemPerNode", _constant("UNLIMITED"))),
    (("TRES", _tres),),
)
# fmt: on
