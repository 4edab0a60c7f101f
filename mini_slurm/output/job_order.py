"""Which jobs squeue shows, and in which order: sort keys, and the tasks of arrays."""

from __future__ import annotations

from mini_slurm.model.arrays import format_tasks, tasks_of
from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.output import tres
from mini_slurm.output.job_fields import JOB_FIELDS, ends, starts, used

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from typing import Any

    from mini_slurm.output.layout import View

    Key = Callable[[Job, View], Any]

SORT = "P,t,-p"
NO_LIMIT = float("inf")
NO_TASK = 2**32  # the place of what is left of an array among its tasks
CLUSTER = "cluster"
VOID = frozenset("cfhnO")  # letters that Slurm knows and does not sort by


def _first(job: Job, view: View) -> tuple[str, int, str]:
    """The first machine, by its number."""
    from mini_slurm.model.hostlist import natural

    return natural(tres.node_list(job))


# what the letters sort by that do not sort by the text they show
_KEYS: dict[str, Key] = {
    "B": lambda job, view: tres.node_list(job) and job.node,
    "C": lambda job, view: tres.cpus(job),
    "d": lambda job, view: tres.disk(job),
    "D": lambda job, view: tres.nodes(job),
    "e": lambda job, view: int(ends(job, view.now) or 0),
    "G": lambda job, view: job.gid,
    "i": lambda job, view: _number(job),
    "H": lambda job, view: _layout(job)[0],
    "I": lambda job, view: _layout(job)[1],
    "J": lambda job, view: _layout(job)[2],
    "l": lambda job, view: NO_LIMIT if job.time_limit is None else job.time_limit,
    "L": lambda job, view: NO_LIMIT if job.time_limit is None else job.time_limit - _ran(job, view),
    "m": lambda job, view: job.memory_per_node or job.memory_per_cpu or 0,
    "M": lambda job, view: _ran(job, view),
    "N": _first,
    "p": lambda job, view: job.priority,
    "Q": lambda job, view: job.priority,
    "U": lambda job, view: job.uid,
    "v": lambda job, view: job.reservation or "",
    "V": lambda job, view: int(job.submit_time),
    "z": lambda job, view: _layout(job),
}
SORTED_BY_TEXT = frozenset("gjPStTu")
ANY_NUMBER = 2**16  # of sockets, cores or threads: comes last


def _number(job: Job) -> tuple[int, int]:
    if job.array_job_id is None:
        return job.job_id, NO_TASK
    return job.array_job_id, NO_TASK if job.array_task_id is None else job.array_task_id


def _ran(job: Job, view: View) -> int:
    """Whole seconds, as Slurm counts them."""
    return int(used(job, int(view.now)) + job.start_time % 1) if job.start_time else 0


def _layout(job: Job) -> tuple[int, ...]:
    return tuple(int(text) if text.isdecimal() else ANY_NUMBER for text in tres.layout(job))


def _key(letter: str) -> tuple[str, Key]:
    """The columns that are needed to sort by a letter, and the key. Raises ValueError(LETTER)."""
    for field in JOB_FIELDS:
        if field.letter == letter and (letter in _KEYS or letter in SORTED_BY_TEXT):
            return field.columns, _KEYS.get(letter, field.value)
    raise ValueError(letter)


class Order:
    """What `-S` asks for: letters of -o, each with `-` before it for the largest first. Raises ValueError(LETTER)."""

    def __init__(self, text: str) -> None:
        self.columns: set[str] = {"job_id", "array_job_id", "state", "start_time", "begin_time", "end_time"}
        self.looks_ahead = False  # at when waiting jobs are expected to start
        self.unused: list[str] = []  # letters that squeue only complains of
        self._keys: list[tuple[Key | None, bool]] = []  # the last first; None: by start
        place = len(text) - 1
        while place >= 0:
            place -= self._add(text, place)

    def _add(self, text: str, place: int) -> int:
        """Take the key that ends here; how many letters it has."""
        letter = text[place]
        if letter in ",+-" or letter in VOID:
            return 1
        if text[: place + 1].lower().endswith(CLUSTER):
            return len(CLUSTER)  # there is only one
        if letter == "b":
            self.unused.append(letter)
            return 1
        columns, key = _key(letter)
        self.columns.update(columns.split())
        self.looks_ahead = self.looks_ahead or letter in "Se"
        self._keys.append((None if letter == "S" else key, text[place - 1 : place] == "-"))
        return 1

    def sort(self, jobs: list[Job], view: View, *, alone: bool = False) -> None:
        """Put them in order. Equal ones stand as in Slurm: what started last first, what waits the newest first.

        `alone`: nothing but one job was asked for, and of one array Slurm tells the newest tasks first.
        """
        in_order_of_making(jobs)
        if alone and any(job.array_job_id is not None for job in jobs):
            jobs.reverse()
        _by_start(jobs, view.now, down=True)
        for key, down in self._keys:
            if key is None:
                _by_start(jobs, view.now, down=down)
            elif key is _first:
                _by_machine(jobs, view, down=down)
            else:
                jobs.sort(key=lambda job, key=key: key(job, view), reverse=down)  # type: ignore[misc]


