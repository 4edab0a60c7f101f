"""What sinfo tells of machines: their state as Slurm's users know it, and which of them share a line."""

from __future__ import annotations

from mini_slurm.model.fleet import Fleet, MachineEntry, Partition
from mini_slurm.model.machine import Machine
from mini_slurm.model.resources import Resources, parse_gpus
from mini_slurm.model.states import JobState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mini_slurm.model.job import Job
    from mini_slurm.output.layout import Layout, View

# state -> compact, long, and the number by which Slurm orders them
STATES = {
    "unknown": ("unk*", "unknown*", 0x800),
    "down": ("down*", "down*", 0x801),
    "idle": ("idle", "idle", 2),
    "allocated": ("alloc", "allocated", 3),
    "mixed": ("mix", "mixed", 5),
    "completing": ("comp", "completing", 0x402),
}
BUSY = frozenset({"allocated", "mixed", "completing"})
ALIASES = {"alloc": "allocated", "mix": "mixed", "comp": "completing", "unk": "unknown", "no_respond": "no_respond"}
# states that Slurm's nodes can be in and ours never are: a filter may name them, and nothing matches
NEVER = frozenset(
    {
        *("?", "future", "drain", "drained", "draining", "reserved", "perfctrs", "cloud", "powering_down", "fail"),
        *("powered_down", "power_down", "powering_up", "maint", "reboot", "reboot^", "planned", "blocked", "inval"),
    }
)
VALID = (
    "unknown,down,idle,allocated,?,mixed,future,drain,drained,draining,no_respond,reserved,perfctrs,cloud,completing,"
    "powering_down,powered_down,power_down,powering_up,fail,maint,reboot,reboot^,unknown"
)


class Node:
    """One machine of the fleet with what is known of it."""

    def __init__(self, entry: MachineEntry, machine: Machine | None, held: Sequence[tuple[Job, Resources]]) -> None:
        self.name = entry.name
        self.entry = entry
        known = machine or Machine(name=entry.name)
        self.cpus = entry.cpus or known.cpus
        self.memory = entry.memory or known.memory
        self.gpus = parse_gpus(known.gpus) if entry.gpus is None else entry.gpus
        self.alloc_cpus = sum(share.cpus for _, share in held)
        self.alloc_memory = sum(share.memory for _, share in held)
        self.alloc_gpus = sum(share.gpu_count for _, share in held)
        self.state = _state(known, [job for job, _ in held], self.alloc_cpus >= self.cpus)
        self.known = known
        self.reason = known.reason
        self.reason_time = known.reason_time if self.reason else 0.0
        self.compact, self.long, self.rank = STATES[self.state]

    @property
    def cpu_counts(self) -> tuple[int, int, int, int]:
        """Allocated, idle, other, all."""
        free = max(self.cpus - self.alloc_cpus, 0)
        usable = self.state not in {"down", "unknown"}
        return (self.alloc_cpus, free if usable else 0, 0 if usable else free, self.cpus)

    @property
    def node_counts(self) -> tuple[int, int, int, int]:
        """Allocated, idle, other, all: this one is one of them."""
        return (int(self.state in BUSY), int(self.state == "idle"), int(self.state in {"down", "unknown"}), 1)


def _state(machine: Machine, jobs: Sequence[Job], full: bool) -> str:
    if machine.state != "UP":
        return machine.state.lower()
    if not jobs:
        return "idle"
    if all(job.state is JobState.COMPLETING for job in jobs):
        return "completing"
    return "allocated" if full else "mixed"


class Group:
    """The nodes of one line; without nodes it stands for a partition in which none was chosen."""

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.nodes: list[Node] = []


def node_list(fleet: Fleet, machines: Mapping[str, Machine], jobs: Iterable[Job]) -> dict[str, Node]:
    """Every machine of the fleet, by name."""
    held: dict[str, list[tuple[Job, Resources]]] = {}
    for job in jobs:
        for name, share in _shares(job):
            held.setdefault(name, []).append((job, share))
    return {name: Node(entry, machines.get(name), held.get(name, [])) for name, entry in fleet.machines.items()}


def _shares(job: Job) -> Iterable[tuple[str, Resources]]:
    """What a job holds on each of its machines."""
    if job.allocation == "{}":
        return [(job.node or "", Resources(job.alloc_cpus, job.alloc_memory, parse_gpus(job.alloc_gpus)))]
    from mini_slurm.model.allocation import parse_allocation

    return [(name, share.resources) for name, share in parse_allocation(job.allocation).items()]


def group(
    partitions: Sequence[Partition], nodes: Mapping[str, Node], layout: Layout, view: View, *, apart: bool, exact: bool
) -> list[Group]:
    """The lines: nodes that agree in all fields that tell them apart; with `apart` each has its own."""
    fields = [field for field in layout.fields if field.group == "always" or (exact and field.group)]
    shows_partition = any(field.name in {"Partition", "PartitionName"} for field in layout.fields)
    groups: dict[object, Group] = {}
    for partition in partitions:
        chosen = [nodes[name] for name in partition.machines if name in nodes]
        for node in chosen:
            single = Group(partition)
            single.nodes.append(node)
            key = (partition.name, node.name) if apart else tuple(field.value(single, view) for field in fields)
            found = groups.setdefault(key, Group(partition))
            if node not in found.nodes:
                found.nodes.append(node)
        if not chosen and shows_partition and not apart:
            groups[partition.name] = Group(partition)
    return list(groups.values())


def wanted_states(words: Iterable[str]) -> set[str]:
    """The states that these names mean. Raises ValueError(WORD)."""
    found = set()
    for word in words:
        name = word.lower().rstrip("*")
        name = ALIASES.get(name, name)
        if name not in STATES and name not in NEVER and name != "no_respond":
            raise ValueError(word)
        found.update({"down", "unknown"} if name == "no_respond" else {name})
    return found


def sort(groups: list[Group], partitions: Sequence[Partition], by_node: bool, text: str | None) -> None:
    """Put the lines in order: by `-S`, else by node (-N), else as the partitions come, the busiest state first."""
    place = {partition.name: index for index, partition in enumerate(partitions)}
    if text is None:
        text = "N,#P" if by_node else "#P,-t"
    for word in reversed(text.split(",")):
        down, letter = word.startswith("-"), word.lstrip("+-#")
        if letter in {"P", "R"} and "#" in word:
            groups.sort(key=lambda line: place[line.partition.name], reverse=down)
        elif letter in {"P", "R"}:
            groups.sort(key=lambda line: line.partition.name, reverse=down)
        elif letter in {"t", "T"}:
            groups.sort(key=lambda line: line.nodes[0].rank if line.nodes else -1, reverse=down)
        elif letter in {"N", "n"}:
            groups.sort(key=lambda line: _natural(line.nodes[0].name) if line.nodes else ("", 0, ""), reverse=down)
        elif letter == "D":
            groups.sort(key=lambda line: len(line.nodes), reverse=down)
        elif letter not in {"", *"abBcCdeEfFgGhHiIlLmMoOprsSuUvVwXYzZA"}:
            raise ValueError(letter)


def _natural(name: str) -> tuple[str, int, str]:
    """node2 stands before node10."""
    prefix = name.rstrip("0123456789")
    return (prefix, int(name[len(prefix) :] or 0), name)
