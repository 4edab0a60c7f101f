"""The jobs that a listing shows, where some of them may be on clusters: from the store, brought up to date first."""

from __future__ import annotations

import time

from mini_slurm.desk import places
from mini_slurm.desk.foreign.place import Place
from mini_slurm.desk.state import open_store
from mini_slurm.errors import MiniSlurmError
from mini_slurm.store import foreign, queries
from mini_slurm.store.queries import Where

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

    from mini_slurm.model.job import Job
    from mini_slurm.store.foreign import Contact


def select(db: sqlite3.Connection | None, name: str, columns: Iterable[str], where: Where) -> list[Job]:
    """The jobs of a place; "": those of the fleet, and those that were submitted to clusters from here."""
    if name in places.survey(db).clusters:
        return [*foreign.select(db, foreign.on(name, where), columns)]
    found = queries.select_jobs(db, columns, where)
    return found if name else [*found, *foreign.select(db, foreign.ours(where), columns)]


def refresh(
    db: sqlite3.Connection | None, name: str, wanted: Iterable[int] | None, hint: Callable[[str], None]
) -> None:
    """Bring a place's jobs up to date; "": all from here. Raises MiniSlurmError where nothing was ever known of it.

    `hint` takes what the user is told of a cluster that does not answer.
    """
    entries = places.survey(db).clusters
    names = [one for one in ([name] if name else foreign.waiting(db)) if one in entries]
    if not names:
        return
    state, writable = open_store()
    try:
        for one in names:
            everybody = bool(name) and not _all_from_here(writable, name, wanted)
            contact = Place(state, writable, entries[one]).refresh(everybody=everybody)
            _judge(contact, hint, asked=bool(name))
    finally:
        writable.close()


def _all_from_here(db: sqlite3.Connection, name: str, wanted: Iterable[int] | None) -> bool:
    """Are the jobs that are asked for among those that were submitted from here?"""
    if wanted is None:
        return False
    numbers = {*wanted}
    where = foreign.of_cluster(name, "ours")
    where.jobs(numbers)
    jobs = foreign.select(db, where, ("array_job_id",))
    return numbers <= {number for job in jobs for number in (job.job_id, job.array_job_id)}


def _judge(contact: Contact, hint: Callable[[str], None], *, asked: bool) -> None:
    """What is known is shown although the cluster does not answer; where there is nothing, its own words are."""
    if not contact.fault:
        return
    if asked and not contact.answered:
        raise MiniSlurmError(contact.fault)
    since = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(contact.answered))
    hint(f"{contact.name} does not answer; shown as of {since} ({contact.fault})")


def knows(db: sqlite3.Connection | None, name: str, number: int, now: float) -> bool:
    """Is there a job of this number in this place that is not over, or has not been over for long?"""
    where = Where()
    where.jobs([number])
    where.states(None, now)
    return bool(select(db, name, ("job_id",), where))
