"""From what a user calls a job to its rows in the database, and from these to what is told of it."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from mini_slurm.api.info import JobInfo
from mini_slurm.errors import BadUsage
from mini_slurm.model.arrays import tasks_of
from mini_slurm.model.hostlist import expand
from mini_slurm.model.job import COLUMNS, Job, single_id
from mini_slurm.model.patterns import error_path, output_path
from mini_slurm.model.states import JobState
from mini_slurm.output.job_fields import used
from mini_slurm.store import foreign, queries
from mini_slurm.store.queries import Where

ID = re.compile(r"([1-9][0-9]{0,9})(?:_([0-9]{1,9})|\+([0-9]{1,9}))?", re.ASCII)
FEW = ("job_id", "array_job_id", "array_task_id", "array_tasks", "het_job_id", "het_offset", "het_size")
# the state of several jobs together: the first of these that one of them has
TOGETHER = tuple(JobState[name] for name in (
    "RUNNING", "COMPLETING", "SUSPENDED", "CONFIGURING", "PENDING",
    "FAILED", "OUT_OF_MEMORY", "TIMEOUT", "NODE_FAIL", "BOOT_FAIL", "DEADLINE", "PREEMPTED", "CANCELLED",
    "REQUEUED", "COMPLETED",
))  # fmt: skip
AMONG = "({0} IN (SELECT value FROM json_each(?)))"


class Target(NamedTuple):
    """What a number names: a job or all of an array, a task, a part of a heterogeneous job."""

    number: int
    task: int | None = None
    part: int | None = None
    cluster: str = ""  # where it is; "": in the fleet

    @property
    def id(self) -> str:
        """As users write it."""
        if self.task is not None:
            return f"{self.number}_{self.task}"
        return str(self.number) if self.part is None else f"{self.number}+{self.part}"


def target(word: object) -> Target:
    """What `12`, "12", "12_3" or "12+1" names. Raises BadUsage."""
    found = ID.fullmatch(str(word))
    if found is None:
        raise BadUsage(f"Invalid job id {word}", hint='write 123, or "123_4" for a task of an array')
    number, task, part = found.groups()
    return Target(int(number), None if task is None else int(task), None if part is None else int(part))


def load(
    db: sqlite3.Connection, numbers: Iterable[int], cluster: str = "", columns: Iterable[str] = COLUMNS
) -> list[Job]:
    """All rows of these jobs, arrays and heterogeneous jobs in one place. Raises StateError."""
    wanted = json.dumps(sorted(set(numbers)))
    where = Where()
    names = ("job_id", "array_job_id", "het_job_id")
    where.add(" OR ".join(AMONG.format(name) for name in names), wanted, wanted, wanted)
    if cluster:
        return [*foreign.select(db, foreign.on(cluster, where))]
    return queries.select_jobs(db, columns, where)


class Rows:
    """Rows of jobs, by all numbers that they have."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._of: dict[tuple[str, int], list[Job]] = {}
        for job in jobs:
            for number in {job.job_id, job.array_job_id, job.het_job_id} - {None}:
                self._of.setdefault((cluster_of(job), number or 0), []).append(job)

    def meant(self, one: Target) -> list[Job]:
        """The rows of what is named; none where there is no such job."""
        rows = self._of.get((one.cluster, one.number), [])
        if one.task is not None:
            return [_task(row, one.task) for row in rows if row.array_job_id == one.number and _has(row, one.task)][:1]
        if one.part is not None:
            return [row for row in rows if row.het_job_id == one.number and row.het_offset == one.part]
        whole = [row for row in rows if one.number in (row.array_job_id, row.het_job_id)]
        return whole or rows


def cluster_of(job: Job) -> str:
    """Where a job is; "": in the fleet."""
    return getattr(job, "cluster", "")


def _has(row: Job, task: int) -> bool:
    """Does the row stand for this task, alone or with others?"""
    if row.array_tasks is not None:
        return task in tasks_of(row.array_tasks)
    if row.array_task_id is None and cluster_of(row) and row.state.is_over:
        return row.array_min <= task <= row.array_max  # tasks that PBS had forgotten before they were asked for
    return row.array_task_id == task


def _task(row: Job, task: int) -> Job:
    """The row of one task, which may still be one of many in their common row."""
    if row.array_task_id is not None:
        return row
    one = row.__class__.__new__(row.__class__)
    one.__dict__ = {**row.__dict__, "array_task_id": task, "array_tasks": None}
    return one


