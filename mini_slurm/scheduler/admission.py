"""Can this job ever run on this fleet? What the fleet adds to a job, and what it refuses, in Slurm's words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mini_slurm.errors import Refused
from mini_slurm.model import features, hostlist
from mini_slurm.model.fleet import Association, Fleet, MachineEntry, Partition
from mini_slurm.model.job import Job
from mini_slurm.model.machine import Machine
from mini_slurm.model.resources import Resources, format_gpus, parse_gpus
from mini_slurm.model.units import format_memory
from mini_slurm.scheduler.demand import request, requested_gpus, with_entry
from mini_slurm.scheduler.placement import Site, allowed_names, place

FAILED = "Batch job submission failed: "
UNAVAILABLE = FAILED + "Requested node configuration is not available"
UNKNOWN_NODE = FAILED + "Invalid node name specified"
BAD_ACCOUNT = FAILED + "Invalid account or account/partition combination specified"
NORMAL = "normal"  # the QOS of everybody for whom the fleet file names none
ENOUGH_MEMORY = 2**60  # MiB, in place of what a machine has not told yet


class Candidate(NamedTuple):
    """One machine, and what it has; `known` is false where some of that is only assumed."""

    entry: MachineEntry
    total: Resources
    known: bool


# --- what the fleet adds


def complete(job: Job, fleet: Fleet) -> None:
    """Fill in the partition, its time limit, the memory, account and QOS that were not asked for. Raises Refused."""
    partition = _partition(job, fleet)
    job.partition = partition.name
    if "time_limit" not in job.__dict__:
        job.time_limit = partition.max_time if partition.default_time is None else partition.default_time
    if job.memory_per_node is None and job.memory_per_cpu is None:
        job.memory_per_cpu = fleet.default_memory_per_cpu
    _charge(job, fleet)


def _partition(job: Job, fleet: Fleet) -> Partition:
    hint = f"partitions here: {', '.join(fleet.partitions)}"
    if "partition" not in job.__dict__:
        if fleet.default_partition is None:
            raise Refused(FAILED + "No partition specified or system default partition", hint=hint)
        return fleet.default_partition
    names = job.partition.split(",")
    for name in names:
        if name not in fleet.partitions:
            raise Refused(
                f"invalid partition specified: {job.partition or '(null)'}",
                FAILED + "Invalid partition name specified",
                hint=hint,
            )
    if len(names) > 1:
        raise Refused("--partition: more than one partition is not supported yet")
    partition = fleet.partitions[job.partition]
    if partition.state in ("DRAIN", "INACTIVE"):
        raise Refused(FAILED + "Required partition not available (inactive or drain)")
    return partition


def _charge(job: Job, fleet: Fleet) -> None:
    """Which account and QOS the job counts for; a fleet without accounts takes any."""
    if fleet.accounts:
        own = {name: users[job.user] for name, users in fleet.accounts.items() if job.user in users}
        if job.account is None:
            job.account = next((name for name, one in own.items() if one.default), next(iter(own), None))
        if job.account not in own:
            raise Refused(BAD_ACCOUNT, hint=f"your accounts: {', '.join(own) or 'none'}")
    allowed = allowed_qos(fleet, job.user, job.account)
    if allowed is not None:
        if job.qos is None:
            job.qos = allowed[0]
        if job.qos not in allowed:
            raise Refused(FAILED + "Invalid qos specification", hint=f"yours are: {', '.join(allowed)}")


def allowed_qos(fleet: Fleet, user: str, account: str | None) -> tuple[str, ...] | None:
    """The QOS that a user may choose with this account, the usual one first; None where the fleet has none."""
    if not fleet.qos:
        return None
    association = fleet.accounts.get(account or "", {}).get(user, Association())
    allowed = association.qos or ((NORMAL,) if fleet.accounts else tuple(fleet.qos))
    return tuple(sorted(allowed, key=lambda name: name != NORMAL))


# --- what the fleet refuses


def check(
    job: Job, fleet: Fleet, machines: Mapping[str, Machine], *, strict: bool, tasks_per_node: int | None = None
) -> None:
    """Raises Refused when the job, already completed, can never run.

    Slurm accepts some of what can never run: a held job that fits nowhere, and too many CPUs. `strict` does not.
    """
    _check_names(job, fleet)
    everywhere = [candidate(entry, machines.get(name), job) for name, entry in fleet.machines.items()]
    partition = fleet.partitions[job.partition]
    candidates = [one for one in everywhere if one.entry.name in partition.machines]
    _check_limits(job, fleet, partition, candidates)
    if strict or job.priority:
        _check_room(job, fleet, candidates, everywhere, strict, tasks_per_node)


def candidate(entry: MachineEntry, machine: Machine | None, job: Job) -> Candidate:
    """What a machine has; what it has not told yet counts as enough for the job."""
    if machine is not None and machine.cpus:
        found = Resources(machine.cpus, machine.memory, parse_gpus(machine.gpus))
        return Candidate(entry, with_entry(found, entry), True)
    enough = Resources(job.cpus, ENOUGH_MEMORY, requested_gpus(job.gres, job.gpus))
    said = (entry.cpus, entry.memory, entry.gpus)
    return Candidate(entry, with_entry(enough, entry), None not in said)


def _check_names(job: Job, fleet: Fleet) -> None:
    hint = f"machines here: {hostlist.compress(list(fleet.machines))}"
    if job.required_nodes == "":
        raise Refused(FAILED + "Node count specification invalid", hint=hint)
    for text in (job.required_nodes, job.excluded_nodes):
        try:
            names = hostlist.expand(text or "")
        except ValueError:
            raise Refused(UNKNOWN_NODE, hint="write for example node[1-3,7]") from None
        if not fleet.machines.keys() >= set(names):
            raise Refused(UNKNOWN_NODE, hint=hint)
    known = {feature for entry in fleet.machines.values() for feature in entry.features}
    if job.features is not None and not features.named(job.features) <= known:
        raise Refused(
            FAILED + "Invalid feature specification", hint=f"features here: {', '.join(sorted(known)) or 'none'}"
        )
    if any(part.partition(":")[0] not in ("gpu", "none") for part in (job.gres or "").split(",") if part):
        raise Refused(FAILED + "Invalid generic resource (gres) specification", hint="write for example --gres=gpu:2")


def _check_limits(job: Job, fleet: Fleet, partition: Partition, candidates: list[Candidate]) -> None:
    """The partition's limits, where the fleet file says that what exceeds them is refused."""
    if not fleet.enforce_limits:
        return
    if partition.max_time is not None and (job.time_limit is None or job.time_limit > partition.max_time):
        raise Refused(
            FAILED + "Requested time limit is invalid (missing or exceeds some limit)",
            hint=f"partition {partition.name} allows {partition.max_time // 60} minutes",
        )
    if all(job.cpus > one.total.cpus for one in candidates):
        raise _too_many_cpus(partition.name, candidates)


