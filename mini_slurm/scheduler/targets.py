"""Which records a request about jobs means, and the answer that is made of what became of each."""

from __future__ import annotations

from collections.abc import Callable

from mini_slurm.model.arrays import count_of, format_tasks, has, tasks_of, without
from mini_slurm.model.job import Job
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.decisions import Answer
from mini_slurm.scheduler.events import Caller, Request
from mini_slurm.scheduler.starting import split_task

NO_SUCH_JOB = "Invalid job id specified"
NOT_WHOLE = "Operation not permitted on individual component of heterogeneous job"
NOT_LEADER = "Job not heterogeneous job leader"
DENIED = "Access/permission denied"


class Refusal(Exception):
    """A request that is not met; the message is Slurm's."""


def is_operator(cluster: Cluster, by: Caller, job: Job | None = None) -> bool:
    """May the caller do what only an administrator may?

    Whoever looks after the fleet may do all with machines and with the jobs of others. With his own jobs he is a user
    like any other, so that they obey the same rules as everybody's, unless he says that he acts as administrator.
    """
    return by.uid == cluster.owner and (by.as_admin or job is None or job.uid != by.uid)


def owns(cluster: Cluster, by: Caller, job: Job) -> bool:
    """Is the job the caller's own, or the caller its administrator?"""
    return job.uid == by.uid or is_operator(cluster, by, job)


def answer(
    cluster: Cluster, request: Request, act: Callable[[Job], None], *, split: bool, of_part: str = NOT_WHOLE
) -> Answer:
    """Do `act`, which may raise Refusal, to all that is meant.

    `split`: to waiting tasks one by one, if need be. `of_part`: why not to a further part of a heterogeneous job; ""
    where it may be meant, too.
    """
    if request.tasks is None:
        single = _single(cluster, request)
        if single is not None:
            return Answer(request.number, of_part if single.het_offset and of_part else _try(act, single))
        records = _array(cluster, request)
        if not records:
            return Answer(request.number, NO_SUCH_JOB)
        return _gather(request, [(tasks_in(job), _try(act, job)) for job in records])
    if split:
        _split(cluster, request, set(request.tasks))
    return _gather(request, _act_on_tasks(cluster, request, set(request.tasks), act))


def _try(act: Callable[[Job], None], job: Job) -> str:
    try:
        act(job)
    except Refusal as refusal:
        return str(refusal)
    return ""


def _single(cluster: Cluster, request: Request) -> Job | None:
    """The job of this number, unless the number means an array."""
    known = [cluster.jobs.get(request.job_id), cluster.ended.get(request.job_id), *request.past]
    return next((job for job in known if job and job.job_id == request.job_id != job.array_job_id), None)


def _array(cluster: Cluster, request: Request) -> list[Job]:
    live = cluster.records_of(request.job_id)
    known = {job.job_id: job for job in (*request.past, *cluster.ended.values(), *live)}
    return [job for job in known.values() if job.array_job_id == request.job_id]


def has_task(job: Job, task: int) -> bool:
    """Does this record stand for the task?"""
    return job.array_task_id == task or (job.array_tasks is not None and has(job.array_tasks, task))


def tasks_in(job: Job) -> list[int]:
    """The tasks that a record of an array stands for."""
    return tasks_of(job.array_tasks) if job.array_tasks is not None else [job.array_task_id or 0]


def _split(cluster: Cluster, request: Request, wanted: set[int]) -> None:
    """Give waiting tasks records of their own, where not all tasks of their record are meant."""
    for record in [job for job in _array(cluster, request) if job.array_tasks is not None]:
        waiting = record.array_tasks or ""  # which may be a million: they are not spelled out
        meant = sorted(task for task in wanted if has(waiting, task))
        if len(meant) < count_of(waiting):
            for task in meant:
                split_task(cluster, record, task, without(record.array_tasks or "", task))


def _act_on_tasks(
    cluster: Cluster, request: Request, wanted: set[int], act: Callable[[Job], None]
) -> list[tuple[list[int], str]]:
    """One result for each record of a task, and one for each task that there is not."""
    results = []
    for record in _array(cluster, request):
        mine = sorted(wanted.intersection(tasks_in(record)))
        if mine:
            wanted = wanted.difference(mine)
            results.append((tasks_in(record), _try(act, record)))
    return [*results, *(([task], NO_SUCH_JOB) for task in sorted(wanted))]


def _gather(request: Request, results: list[tuple[list[int], str]]) -> Answer:
    """Tasks with the same error are named together, as in Slurm's answers."""
    found: dict[str, list[int]] = {}
    for tasks, error in results:
        found.setdefault(error, []).extend(tasks)
    groups = sorted((sorted(tasks), error) for error, tasks in found.items())
    return Answer(
        request.number, "", tuple((f"{request.job_id}_{format_tasks(tasks)}", error) for tasks, error in groups)
    )