def parts(one: Target, rows: list[Job]) -> list[Target]:
    """The tasks of an array, the parts of a heterogeneous job; of any other itself."""
    if one.task is not None or one.part is not None:
        return [one]
    if any(row.array_job_id == one.number for row in rows):
        return [one._replace(task=row.array_task_id) for row in spread(rows)]
    if rows[0].het_size > 1 and rows[0].het_job_id == one.number:
        return [one._replace(part=row.het_offset) for row in spread(rows)]
    return [one]


def spread(rows: Iterable[Job]) -> list[Job]:
    """The rows with one for each task, in the order of the tasks."""
    found: list[Job] = []
    for row in rows:
        found += [_task(row, task) for task in tasks_of(row.array_tasks)] if row.array_tasks is not None else [row]
    return sorted(found, key=lambda job: (job.array_task_id or 0, job.het_offset, job.job_id))


def state_of(rows: Iterable[Job]) -> JobState:
    """The state of all of them together."""
    states = {row.state for row in rows}
    return next(state for state in TOGETHER if state in states)


def describe(one: Target, rows: list[Job], now: float) -> JobInfo:
    """What is told of a job, which has these rows: whole, with all columns."""
    is_one = len(rows) == 1 and rows[0].array_tasks is None and rows[0].het_size < 2
    if is_one or one.task is not None or one.part is not None:
        return info(rows[0], now)
    parts = tuple(info(row, now) for row in spread(rows))
    return _together(one, rows, parts)


def info(job: Job, now: float) -> JobInfo:
    """What is told of one row."""
    over = job.state.is_over
    return JobInfo(
        id=single_id(job) if job.array_tasks is None else str(job.array_job_id),
        number=job.job_id,
        cluster=cluster_of(job),
        name=job.name,
        user=job.user,
        account=job.account,
        partition=job.partition,
        qos=job.qos,
        state=job.state,
        reason=job.reason,
        nodes=_names(job.node_list),
        node_list=job.node_list or "",
        cpus=job.alloc_cpus or job.cpus,
        memory=job.alloc_memory,
        gpus=job.alloc_gpus,
        exit_code=job.exit_code if over else None,
        signal=(job.exit_signal or None) if over else None,
        submit_time=moment(job.submit_time),
        start_time=None if job.start_time is None else moment(job.start_time),
        end_time=None if job.end_time is None else moment(job.end_time),
        elapsed=timedelta(seconds=used(job, now)),
        time_limit=None if job.time_limit is None else timedelta(seconds=job.time_limit),
        work_dir=Path(job.work_dir),
        stdout=Path(output_path(job)),
        stderr=Path(error_path(job)),
        command=job.command,
        submit_line=job.submit_line,
        comment=job.comment,
        dependency=job.dependency,
        priority=job.priority,
        restarts=job.restarts,
        max_rss=job.max_rss,
        cpu_time=timedelta(seconds=job.user_seconds + job.system_seconds),
    )


def _together(one: Target, rows: list[Job], parts: tuple[JobInfo, ...]) -> JobInfo:
    """The sum of several: of what they share, the first one tells."""
    from dataclasses import replace

    state = state_of(rows)
    starts = [part.start_time for part in parts if part.start_time is not None]
    ends = [part.end_time for part in parts if part.end_time is not None]
    over = state.is_over
    nodes = tuple(dict.fromkeys(name for part in parts for name in part.nodes))
    return replace(
        parts[0],
        id=one.id,
        number=one.number,
        state=state,
        reason=next((part.reason for part in parts if part.state is state), "None"),
        nodes=nodes,
        node_list=",".join(nodes),
        exit_code=max(part.exit_code or 0 for part in parts) if over else None,
        signal=next((part.signal for part in parts if part.signal), None) if over else None,
        start_time=min(starts, default=None),
        end_time=max(ends, default=None) if over else None,
        elapsed=max(part.elapsed for part in parts),
        restarts=sum(part.restarts for part in parts),
        max_rss=max(part.max_rss for part in parts),
        cpu_time=sum((part.cpu_time for part in parts), timedelta()),
        tasks=parts,
    )


def moment(seconds: float) -> datetime:
    """Seconds since the epoch as a moment with this machine's time zone."""
    return datetime.fromtimestamp(seconds, UTC).astimezone()


def _names(hostlist: str | None) -> tuple[str, ...]:
    try:
        return tuple(expand(hostlist)) if hostlist else ()
    except ValueError:
        return (hostlist,) if hostlist else ()  # another system's own way to write it
