"""Opening the database, and everything that is written to it.

Commands and the controller write here, each in whole transactions. sqlite3's own errors end at this module's edge.
"""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from mini_slurm.errors import StateError
from mini_slurm.model import job as job_model
from mini_slurm.model import machine as machine_model
from mini_slurm.model import step as step_model
from mini_slurm.model.foreign_use import parse_uses
from mini_slurm.model.job import Job
from mini_slurm.model.machine import Machine
from mini_slurm.model.states import JobState
from mini_slurm.model.step import Step
from mini_slurm.store import queries
from mini_slurm.store.queries import get_setting as get_setting
from mini_slurm.store.queries import load_machines as load_machines
from mini_slurm.store.schema import UNFINISHED, refuse_lost, state_error, upgrade

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FLEET_FILE = "fleet_file"  # key of the table `setting`: path of the fleet file that the jobs here were submitted with
KEPT_ANSWERS = 1000  # that nobody took: their commands were ended while they waited
PATIENCE = 30.0  # seconds to wait for another writer


def open_database(folder: str) -> sqlite3.Connection:
    """The database in the state folder, made if it is not there. Raises StateError."""
    path = os.path.join(folder, "state.sqlite3")
    try:
        _make_private(path)
        # the controller commits in a thread; sqlite itself lets one at a time use a connection
        db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        if db.execute("PRAGMA user_version").fetchone() == (0,):
            refuse_lost(folder, db)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        upgrade(db)
    except sqlite3.Error as error:
        raise state_error(path, error) from error
    return db


