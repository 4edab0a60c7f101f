"""Which jobs squeue shows, and in which order: sort keys, and the tasks of arrays."""

from __future__ import annotations

from mini_slurm.model.arrays import tasks_of
from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.output.job_fields import JOB_FIELDS, cpus, ends, starts, used

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from typing import Any

    from mini_slurm.output.layout import View

    Key = Callable[[Job, View], Any]

LATEST = float("inf")
# the order in which Slurm numbers them; by value, as a look-up by member is slow
RANK = {state.value: rank for rank, state in enumerate(JobState)}

_NUMBERS: dict[str, tuple[str, Key]] = {
    "A": ("job_id", lambda job, view: job.job_id),
    "C": ("alloc_cpus ntasks cpus_per_task nodes", lambda job, view: cpus(job)),
    "D": ("nodes", lambda job, view: job.nodes),
    "e": ("state start_time end_time begin_time time_limit", lambda job, view: ends(job, view.now) or LATEST),
    "F": ("job_id array_job_id", lambda job, view: job.array_job_id or job.job_id),
    "i": ("job_id array_job_id array_task_id", lambda job, view: _number(job)),
    "l": ("time_limit", lambda job, view: LATEST if job.time_limit is None else job.time_limit),
    "L": ("state start_time end_time time_limit", lambda job, view: _left(job, view)),
    "m": ("memory_per_node memory_per_cpu", lambda job, view: job.memory_per_node or job.memory_per_cpu or 0),
    "M": ("state start_time end_time", lambda job, view: used(job, view.now)),
    "p": ("priority", lambda job, view: job.priority),
    "Q": ("priority", lambda job, view: job.priority),
    "S": ("state start_time begin_time", lambda job, view: starts(job, view.now) or LATEST),
    "t": ("state", lambda job, view: RANK[job.state.value]),
    "U": ("uid", lambda job, view: job.uid),
    "V": ("submit_time", lambda job, view: job.submit_time),
}


def _number(job: Job) -> tuple[int, int]:
    return (job.array_job_id or job.job_id, -1 if job.array_task_id is None else job.array_task_id)


def _left(job: Job, view: View) -> float:
    return LATEST if job.time_limit is None else job.time_limit - used(job, view.now)


def _key(letter: str) -> tuple[str, Key]:
    if letter in _NUMBERS:
        return _NUMBERS[letter]
    for field in JOB_FIELDS:
        if field.letter == letter:
            return field.columns, field.value
    raise ValueError(letter)


class Order:
    """What `-S` asks for: letters of -o, each with `-` before it for the largest first. Raises ValueError(LETTER)."""

    def __init__(self, text: str) -> None:
        self.columns: set[str] = {"job_id"}
        self._keys: list[tuple[Key, bool]] = []
        sign = ""
        for letter in text:
            if letter in "+-#,":
                sign = letter
                continue
            columns, key = _key(letter)
            self.columns.update(columns.split())
            self._keys.append((key, sign == "-"))
            sign = ""

    def sort(self, jobs: list[Job], view: View) -> None:
        """Put them in order; what is equal stands newest first, as in Slurm."""
        jobs.sort(key=lambda job: -job.job_id)
        for key, down in reversed(self._keys):
            jobs.sort(key=lambda job, key=key: key(job, view), reverse=down)  # type: ignore[misc]


def pick(jobs: Iterable[Job], wanted: Mapping[int, AbstractSet[int] | None], apart: bool) -> Iterator[Job]:
    """The wanted jobs: number -> tasks, None for the whole; `apart` gives each waiting task of an array a line."""
    for job in jobs:
        tasks = _tasks_wanted(job, wanted)
        if tasks is None:
            yield from spread(job) if apart else (job,)
        elif job.array_tasks is not None:
            yield from spread(job, tasks)
        elif job.array_task_id in tasks:
            yield job


def _tasks_wanted(job: Job, wanted: Mapping[int, AbstractSet[int] | None]) -> AbstractSet[int] | None:
    if wanted.get(job.job_id, ()) is None:
        return None
    return wanted.get(job.array_job_id, frozenset()) if job.array_job_id is not None else frozenset()


def spread(job: Job, wanted: AbstractSet[int] | None = None) -> Iterator[Job]:
    """A line for each waiting task of an array record, or for those that are wanted; any other job as it is."""
    if job.array_tasks is None:
        yield job
        return
    for task in tasks_of(job.array_tasks):
        if wanted is None or task in wanted:
            yield Job(**{**job.__dict__, "array_tasks": None, "array_task_id": task})
