"""--deadline: a job that cannot end in time any more does not start, and one that starts has to end until then."""

from __future__ import annotations

from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.ending import finish

MINUTE = 60
MARGIN = 1.0  # seconds after the last moment at which a job could have started


def _shortest(job: Job) -> int:
    """The least time that the job may get."""
    return job.time_min or job.time_limit or MINUTE


def last_moment(job: Job) -> float | None:
    """When it is too late for a waiting job; None: never."""
    if job.deadline is None or job.state is not JobState.PENDING or job.priority == 0:
        return None
    return job.deadline - _shortest(job) + MARGIN


def is_late(job: Job, now: float) -> bool:
    """Is there too little time left?"""
    moment = last_moment(job)
    return moment is not None and now >= moment


def miss(cluster: Cluster, job: Job, now: float) -> None:
    """The job is over without having run: Slurm shows a start, and the exit status 0:1."""
    job.start_time, job.exit_signal = now, 1
    finish(cluster, job, JobState.DEADLINE, now)


def limit_until(job: Job, now: float) -> int | None:
    """The time limit of a job that starts now: whole minutes that do not go beyond its deadline."""
    if job.deadline is None:
        return job.time_limit
    left = max(int(job.deadline - now) // MINUTE * MINUTE, MINUTE)
    return left if job.time_limit is None else min(job.time_limit, left)
