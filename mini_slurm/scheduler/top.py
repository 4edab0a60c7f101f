"""`scontrol top`: jobs change places with others of their kind, by their nice values: nobody else loses by it."""

from __future__ import annotations

from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.decisions import Answer, Decision
from mini_slurm.scheduler.events import TopRequested
from mini_slurm.scheduler.targets import DENIED, NO_SUCH_JOB, Refusal, has_task, is_operator

NOT_PENDING = "Job is no longer pending execution"
HELD = "Job is in held state, pending scheduler release"
SEVERAL_PARTITIONS = "Requested partition configuration not available now"


def on_top_requested(cluster: Cluster, event: TopRequested, now: float) -> list[Decision]:
    """An administrator's to do, as Slurm has it unless it is configured otherwise."""
    if not _may(cluster, event):
        return [Answer(event.number, DENIED)]
    try:
        if not event.jobs:
            raise Refusal(NO_SUCH_JOB)
        _lift(cluster, [_find(cluster, number, task) for number, task in event.jobs], event)
    except Refusal as refusal:
        return [Answer(event.number, str(refusal))]
    return [Answer(event.number)]


def _may(cluster: Cluster, event: TopRequested) -> bool:
    """Slurm asks that first: who may not hears nothing of which jobs there are. With others' jobs an owner may."""
    numbers = [number for number, _ in event.jobs]
    known = [job for number in numbers for job in cluster.records_of(number)]
    known += [cluster.jobs[number] for number in numbers if number in cluster.jobs]
    return event.by.as_admin or any(is_operator(cluster, event.by, job) for job in known)


def _find(cluster: Cluster, number: int, task: int | None) -> Job:
    for job in cluster.records_of(number):
        if task is None or has_task(job, task):
            return job
    if task is None and number in cluster.jobs:
        return cluster.jobs[number]
    raise Refusal(NO_SUCH_JOB)


def _lift(cluster: Cluster, wanted: list[Job], event: TopRequested) -> None:
    lifted: list[Job] = []
    error = ""
    for job in wanted:
        if not is_operator(cluster, event.by, job):
            raise Refusal(DENIED)
        if job.state is not JobState.PENDING:
            error = NOT_PENDING
        elif "," in job.partition:
            raise Refusal(SEVERAL_PARTITIONS)
        elif job.priority == 0:
            error = HELD
        elif job not in lifted:
            lifted.append(job)
    if not lifted:
        raise Refusal(error)
    others = [job for job in cluster.jobs.values() if job not in lifted and _is_like(job, lifted[0])]
    places = sorted((job.priority for job in (*lifted, *others)), reverse=True)
    gained, last = 0, 0
    for job, place in zip(lifted, places, strict=False):
        last = last - 1 if place == last and last > 2 else place
        gained += last - job.priority
        _move(cluster, job, last)
    for position, job in enumerate(others):
        lost = gained // (len(others) - position)
        target = min(job.priority - lost, last - 1)
        gained -= job.priority - target
        _move(cluster, job, max(target, 1))


def _is_like(job: Job, other: Job) -> bool:
    kind = (other.uid, other.partition, other.account, other.qos)
    return job.state is JobState.PENDING and job.priority > 1 and (job.uid, job.partition, job.account, job.qos) == kind


def _move(cluster: Cluster, job: Job, priority: int) -> None:
    """Give the job this priority for good: what is worked out again later comes to the same."""
    job.nice -= priority - job.priority
    job.priority = priority
    cluster.touch(job)
