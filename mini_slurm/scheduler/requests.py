"""What users ask for: submissions, cancellations, signals."""

from __future__ import annotations

import signal

from mini_slurm.model.arrays import without
from mini_slurm.model.job import Job
from mini_slurm.model.request import CANCELLED_TASKS, keep
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.decisions import NOBODY, Decision, End, Forget, Signal
from mini_slurm.scheduler.ending import finish
from mini_slurm.scheduler.ends import count_suspension
from mini_slurm.scheduler.events import CancelRequested, JobSubmitted, ReleaseRequested, SignalRequested
from mini_slurm.scheduler.priority import set_priority
from mini_slurm.scheduler.starting import split_task
from mini_slurm.scheduler.targets import has_task

STOPPING: dict[int, int] = {signal.SIGSTOP: 1, signal.SIGCONT: 0}  # what a signal makes of `Job.stopped`


def on_job_submitted(cluster: Cluster, event: JobSubmitted, now: float) -> list[Decision]:
    """A job that was admitted already is announced again: that changes nothing.

    One that was submitted before the controller started is known from the store, and not admitted yet.
    """
    job = cluster.jobs.get(event.job.job_id, event.job)
    if job is event.job or job.eligible_time is None:
        job.eligible_time = max(job.submit_time, job.begin_time or 0.0)
        cluster.add(job)
        set_priority(cluster, job, now)
    return []


def on_cancel_requested(cluster: Cluster, event: CancelRequested, now: float) -> list[Decision]:
    """Unknown and ended jobs, and jobs of somebody else, are passed over; the command has told its user.

    So are the further parts of a heterogeneous job, which ends with its first one.
    """
    decisions: list[Decision] = []
    for job in _meant(cluster, event, now):
        decisions += _cancel(cluster, job, event.uid, now)
    return decisions


def _meant(cluster: Cluster, event: CancelRequested, now: float) -> list[Job]:
    """The records that the request names. A task that has none of its own leaves its array's at once."""
    if event.array or event.task is not None:
        meant = cluster.records_of(event.job_id)
    else:
        meant = [cluster.jobs[event.job_id]] if event.job_id in cluster.jobs else []
    mine = [job for job in meant if job.uid == event.uid and not job.het_offset]
    if event.task is None:
        return mine
    mine = [job for job in mine if has_task(job, event.task)]
    return [job for job in mine if job.array_tasks is None or not _has_left(cluster, job, event.task, now)]


def _has_left(cluster: Cluster, record: Job, task: int, now: float) -> bool:
    """Take a waiting task out of its array's record. Nothing is kept of it, as in Slurm; the last one stays.

    What is left of the array knows that not all has gone well: others may wait for that.
    """
    rest = without(record.array_tasks or "", task)
    if rest is None:
        split_task(cluster, record, task, None)
        return False
    gone = Job(**record.__dict__)
    gone.array_tasks, gone.array_task_id, gone.state, gone.end_time = None, task, JobState.CANCELLED, now
    cluster.ended[-(record.job_id << 32) - task] = gone  # for those who wait for this very task, in this step
    record.array_tasks = rest
    keep(record, CANCELLED_TASKS, "yes")
    cluster.note_array(record)
    cluster.touch(record)
    return True


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
    count_suspension(job, now)
    job.outcome = JobState.CANCELLED.name
    job.state = JobState.COMPLETING
    cluster.touch(job)
    return [End(job.node, cluster.attempt_name(job))]


def _give_up_output(cluster: Cluster, job: Job, now: float) -> list[Decision]:
    """The job has ended, but its output cannot be written: its user no longer waits for that."""
    forget = Forget(job.node or "", cluster.attempt_name(job))
    finish(cluster, job, JobState[job.outcome or "COMPLETED"], now)
    return [forget]


def on_release_requested(cluster: Cluster, event: ReleaseRequested, now: float) -> list[Decision]:
    """A job without a script ends as the srun or the salloc did that it was for; as in Slurm a signal is no failure."""
    job = cluster.jobs.get(event.job_id)
    if job is None or job.is_batch or job.uid != event.uid or job.outcome is not None:
        return []
    if job.state is JobState.PENDING:
        return _cancel(cluster, job, event.uid, now)
    assert job.node is not None
    count_suspension(job, now)
    job.outcome = (JobState.FAILED if event.exit_code else JobState.COMPLETED).name
    job.exit_code, job.exit_signal = event.exit_code, event.exit_signal
    job.state = JobState.COMPLETING
    cluster.touch(job)
    return [End(job.node, cluster.attempt_name(job))]


def on_signal_requested(cluster: Cluster, event: SignalRequested, now: float) -> list[Decision]:
    """Only a running job can be sent a signal. As in Slurm it counts as stopped from SIGSTOP to SIGCONT."""
    part = cluster.jobs.get(event.job_id)
    is_of_part = part is not None and bool(part.het_offset)
    job = cluster.jobs.get(part.het_job_id or 0) if part and is_of_part and event.step is not None else part
    if job is None or job.uid != event.uid or job.state is not JobState.RUNNING or job.node is None or job.het_offset:
        return []
    if event.step is None and event.signal in STOPPING:
        job.stopped = STOPPING[event.signal]
        cluster.touch(job)
    if event.is_noted:
        return []
    offset = part.het_offset if part else 0
    by = event.uid if event.ends else NOBODY
    return [Signal(job.node, cluster.attempt_name(job), event.signal, event.whole, event.step, by, offset)]
