"""Which running jobs make room for which waiting ones, and how: the rules of Slurm's two preempt plugins."""

from __future__ import annotations

from mini_slurm.model.fleet import Fleet, Partition
from mini_slurm.model.job import Job
from mini_slurm.model.preemption import OFF, SUSPEND, grace_time, mode, partition_of, qos_of
from mini_slurm.model.resources import Resources
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.cluster import Cluster, held
from mini_slurm.scheduler.heterogeneous import parts

MOST = 0xFFFF  # what is above counts as this much in Slurm's order of victims


def may_preempt(fleet: Fleet, job: Job, partition: Partition, other: Job) -> bool:
    """Does the other job, which runs, make room for this one, which could start in this partition?"""
    if fleet.preempt.type == "partition_prio":
        its = partition_of(fleet, other)
        return its is not None and its.tier < partition.tier and mode(fleet, other) != OFF
    if fleet.preempt.type != "qos" or not job.qos or not other.qos or job.qos == other.qos:
        return False
    return other.qos in qos_of(fleet, job).preempt and mode(fleet, other) != OFF


def could_preempt(fleet: Fleet, job: Job, partitions: list[Partition]) -> bool:
    """Is there anything that might make room for the job?"""
    if not fleet.preempt.is_on:
        return False
    if fleet.preempt.type == "qos":
        return bool(job.qos and qos_of(fleet, job).preempt)
    tiers = (one.tier for one in fleet.partitions.values())
    return max((one.tier for one in partitions), default=0) > min(tiers, default=0)


def grace_end(fleet: Fleet, job: Job) -> float | None:
    """When a job that was warned is ended; None: it was not."""
    if job.preempt_time is None or job.outcome is not None or job.state is not JobState.RUNNING:
        return None
    return job.preempt_time + grace_time(fleet, job)


def value(fleet: Fleet, job: Job) -> tuple[float, ...]:
    """Who makes room first: the lowest tier, or priority of its QOS, then the fewest machines, then the first."""
    if fleet.preempt.youngest_first:
        return -(job.start_time or 0.0), float(-job.job_id)
    partition = partition_of(fleet, job)
    by_qos = fleet.preempt.type == "qos"
    rank = min(qos_of(fleet, job).priority, MOST) if by_qos else partition.tier if partition else 0
    return float(rank), float(min(len(held(job)), MOST)), float(job.job_id)


def is_leaving(fleet: Fleet, job: Job) -> bool:
    """Will what it holds be free soon, without anybody's doing?"""
    is_ending = job.state is JobState.COMPLETING and job.end_time is None
    return is_ending or grace_end(fleet, job) is not None


def gives(fleet: Fleet, job: Job) -> dict[str, Resources]:
    """What becomes free when the job makes room: of one that is suspended the CPUs alone."""
    shares = held(job)
    if mode(fleet, job) != SUSPEND:
        return dict(shares)
    return {name: Resources(cpus=share.cpus) for name, share in shares.items()}


def is_victim(cluster: Cluster, job: Job, partition: Partition, other: Job) -> bool:
    """May the other job be told now to make room for this one, but for the time that it is exempt?"""
    if other.state is not JobState.RUNNING or other.het_offset or other.preempt_time is not None or other.outcome:
        return False
    together = parts(cluster, other) if other.het_size else (other,)
    if not all(may_preempt(cluster.fleet, job, partition, part) for part in together):
        return False
    return mode(cluster.fleet, other) != SUSPEND or all(_answers(cluster, name) for name in held(other))


def _answers(cluster: Cluster, name: str) -> bool:
    """One that is to be suspended has to hear of it at once, as others get its CPUs at once."""
    books = cluster.machines.get(name)
    return books is not None and books.is_up
