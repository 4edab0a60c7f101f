"""`scontrol show job [ID]`."""

from __future__ import annotations

from mini_slurm.cli import listing, plans
from mini_slurm.model.arrays import tasks_of, throttle_of
from mini_slurm.model.job import COLUMNS
from mini_slurm.output import job_record
from mini_slurm.output.job_order import with_tasks
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session
    from mini_slurm.model.job import Job
    from mini_slurm.output.records import RecordView

UNKNOWN = "slurm_load_jobs error: Invalid job id specified"


def show(session: Session, verb: str, words: list[str]) -> None:
    """Show one job, the records of an array, one of its tasks, or all jobs."""
    word = words[0] if words else ""
    if word.strip("0123456789_+"):
        session.fail("scontrol_print_job error: Invalid job id specified")
        return
    whole, _, offset = word.partition("+")
    number, _, task = whole.partition("_")
    jobs = _load(session, int(number or 0))
    if not jobs and int(number or 0):
        session.fail(UNKNOWN)
        return
    session.speaks_of_records()
    session.count(len(jobs), of_now=not int(number or 0))
    if offset:
        jobs = [job for job in jobs if _is_part(job, int(number or 0), int(offset))]
    if task:
        jobs = [one for job in jobs for one in _task(job, int(task))]
    if not jobs:
        _say_that_there_is_none(session, word)
        return
    view = _view(session, jobs)
    plans.note(session.program, jobs, session.db, view.now)
    for job in jobs:
        session.show(job_record.lines(job, view))


def _load(session: Session, number: int) -> list[Job]:
    """All jobs that are remembered, or the record of this number and then those of its array, newest first."""
    where = queries.Where()
    where.states(None, session.view().now)
    if not number:
        return queries.select_jobs(session.db, COLUMNS, where)
    where.jobs([number])
    jobs = queries.select_jobs(session.db, COLUMNS, where)
    jobs.sort(key=lambda job: (job.job_id != number, job.het_offset, -job.job_id))
    return jobs


def _task(job: Job, task: int) -> list[Job]:
    """The record of this task, if it is one of the job's."""
    if job.array_tasks is not None:
        return [with_tasks(job, None, task)] if task in tasks_of(job.array_tasks) else []
    return [job] if job.array_task_id == task else []


def _is_part(job: Job, number: int, offset: int) -> bool:
    """Is it this part of the heterogeneous job? Of another job there is the first part only: itself."""
    if job.het_job_id is None:
        return job.job_id == number and not offset
    return job.het_job_id == number and job.het_offset == offset


def _say_that_there_is_none(session: Session, word: str) -> None:
    if word:
        session.exit_code = 1
    session.tell(f"Job {word} not found" if word else "No jobs in the system")


def _view(session: Session, jobs: list[Job]) -> RecordView:
    view = session.view()
    arrays = {job.array_job_id for job in jobs if job.array_job_id is not None}
    view.throttles = _throttles(session, arrays)
    view.fleet = session.fleet
    if any(job.memory_per_node == 0 or job.memory_per_cpu == 0 for job in jobs):
        view.whole_memory = listing.first_memory(session.fleet, session.db)
    if view.details and any(job.gpu_ids for job in jobs):
        view.gpu_places = _gpu_places(session)
    return view


def _throttles(session: Session, arrays: set[int]) -> dict[int, int]:
    """How many tasks of these arrays may run at once, where that is limited."""
    if not arrays:
        return {}
    where = queries.Where()
    where.among("job_id", arrays)
    heads = queries.select_jobs(session.db, ("job_id", "array_tasks", "array_throttle"), where)
    return {
        job.job_id: (job.array_throttle if job.array_tasks is None else throttle_of(job.array_tasks)) or 0
        for job in heads
    }


def _gpu_places(session: Session) -> dict[str, int]:
    """Which of its machine's GPUs each one is."""
    import json

    found = {}
    for machine in queries.load_machines(session.db).values():
        for gpu in json.loads(machine.gpu_details):
            found[str(gpu.get("uuid"))] = int(gpu.get("index", 0))
    return found
