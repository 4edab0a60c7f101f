"""sinfo's lines: which nodes share one, and in which order they come."""

from __future__ import annotations

from mini_slurm.model import node_state
from mini_slurm.model.hostlist import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from mini_slurm.model.fleet import Partition
    from mini_slurm.output.layout import Field, View
    from mini_slurm.output.nodes import Node

    Key = Callable[["Line"], Any]

DEFAULT_ORDER, ORDER_BY_NODE = "#P,-t", "N"
NO_LIMIT = float("inf")
NOBODY = 2**32 - 2  # Slurm's NO_VAL
AVAILABLE = {"UP": 3, "DRAIN": 2, "DOWN": 1, "INACTIVE": 0}
ALWAYS, EXACT, PARTITION = "always", "exact", "partition"  # Field.group: when lines differ that differ in this field
SHOWN_ALONE = {"n": "NodeHost", "o": "NodeAddr"}  # letters that sort only when the field is shown


class Line:
    """The nodes of one line; without nodes it stands for a partition in which none was chosen."""

    def __init__(self, partition: Partition, place: int) -> None:
        self.partition = partition
        self.place = place  # of the partition in the fleet
        self.nodes: list[Node] = []

    @property
    def first(self) -> Node | None:
        """The node that was put there first: the others have its state."""
        return self.nodes[0] if self.nodes else None

    def least(self, value: Callable[[Node], float | None]) -> float:
        """The least amount that a node has; 0 without nodes, endless where none is known."""
        amounts = [amount for node in self.nodes if (amount := value(node)) is not None]
        return min(amounts, default=NO_LIMIT if self.nodes else 0)


def listed_state(node: Node | None) -> int:
    """The state as sinfo has it: of a node that is being drained it does not say how much is in use."""
    if node is None:
        return 0
    if node.state & node_state.DRAIN and node.state & node_state.BASE == node_state.MIXED:
        return node.state & ~node_state.BASE | node_state.ALLOCATED
    return node.state


def lines(
    partitions: Sequence[Partition],
    nodes: Mapping[str, Node],
    fields: Iterable[Field],
    view: View,
    *,
    apart: bool,
    exact: bool,
    by_reason: bool,
) -> list[Line]:
    """Nodes that agree in all fields that tell lines apart; with `apart` each has its own.

    With `by_reason` (-R) it does not matter in which partitions they are.
    """
    kinds = {ALWAYS, EXACT} if exact else {ALWAYS}
    telling = [field for field in fields if field.group in kinds]
    naming = [] if by_reason else [field for field in fields if field.group == PARTITION]
    shows_partition = any(field.name.startswith("Partition") for field in fields)
    found = [Line(partition, place) for place, partition in enumerate(partitions)]
    found = found if shows_partition and not apart else []
    known: dict[object, Line] = {}
    for place, partition in enumerate(partitions):
        for name in partition.machines:
            if name not in nodes:
                continue
            alone = Line(partition, place)
            alone.nodes.append(nodes[name])
            key = (place, name) if apart else tuple(_told(field, alone, view) for field in (*naming, *telling))
            if key not in known:
                known[key] = _line_for(partition, place, found, by_reason)
            if nodes[name] not in known[key].nodes:
                known[key].nodes.append(nodes[name])
    return found


def _told(field: Field, alone: Line, view: View) -> object:
    """What a line with one node tells in a field: how its CPUs are used does not keep it from others."""
    return alone.least(lambda node: node.cpus) if field.name == "CPUsState" else field.value(alone, view)


def _line_for(partition: Partition, place: int, found: list[Line], by_reason: bool) -> Line:
    """The first line that has no nodes yet, or a new one."""
    for line in found:
        if not line.nodes and (by_reason or line.partition is partition):
            return line
    found.append(Line(partition, place))
    return found[-1]


# --- order

_KEYS: dict[str, Key] = {
    "a": lambda line: AVAILABLE[line.partition.state],
    "A": lambda line: sum(node.node_counts[0] for node in line.nodes),
    "b": lambda line: ",".join(line.first.active_features) if line.first else "",
    "c": lambda line: line.least(lambda node: node.cpus),
    "D": lambda line: len(line.nodes),
    "e": lambda line: line.least(lambda node: node.known.free_memory),
    "E": lambda line: line.first.reason if line.first else "",
    "f": lambda line: ",".join(line.first.features) if line.first else "",
    "H": lambda line: line.first.reason_time if line.first else 0,
    "l": lambda line: NO_LIMIT if line.partition.max_time is None else line.partition.max_time,
    "m": lambda line: line.least(lambda node: node.memory),
    "N": lambda line: min((natural(node.name) for node in line.nodes), default=("", 0, "")),
    "O": lambda line: line.least(lambda node: node.known.load),
    "p": lambda line: line.partition.tier,
    "P": lambda line: line.partition.name,
    "s": lambda line: (
        NO_LIMIT if line.partition.max_nodes is None else line.partition.max_nodes + line.partition.min_nodes
    ),
    "t": lambda line: listed_state(line.first),
    "u": lambda line: reason_user(line),
    "w": lambda line: line.least(lambda node: node.weight),
    "o": lambda line: min((natural(node.entry.host) for node in line.nodes), default=("", 0, "")),
}
_SAME = {"F": "A", "n": "N", "R": "P", "T": "t", "U": "u", "X": "c", "z": "c"}


def reason_user(line: Line) -> int:
    """Whose reason it is; a line without nodes has root for it, as Slurm does not fill it in."""
    if line.first is None:
        return 0
    return NOBODY if line.first.reason_uid is None else line.first.reason_uid


def sort(found: list[Line], fields: Iterable[Field], text: str) -> None:
    """Put lines in order: letters of -o, with `-` before one for the largest first; others do not count."""
    shown = {field.name for field in fields}
    for place in range(len(text) - 1, -1, -1):
        letter, before = text[place], text[place - 1 : place]
        if letter in SHOWN_ALONE and SHOWN_ALONE[letter] not in shown:
            continue
        key = _KEYS.get(_SAME.get(letter, letter))
        if letter in "PR" and before == "#":
            found.sort(key=lambda line: line.place)
        elif key is not None:
            found.sort(key=key, reverse=before == "-")
