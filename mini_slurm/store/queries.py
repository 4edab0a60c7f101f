"""Reading the database: what listings, the controller and `store.database` want to know.

Nothing is written or created here, and only what every listing needs is imported: `store.database` costs more. Where
there is no database yet, there is nothing in it.
"""

from __future__ import annotations

import os
import sqlite3

from mini_slurm.model.job import Job
from mini_slurm.model.machine import COLUMNS as MACHINE_COLUMNS
from mini_slurm.model.machine import Machine
from mini_slurm.model.states import AFTER_RESERVATION, SPECIAL_EXIT, JobState
from mini_slurm.store.schema import STEPS, UNFINISHED, refuse_lost, state_error, upgrade

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Any

    from mini_slurm.model.step import Step

PATIENCE = 30.0  # seconds to wait for a writer
RUN_COLUMNS = ("job_id", "account", "user", "start_time", "end_time", "alloc_cpus")
MIN_JOB_AGE = 300.0  # seconds that squeue knows a job that is over: Slurm's MinJobAge
STATES = {state.name: state for state in JobState}
NOT_OVER = frozenset(state for state in JobState if not state.is_over)
OVER = frozenset(state.name for state in JobState if state.is_over)
WRITTEN = f"""CASE WHEN state = 'RUNNING' AND stopped THEN 'STOPPED'
    WHEN state = 'PENDING' AND reason LIKE '{SPECIAL_EXIT}%' THEN 'SPECIAL_EXIT'
    WHEN state = 'PENDING' AND reason LIKE '{AFTER_RESERVATION}%' THEN 'RESV_DEL_HOLD' ELSE state END"""


def open_to_read(folder: str) -> sqlite3.Connection | None:
    """The database in the state folder, for reading; None when there is none yet. Raises StateError."""
    path = os.path.join(folder, "state.sqlite3")
    if not os.path.exists(path):
        refuse_lost(folder, None)
        return None
    try:
        db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
        (done,) = db.execute("PRAGMA user_version").fetchone()
        if done == 0:
            refuse_lost(folder, db)
            return None  # another command is just making it
        if done != len(STEPS):
            upgrade(db)
        db.execute("PRAGMA query_only = 1")
    except sqlite3.Error as error:
        raise state_error(path, error) from error
    return db


def _storable(value: object) -> object:
    """A text that is not UTF-8 is stored nowhere, and matches nothing."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


class Where:
    """Conditions that all have to be true, collected piece by piece."""

    def __init__(self, *pieces: str) -> None:
        self._pieces = list(pieces)
        self.values: list[object] = []

    @property
    def sql(self) -> str:
        """The text after WHERE."""
        return " AND ".join(f"({piece})" for piece in self._pieces) or "1"

    def add(self, piece: str, *values: object) -> None:
        """One more condition, with its values for the question marks."""
        self._pieces.append(piece)
        self.values.extend(map(_storable, values))

    def among(self, column: str, wanted: Collection[object] | None, *, any_case: bool = False) -> None:
        """The column has one of these values; None: whichever."""
        if wanted is None:
            return
        if any_case:
            column, wanted = f"lower({column})", [str(value).lower() for value in wanted]
        self.add(f"{column} IN ({','.join('?' * len(wanted))})", *wanted)

    def listed(self, column: str, wanted: Collection[str] | None, until: str = "") -> None:
        """One of the words between the column's commas is one of these (None: whichever), as far as `until`."""
        if wanted is None:
            return
        ends = [",", until] if until else [","]
        words = [f",{word}{end}" for word in wanted for end in ends]
        self.add(" OR ".join([f"instr(',' || {column} || ',', ?)"] * len(words)) or "0", *words)

    def on_nodes(self, names: Collection[str]) -> None:
        """Jobs that have, or had, one of these machines."""
        pieces = [f"node IN ({','.join('?' * len(names))})", *["instr(allocation, ?)"] * len(names)]
        self.add(" OR ".join(pieces), *names, *(f'"{name}":' for name in names))

    def jobs(self, numbers: Collection[int] | None) -> None:
        """Jobs of these numbers, all records of the arrays of these numbers, and all parts of heterogeneous jobs."""
        if numbers is not None:
            marks = ",".join("?" * len(numbers))
            names = ("job_id", "array_job_id", "het_job_id")
            self.add(" OR ".join(f"{name} IN ({marks})" for name in names), *numbers, *numbers, *numbers)

    def states(self, wanted: frozenset[JobState] | None, now: float) -> None:
        """Jobs in these states (None: all) that are not over, or have not been over for long."""
        if wanted is None or any(state.is_over for state in wanted):
            self.add(f"{UNFINISHED} OR end_time > ?", now - MIN_JOB_AGE)
        else:
            self.add(UNFINISHED)
        if wanted is not None:
            self.among("state", [state.name for state in wanted])

    def written(self, names: frozenset[str] | None, now: float) -> None:
        """Jobs whose state squeue writes with one of these names (None: all): over or not as in `states`."""
        self.states(None if names is None or names & OVER else NOT_OVER, now)
        if names is not None:
            self.among(WRITTEN, names)


