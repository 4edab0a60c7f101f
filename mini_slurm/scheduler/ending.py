"""How a job comes to its end, or back into the queue."""

from __future__ import annotations

from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.cluster import Cluster, allocated, occupies

REASONS = {
    JobState.TIMEOUT: "TimeLimit",
    JobState.NODE_FAIL: "NodeDown",
}


def release(cluster: Cluster, job: Job) -> None:
    """Give back what the job holds on its machine; call it before the job's state says that it holds nothing."""
    books = cluster.machines.get(job.node or "")
    if books is not None and occupies(job):
        books.free = books.free.plus(allocated(job))


def finish(cluster: Cluster, job: Job, state: JobState, now: float) -> None:
    """The job is over."""
    release(cluster, job)
    job.state = state
    job.outcome = None
    job.end_time = now if job.end_time is None else job.end_time
    job.reason = _reason(job, state)
    cluster.touch(job)
    del cluster.jobs[job.job_id]


def _reason(job: Job, state: JobState) -> str:
    if state is JobState.FAILED:
        return "JobLaunchFailure" if job.exit_signal else "NonZeroExitCode"
    return REASONS.get(state, "None")


def put_back(cluster: Cluster, job: Job) -> None:
    """The job waits again, as if it had not been started."""
    release(cluster, job)
    job.state = JobState.PENDING
    job.node = job.boot_id = job.start_time = job.end_time = job.outcome = None
    job.alloc_cpus = job.alloc_memory = 0
    job.alloc_gpus = job.cpu_ids = job.gpu_ids = ""
    job.exit_code = job.exit_signal = 0
    job.reason = "None"
    cluster.touch(job)


def lose(cluster: Cluster, job: Job, now: float, *, again: bool = True) -> None:
    """The job's machine failed under it: it is requeued if it may run `again`, as in Slurm, or ends as NODE_FAIL."""
    if job.outcome is not None:
        finish(cluster, job, JobState[job.outcome], now)
    elif again and job.requeue and cluster.fleet.requeue:
        put_back(cluster, job)
        job.restarts += 1
    else:
        finish(cluster, job, JobState.NODE_FAIL, now)
