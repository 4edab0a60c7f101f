"""A node as `sinfo --json` tells of it: one row for each key, in Slurm's order."""

from __future__ import annotations

from mini_slurm.model import node_state
from mini_slurm.output import nodes
from mini_slurm.output.documents import filled
from mini_slurm.output.values import SLURM_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mini_slurm.output.layout import View
    from mini_slurm.output.nodes import Node

    Value = Callable[[Node, View], object]

NOT_KNOWN = 2**32 - 2  # Slurm's NO_VAL: a load
NOT_KNOWN_LONG = 2**64 - 2  # an amount of memory; written as the number that it is with a sign


def record(node: Node, partitions: Sequence[str], last_ends: Mapping[str, float], view: View) -> dict[str, object]:
    """The node's values: it is in these partitions, and jobs ended last there when `last_ends` says."""
    values = filled(NODE, node, view)
    values["partitions"] = list(partitions)
    values["last_busy"] = int(max(last_ends.get(node.name, 0.0), node.known.agent_time))
    return values


def _constant(value: object) -> Value:
    return lambda node, view: value


def _load(node: Node, view: View) -> int:
    return NOT_KNOWN if node.known.load is None else round(node.known.load * 100)


def _free_memory(node: Node, view: View) -> int:
    return NOT_KNOWN_LONG - 2**64 if node.known.free_memory is None else node.known.free_memory


def _who(node: Node, view: View) -> str | None:
    return None if node.reason_uid is None else view.user_name(node.reason_uid)


# fmt: off
NODE: tuple[tuple[str, Value], ...] = (
    ("architecture", lambda node, view: node.known.architecture),
    ("burstbuffer_network_address", _constant("")),
    ("boards", _constant(1)),
    ("boot_time", lambda node, view: int(node.known.boot_time)),
    ("comment", lambda node, view: node.comment),
    ("cores", _constant(1)),
    ("cpu_binding", _constant(0)),
    ("cpu_load", _load),
    ("extra", lambda node, view: node.extra),
    ("free_memory", _free_memory),
    ("cpus", lambda node, view: node.cpus),
    ("last_busy", _constant(0)),
    ("features", lambda node, view: ",".join(node.features)),
    ("active_features", lambda node, view: ",".join(node.active_features)),
    ("gres", lambda node, view: nodes.gres(node)),
    ("gres_drained", _constant("N/A")),
    ("gres_used", lambda node, view: nodes.gres_used(node)),
    ("mcs_label", _constant("")),
    ("name", lambda node, view: node.name),
    ("next_state_after_reboot", _constant("invalid")),
    ("address", lambda node, view: node.entry.host),
    ("hostname", lambda node, view: node.name),
    ("state", lambda node, view: node_state.BASES[node.state & node_state.BASE].lower()),
    ("state_flags", lambda node, view: node_state.flags(node.state)),
    ("next_state_after_reboot_flags", lambda node, view: []),
    ("operating_system", lambda node, view: node.known.system),
    ("owner", _constant(None)),
    ("partitions", lambda node, view: []),
    ("port", lambda node, view: node.entry.port or 22),
    ("real_memory", lambda node, view: node.memory),
    ("reason", lambda node, view: node.reason),
    ("reason_changed_at", lambda node, view: int(node.reason_time)),
    ("reason_set_by_user", _who),
    ("slurmd_start_time", lambda node, view: int(node.known.agent_time)),
    ("sockets", lambda node, view: node.cpus),
    ("threads", _constant(1)),
    ("temporary_disk", _constant(0)),
    ("weight", lambda node, view: node.weight),
    ("tres", lambda node, view: nodes.configured(node)),
    ("slurmd_version", _constant(SLURM_VERSION)),
    ("alloc_memory", lambda node, view: node.alloc_memory),
    ("alloc_cpus", lambda node, view: node.alloc_cpus),
    ("idle_cpus", lambda node, view: node.cpus - node.alloc_cpus),
    ("tres_used", lambda node, view: nodes.allocated(node) or None),
    ("tres_weighted", lambda node, view: float(node.alloc_cpus)),
)
# fmt: on
