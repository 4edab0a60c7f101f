"""What a pass over the queue begins with: jobs that have changed are sorted into it."""

from __future__ import annotations

from collections.abc import Iterator

from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.cluster import Cluster, occupies
from mini_slurm.scheduler.deadlines import is_late, last_moment, miss
from mini_slurm.scheduler.explain import BEGIN, own_reason
from mini_slurm.scheduler.heterogeneous import parts
from mini_slurm.scheduler.starting import set_reason


def file_jobs(cluster: Cluster, now: float) -> None:
    """Sort jobs that have changed into the queue; those that only wait for room are in its groups."""
    for number in cluster.queue.take_stale(now):
        job = cluster.jobs.get(number)
        if job is not None and job.node is not None and not job.het_offset:
            cluster.ends.put(job)
        if job is not None and job.licenses and occupies(job):
            cluster.queue.licensed[number] = job
        else:
            cluster.queue.licensed.pop(number, None)
        if job is None or job.state is not JobState.PENDING or job.het_offset:
            cluster.queue.remove(number)  # the further parts of a heterogeneous job are tried with the first
            continue
        together = parts(cluster, job) if job.het_size else [job]
        reason = next((found for one in together if (found := own_reason(one, now))), None)
        if reason is None and is_late(job, now):
            miss(cluster, job, now)
            cluster.queue.remove(number)
        elif reason is None:
            cluster.queue.put(job, last_moment(job))
        else:
            begin_time = max(one.begin_time or 0.0 for one in together)
            cluster.queue.put_aside(job, begin_time if reason == BEGIN else None)
            set_reason(cluster, job, reason)


def holders(cluster: Cluster) -> Iterator[Job]:
    """The jobs that hold something, and the parts of those that are heterogeneous."""
    for number in cluster.ends.in_order():
        job = cluster.jobs.get(number)
        if job is not None and occupies(job):
            yield from parts(cluster, job) if job.het_size else (job,)