def _make_private(path: str) -> None:
    """The file, made for its owner alone if it is not there; sqlite makes its other files alike."""
    with suppress(OSError):  # sqlite says what is wrong with it
        # O_EXCL: to open and close a file drops all of the process's locks on it, those of another connection too,
        # under which others would then remove the log
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, and on disk at the end. Raises StateError."""
    with rolled_back_unless_committed(db):
        yield
        db.execute("COMMIT")


@contextmanager
def rolled_back_unless_committed(db: sqlite3.Connection) -> Iterator[None]:
    """A transaction that the block commits itself. Raises StateError."""
    try:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
    except sqlite3.Error as error:
        raise state_error("the state folder's database", error) from error


def submit(db: sqlite3.Connection, job: Job, script: bytes | None, environment: bytes) -> int:
    """Store a job and tell the controller of it, in one transaction; the job's number is set and returned.

    A job without a script only holds its machines, for srun or salloc.
    """
    with transaction(db):
        job.job_id = next_job_id(db)
        if job.array_tasks is not None:
            job.array_job_id = job.job_id
        job.script = "" if script is None else keep(db, script)
        job.environment = keep(db, environment)
        save_jobs(db, [job])
        _ask(db, "submitted", {"job_id": job.job_id})
    return job.job_id


def submit_parts(db: sqlite3.Connection, jobs: Sequence[Job], script: bytes | None, environment: bytes) -> int:
    """Store the parts of a heterogeneous job; the number of the first, which the others follow without a gap.

    Without a script they only hold their machines.
    """
    with transaction(db):
        for offset, job in enumerate(jobs):
            job.job_id = next_job_id(db)
            job.het_job_id, job.het_offset, job.het_size = jobs[0].job_id, offset, len(jobs)
            job.script = "" if script is None else keep(db, script)
            job.environment = keep(db, environment)
        save_jobs(db, jobs)
        _ask(db, "submitted", {"job_id": jobs[0].job_id, "parts": len(jobs)})
    return jobs[0].job_id


def choose_fleet(db: sqlite3.Connection, path: str) -> str | None:
    """Have the controller use this fleet file. The path of another one, if its jobs have to end first."""
    known = get_setting(db, FLEET_FILE)
    if known == path:
        return None
    if known is not None and db.execute(f"SELECT 1 FROM job WHERE {UNFINISHED} LIMIT 1").fetchone():
        return known
    set_setting(db, FLEET_FILE, path)
    return None


def request(db: sqlite3.Connection, kind: str, bodies: Iterable[dict[str, object]]) -> list[int]:
    """Ask the controller for something, once for each body; the numbers of the requests."""
    with transaction(db):
        return [_ask(db, kind, body) for body in bodies]


def is_handled(db: sqlite3.Connection, numbers: list[int]) -> bool:
    """Has the controller dealt with all of these requests?"""
    (left,) = db.execute("SELECT count(*) FROM request WHERE number BETWEEN ? AND ?", _ends(numbers)).fetchone()
    return not left


def store_answer(db: sqlite3.Connection, number: int, body: dict[str, object]) -> None:
    """What the command that waits for it hears of a request; call it within a transaction."""
    db.execute("INSERT OR REPLACE INTO answer VALUES (?, ?)", (number, json.dumps(body)))
    db.execute("DELETE FROM answer WHERE number < ?", (number - KEPT_ANSWERS,))


def take_answers(db: sqlite3.Connection, numbers: list[int]) -> list[dict[str, Any] | None]:
    """The answers to requests that were dealt with, in their order, each only once; None where there is none."""
    with transaction(db):
        rows = db.execute("SELECT number, body FROM answer WHERE number BETWEEN ? AND ?", _ends(numbers)).fetchall()
        found = {number: json.loads(body) for number, body in rows if number in numbers}
        db.executemany("DELETE FROM answer WHERE number = ?", [(number,) for number in found])
    return [found.get(number) for number in numbers]


def _ends(numbers: list[int]) -> tuple[int, int]:
    return (min(numbers), max(numbers)) if numbers else (0, 0)


def next_job_id(db: sqlite3.Connection) -> int:
    """A number that no job had before; call it within a transaction."""
    number = int(get_setting(db, "next_job_id") or "1")
    set_setting(db, "next_job_id", str(number + 1))
    return number


def set_setting(db: sqlite3.Connection, key: str, value: str) -> None:
    """Write one value of the table `setting`."""
    db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (key, value))


def _ask(db: sqlite3.Connection, kind: str, body: dict[str, object]) -> int:
    number = db.execute("INSERT INTO request (kind, body) VALUES (?, ?)", (kind, json.dumps(body))).lastrowid
    assert number is not None
    return number


def keep(db: sqlite3.Connection, data: bytes) -> str:
    """Store a content unless it is there already; its key. hashlib would cost a command more than the submission."""
    key = f"{zlib.crc32(data):08x}-{len(data)}"
    kept = db.execute("SELECT data FROM content WHERE digest = ?", (key,)).fetchone()
    while kept is not None and kept[0] != data:
        key += "+"  # another content of the same sum
        kept = db.execute("SELECT data FROM content WHERE digest = ?", (key,)).fetchone()
    if kept is None:
        db.execute("INSERT INTO content VALUES (?, ?)", (key, data))
    return key


def content(db: sqlite3.Connection, digest: str) -> bytes:
    """A script or an environment. Raises StateError when it is gone."""
    data = queries.content(db, digest)
    if data is None:
        raise StateError(f"the database has lost the content {digest}")
    return data


# --- rows of the tables: their columns are the attributes of the classes


def _insert(table: str, columns: Sequence[str]) -> str:
    return f"INSERT OR REPLACE INTO {table} ({','.join(columns)}) VALUES ({','.join('?' * len(columns))})"


SAVE_JOB = _insert("job", job_model.COLUMNS)
SAVE_RUN = _insert("run", job_model.COLUMNS)
SAVE_SIZE = _insert("size", job_model.COLUMNS)
STEP_KEY = ("job_id", "attempt", "number", "component")
SAVE_STEP = _insert("step", step_model.COLUMNS)
SUSPENDED_STEPS = f"SELECT {','.join(STEP_KEY)}, suspended_seconds FROM step WHERE job_id = ? AND suspended_seconds > 0"
SUSPEND_STEPS = """
    UPDATE step SET suspended_seconds = suspended_seconds
        + max(?1 - ifnull((SELECT job.suspended_seconds FROM job WHERE job.job_id = ?2), 0), 0)
    WHERE job_id = ?2 AND end_time IS NULL
