"""What users ask for: submissions, cancellations, signals."""

from __future__ import annotations

from mini_slurm.model.arrays import without
from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.decisions import Decision, End, Forget, Signal
from mini_slurm.scheduler.ending import finish
from mini_slurm.scheduler.events import CancelRequested, JobSubmitted, SignalRequested
from mini_slurm.scheduler.priority import set_priority
from mini_slurm.scheduler.starting import split_task
from mini_slurm.scheduler.targets import has_task


def on_job_submitted(cluster: Cluster, event: JobSubmitted, now: float) -> list[Decision]:
    """A job that is known already was announced twice: that changes nothing."""
    job = event.job
    if job.job_id not in cluster.jobs:
        job.eligible_time = max(job.submit_time, job.begin_time or 0.0)
        cluster.add(job)
        set_priority(cluster, job, now)
    return []


def on_cancel_requested(cluster: Cluster, event: CancelRequested, now: float) -> list[Decision]:
    """Unknown and ended jobs, and jobs of somebody else, are passed over; the command has told its user.

    So are the further parts of a heterogeneous job, which ends with its first one.
    """
    decisions: list[Decision] = []
    for job in _meant(cluster, event):
        decisions += _cancel(cluster, job, event.uid, now)
    return decisions


def _meant(cluster: Cluster, event: CancelRequested) -> list[Job]:
    """The records that the request names; a task that has none yet gets one."""
    if event.array:
        meant = cluster.records_of(event.job_id)
    elif event.task is not None:
        meant = [job for job in cluster.records_of(event.job_id) if has_task(job, event.task)]
        meant = [_own_record(cluster, job, event.task) for job in meant]
    else:
        meant = [cluster.jobs[event.job_id]] if event.job_id in cluster.jobs else []
    return [job for job in meant if job.uid == event.uid and not job.het_offset]


def _own_record(cluster: Cluster, job: Job, task: int) -> Job:
    return job if job.array_tasks is None else split_task(cluster, job, task, without(job.array_tasks, task))


def _cancel(cluster: Cluster, job: Job, uid: int, now: float) -> list[Decision]:
    if job.state is JobState.COMPLETING and job.end_time is not None and job.reason != "None":
        return _give_up_output(cluster, job, now)
    if job.outcome not in (None, JobState.REQUEUED.name):
        return []
    job.cancelled_by = uid
    if job.state is JobState.PENDING:
        finish(cluster, job, JobState.CANCELLED, now)
        return []
    if job.outcome is not None:  # it has been told to end already
        job.outcome = JobState.CANCELLED.name
        cluster.touch(job)
        return []
    assert job.node is not None
    job.outcome = JobState.CANCELLED.name
    job.state = JobState.COMPLETING
    cluster.touch(job)
    return [End(job.node, cluster.attempt_name(job))]


def _give_up_output(cluster: Cluster, job: Job, now: float) -> list[Decision]:
    """The job has ended, but its output cannot be written: its user no longer waits for that."""
    forget = Forget(job.node or "", cluster.attempt_name(job))
    finish(cluster, job, JobState[job.outcome or "COMPLETED"], now)
    return [forget]


def on_signal_requested(cluster: Cluster, event: SignalRequested, now: float) -> list[Decision]:
    """Only a running job can be sent a signal."""
    job = cluster.jobs.get(event.job_id)
    if job is None or job.uid != event.uid or job.state is not JobState.RUNNING or job.node is None or job.het_offset:
        return []
    return [Signal(job.node, cluster.attempt_name(job), event.signal, event.whole, event.step, event.uid)]
