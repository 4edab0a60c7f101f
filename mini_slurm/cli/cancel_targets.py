"""Which records of jobs and steps mscancel's words and filters mean."""

from __future__ import annotations

import os
import time

from mini_slurm.cli import common
from mini_slurm.cli.cancel_request import FILTERS, NOT_ENDING, conditions, doing, is_verbose, tell_if_none, tell_loaded
from mini_slurm.model.arrays import tasks_of
from mini_slurm.model.job import Job, single_id
from mini_slurm.store.queries import Where, select_jobs, select_steps
from mini_slurm.store.schema import UNFINISHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from mini_slurm.options.job_ids import JobId
    from mini_slurm.options.listings import Chosen

COLUMNS = (
    *("job_id", "array_job_id", "array_task_id", "array_tasks", "uid", "name", "partition", "state"),
    *("het_job_id", "het_offset", "het_size"),
)
SIMPLE = frozenset({"ctld", "full", "hurry", "quiet", "sibling", "verbose", "clusters", "fleet"})
# exit statuses, as Slurm's error numbers leave them
NOT_HETEROGENEOUS = 58  # 2106, for a part of a job that has none
NOT_FEDERATED = 191  # for a sibling of a job that has none


class Target:
    """A job record, one waiting task of an array record, or a step."""

    def __init__(self, job: Job, task: int | None = None, array: bool = False, step: int | None = None) -> None:
        self.job = job
        self.task = task
        self.step = step
        self.array = array  # the whole array
        self.is_record = False  # was it looked up? Then what waits of an array is named by its tasks
        self.is_told = False  # -v has said of it what is done

    @property
    def shown(self) -> str:
        """What is meant, as users know it."""
        return self.shown_job if self.step is None else f"{self.shown_job}.{self.step}"

    @property
    def shown_job(self) -> str:
        """The number of the job as users know it."""
        job = self.job
        if self.array and (job.array_tasks is None or not self.is_record):
            return str(job.array_job_id)
        shown = single_id(job)
        if self.task is not None or job.array_task_id is not None:
            shown = f"{job.array_job_id}_{job.array_task_id if self.task is None else self.task}"
        elif job.array_tasks is not None:
            shown = f"{job.array_job_id}_[{job.array_tasks}]"
        return shown

    def cancel(self) -> dict[str, object]:
        """The request that ends it."""
        number = self.job.array_job_id if self.array or self.task is not None else self.job.job_id
        return {"job_id": number, "task": self.task, "array": self.array, "uid": os.getuid()}


def running_steps(job: Job, db: sqlite3.Connection) -> list[int]:
    """The numbers of a job's steps that run."""
    return [number for job_id, number in all_running(job, db) if job_id == job.job_id]


def all_running(job: Job, db: sqlite3.Connection) -> list[tuple[int, int]]:
    """The steps of a job that run: the job's number and their own. Of a heterogeneous job those of its parts, too.

    One that runs in the first part is that part's, whichever others it runs in.
    """
    where = Where("end_time IS NULL")
    where.among("job_id", [*range(job.job_id, job.job_id + max(job.het_size, 1))])
    found = {step.number: step.job_id for step in reversed(select_steps(db, where))}
    return [(job_id, number) for number, job_id in sorted(found.items())]


def agreed(target: Target) -> bool:
    """-i: does the user say yes?"""
    job = target.job
    named = f"job_id={Target(job).shown}" if target.step is None else f"step_id={target.shown}"
    answer = ""
    while answer not in ("y", "n"):
        try:
            answer = input(f"Cancel {named} name={job.name} partition={job.partition} [y/n]? ")[:1].lower()
        except EOFError:
            return False
    return answer == "y"


def targets(program: str, chosen: Chosen, ids: list[JobId], db: sqlite3.Connection) -> tuple[list[Target], int]:
    """What the words and filters mean among the jobs that are not over, and the exit status so far."""
    where = conditions(program, chosen)
    if not ids:
        tell_loaded(program, chosen)
        jobs = select_jobs(db, COLUMNS, where)
        tell_if_none(program, chosen, jobs)
        return [Target(job) for job in jobs], 0
    numbers = {one.number for one in ids}
    where.jobs(numbers)
    jobs = select_jobs(db, COLUMNS, where)
    if _is_simple(chosen, ids):
        return _named(program, chosen, ids, jobs, db)
    tell_loaded(program, chosen)
    known = Where(UNFINISHED, NOT_ENDING)
    known.jobs(numbers)
    code = _miss(program, chosen, ids, select_jobs(db, COLUMNS, known))
    filtered = any(field in chosen for field in FILTERS)
    if _none_left(program, chosen, numbers, db):
        tell_if_none(program, chosen, [])
    meant = [target for one in ids for target in _meant(one, jobs, filtered or "interactive" in chosen)]
    return _records(meant), code


