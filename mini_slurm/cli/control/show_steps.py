"""`scontrol show step [JOB[.STEP]]`."""

from __future__ import annotations

import re

from mini_slurm.output import step_record
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session

WORD = r"(\d{1,9})(?:_(\d{1,9}))?(?:\.(\w*))?"


def show(session: Session, verb: str, words: list[str]) -> None:
    """Show all steps, those of one job, or one of them."""
    found = re.match(WORD, words[0]) if words else None
    number, task, step = (int(found[1]), found[2], found[3]) if found else (0, None, None)
    where = queries.Where("state IN ('RUNNING', 'SUSPENDED')", "node IS NOT NULL")
    if number:
        where.jobs([number])
    jobs = queries.select_jobs(session.db, step_record.COLUMNS, where)
    if task is not None:
        jobs = [job for job in jobs if job.array_task_id == int(task)]
    if step:
        jobs = [job for job in jobs if step == "batch"]
    view = session.view()
    for job in jobs:
        session.show(step_record.lines(job, view), closed=False)
    if not jobs and words:
        session.exit_code = 1
        job_id = f"{number}_{task}" if task else str(number)
        session.tell(f"Job step {job_id}.{step or ''} not found")
    elif not jobs:
        session.tell("No job steps in the system")