"""
SAVE_MACHINE = _insert("machine", machine_model.COLUMNS)
BOOK_FOREIGN_USE = """
    INSERT INTO foreign_use VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?) ON CONFLICT DO UPDATE SET
    end_time = NULL, cpus = max(cpus, excluded.cpus), memory = max(memory, excluded.memory),
    gpu_memory = max(gpu_memory, excluded.gpu_memory)
"""
JOB_DEFAULTS = {name: getattr(Job, name, None) for name in job_model.COLUMNS}
STEP_DEFAULTS = {name: getattr(Step, name, None) for name in step_model.COLUMNS}


def save_jobs(db: sqlite3.Connection, jobs: Iterable[Job]) -> None:
    """Write the whole rows of these jobs; call it within a transaction."""
    db.executemany(SAVE_JOB, map(job_row, jobs))


def save_runs(db: sqlite3.Connection, jobs: Iterable[Job]) -> None:
    """Keep what became of jobs that were requeued since, each run apart; call it within a transaction."""
    db.executemany(SAVE_RUN, map(job_row, jobs))


def save_sizes(db: sqlite3.Connection, jobs: Iterable[Job]) -> None:
    """Keep what jobs had that gave machines back since, each time apart; call it within a transaction."""
    db.executemany(SAVE_SIZE, map(job_row, jobs))


def save_steps(db: sqlite3.Connection, steps: Iterable[Step]) -> None:
    """Write the whole rows of these steps, but for how long they were suspended; call it within a transaction."""
    steps = list(steps)
    known = {}
    for number in {step.job_id for step in steps}:
        known.update({tuple(row[:-1]): row[-1] for row in db.execute(SUSPENDED_STEPS, (number,))})
    for step in steps:
        step.suspended_seconds = known.get(tuple(getattr(step, name) for name in STEP_KEY), step.suspended_seconds)
    rows = ({**STEP_DEFAULTS, **step.__dict__, "state": step.state.name} for step in steps)
    db.executemany(SAVE_STEP, ([row[name] for name in step_model.COLUMNS] for row in rows))


def suspend_steps(db: sqlite3.Connection, jobs: Iterable[Job]) -> None:
    """The steps that run were suspended with these jobs; call it before the jobs are saved, within a transaction."""
    db.executemany(SUSPEND_STEPS, [(job.suspended_seconds, job.job_id) for job in jobs if job.suspended_seconds])


def end_steps(db: sqlite3.Connection, jobs: Iterable[Job], now: float) -> None:
    """No step of these jobs runs any more, whether somebody has seen its end or not."""
    rows = [(JobState.CANCELLED.name, job.end_time or now, job.job_id) for job in jobs if job.attempt]
    db.executemany("UPDATE step SET state = ?, end_time = ? WHERE job_id = ? AND end_time IS NULL", rows)


def job_row(job: Job) -> tuple[object, ...]:
    """The values of a job in the order of COLUMNS."""
    values = {**JOB_DEFAULTS, **job.__dict__, "state": job.state.name}
    return tuple(map(values.__getitem__, job_model.COLUMNS))


def load_jobs(db: sqlite3.Connection, where: str = UNFINISHED, values: Iterable[object] = ()) -> list[Job]:
    """Whole jobs, by default those that are not over, in the order of their numbers."""
    condition = queries.Where()
    condition.add(where, *values)
    return queries.select_jobs(db, job_model.COLUMNS, condition)


def book_foreign_use(db: sqlite3.Connection, machine: Machine, now: float) -> None:
    """Keep who uses a machine besides jobs; who is not there any more has gone. Call it within a transaction."""
    db.execute("UPDATE foreign_use SET end_time = ? WHERE machine = ? AND end_time IS NULL", (now, machine.name))
    rows = [
        (machine.name, machine.boot_id, one.pid, one.start, one.gpu, one.owner, one.command, one.place, one.since,
         one.cpus, one.memory, one.gpu_memory)
        for one in parse_uses(machine.outside)
    ]  # fmt: skip
    db.executemany(BOOK_FOREIGN_USE, rows)


def save_machine(db: sqlite3.Connection, machine: Machine) -> None:
    """Write the whole row of a machine; call it within a transaction."""
    db.execute(SAVE_MACHINE, [getattr(machine, name) for name in machine_model.COLUMNS])