def _records(meant: list[Target]) -> list[Target]:
    """Each record once, for a waiting task that of its array: Slurm means all that wait, where it looks jobs up."""
    found = {(one.job.job_id, one.step): Target(one.job, array=one.array, step=one.step) for one in meant}
    for target in found.values():
        target.is_record = True
    return list(found.values())


def _is_simple(chosen: Chosen, ids: list[JobId]) -> bool:
    """Are jobs only named, and to be ended? Slurm does not look them up then, and passes over what is unknown."""
    return SIMPLE.issuperset(chosen.given) and all(one.step is None for one in ids)


def _none_left(program: str, chosen: Chosen, numbers: set[int], db: sqlite3.Connection) -> bool:
    """Does no job pass the filters? As Slurm counts: all that are not older than the oldest one that is named."""
    if not is_verbose(chosen):
        return False
    found = [job.job_id for job in select_jobs(db, COLUMNS, conditions(program, chosen))]
    known = Where(UNFINISHED, NOT_ENDING)
    known.jobs(numbers)
    oldest = min((job.job_id for job in select_jobs(db, COLUMNS, known)), default=None)
    return oldest is None or not any(number >= oldest for number in found)


def _named(
    program: str, chosen: Chosen, ids: list[JobId], jobs: list[Job], db: sqlite3.Connection
) -> tuple[list[Target], int]:
    """The targets of plain words, and the exit status; -v says what becomes of each."""
    found: list[Target] = []
    code = 0
    for one in ids:
        meant = _meant(one, jobs, filtered=False)
        if is_verbose(chosen):
            common.say(f"{program}: {doing(0, chosen, 'job')} {one.text}")
        why = _why_not(one, meant, chosen)
        if why is not None:
            common.say(f"{program}: error: Kill job error on job id {one.text}: {why[0]}")
            code = max(code, why[1])
            continue
        found += meant
        for target in meant:
            target.is_told = True
        if not meant and is_verbose(chosen):
            common.say(f"{program}: error: Kill job error on job id {one.text}: {_why(one, db)}")
    return found, code


def _why_not(one: JobId, meant: list[Target], chosen: Chosen) -> tuple[str, int] | None:
    """Why what is named so cannot be ended, and the exit status of that."""
    if "sibling" in chosen and meant:
        return "Not a valid federated job", NOT_FEDERATED
    if one.part_of is not None and any(target.job.het_job_id is None for target in meant):
        return "Job not heterogeneous job", NOT_HETEROGENEOUS
    return None


def _miss(program: str, chosen: Chosen, ids: list[JobId], jobs: list[Job]) -> int:
    """Complain of words that name no job that is not over; the exit status."""
    code = 0
    for one in ids:
        if _meant(one, jobs, filtered=True):
            continue
        code = 1
        if "quiet" not in chosen:
            kind = "job id" if one.step is None else "job step id"
            common.say(f"{program}: error: Kill job error on {kind} {one.text}: Invalid job id specified")
    return code


def _meant(one: JobId, jobs: list[Job], filtered: bool) -> list[Target]:
    """The records of one word; a whole array is one target unless a filter may have left some of it out."""
    mine = [job for job in jobs if one.number in (job.job_id, job.array_job_id)]
    if one.part_of is not None:
        mine = [job for job in mine if (job.het_job_id or job.job_id) == one.part_of]
    if one.step is not None:
        return [Target(job, step=one.step) for job in mine if one.tasks is None or _tasks(job) & set(one.tasks)]
    if one.tasks is None:
        whole = [job for job in mine if job.array_job_id == one.number]
        if whole and not filtered:
            return [Target(whole[0], array=True)]
        return [Target(job) for job in mine]
    found = []
    for job in mine:
        if job.array_job_id != one.number:
            continue
        if job.array_tasks is not None:
            found += [Target(job, task) for task in tasks_of(job.array_tasks) if task in one.tasks]
        elif job.array_task_id in one.tasks:
            found.append(Target(job))
    return found


def _tasks(job: Job) -> set[int | None]:
    """The task that a record is, or those that wait in it."""
    return {job.array_task_id} if job.array_tasks is None else {*tasks_of(job.array_tasks)}


def _why(one: JobId, db: sqlite3.Connection) -> str:
    """Why nothing of this name can be ended: it is over, or is not known, or not any more."""
    where = Where()
    where.states(None, time.time())
    where.jobs([one.number])
    known = _meant(one, select_jobs(db, COLUMNS, where), filtered=True)
    return "Job/step already completing or completed" if known else "Invalid job id specified"
