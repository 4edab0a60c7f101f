"""Why a job is pending, in Slurm's words (squeue(1), JOB REASON CODES)."""

from __future__ import annotations

from mini_slurm.model.job import Job
from mini_slurm.scheduler.cluster import Books, Cluster
from mini_slurm.scheduler.eligible import could_ever_run

UNAVAILABLE = "ReqNodeNotAvail"


def own_reason(job: Job, now: float) -> str | None:
    """What keeps this very job from being considered; None when nothing does."""
    if job.priority == 0:
        return "JobHeldUser"
    if job.begin_time is not None and job.begin_time > now:
        return "BeginTime"
    return None


def shared_reason(cluster: Cluster, job: Job, candidates: list[Books]) -> str | None:
    """What keeps jobs that ask for the same from being considered; None when they only wait for room."""
    partition = cluster.fleet.partitions.get(job.partition)
    if partition is None:
        return "PartitionDown"
    if partition.state in ("DOWN", "INACTIVE"):
        return "PartitionDown" if partition.state == "DOWN" else "PartitionInactive"
    if partition.max_time is not None and (job.time_limit is None or job.time_limit > partition.max_time):
        return "PartitionTimeLimit"
    if not could_ever_run(job, candidates, cluster.fleet):
        return "PartitionConfig" if candidates else "BadConstraints"
    return None


def waiting_reason(candidates: list[Books], is_first: bool) -> str:
    """Why a job that may start does not: nothing there answers, no room, or it must not overtake."""
    if not any(books.is_up for books in candidates):
        return UNAVAILABLE
    return "Resources" if is_first else "Priority"
