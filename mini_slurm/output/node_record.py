"""What `scontrol show node` tells of a machine, line by line."""

from __future__ import annotations

from mini_slurm.model import node_state
from mini_slurm.output import nodes
from mini_slurm.output.records import filled
from mini_slurm.output.values import NULL, SLURM_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mini_slurm.output.nodes import Node
    from mini_slurm.output.records import RecordView, Value


def lines(node: Node, partitions: Sequence[str], view: RecordView) -> list[str]:
    """The lines of one machine, which is in these partitions."""
    found = filled((*HEAD, *(GRES if view.details else ()), *BODY), node, view)
    if partitions:
        found.append(f"Partitions={','.join(partitions)} ")
    return [*found, *filled(TAIL, node, view)]


def _constant(text: str) -> Value:
    return lambda node, view: text


def _moment(moment: float, view: RecordView) -> str:
    return view.moment(moment) if moment else "None"


def _last_busy(node: Node, view: RecordView) -> str:
    """When the last job ended here; a machine that has run none was idle since its agent was started."""
    return view.when(max(view.last_ends.get(node.name, 0.0), node.known.agent_time))


def _reason(node: Node, view: RecordView) -> str | None:
    if not node.reason:
        return None
    who = None if node.reason_uid is None else view.user_name(node.reason_uid)
    return f"{node.reason} [{who or node.reason_uid}@{view.when(node.reason_time)}]"


# fmt: off
HEAD = (
    (("NodeName", lambda node, view: node.name),
     ("Arch", lambda node, view: node.known.architecture or None),
     ("CoresPerSocket", _constant("1 "))),
    (("CPUAlloc", lambda node, view: str(node.alloc_cpus)),
     ("CPUEfctv", lambda node, view: str(node.cpus)),
     ("CPUTot", lambda node, view: str(node.cpus)),
     ("CPULoad", lambda node, view: "N/A" if node.known.load is None else f"{node.known.load:.2f}")),
    (("AvailableFeatures", lambda node, view: ",".join(node.features) or NULL),),
    (("ActiveFeatures", lambda node, view: ",".join(node.active_features) or NULL),),
    (("Gres", lambda node, view: nodes.gres(node) or NULL),),
)
GRES = (
    (("GresDrain", _constant("N/A")),),
    (("GresUsed", lambda node, view: nodes.gres_used(node)),),
)
BODY = (
    (("NodeAddr", lambda node, view: node.entry.address or node.entry.host),
     ("NodeHostName", lambda node, view: node.entry.alias or node.name),
     ("Port", lambda node, view: None if node.entry.port is None else str(node.entry.port)),
     ("Version", _constant(SLURM_VERSION))),
    (("OS", lambda node, view: f"{node.known.system} " if node.known.system else None),),
    (("RealMemory", lambda node, view: str(node.memory)),
     ("AllocMem", lambda node, view: str(node.alloc_memory)),
     ("FreeMem", lambda node, view: "N/A" if node.known.free_memory is None else str(node.known.free_memory)),
     ("Sockets", lambda node, view: str(node.cpus)),
     ("Boards", _constant("1"))),
    (("State", lambda node, view: node_state.complete(node.state)),
     ("ThreadsPerCore", _constant("1")),
     ("TmpDisk", _constant("0")),
     ("Weight", lambda node, view: str(node.weight)),
     ("Owner", _constant("N/A")),
     ("MCS_label", _constant("N/A"))),
)
TAIL = (
    (("BootTime", lambda node, view: _moment(node.known.boot_time, view)),
     ("SlurmdStartTime", lambda node, view: _moment(node.known.agent_time, view))),
    (("LastBusyTime", _last_busy),),
    (("CfgTRES", lambda node, view: nodes.configured(node)),),
    (("AllocTRES", lambda node, view: nodes.allocated(node)),),
    (("CapWatts", _constant("n/a")),),
    (("CurrentWatts", _constant("0")), ("AveWatts", _constant("0"))),
    (("ExtSensorsJoules", _constant("n/s")), ("ExtSensorsWatts", _constant("0")), ("ExtSensorsTemp", _constant("n/s"))),
    (("Reason", _reason),),
    (("Comment", lambda node, view: node.comment or None),),
    (("Extra", lambda node, view: node.extra or None),),
)
# fmt: on