def _too_many_cpus(partition: str, candidates: Iterable[Candidate]) -> Refused:
    return Refused(FAILED + "More processors requested than permitted", hint=_largest(partition, candidates))


def _check_room(
    job: Job,
    fleet: Fleet,
    candidates: list[Candidate],
    everywhere: list[Candidate],
    strict: bool,
    tasks_per_node: int | None,
) -> None:
    """Would the job fit on the machines that it may use, if they were empty?"""
    hint = _largest(job.partition, candidates)
    names = allowed_names(
        tuple(one.entry.name for one in candidates), job.required_nodes, job.excluded_nodes, job.nodes
    )
    allowed = [one for one in candidates if one.entry.name in names and _has_features(job, one.entry)]
    if not allowed:
        raise Refused(
            UNAVAILABLE,
            hint=f"no machine of partition {job.partition} has what --nodelist, --exclude and --constraint ask for",
        )
    if tasks_per_node is not None and all(job.cpus > one.total.cpus for one in everywhere):
        raise Refused("CPU count per node can not be satisfied", UNAVAILABLE, hint=hint)
    if place(job, _empty(allowed), fleet) is not None:
        return
    enough_cpus = [one for one in allowed if job.cpus <= one.total.cpus]
    if not enough_cpus:
        if strict:
            raise _too_many_cpus(job.partition, allowed)
        return
    if all(request(job, one.total, fleet).memory > one.total.memory for one in everywhere):
        raise Refused("Memory specification can not be satisfied", UNAVAILABLE, hint=hint)
    raise Refused(UNAVAILABLE, hint=hint)


def _has_features(job: Job, entry: MachineEntry) -> bool:
    return job.features is None or features.matches(job.features, entry.features)


def _empty(candidates: Iterable[Candidate]) -> list[Site]:
    return [Site(one.entry.name, n, one.entry.weight, one.total, one.total) for n, one in enumerate(candidates)]


def _largest(partition: str, candidates: Iterable[Candidate]) -> str:
    """What the machines of a partition have at most, for a hint."""
    known = [one for one in candidates if one.known]
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
