"""msbatch --wait: until a job is over."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from mini_slurm.controller.autostart import revive
from mini_slurm.desk.changes import Changes
from mini_slurm.model.states import ENDS, JobState
from mini_slurm.store.schema import state_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

OVER = frozenset(state.name for state in ENDS)
QUERY = """SELECT state, exit_code, exit_signal, end_time - submit_time, reason FROM job
    WHERE job_id = ?1 OR array_job_id = ?1"""
FIRST_LOOK = 3.0  # seconds: a job that is cancelled sooner is still being ended when sbatch looks for the first time


def wait_for(job_id: int, state: str, db: sqlite3.Connection, note: Callable[[Iterable[str]], None]) -> int:
    """The exit status of the job, the highest one of an array's tasks, once all is over. Raises StateError.

    The controller tells of what has changed. `note` hears the reasons of those that are not over, whenever it does.
    """
    with closing(Changes(state, lambda: revive(state), is_woken=True)) as changes:
        while True:
            rows = _look(job_id, db)
            note([row[4] for row in rows if row[0] not in OVER])
            if all(row[0] in OVER for row in rows):
                return max((_seen(*row[:4]) for row in rows), default=0)
            while (changed := changes.wait(None)) is not None and job_id not in changed:
                pass


def _look(job_id: int, db: sqlite3.Connection) -> list[tuple[str, int, int, float | None, str]]:
    try:
        return db.execute(QUERY, (job_id,)).fetchall()
    except sqlite3.Error as error:
        raise state_error("the state folder's database", error) from error


def _seen(state: str, exit_code: int, exit_signal: int, lasted: float | None) -> int:
    """What sbatch --wait makes of a job that was over so many seconds after its submission.

    What is just being cancelled when Slurm's looks, two seconds after the submission, has no exit status yet.
    """
    is_early = state == JobState.CANCELLED.name and (lasted or 0) < FIRST_LOOK
    return 0 if is_early else exit_status(state, exit_code, exit_signal)


def exit_status(state: str, exit_code: int, exit_signal: int) -> int:
    """What sbatch --wait makes of a job's end: a death by signal is 1, and a job that never ran is no failure."""
    if exit_signal or state == JobState.NODE_FAIL.name:
        return 1
    return exit_code
