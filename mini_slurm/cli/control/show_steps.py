"""`scontrol show step [JOB[.STEP]]`."""

from __future__ import annotations

import re

from mini_slurm.model.numbers import leading_number
from mini_slurm.output import step_record
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session
    from mini_slurm.model.job import Job

WORD = r"(\d{1,9})(?:_(\d{1,9}))?(?:\.(\w*))?"
UNKNOWN = "slurm_get_job_steps error: Invalid job id specified"


def show(session: Session, verb: str, words: list[str]) -> None:
    """Show all steps, those of one job, or one of them."""
    found = re.match(WORD, words[0]) if words else None
    number, task, step = (int(found[1]), found[2], found[3]) if found else (0, None, None)
    step = str(leading_number(step)[0]) if step else step  # as C reads it: the step of a name is that of 0
    if number and not queries.exists(session.db, number):
        session.fail(UNKNOWN)
        return
    where = queries.Where("state IN ('RUNNING', 'SUSPENDED')", "node IS NOT NULL")
    if number:
        where.jobs([number])
    jobs = queries.select_jobs(session.db, step_record.COLUMNS, where)
    if task is not None:
        jobs = [job for job in jobs if job.array_task_id == int(task)]
    records = [record for job in jobs for record in _steps(session, job) if step in (None, "", record.number)]
    if records:
        session.speaks_of_records()
    session.count(len(records))
    view = session.view()
    for record in records:
        session.show(step_record.lines(record, view), closed=False)
    if not records and words:
        session.exit_code = 1
        job_id = f"{number}_{task}" if task else str(number)
        session.tell(f"Job step {job_id}.{step or ''} not found")
    elif not records:
        session.tell("No job steps in the system")


def _steps(session: Session, job: Job) -> list[step_record.Record]:
    """The batch script's step, and those that srun started and that run."""
    where = queries.Where("state = 'RUNNING'")
    where.add("job_id = ? AND attempt = ?", job.job_id, job.attempt)
    started = queries.select_steps(session.db, where)
    batch = [] if job.het_offset else [step_record.Record(job)]
    host = _first_node(session, job) if started else job.node
    return [*batch, *(step_record.Record(job, step, host) for step in started)]


def _first_node(session: Session, job: Job) -> str | None:
    """Where the script runs, and with it srun: of a part of a heterogeneous job that is where its first one is."""
    if not job.het_offset:
        return job.node
    where = queries.Where()
    where.add("job_id = ?", job.het_job_id or 0)
    return next((first.node for first in queries.select_jobs(session.db, ("job_id", "node"), where)), None)
