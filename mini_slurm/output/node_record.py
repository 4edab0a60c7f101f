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


def _moment(moment: float, view: RecordView) -> str:
    return view.moment(moment) if moment else "None"


def _last_busy(node: Node, view: RecordView) -> str:
    """When the last job ended here; a machine that has run none was idle since its agent was started."""
    return view.when(max(view.last_ends.get(node.name, 0.0), node.known.agent_time))


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
     ("Arch", lambda node, view: node.known.architecture or None),
     ("CoresPerSocket", _constant("1 "))),
    (("CPUAlloc", lambda node, view: str(node.alloc_cpus)),
     ("CPUEfctv", lambda node, view: str(node.cpus)),
     ("CPUTot", lambda node, view: str(node.cpus)),
     ("CPULoad", lambda node, view: "N/A" if node.known.load is None else f"{node.known.load:.2f}")),
    (("AvailableFeatures", _features),),
    (("ActiveFeatures", _features),),
    (("Gres", lambda node, view: gpus(node.gpus) or NULL),),
    (("NodeAddr", lambda node, view: node.entry.host),
     ("NodeHostName", lambda node, view: node.name),
     ("Port", lambda node, view: None if node.entry.port is None else str(node.entry.port)),
     ("Version", _constant(SLURM_VERSION))),
    (("OS", lambda node, view: f"{node.known.system} " if node.known.system else None),),
    (("RealMemory", lambda node, view: str(node.memory)),
     ("AllocMem", lambda node, view: str(node.alloc_memory)),
     ("FreeMem", lambda node, view: "N/A" if node.known.free_memory is None else str(node.known.free_memory)),
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
    (("BootTime", lambda node, view: _moment(node.known.boot_time, view)),
     ("SlurmdStartTime", lambda node, view: _moment(node.known.agent_time, view))),
    (("LastBusyTime", _last_busy),),
    (("CfgTRES", lambda node, view: _configured(node)),),
    (("AllocTRES", lambda node, view: _allocated(node)),),
    (("CapWatts", _constant("n/a")),),
    (("CurrentWatts", _constant("0")), ("AveWatts", _constant("0"))),
    (("ExtSensorsJoules", _constant("n/s")), ("ExtSensorsWatts", _constant("0")), ("ExtSensorsTemp", _constant("n/s"))),
    (("Reason", _reason),),
)
# fmt: on
