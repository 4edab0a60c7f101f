"""Why machines that a job waits for cannot be reached, told to those who wait too."""

from __future__ import annotations

import sqlite3

from mini_slurm.cli import common
from mini_slurm.model.hostlist import expand
from mini_slurm.model.job import Job
from mini_slurm.store.queries import load_machines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SHOWN = 3  # machines
NAMED = "ReqNodeNotAvail, UnavailableNodes:"  # machines that the job asks for
ANY = "Nodes required for job are DOWN"  # no machine of its partition is left


def lines(job: Job, reason: str, db: sqlite3.Connection) -> list[str]:
    """What keeps each of the first few from being reached; none where the job waits for something else."""
    known = load_machines(db)
    faults = [known[name].reason for name in _names(job, reason, db) if name in known]
    return [fault for fault in faults if fault][:SHOWN]


def faults(db: sqlite3.Connection) -> dict[str, str]:
    """Machines that are not reached now, and why."""
    return {name: known.reason for name, known in load_machines(db).items() if known.state != "UP" and known.reason}


def _names(job: Job, reason: str, db: sqlite3.Connection) -> Iterable[str]:
    if reason.startswith(NAMED):
        return expand(reason.removeprefix(NAMED))
    if not reason.startswith(ANY):
        return ()
    partitions = common.fleet(db).partitions
    return [name for one in job.partition.split(",") if one in partitions for name in partitions[one].machines]


def hints(program: str, job: Job, reason: str, db: sqlite3.Connection) -> None:
    """Say them, under our own name alone."""
    if not common.is_slurms_name(program):
        for line in lines(job, reason, db):
            common.say(f"{program}: hint: {line}")


def teller(program: str, job: Job, db: sqlite3.Connection) -> Callable[[Iterable[str]], None]:
    """What hears the job's reasons, and gives the hints once."""
    said: list[str] = []

    def hear(reasons: Iterable[str]) -> None:
        for reason in reasons:
            if not said and lines(job, reason, db):
                said.append(reason)
                hints(program, job, reason, db)

    return hear
