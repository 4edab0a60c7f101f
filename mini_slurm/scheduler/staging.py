"""Files that jobs take along and bring home: what the core hears of them."""

from __future__ import annotations

from mini_slurm.model.job import Job
from mini_slurm.model.staging import from_text
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.decisions import Decision
from mini_slurm.scheduler.ending import finish, leave
from mini_slurm.scheduler.events import StageFailed, StageNews
from mini_slurm.scheduler.heterogeneous import parts

WAITING = frozenset({JobState.CONFIGURING, JobState.COMPLETING})
NOT_STAGED = 53  # exit signal of a job that could not be launched, as in Slurm


def brings_home(cluster: Cluster, job: Job) -> bool:
    """Does any part of the job want results?"""
    plans = [part.stage for part in parts(cluster, job) if part.stage is not None]
    return any(from_text(plan).results for plan in plans)


def on_stage_news(cluster: Cluster, event: StageNews, now: float) -> list[Decision]:
    """Shown as the job's reason, as long as it waits for its files."""
    job = cluster.job_of(event.attempt)
    if job is not None and job.state in WAITING and job.reason != event.reason:
        job.reason = event.reason
        cluster.touch(job)
    return []


def on_stage_failed(cluster: Cluster, event: StageFailed, now: float) -> list[Decision]:
    """Without its files the job fails before it starts; one that is to end anyway does that."""
    job = cluster.job_of(event.attempt)
    if job is None or job.state not in WAITING or job.end_time is not None:
        return []
    decisions = leave(cluster, job)
    if job.outcome is not None:
        finish(cluster, job, JobState[job.outcome], now)
        return decisions
    job.exit_signal = NOT_STAGED
    finish(cluster, job, JobState.FAILED, now)
    job.reason = event.why
    return decisions