def has_unfinished(db: sqlite3.Connection) -> bool:
    """Is there a job that waits or runs?"""
    return db.execute(f"SELECT 1 FROM job WHERE {UNFINISHED} LIMIT 1").fetchone() is not None


def select_jobs(db: sqlite3.Connection | None, columns: Iterable[str], where: Where, table: str = "job") -> list[Job]:
    """Jobs with these columns and their state, in the order of their numbers; none where there is no database.

    The table `run` has the earlier runs of jobs that were requeued.
    """
    names = ["state", *sorted({*columns} - {"state"})]
    query = f"SELECT {','.join(names)} FROM {table} WHERE {where.sql} ORDER BY job_id"
    return [_job(names, row) for row in look_up(db, query, *where.values)]


def _job(names: list[str], row: tuple[Any, ...]) -> Job:
    job = Job.__new__(Job)  # filled directly: msqueue makes 10,000 of them in a blink
    job.__dict__ = values = dict(zip(names, row, strict=True))
    values["state"] = STATES[row[0]]
    return job


def count_known(
    db: sqlite3.Connection | None, now: float, job: int | None = None, users: list[int] | None = None
) -> int:
    """How many jobs are not over, or have not been over for long: all, those of a job's number, those of users."""
    where = Where()
    where.states(None, now)
    where.jobs(None if job is None else [job])
    where.among("uid", users)
    return len(select_jobs(db, ["job_id"], where))


def select_steps(db: sqlite3.Connection | None, where: Where) -> list[Step]:
    """Steps that srun started, in the order of their jobs and of starting."""
    from mini_slurm.model.step import COLUMNS as STEP_COLUMNS
    from mini_slurm.model.step import Step

    query = f"SELECT {','.join(STEP_COLUMNS)} FROM step WHERE {where.sql} ORDER BY job_id, attempt, number, component"
    steps = [Step(**dict(zip(STEP_COLUMNS, row, strict=True))) for row in look_up(db, query, *where.values)]
    for step in steps:
        step.state = STATES[str(step.state)]
    return steps


def has_foreign(db: sqlite3.Connection | None) -> bool:
    """Is anything known of jobs on clusters?"""
    return bool(look_up(db, "SELECT 1 FROM foreign_job UNION SELECT 1 FROM submission LIMIT 1"))


def knows_job(db: sqlite3.Connection | None, number: int, now: float) -> bool:
    """Is there a job, or an array, of this number that is not over, or has not been over for long?"""
    where = Where()
    where.jobs([number])
    where.states(None, now)
    return bool(select_jobs(db, ["job_id"], where))


