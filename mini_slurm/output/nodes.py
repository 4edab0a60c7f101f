"""Machines as Slurm's users know them: what each has, what jobs hold there, its state and the reason for it."""

from __future__ import annotations

from mini_slurm.model import node_state
from mini_slurm.model.fleet import Fleet, MachineEntry
from mini_slurm.model.machine import Machine
from mini_slurm.model.overrides import NodeOverride
from mini_slurm.model.resources import Resources, parse_gpus
from mini_slurm.model.states import JobState
from mini_slurm.output.values import CONTROLLER, gpus, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mini_slurm.model.job import Job

    Held = Sequence[tuple[Job, Resources]]

FLAGS = {"DRAIN": node_state.DRAIN, "FAIL": node_state.FAIL}


class Node:
    """One machine of the fleet with what is known of it."""

    def __init__(self, entry: MachineEntry, machine: Machine | None, held: Held) -> None:
        self.name = entry.name
        self.entry = entry
        order = entry.override
        self.known = known = machine or Machine(name=entry.name)
        self.cpus = entry.cpus or known.cpus
        self.memory = entry.memory or known.memory
        self.gpus = parse_gpus(known.gpus) if entry.gpus is None else entry.gpus
        self.features = entry.features if order.features is None else order.features
        self.active_features = entry.features
        self.weight = entry.weight
        self.comment, self.extra = order.comment, order.extra
        # a job that is being ended has given back what it held, and one that is suspended its CPUs
        keeping = [(job, share) for job, share in held if job.state is not JobState.COMPLETING]
        cpus = sum(share.cpus for job, share in keeping if not job.lent)
        self.alloc_cpus = min(cpus, self.cpus) if self.cpus else cpus  # jobs may share CPUs
        self.alloc_memory = sum(share.memory for _, share in keeping)
        self.alloc_gpus = sum(share.gpu_count for _, share in keeping)
        self.shards = entry.shards * sum(self.gpus.values())
        self.alloc_shards = sum(_shard_count(share, entry.shards) for _, share in keeping)
        self.state = _state(known, order, [job for job, _ in held])
        if 0 < self.alloc_cpus < self.cpus:
            self.state = self.state & ~node_state.BASE | node_state.MIXED
        self.reason, self.reason_time, self.reason_uid = _reason(known, order)

    @property
    def is_future(self) -> bool:
        """Is it as if it were not there yet? Listings leave it out then."""
        return self.state & node_state.BASE == node_state.FUTURE

    @property
    def cpu_counts(self) -> tuple[int, int, int, int]:
        """Allocated, idle, other, all."""
        free = self.cpus - self.alloc_cpus
        return (self.alloc_cpus, 0 if self._is_closed else free, free if self._is_closed else 0, self.cpus)

    @property
    def node_counts(self) -> tuple[int, int, int, int]:
        """Allocated, idle, other, all: this one is one of them."""
        is_used = self.state & node_state.BASE in (node_state.ALLOCATED, node_state.MIXED)
        is_busy = bool(self.state & node_state.COMPLETING) or is_used
        is_other = self._is_closed and not is_busy
        return (int(is_busy), int(not is_busy and not is_other), int(is_other), 1)

    @property
    def _is_closed(self) -> bool:
        return bool(self.state & node_state.DRAIN) or self.state & node_state.BASE == node_state.DOWN


def _shard_count(held: Resources, of_gpu: int) -> int:
    """How many shards parts of GPUs are."""
    return sum(-(-part * of_gpu // slot.size) for slot, part in held.shares.items())


def _state(machine: Machine, order: NodeOverride, jobs: Sequence[Job]) -> int:
    """The base and the flags; a node that is only in part in use is ALLOCATED here, too."""
    flags = sum(FLAGS[flag] for flag in order.flags if flag in FLAGS)
    if order.is_future:
        return flags | node_state.FUTURE
    if machine.state != "UP":
        flags |= node_state.NO_RESPOND
    if any(job.state is JobState.COMPLETING for job in jobs):
        flags |= node_state.COMPLETING
    if order.state:
        return flags | node_state.DOWN
    if machine.state not in ("UP", "SILENT"):
        return flags | (node_state.DOWN if machine.state == "DOWN" else node_state.UNKNOWN)
    works = any(job.state not in (JobState.COMPLETING, JobState.SUSPENDED) for job in jobs)
    return flags | (node_state.ALLOCATED if works else node_state.IDLE)


def _reason(machine: Machine, order: NodeOverride) -> tuple[str, float, int | None]:
    """Why the node is as it is, since when, and who says so."""
    if order.reason:
        return order.reason, order.reason_time, order.reason_uid
    if machine.reason:
        return machine.reason, machine.reason_time, CONTROLLER
    return "", 0.0, None


def node_list(fleet: Fleet, machines: Mapping[str, Machine], jobs: Iterable[Job], now: float = 0.0) -> dict[str, Node]:
    """Every machine of the fleet, by name; what is reserved `now` is marked so."""
    held: dict[str, list[tuple[Job, Resources]]] = {}
    for job in jobs:
        for name, share in _shares(job):
            held.setdefault(name, []).append((job, share))
    found = {name: Node(entry, machines.get(name), held.get(name, [])) for name, entry in fleet.machines.items()}
    for one in fleet.reservations.values():
        if one.is_active(now):
            flags = node_state.RESERVED | (node_state.MAINT if "MAINT" in one.flags else 0)
            for name in one.machines:
                found[name].state |= flags
    return found


def _shares(job: Job) -> Iterable[tuple[str, Resources]]:
    """What a job holds on each of its machines."""
    if job.allocation == "{}":
        return [(job.node or "", Resources(job.alloc_cpus, job.alloc_memory, parse_gpus(job.alloc_gpus)))]
    from mini_slurm.model.allocation import parse_allocation

    return [(name, share.resources) for name, share in parse_allocation(job.allocation).items()]


def configured(node: Node) -> str:
    """What the node has."""
    parts = [f"cpu={node.cpus}", f"mem={size(node.memory)}", f"billing={node.cpus}"]
    return ",".join([*parts, *_gres_counts(sum(node.gpus.values()), node.shards)])


def allocated(node: Node) -> str:
    """What jobs hold of it; "" for nothing."""
    parts = [f"cpu={node.alloc_cpus}"] if node.alloc_cpus else []
    parts += [f"mem={size(node.alloc_memory)}"] if node.alloc_memory or parts else []
    return ",".join([*parts, *_gres_counts(node.alloc_gpus, node.alloc_shards)])


def _gres_counts(gpu_count: int, shards: int) -> list[str]:
    return [f"gres/{name}={count}" for name, count in (("gpu", gpu_count), ("shard", shards)) if count]


def gres(node: Node) -> str:
    """Its GPUs by type, and its shards; "" for none."""
    return ",".join(filter(None, [gpus(node.gpus), f"shard:{node.shards}" if node.shards else ""]))


def gres_used(node: Node) -> str:
    """How many of its GPUs, and of its shards, are in use."""
    used = f"gpu:{node.alloc_gpus}" if node.gpus else "gpu:0"
    return f"{used},shard:{node.alloc_shards}" if node.shards else used
