"""Is the reason that a waiting job is told true? Worked out here from the state alone, apart from the pass."""

from __future__ import annotations

from collections.abc import Iterator

from mini_slurm.model.arrays import throttle_of
from mini_slurm.model.dependencies import parse
from mini_slurm.model.job import Job
from mini_slurm.model.reservation import named
from mini_slurm.model.states import JobState
from mini_slurm.scheduler import licenses
from mini_slurm.scheduler.cluster import Cluster, occupies
from mini_slurm.scheduler.eligible import named_partitions, open_partitions
from mini_slurm.scheduler.explain import BEGIN, NO_NODE, NOT_AVAILABLE, holds
from mini_slurm.scheduler.heterogeneous import parts
from mini_slurm.scheduler.limits import excess
from mini_slurm.scheduler.quotas import Quotas

NEVER = float("inf")


def lies(cluster: Cluster, job: Job, now: float) -> Iterator[str]:
    """What is not so of the reason for which a job waits."""
    if job.state is not JobState.PENDING or job.job_id in cluster.quiet or job.het_offset:
        return
    if not _is_so(cluster, job, now) or _has_room(cluster, job, now):
        yield f"{now}: {job.display_id} in {job.partition} does not wait for {job.reason!r}"


def _is_so(cluster: Cluster, job: Job, now: float) -> bool:
    reason = job.reason
    together = parts(cluster, job) if job.het_size else [job]
    if job.priority == 0 or holds(reason):
        return job.priority == 0 and holds(reason)
    own = {
        "Dependency": lambda: any(one.dependency is not None for one in together),
        "DependencyNeverSatisfied": lambda: parse(job.dependency or "").is_hopeless,
        BEGIN: lambda: any((one.begin_time or 0.0) > now for one in together),
        "Licenses": lambda: _lacks_licenses(cluster, together),
        "JobArrayTaskLimit": lambda: _is_throttled(cluster, job),
        "Reservation": lambda: not _may_use_reservation(cluster, job, now),
        NO_NODE: lambda: True,
        "BadConstraints": lambda: any(map(_is_choosy, together)),
    }
    if reason in own:
        return bool(own[reason]())
    if reason in ("Resources", "Priority"):
        return reason == "Resources" or _is_behind(cluster, job)
    if reason.startswith(NOT_AVAILABLE):
        return "eserved" not in reason or bool(cluster.fleet.reservations) or _is_behind(cluster, job)
    if reason.startswith(("QOS", "Assoc")):
        return _is_at_limit(cluster, together)
    if reason.startswith(("Partition", "MaxMem")):
        return _is_beyond_partition(cluster, together, reason)
    return False


def _is_choosy(job: Job) -> bool:
    return (job.features, job.required_nodes, job.excluded_nodes, job.gres, job.gpus) != (None,) * 5


def _lacks_licenses(cluster: Cluster, together: list[Job]) -> bool:
    holders = [job for job in cluster.jobs.values() if job.licenses and occupies(job)]
    holders = [part for job in holders for part in (parts(cluster, job) if job.het_size else [job])]
    used = licenses.in_all(licenses.parse(job.licenses) for job in {one.job_id: one for one in holders}.values())
    kept = licenses.in_all(licenses.parse(one.licenses) for one in cluster.fleet.reservations.values())
    wanted = licenses.in_all(licenses.parse(one.licenses) for one in together)
    total = cluster.fleet.licenses
    return any(total.get(name, 0) - used.get(name, 0) - kept.get(name, 0) < count for name, count in wanted.items())


def _is_throttled(cluster: Cluster, job: Job) -> bool:
    limit = throttle_of(job.array_tasks) if job.array_tasks is not None else job.array_throttle
    return limit is not None and sum(map(occupies, cluster.records_of(job.array_job_id or 0))) >= limit


def _may_use_reservation(cluster: Cluster, job: Job, now: float) -> bool:
    found = [one for one in named(cluster.fleet, job) if one.admits(job.uid, job.account)]
    return any("FLEX" in one.flags or (one.is_active(now) and one.machines) for one in found)


def _is_behind(cluster: Cluster, job: Job) -> bool:
    """Does somebody else wait for machines that the job might have?"""
    machines = {name for one in named_partitions(cluster, job) for name in one.machines}
    others = [one for one in cluster.jobs.values() if one.state is JobState.PENDING and one is not job]
    others = [one for one in others if not job.het_size or one.het_job_id != job.het_job_id]
    return any(machines.intersection(one.machines) for other in others for one in named_partitions(cluster, other))


def _is_at_limit(cluster: Cluster, together: list[Job]) -> bool:
    """Is there a limit that keeps the job from one CPU and one machine more?"""
    holders = [job for job in cluster.jobs.values() if occupies(job)]
    quotas = Quotas(
        cluster.fleet, [part for job in holders for part in (parts(cluster, job) if job.het_size else [job])]
    )
    return any(quotas.reason(part) is not None for part in together) or any(
        part.qos in ("few", "tiny") or part.account == "lab" for part in together
    )


def _is_beyond_partition(cluster: Cluster, together: list[Job], reason: str) -> bool:
    """Is it what every one of its partitions says; or has none a machine that is large enough?"""
    for part in together:
        found = [
            excess(part, one, [cluster.machines[name].total for name in one.machines if name in cluster.machines])
            for one in named_partitions(cluster, part)
        ]
        if all(found) and reason in [*found, "PartitionDown"]:
            return True
    return reason == "PartitionConfig" and (len(together) > 1 or not _would_fit(cluster, together[0]))


def _is_plain(job: Job) -> bool:
    """Does it ask for nothing but CPUs and memory of one machine?"""
    asks = (job.gres, job.gpus, job.features, job.required_nodes, job.excluded_nodes, job.licenses, job.reservation)
    one = job.nodes <= 1 and (job.ntasks or 1) == 1 and (job.max_nodes or 1) == 1
    return one and asks == (None,) * len(asks) and job.exclusive == 0 and job.extra == "{}" and not job.het_size


def _would_fit(cluster: Cluster, job: Job) -> bool:
    """Is there a machine that has what a plain job asks for when it is empty?"""
    totals = [cluster.machines[name].total for one in open_partitions(cluster, job) for name in one.machines]
    need = job.cpus_per_task or 1, job.memory_per_node or 0
    return _is_plain(job) and any(total.cpus >= need[0] and total.memory >= need[1] for total in totals)


def _has_room(cluster: Cluster, job: Job, now: float) -> bool:
    """Could a plain job start at once, without anybody's loss, where it is told that there is no room?"""
    if job.reason not in ("Resources", "Priority") or not _is_plain(job) or cluster.plans or cluster.shared_machines:
        return False
    if cluster.fleet.reservations or cluster.has_owners or job.memory_per_node == 0:
        return False
    kept = cluster.reservation.spare if cluster.reservation is not None else {}
    machines = [cluster.machines[name] for one in open_partitions(cluster, job) for name in one.machines]
    return any(
        books.is_usable and not books.is_paused(now) and books.entry.name not in kept
        and books.free.cpus >= (job.cpus_per_task or 1) and books.free.memory >= (job.memory_per_node or 0)
        for books in machines
    )  # fmt: skip