def load_machines(db: sqlite3.Connection | None) -> dict[str, Machine]:
    """Every machine that was ever contacted, by name."""
    rows = look_up(db, f"SELECT {','.join(MACHINE_COLUMNS)} FROM machine")
    return {row[0]: Machine(**dict(zip(MACHINE_COLUMNS, row, strict=True))) for row in rows}


def runs(db: sqlite3.Connection | None, since: float | None = None) -> list[Job]:
    """What runs and ran, or what is over and ended since then: whose it was, when, and on how many CPUs.

    Earlier runs of jobs that were requeued count too.
    """
    where = Where("start_time IS NOT NULL")
    if since is not None:
        where.add(f"NOT ({UNFINISHED}) AND end_time > ?", since)
    return [job for table in ("job", "run") for job in select_jobs(db, RUN_COLUMNS, where, table)]


def holders(db: sqlite3.Connection | None) -> list[Job]:
    """The jobs that hold resources on a machine."""
    where = Where(UNFINISHED, "state != 'PENDING'", "node IS NOT NULL")
    return select_jobs(db, ("node", "allocation", "alloc_cpus", "alloc_memory", "alloc_gpus", "lent"), where)


def license_holders(db: sqlite3.Connection | None) -> list[Job]:
    """The jobs that hold licenses."""
    return select_jobs(db, ("licenses",), Where(UNFINISHED, "state != 'PENDING'", "licenses IS NOT NULL"))


def foreign_uses(db: sqlite3.Connection | None, since: float, until: float) -> list[tuple[Any, ...]]:
    """Who has used machines besides jobs in a span of time: a row for each process and GPU, by their starts."""
    query = (
        "SELECT machine, owner, pid, command, gpu_index, gpu_memory, start_time, end_time FROM foreign_use"
        " WHERE start_time < ? AND coalesce(end_time, ?) > ? ORDER BY start_time, machine, pid"
    )
    return look_up(db, query, until, until, since)


def is_answered(db: sqlite3.Connection, number: int) -> bool:
    """Is there an answer to this request?"""
    return bool(look_up(db, "SELECT 1 FROM answer WHERE number = ?", number))


def first_submission(db: sqlite3.Connection | None) -> float | None:
    """When the oldest job was submitted; None where there never was one."""
    rows = look_up(db, "SELECT min(submit_time) FROM job")
    return rows[0][0] if rows else None


def last_ends(db: sqlite3.Connection | None) -> dict[str, float]:
    """When the last batch script ended on each machine that ran one."""
    return dict(look_up(db, "SELECT node, max(end_time) FROM job WHERE end_time IS NOT NULL GROUP BY node"))


def get_setting(db: sqlite3.Connection | None, key: str) -> str | None:
    """One value of the table `setting`."""
    rows = look_up(db, "SELECT value FROM setting WHERE key = ?", key)
    return rows[0][0] if rows else None


def content(db: sqlite3.Connection | None, digest: str) -> bytes | None:
    """A script or an environment; None when it is not there."""
    rows = look_up(db, "SELECT data FROM content WHERE digest = ?", digest)
    return bytes(rows[0][0]) if rows else None


def exists(db: sqlite3.Connection | None, number: int) -> bool:
    """Was there ever a job, or an array, of this number?"""
    return bool(look_up(db, "SELECT 1 FROM job WHERE job_id = ?1 OR array_job_id = ?1 LIMIT 1", number))


def exists_unfinished(db: sqlite3.Connection | None, number: int) -> bool:
    """Is there a job of the fleet, or an array, of this number that is not over?"""
    query = f"SELECT 1 FROM job WHERE (job_id = ?1 OR array_job_id = ?1) AND {UNFINISHED} LIMIT 1"
    return bool(look_up(db, query, number))


def look_up(db: sqlite3.Connection | None, query: str, *values: object) -> list[tuple[Any, ...]]:
    """What a query finds. Raises StateError."""
    if db is None:
        return []
    try:
        return db.execute(query, values).fetchall()
    except sqlite3.Error as error:
        raise state_error("the state folder's database", error) from error
