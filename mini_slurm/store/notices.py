"""Notices that are still to be sent, and which shares of their time limits jobs are known to have reached."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from mini_slurm.model.job import Job
from mini_slurm.model.notices import Before
from mini_slurm.model.states import JobState


class Notice(NamedTuple):
    """One event for one who wants to hear of it. `due`: seconds since the epoch."""

    number: int
    job_id: int
    event: str
    way: str  # mail, webhook, command
    target: str
    body: str
    tries: int
    due: float


def add(db: sqlite3.Connection, job_id: int, event: str, way: str, target: str, body: str, due: float) -> Notice:
    """Keep one until it is sent; call it within a transaction."""
    row = (job_id, event, way, target, body, due)
    cursor = db.execute("INSERT INTO notice (job_id, event, way, target, body, due) VALUES (?, ?, ?, ?, ?, ?)", row)
    return Notice(cursor.lastrowid or 0, job_id, event, way, target, body, 0, due)


def load(db: sqlite3.Connection) -> list[Notice]:
    """All that are still to be sent."""
    columns = ", ".join(Notice._fields)
    return [Notice(*row) for row in db.execute(f"SELECT {columns} FROM notice ORDER BY number")]


def remove(db: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """These were sent, or given up; call it within a transaction."""
    db.executemany("DELETE FROM notice WHERE number = ?", [(number,) for number in numbers])


def put_off(db: sqlite3.Connection, notices: Iterable[Notice]) -> None:
    """These are to be tried again when they are due; call it within a transaction."""
    db.executemany(
        "UPDATE notice SET tries = ?, due = ? WHERE number = ?", [(n.tries, n.due, n.number) for n in notices]
    )


def before(db: sqlite3.Connection, jobs: Iterable[Job]) -> dict[int, Before]:
    """What is stored of these jobs, by number."""
    found = {}
    for job in jobs:
        row = db.execute("SELECT state, reason, restarts FROM job WHERE job_id = ?", (job.job_id,)).fetchone()
        if row is not None:
            found[job.job_id] = Before(JobState[row[0]], row[1], row[2])
    return found


def note_once(db: sqlite3.Connection, job_id: int, event: str) -> bool:
    """Keep that this event of a job is known; was it new? Call it within a transaction."""
    return db.execute("INSERT OR IGNORE INTO noticed VALUES (?, ?)", (job_id, event)).rowcount > 0


def forget(db: sqlite3.Connection, job_id: int, events: Iterable[str]) -> None:
    """The job is over; call it within a transaction."""
    db.executemany("DELETE FROM noticed WHERE job_id = ? AND event = ?", [(job_id, event) for event in events])
