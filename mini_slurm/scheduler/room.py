"""Would a job have room on the fleet's machines if they were empty? If not, which of its wishes is too large?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mini_slurm.errors import Refused
from mini_slurm.model.features import matches
from mini_slurm.model.fleet import Fleet, MachineEntry, Partition
from mini_slurm.model.gpu_request import gpu_parts, gpus_per_job, gpus_per_node
from mini_slurm.model.job import Job
from mini_slurm.model.machine import Machine
from mini_slurm.model.machine_resources import resources
from mini_slurm.model.request import least_cpus, number
from mini_slurm.model.resources import Resources, Size, format_gpus
from mini_slurm.model.tuples import NamedTuple
from mini_slurm.model.units import format_memory
from mini_slurm.scheduler.demand import demand, most_machines, with_entry
from mini_slurm.scheduler.placement import Site, allowed_names, place

UNAVAILABLE = "Batch job submission failed: Requested node configuration is not available"
NO_CPUS = "CPU count per node can not be satisfied"
NO_MEMORY = "Memory specification can not be satisfied"
NO_LAYERS = "Socket, core and/or thread specification can not be satisfied"
INVALID_GRES = "Batch job submission failed: Invalid generic resource (gres) specification"
ENOUGH_MEMORY = 2**60  # MiB, in place of what a machine has not told yet


class Candidate(NamedTuple):
    """One machine, and what it has; `known` is false where some of that is only assumed."""

    entry: MachineEntry
    total: Resources
    known: bool


def candidates(job: Job, fleet: Fleet, partition: Partition, machines: Mapping[str, Machine]) -> list[Candidate]:
    """The machines of a partition."""
    found = [candidate(fleet.machines[name], machines.get(name), job) for name in partition.machines]
    most = partition.max_cpus_per_node
    if most is None:
        return found
    return [one._replace(total=one.total._replace(cpus=min(one.total.cpus, most))) for one in found]


def candidate(entry: MachineEntry, machine: Machine | None, job: Job) -> Candidate:
    """What a machine has; what it has not told yet counts as enough for the job."""
    if machine is not None and machine.cpus:
        return Candidate(entry, with_entry(resources(machine), entry), True)
    gpus = {**gpus_per_node(job), **gpus_per_job(job)}
    cpus = max(job.cpus, least_cpus(job), number(job, "cpus-per-gpu") * sum(gpus.values()))
    said = (entry.cpus, entry.memory, entry.gpus)
    gpus, enough = _with_parts(job, gpus)
    return Candidate(entry, with_entry(Resources(cpus, ENOUGH_MEMORY, gpus, sizes=enough), entry), None not in said)


def _with_parts(job: Job, gpus: dict[str, int]) -> tuple[dict[str, int], dict[str, Size]]:
    """GPUs that suffice for the parts that the job asks for as well."""
    parts = gpu_parts(job)
    for part in parts:
        gpus[part.type] = gpus.get(part.type, 0) + max(part.shards, 1)
    memory = max((part.memory for part in parts), default=0)
    return gpus, {kind: Size(memory, 0) for kind in gpus} if memory else {}


def check_room(job: Job, fleet: Fleet, partition: str, among: list[Candidate]) -> int:
    """How many empty machines of the partition the job would get. Raises Refused when it has no room even there."""
    _check_shards(job, fleet)
    excluded = allowed_names(tuple(one.entry.name for one in among), None, job.excluded_nodes, job.nodes)
    usable = [one for one in among if one.entry.name in excluded and _has_features(job, one.entry)]
    hint = largest(partition, among)
    if not usable:
        hint = f"no machine of partition {partition} has what --exclude and --constraint ask for"
        raise Refused(UNAVAILABLE, hint=hint)
    complaints = [_complaint(job, one.total, fleet) for one in usable]
    if all(complaints):
        raise Refused(complaints[-1], UNAVAILABLE, hint=hint)
    fitting = [one for one, complaint in zip(usable, complaints, strict=True) if not complaint]
    names = set(allowed_names(tuple(one.entry.name for one in fitting), job.required_nodes, None, most_machines(job)))
    taken = place(job, empty(one for one in fitting if one.entry.name in names), fleet, fleet.partitions[partition])
    if taken is None:
        raise Refused(UNAVAILABLE, hint=hint)
    return len(taken)


def _check_shards(job: Job, fleet: Fleet) -> None:
    """Where nothing is divided into shards, they are as unknown as in Slurm."""
    if any(part.shards for part in gpu_parts(job)) and not any(entry.shards for entry in fleet.machines.values()):
        raise Refused(INVALID_GRES, hint="say in the fleet file how many each GPU has: [machines.NAME] shards = 4")


def _complaint(job: Job, total: Resources, fleet: Fleet) -> str:
    """What one machine cannot satisfy, whatever the others have."""
    wanted = demand(job, fleet)
    memory = wanted.memory_per_cpu if wanted.memory_per_node is None else wanted.memory_per_node
    if wanted.least_cpus > total.cpus:
        return NO_CPUS
    if memory > total.memory:
        return NO_MEMORY
    return NO_LAYERS if wanted.least_total > total.cpus else ""


def _has_features(job: Job, entry: MachineEntry) -> bool:
    return job.features is None or matches(job.features, entry.features)


def empty(among: Iterable[Candidate]) -> list[Site]:
    """The machines as placement sees them when nothing runs there."""
    return [
        Site(one.entry.name, n, one.entry.weight, one.total, one.total, one.entry.features)
        for n, one in enumerate(among)
    ]


def largest(partition: str, among: Iterable[Candidate]) -> str:
    """What the machines of a partition have at most, for a hint."""
    known = [one for one in among if one.known]
    if not known:
        return f"no machine of partition {partition} has what the job asks for"
    best = max(known, key=lambda one: (one.total.cpus, one.total.memory, one.total.gpu_count))
    text = f"the largest machine of partition {partition}, {best.entry.name}, has {_amounts(best.total)}"
    gpus = max(known, key=lambda one: one.total.gpu_count)
    if gpus.total.gpu_count > best.total.gpu_count:
        text += f"; {gpus.entry.name} has {_amounts(gpus.total)}"
    return text


def _amounts(total: Resources) -> str:
    return f"{total.cpus} CPUs, {format_memory(total.memory)} of memory and GPUs: {format_gpus(total.gpus) or 'none'}"
