"""What `scontrol show node` tells of a machine, line by line."""

from __future__ import annotations

from mini_slurm.output.records import filled
from mini_slurm.output.values import NULL, SLURM_VERSION, gpus, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mini_slurm.output.nodes import Node
    from mini_slurm.output.records import RecordView, Value

# sinfo's state -> the whole of it
STATES = {
    "unknown": "UNKNOWN+NOT_RESPONDING",
    "down": "DOWN+NOT_RESPONDING",
    "completing": "IDLE+COMPLETING",
}


def lines(node: Node, partitions: Sequence[str], view: RecordView) -> list[str]:
    """The lines of one machine, which is in these partitions."""
    found = filled(HEAD, node, view)
    if partitions:
        found.append(f"Partitions={','.join(partitions)} ")
    return [*found, *filled(TAIL, node, view)]


def _constant(text: str) -> Value:
    return lambda node, view: text


def _state(node: Node) -> str:
    return STATES.get(node.state, node.state.upper())


def _features(node: Node, view: RecordView) -> str:
    return ",".join(node.entry.features) or NULL


def _configured(node: Node) -> str:
    parts = [f"cpu={node.cpus}", f"mem={size(node.memory)}", f"billing={node.cpus}"]
    count = sum(node.gpus.values())
    return ",".join([*parts, f"gres/gpu={count}"] if count else parts)


def _allocated(node: Node) -> str:
    if not node.alloc_cpus:
        return ""
    parts = [f"cpu={node.alloc_cpus}", f"mem={size(node.alloc_memory)}"]
    return ",".join([*parts, f"gres/gpu={node.alloc_gpus}"] if node.alloc_gpus else parts)


def _reason(node: Node, view: RecordView) -> str | None:
    return f"{node.reason} [slurm@{view.when(node.reason_time)}]" if node.reason else None


# fmt: off
HEAD = (
    (("NodeName", lambda node, view: node.name),
     ("CoresPerSocket", _constant("1 "))),
    (("CPUAlloc", lambda node, view: str(node.alloc_cpus)),
     ("CPUEfctv", lambda node, view: str(node.cpus)),
     ("CPUTot", lambda node, view: str(node.cpus)),
     ("CPULoad", _constant("N/A"))),
    (("AvailableFeatures", _features),),
    (("ActiveFeatures", _features),),
    (("Gres", lambda node, view: gpus(node.gpus) or NULL),),
    (("NodeAddr", lambda node, view: node.entry.host),
     ("NodeHostName", lambda node, view: node.name),
     ("Port", lambda node, view: None if node.entry.port is None else str(node.entry.port)),
     ("Version", _constant(SLURM_VERSION))),
    (("RealMemory", lambda node, view: str(node.memory)),
     ("AllocMem", lambda node, view: str(node.alloc_memory)),
     ("FreeMem", _constant("N/A")),
     ("Sockets", lambda node, view: str(node.cpus)),
     ("Boards", _constant("1"))),
    (("State", lambda node, view: _state(node)),
     ("ThreadsPerCore", _constant("1")),
     ("TmpDisk", _constant("0")),
     ("Weight", lambda node, view: str(node.entry.weight)),
     ("Owner", _constant("N/A")),
     ("MCS_label", _constant("N/A"))),
)
TAIL = (
    (("BootTime", _constant("None")), ("SlurmdStartTime", _constant("None"))),
    (("LastBusyTime", lambda node, view: view.when(None)),),
    (("CfgTRES", lambda node, view: _configured(node)),),
    (("AllocTRES", lambda node, view: _allocated(node)),),
    (("CapWatts", _constant("n/a")),),
    (("CurrentWatts", _constant("0")), ("AveWatts", _constant("0"))),
    (("ExtSensorsJoules", _constant("n/s")), ("ExtSensorsWatts", _constant("0")), ("ExtSensorsTemp", _constant("n/s"))),
    (("Reason", _reason),),
)
# fmt: on
