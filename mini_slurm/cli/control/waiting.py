"""`scontrol wait_job JOB`."""

from __future__ import annotations

import sys
from contextlib import closing

from mini_slurm.cli import common
from mini_slurm.config.paths import state_folder
from mini_slurm.controller.autostart import revive
from mini_slurm.desk.changes import Changes
from mini_slurm.errors import visible
from mini_slurm.model.states import JobState
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session
    from mini_slurm.model.job import Job

WAITING = (JobState.PENDING, JobState.CONFIGURING)


def wait_job(session: Session, verb: str, words: list[str]) -> None:
    """Wait until the job runs, or will not any more."""
    digits = words[0][: len(words[0]) - len(words[0].lstrip("0123456789"))]
    number = int(digits[:9] or 0)
    if not number:
        session.fail()
        sys.stderr.write(visible(f"Invalid job_id {words[0]}"))  # without an end of the line, as Slurm says it
        sys.stderr.flush()
        return
    job = _find(session, number)
    if job is not None and job.state in WAITING:
        job = _wait(session, job)
    if job is None:
        session.exit_code = 1
        common.say(f"{session.program}: Problem running job {number}")
    elif job.state.holds_resources:
        common.say(f"{session.program}: Nodes are ready for job {number}")
    else:
        session.exit_code = 1
        common.say(f"{session.program}: Job {number} no longer running")


def _wait(session: Session, job: Job) -> Job | None:
    """The job when it waits no more; the controller tells of what has changed."""
    number, state = job.job_id, state_folder()
    found: Job | None = job
    with closing(Changes(state, lambda: revive(state))) as changes:
        while found is not None and found.state in WAITING:
            while (changed := changes.wait(None)) is not None and number not in changed:
                pass
            found = _find(session, number)
    return found


def _find(session: Session, number: int) -> Job | None:
    where = queries.Where()
    where.among("job_id", [number])
    where.states(None, session.view().now)
    jobs = queries.select_jobs(session.db, ("job_id",), where)
    return jobs[0] if jobs else None
