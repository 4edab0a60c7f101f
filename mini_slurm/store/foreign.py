"""What is stored of clusters: their jobs, submissions under way, how they answer, and calls for their login nodes."""

from __future__ import annotations

import json
import os
import sqlite3
import time

from mini_slurm.model.foreign import COLUMNS, DEFAULTS, ForeignJob
from mini_slurm.model.states import JobState
from mini_slurm.model.tuples import NamedTuple
from mini_slurm.store.queries import Where, look_up
from mini_slurm.store.schema import UNFINISHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

STATES = {state.name: state for state in JobState}
CONTACT = "calls, answered, everybody, failures, retry, fault"
SAVE = f"INSERT OR REPLACE INTO foreign_job ({','.join(COLUMNS)}) VALUES ({','.join('?' * len(COLUMNS))})"
SAVE_NEW = SAVE.replace("REPLACE", "IGNORE")
FRESH = 2.5  # seconds that an answer counts as new
ORDER = "cluster, job_id, array_task_id IS NULL, array_task_id"


# --- jobs


def select(db: sqlite3.Connection | None, where: Where, columns: Iterable[str] = COLUMNS) -> list[ForeignJob]:
    """The jobs on clusters that fit, with these columns, their place and their state, in the order of their numbers."""
    names = ["state", *sorted({*columns, "cluster", "foreign_id", "job_id"} - {"state"})]
    found = look_up(db, f"SELECT {','.join(names)} FROM foreign_job WHERE {where.sql} ORDER BY {ORDER}", *where.values)
    jobs = []
    for row in found:
        job = ForeignJob.__new__(ForeignJob)
        job.__dict__ = dict(zip(names, row, strict=True))
        job.state = STATES[row[0]]
        jobs.append(job)
    return jobs


def of_cluster(cluster: str, *pieces: str) -> Where:
    """The condition that a job is on this cluster."""
    where = Where(*pieces)
    where.add("cluster = ?", cluster)
    return where


def on(cluster: str, where: Where) -> Where:
    """These conditions, on this cluster."""
    found = of_cluster(cluster)
    found.add(where.sql, *where.values)
    return found


def ours(where: Where) -> Where:
    """These conditions, for jobs that were submitted from here."""
    found = Where("ours")
    found.add(where.sql, *where.values)
    return found


def save(db: sqlite3.Connection, jobs: Iterable[ForeignJob], statement: str = SAVE) -> None:
    """Write the whole rows of these jobs; call it within a transaction."""
    rows = ({**DEFAULTS, **job.__dict__, "state": job.state.name} for job in jobs)
    db.executemany(statement, ([row[name] for name in COLUMNS] for row in rows))


def remove(db: sqlite3.Connection, jobs: Iterable[ForeignJob]) -> None:
    """Forget these jobs; call it within a transaction."""
    db.executemany("DELETE FROM foreign_job WHERE cluster = ? AND foreign_id = ?",
                   [(job.cluster, job.foreign_id) for job in jobs])  # fmt: skip


def replace_others(db: sqlite3.Connection, cluster: str, jobs: Iterable[ForeignJob]) -> None:
    """These are all the jobs there that were not submitted from here; call it within a transaction."""
    db.execute("DELETE FROM foreign_job WHERE cluster = ? AND NOT ours", (cluster,))
    save(db, jobs, SAVE_NEW)


def waiting(db: sqlite3.Connection | None) -> list[str]:
    """The clusters with a job from here that is not over or not settled, or a submission whose answer is not known."""
    query = f"SELECT cluster FROM foreign_job WHERE ours AND ({UNFINISHED} OR NOT settled)"
    return [row[0] for row in look_up(db, f"{query} UNION SELECT cluster FROM submission")]


# --- submissions under way


def new_tag(state_id: str) -> str:
    """A tag for one submission, which tells whose it is."""
    return f"{state_id}.{os.urandom(6).hex()}"


def intend(db: sqlite3.Connection, job: ForeignJob) -> None:
    """Write down that the job with this tag is about to be submitted; call it within a transaction."""
    values = {**job.__dict__, "state": job.state.name}
    db.execute(
        "INSERT INTO submission VALUES (?, ?, ?, ?)", (job.tag, job.cluster, job.submit_time, json.dumps(values))
    )


