"""How a job comes to its end, or back into the queue."""

from __future__ import annotations

from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.cluster import Cluster, allocation, held, occupies
from mini_slurm.scheduler.decisions import Decision, End
from mini_slurm.scheduler.ends import count_suspension
from mini_slurm.scheduler.explain import HELD_BY_ADMIN, holds
from mini_slurm.scheduler.oversubscription import recount

REASONS = {
    JobState.TIMEOUT: "TimeLimit",
    JobState.NODE_FAIL: "NodeDown",
    JobState.OUT_OF_MEMORY: "OutOfMemory",
    JobState.DEADLINE: "DeadLine",
}


def release(cluster: Cluster, job: Job) -> None:
    """Give back what the job holds on its machines; call it before the job's state says that it holds nothing."""
    if occupies(job):
        for name, share in held(job).items():
            books = cluster.machines.get(name)
            if books is not None:
                books.free = books.free.plus(share)
                cluster.note(name)
                recount(cluster, name, gone=(job.job_id,))


def leave(cluster: Cluster, job: Job, *but: str) -> list[Decision]:
    """Have the attempt ended on the job's machines except those named: what is left there is nobody's any more."""
    name = cluster.attempt_name(job)
    decisions: list[Decision] = []
    for machine in allocation(job):
        books = cluster.machines.get(machine)
        if machine not in but and books is not None:
            books.unwanted.add(name)
            cluster.note(machine)
            decisions.append(End(machine, name))
    return decisions


def finish(cluster: Cluster, job: Job, state: JobState, now: float) -> None:
    """The job is over; or, as REQUEUED, only this run of it."""
    if state is JobState.REQUEUED:
        is_preempted = job.preempt_time is not None
        delay = 0.0 if job.asked_again else cluster.fleet.requeue_delay
        requeue(cluster, job, JobState.PREEMPTED if is_preempted else state, now, delay)
        return
    release(cluster, job)
    count_suspension(job, now)
    job.state = state
    job.outcome, job.lent, job.stopped = None, 0, 0
    job.end_time = now if job.end_time is None else job.end_time
    job.reason = _reason(job, state)
    cluster.displace(job)
    cluster.note_end(job)
    cluster.remove(job)
    cluster.usage.add(job, cluster.fleet, now)


def _reason(job: Job, state: JobState) -> str:
    if state is JobState.CANCELLED and job.start_time is None:
        return job.reason  # as Slurm: why it had not started
    if state is JobState.FAILED:
        return "JobLaunchFailure" if job.exit_signal else "NonZeroExitCode"
    return REASONS.get(state, "None")


def put_back(cluster: Cluster, job: Job) -> None:
    """The job waits again, as if it had not been started."""
    release(cluster, job)
    cluster.displace(job)
    job.state = JobState.PENDING
    job.node = job.node_list = job.boot_id = job.start_time = job.end_time = job.outcome = None
    job.allocation, job.het_allocation = "{}", None
    job.alloc_cpus = job.alloc_memory = 0
    job.alloc_gpus = job.cpu_ids = job.gpu_ids = ""
    job.exit_code = job.exit_signal = job.lent = job.stopped = 0
    job.preempt_time = job.resize_time = None
    job.reason = "None"
    cluster.touch(job)


def requeue(cluster: Cluster, job: Job, state: JobState, now: float, delay: float = 0.0) -> None:
    """This run of the job has ended as `state`; the job waits again, for at least so long. It stays held if it is."""
    count_suspension(job, now)
    run = Job(**job.__dict__)
    run.state, run.outcome, run.lent, run.stopped = state, None, 0, 0
    run.end_time = now if job.end_time is None else job.end_time
    cluster.runs.append(run)
    cluster.usage.add(run, cluster.fleet, now)
    reason = job.reason
    put_back(cluster, job)
    job.restarts += 1
    job.suspend_time, job.suspended_seconds = None, 0.0
    job.cancelled_by = None
    job.max_rss, job.user_seconds, job.system_seconds = 0, 0.0, 0.0
    job.max_gpu_memory = job.max_gpu_utilization = 0
    job.submit_time = now
    if delay and (job.begin_time is None or job.begin_time <= now):
        job.begin_time = now + delay
    job.eligible_time = max(now, job.begin_time or 0.0)
    if job.priority == 0:
        job.reason = reason if holds(reason) else HELD_BY_ADMIN  # who was suspended has no priority


def lose(cluster: Cluster, job: Job, now: float, *, again: bool = True, delay: float = 0.0) -> None:
    """The job's machine failed under it: it is requeued if it may run `again`, as in Slurm, or ends as NODE_FAIL.

    `delay` is how many seconds it waits at least.
    """
    if job.outcome is not None and (again or job.outcome != JobState.REQUEUED.name):
        finish(cluster, job, JobState[job.outcome], now)
    elif again and job.may_run_again and cluster.fleet.requeue:
        requeue(cluster, job, JobState.NODE_FAIL, now, delay)
    else:
        finish(cluster, job, JobState.NODE_FAIL, now)
