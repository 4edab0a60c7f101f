"""What a command did to jobs on a cluster, written down at once: their system tells it late, or never."""

from __future__ import annotations

from mini_slurm.model.units import parse_time_limit
from mini_slurm.store import foreign
from mini_slurm.store.database import transaction
from mini_slurm.store.schema import UNFINISHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

    from mini_slurm.clusters.base import Goal

# scontrol's names of what can be changed everywhere: its column, and how its value is read
CHANGES: dict[str, tuple[str, Callable[[str], object]]] = {
    "jobname": ("name", str), "name": ("name", str), "account": ("account", str), "nice": ("nice", int),
    "timelimit": ("time_limit", parse_time_limit),
}  # fmt: skip


def note(db: sqlite3.Connection, goals: Iterable[Goal], values: dict[str, object]) -> None:
    """Write these columns of the jobs, of those that are not over."""
    if not values:
        return
    changes = ", ".join(f"{column} = ?" for column in values)
    for goal in goals:
        where = foreign.of_cluster(goal.job.cluster, UNFINISHED)
        where.jobs([goal.job.array_job_id or goal.job.job_id])
        tasks = goal.tasks or ({goal.job.array_task_id} - {None} if not goal.whole else None)
        if tasks:
            where.add(f"array_task_id IN ({','.join(map(str, tasks))})")
        with transaction(db):
            db.execute(f"UPDATE foreign_job SET {changes} WHERE {where.sql}", (*values.values(), *where.values))


def changes(words: Iterable[str]) -> dict[str, object]:
    """What `scontrol update NAME=VALUE...`, which was done, has changed, by column."""
    given = (word.partition("=") for word in words)
    known = ((*CHANGES[name.lower()], value) for name, _, value in given if name.lower() in CHANGES)
    return {column: read(value) for column, read, value in known}