def intents(db: sqlite3.Connection, cluster: str) -> dict[str, ForeignJob]:
    """The jobs by tag whose submission has not been answered."""
    found = look_up(db, "SELECT tag, job FROM submission WHERE cluster = ?", cluster)
    jobs = {tag: ForeignJob(**json.loads(job)) for tag, job in found}
    for job in jobs.values():
        job.state = STATES[str(job.state)]
    return jobs


def with_tag(db: sqlite3.Connection, cluster: str, tag: str) -> ForeignJob | None:
    """The job, or one of its tasks, that this submission made, once that is known."""
    where = of_cluster(cluster)
    where.add("tag = ?", tag)
    return next(iter(select(db, where)), None)


def end_intent(db: sqlite3.Connection, tag: str) -> None:
    """The answer is known, or does not matter any more; call it within a transaction."""
    db.execute("DELETE FROM submission WHERE tag = ?", (tag,))


# --- how a cluster answers


class Contact:
    """When a cluster was asked and answered last. Moments are seconds since the epoch."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls: list[float] = []  # the last ones
        self.answered = 0.0
        self.everybody = 0.0  # when it told of all users' jobs last
        self.failures = 0  # since the last answer
        self.retry = 0.0  # not to be asked before
        self.fault = ""  # what it said instead of answering

    @property
    def owes_ends(self) -> bool:
        """Did it answer how jobs are, with no room left to ask how those ended that are over?"""
        return self.retry > 0 and not self.failures


def contact(db: sqlite3.Connection | None, name: str) -> Contact:
    """What is known of a cluster."""
    found = Contact(name)
    for row in look_up(db, f"SELECT {CONTACT} FROM cluster WHERE name = ?", name):
        found.answered, found.everybody, found.failures, found.retry, found.fault = row[1:]
        found.calls = json.loads(row[0])
    return found


def save_contact(db: sqlite3.Connection, contact: Contact) -> None:
    """Write the whole row."""
    calls = json.dumps(contact.calls)
    values = (calls, contact.answered, contact.everybody, contact.failures, contact.retry, contact.fault)
    db.execute(
        f"INSERT OR REPLACE INTO cluster ({CONTACT}, name) VALUES (?, ?, ?, ?, ?, ?, ?)", (*values, contact.name)
    )


def outdate(db: sqlite3.Connection, name: str) -> None:
    """Something was changed there: what was told before does not count as new, and is all that is known until then."""
    old = time.time() - 2 * FRESH
    db.execute(
        "UPDATE cluster SET answered = MIN(answered, ?), everybody = MIN(everybody, ?) WHERE name = ?", (old, old, name)
    )


# --- calls for login nodes


def ask(db: sqlite3.Connection, cluster: str, moment: float, body: str) -> int:
    """Store a call for the courier; its number."""
    number = db.execute("INSERT INTO call (cluster, moment, body) VALUES (?, ?, ?)", (cluster, moment, body)).lastrowid
    assert number is not None
    return number


def take_answer(db: sqlite3.Connection, number: int) -> str | None:
    """The answer to a call, which goes with it; None while there is none."""
    found = look_up(db, "SELECT answer FROM call WHERE number = ? AND answer IS NOT NULL", number)
    if not found:
        return None
    db.execute("DELETE FROM call WHERE number = ?", (number,))
    return str(found[0][0])


class Asked(NamedTuple):
    """A call that waits for its answer; `begun`: a courier has begun with it before, and may have been killed."""

    number: int
    cluster: str
    body: str
    begun: int


def unanswered(db: sqlite3.Connection, since: float) -> list[Asked]:
    """The calls that wait. Older ones, whose command has surely gone, are dropped."""
    if look_up(db, "SELECT 1 FROM call WHERE moment < ? LIMIT 1", since):
        db.execute("DELETE FROM call WHERE moment < ?", (since,))
    rows = look_up(db, "SELECT number, cluster, body, begun FROM call WHERE answer IS NULL ORDER BY number")
    return [Asked(*row) for row in rows]


def begin(db: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Write down that these calls are about to be made; call it within a transaction."""
    db.executemany("UPDATE call SET begun = 1 WHERE number = ?", [(number,) for number in numbers])


def answer(db: sqlite3.Connection, number: int, text: str) -> None:
    """Store what came of a call."""
    db.execute("UPDATE call SET answer = ? WHERE number = ?", (text, number))