def _by_machine(jobs: list[Job], view: View, *, down: bool) -> None:
    """By the first machine, and what is nowhere after it: these in the reverse order, as Slurm's comparison has it."""
    placed = [job for job in jobs if tres.node_list(job)]
    others = [job for job in jobs if not tres.node_list(job)]
    placed.sort(key=lambda job: _first(job, view), reverse=down)
    jobs[:] = others + placed if down else placed + others[::-1]


def in_order_of_making(jobs: list[Job]) -> None:
    """As Slurm keeps them: a task that starts takes the place of its array's record, which goes to the end."""
    jobs.sort(key=lambda job: job.job_id)
    if all(job.array_job_id is None for job in jobs):
        return
    places: dict[int, int] = {}
    last: dict[int, int] = {}  # array -> the place for its next record
    for job in jobs:
        array = job.array_job_id
        if array is not None and job.job_id != array:
            places[job.job_id] = last.get(array, array)
            last[array] = job.job_id
    jobs.sort(key=lambda job: places.get(job.job_id, last.get(job.job_id, job.job_id)))


def _by_start(jobs: list[Job], now: float, *, down: bool) -> None:
    """By start, and what has none after it: these in the reverse order of before, as Slurm's comparison has it."""
    started = [(job, int(start)) for job in jobs if (start := starts(job, now))]
    others = [job for job in jobs if not starts(job, now)]
    started.sort(key=lambda pair: pair[1], reverse=down)
    jobs[:] = [job for job, _ in started] + others[::-1]


# --- arrays


def pick(jobs: Iterable[Job], wanted: Mapping[int, AbstractSet[int] | None]) -> Iterator[Job]:
    """The wanted jobs: number -> tasks, None for the whole. Of what is left of an array only the wanted tasks."""
    for job in jobs:
        tasks = _tasks_wanted(job, wanted)
        if tasks is None:
            yield job
        elif job.array_tasks is not None:
            left = [task for task in tasks_of(job.array_tasks) if task in tasks]
            if len(left) == 1:
                yield with_tasks(job, None, left[0])
            elif left:
                yield with_tasks(job, format_tasks(left))
        elif job.array_task_id in tasks:
            yield job


def _tasks_wanted(job: Job, wanted: Mapping[int, AbstractSet[int] | None]) -> AbstractSet[int] | None:
    if wanted.get(job.job_id, ()) is None:
        return None
    if job.het_job_id is not None and wanted.get(job.het_job_id, ()) is None:
        return None
    return wanted.get(job.array_job_id, frozenset()) if job.array_job_id is not None else frozenset()


def with_tasks(job: Job, tasks: str | None, task: int | None = None) -> Job:
    """The record of an array with other tasks, or as one of them."""
    return Job(**{**job.__dict__, "array_tasks": tasks, "array_task_id": task})


def spread(jobs: Iterable[Job]) -> Iterator[Job]:
    """A line for each waiting task of an array; other jobs as they are."""
    for job in jobs:
        if job.array_tasks is None:
            yield job
        else:
            yield from (with_tasks(job, None, task) for task in tasks_of(job.array_tasks))


def by_partition(jobs: Iterable[Job], wanted: list[str] | None) -> list[Job]:
    """A line for each partition that a job may run in, or for those that are wanted."""
    return [
        job if job.partition == name else Job(**{**job.__dict__, "partition": name})
        for job in jobs
        for name in job.partition.split(",")
        if wanted is None or name in wanted
    ]


def join(jobs: list[Job]) -> list[Job]:
    """Tasks that wait by themselves (requeued ones) are shown with what is left of their array, if both look alike."""
    records = {_looks(job): job for job in jobs if job.array_tasks is not None}
    apart: dict[tuple[object, ...], list[Job]] = {}
    for job in jobs:
        if job.array_task_id is not None and job.state is JobState.PENDING and _looks(job) in records:
            apart.setdefault(_looks(job), []).append(job)
    if not apart:
        return jobs
    joined = {records[look].job_id: _joined(records[look], tasks) for look, tasks in apart.items()}
    gone = {job.job_id for tasks in apart.values() for job in tasks}
    return [joined.get(job.job_id, job) for job in jobs if job.job_id not in gone]


def _looks(job: Job) -> tuple[object, ...]:
    return (job.array_job_id, job.__dict__.get("name"), job.__dict__.get("partition"))


def _joined(record: Job, tasks: list[Job]) -> Job:
    assert record.array_tasks is not None
    numbers = sorted({*tasks_of(record.array_tasks), *(job.array_task_id or 0 for job in tasks)})
    shown = with_tasks(record, format_tasks(numbers))  # without the throttle, as Slurm writes what it has joined
    reasons = [record.reason]
    for job in tasks:
        if job.reason not in ",".join(reasons):
            reasons.append(job.reason)
    shown.reason = ",".join(reasons)
    return shown
