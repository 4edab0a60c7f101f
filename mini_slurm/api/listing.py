"""Lists of jobs, as squeue and sacct give them."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Collection, Iterable
from typing import Any

from mini_slurm.api import records
from mini_slurm.api.info import JobInfo
from mini_slurm.api.places import Places
from mini_slurm.desk.foreign import jobs as everywhere
from mini_slurm.errors import BadUsage
from mini_slurm.model.job import COLUMNS, Job
from mini_slurm.model.states import JobState
from mini_slurm.options.listings import UnknownState, job_states
from mini_slurm.store import queries
from mini_slurm.store.queries import Where
from mini_slurm.store.schema import UNFINISHED


def several(value: Any) -> list[Any] | None:
    """One value, or several, as a list; None: whichever."""
    if value is None:
        return None
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]


def jobs(
    places: Places,
    *,
    user: Any,
    states: Any,
    ids: Collection[records.Target] | None,
    name: Any,
    partition: Any,
    ended: bool,
) -> list[JobInfo]:
    """The jobs that fit, in the order of their numbers. Raises MiniSlurmError."""
    now = time.time()
    where = Where("1" if ended else UNFINISHED)
    wanted = _states(several(states))
    if wanted is not None and any(state.is_over for state in wanted):
        where = Where("1")
    where.among("state", None if wanted is None else [state.name for state in wanted])
    where.among("uid", _users(several(user)))
    where.among("name", several(name))
    where.listed("partition", several(partition))
    if ids is not None:
        where.jobs({one.number for one in ids})
    found = _select(places, where)
    rows = records.spread(found) if ids is None else _meant(found, ids)
    return [records.info(job, now) for job in sorted(rows, key=_order)]


def _meant(found: list[Job], ids: Collection[records.Target]) -> list[Job]:
    """Of these rows those that are named, each once, with one for each task."""
    rows, clusters = records.Rows(found), {records.cluster_of(job) for job in found}
    named = [job for one in ids for name in clusters for job in rows.meant(one._replace(cluster=name))]
    return [*{_order(job): job for job in records.spread(named)}.values()]


def _order(job: Job) -> tuple[Any, ...]:
    number = job.array_job_id or job.het_job_id or job.job_id
    return records.cluster_of(job), number, job.array_task_id or 0, job.het_offset


def _select(places: Places, where: Where) -> list[Job]:
    cluster = places.chosen()
    with places.store.open() as db:
        if cluster == "" or (cluster is None and not queries.has_foreign(db)):
            return queries.select_jobs(db, COLUMNS, where)
        name = cluster or ""
        everywhere.refresh(db, name, None, lambda line: None)
        return everywhere.select(db, name, COLUMNS, where)


def _states(words: list[Any] | None) -> frozenset[JobState] | None:
    if words is None:
        return None
    try:
        return job_states([word.name if isinstance(word, JobState) else str(word) for word in words])
    except UnknownState as error:
        names = ", ".join(state.name for state in JobState)
        raise BadUsage(f"Invalid job state specified: {error}", hint=f"there are {names}") from None


def _users(names: list[Any] | None) -> list[int] | None:
    """The numbers of users, who are given by name or number; True: oneself."""
    if names is None:
        return None
    return [os.getuid() if name is True else _user(name) for name in names]


def _user(name: Any) -> int:
    try:
        return name if isinstance(name, int) else pwd.getpwnam(name).pw_uid
    except KeyError:
        raise BadUsage(f"Invalid user: {name}") from None
