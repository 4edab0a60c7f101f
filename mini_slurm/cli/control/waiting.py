"""`scontrol wait_job JOB`."""

from __future__ import annotations

import time

from mini_slurm.cli import common
from mini_slurm.model.states import JobState
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session
    from mini_slurm.model.job import Job

PAUSE = 0.1  # seconds between two looks
REVIVE_EVERY = 50  # looks; the controller may have died meanwhile


def wait_job(session: Session, verb: str, words: list[str]) -> None:
    """Wait until the job runs, or will not any more."""
    digits = words[0][: len(words[0]) - len(words[0].lstrip("0123456789"))]
    number = int(digits[:9] or 0)
    if not number:
        session.fail(f"Invalid job_id {words[0]}")
        return
    looks = 0
    job = _find(session, number)
    while job is not None and job.state in (JobState.PENDING, JobState.CONFIGURING):
        time.sleep(PAUSE)
        looks += 1
        if looks % REVIVE_EVERY == 0:
            session.reopen()
        job = _find(session, number)
    if job is None:
        session.exit_code = 1
        common.say(f"{session.program}: Problem running job {number}")
    elif job.state.holds_resources:
        common.say(f"{session.program}: Nodes are ready for job {number}")
    else:
        session.exit_code = 1
        common.say(f"{session.program}: Job {number} no longer running")


def _find(session: Session, number: int) -> Job | None:
    where = queries.Where()
    where.among("job_id", [number])
    where.states(None, session.view().now)
    jobs = queries.select_jobs(session.db, ("job_id",), where)
    return jobs[0] if jobs else None
