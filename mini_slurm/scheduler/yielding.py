"""What becomes of a job that makes room: it is warned, ended, put back into the queue, or suspended for a while."""

from __future__ import annotations

from mini_slurm.model.job import TO_MAKE_ROOM, Job
from mini_slurm.model.preemption import REQUEUE, SUSPEND, grace_time, mode
from mini_slurm.model.signals import NUMBERS
from mini_slurm.model.states import JobState
from mini_slurm.model.warning import parse_warning
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.decisions import Decision, End, Signal
from mini_slurm.scheduler.ends import count_suspension, expected_end
from mini_slurm.scheduler.lending import lend, take_back
from mini_slurm.scheduler.preemption import grace_end

WHY = "PREEMPTION"  # what the job's output says
WARNING = ("CONT", "TERM")  # signals


def make_room(cluster: Cluster, job: Job, now: float) -> list[Decision]:
    """Tell a running job to make room, in the way that is meant for it."""
    cluster.yielding.add(job.job_id)
    job.preempt_time = now
    cluster.touch(job)
    if mode(cluster.fleet, job) == SUSPEND:
        return _suspend(cluster, job, now)
    if grace_time(cluster.fleet, job):
        return _warn(cluster, job, now)
    return [_end(cluster, job)]


def _warn(cluster: Cluster, job: Job, now: float) -> list[Decision]:
    """At the beginning of its grace time: the job's own signal where the fleet wants it, else SIGTERM for its steps."""
    node, name = job.node or "", cluster.attempt_name(job)
    own = parse_warning(job.signal) if cluster.fleet.preempt.send_user_signal else None
    if own is None or now >= expected_end(job) - own.before:  # it has had it
        return [Signal(node, name, NUMBERS[word], whole=False, to_steps=True) for word in WARNING]
    return [Signal(node, name, own.signal, whole=False, to_steps=not own.to_script)]


def outcome(cluster: Cluster, job: Job) -> JobState:
    """What becomes of a job that has made room: one that may not run again is over."""
    is_requeued = mode(cluster.fleet, job) == REQUEUE and job.may_run_again
    return JobState.REQUEUED if is_requeued else JobState.PREEMPTED


def _end(cluster: Cluster, job: Job) -> End:
    job.outcome, job.state = outcome(cluster, job).name, JobState.COMPLETING
    cluster.touch(job)
    return End(job.node or "", cluster.attempt_name(job), WHY)


def settle(cluster: Cluster, now: float) -> list[Decision]:
    """End the jobs whose grace time is over."""
    decisions: list[Decision] = []
    for number in list(cluster.yielding):
        job = cluster.jobs.get(number)
        if job is None or job.preempt_time is None:
            cluster.yielding.discard(number)
            continue
        moment = grace_end(cluster.fleet, job)
        if moment is not None and moment <= now:
            decisions.append(_end(cluster, job))
    return decisions


def moments(cluster: Cluster) -> list[float]:
    """When grace times are over."""
    jobs = (cluster.jobs[number] for number in cluster.yielding if number in cluster.jobs)
    return [moment for job in jobs if (moment := grace_end(cluster.fleet, job)) is not None]


# --- suspended for a while


def lent_jobs(cluster: Cluster) -> list[Job]:
    """The jobs that are suspended to make room, while others have their CPUs."""
    jobs = (cluster.jobs.get(number) for number in cluster.yielding)
    return [job for job in jobs if job is not None and job.lent == TO_MAKE_ROOM and job.state is JobState.SUSPENDED]


def _suspend(cluster: Cluster, job: Job, now: float) -> list[Decision]:
    job.state, job.suspend_time = JobState.SUSPENDED, now
    return lend(cluster, job, TO_MAKE_ROOM)


def resume(cluster: Cluster, job: Job, now: float) -> list[Decision]:
    """Give the job its CPUs back, and let it go on."""
    count_suspension(job, now)
    job.state, job.suspend_time = JobState.RUNNING, now
    job.preempt_time = None
    cluster.touch(job)
    return take_back(cluster, job)
