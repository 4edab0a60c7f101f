"""msacct --report: the hours of CPUs and GPUs that runs of jobs took, added up by what is asked for."""

from __future__ import annotations

from mini_slurm.model.allocation import parse_allocation
from mini_slurm.model.resources import Resources, parse_gpus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mini_slurm.model.job import Job

    Piece = tuple[str, float]  # a month, and how many seconds of a span lie in it

KEYS = ("user", "account", "machine", "month")
FIGURES = ("jobs", "cpu_hours", "gpu_hours")
HEADERS = {"user": "User", "account": "Account", "machine": "Machine", "month": "Month", "jobs": "Jobs",
           "cpu_hours": "CPU hours", "gpu_hours": "GPU hours"}  # fmt: skip
COLUMNS = (
    *("job_id", "attempt", "user", "account", "start_time", "end_time", "suspended_seconds", "node", "allocation"),
    *("alloc_cpus", "alloc_memory", "alloc_gpus"),
)  # of the database
HOUR = 3600


class Row:
    """One line."""

    __slots__ = ("cpu_seconds", "gpu_seconds", "names", "runs")

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names  # the values of the keys
        self.runs: set[tuple[int, int]] = set()
        self.cpu_seconds = 0.0
        self.gpu_seconds = 0.0

    def values(self) -> list[str | int | float]:
        """The cells."""
        return [*self.names, len(self.runs), round(self.cpu_seconds / HOUR, 2), round(self.gpu_seconds / HOUR, 2)]


def rows(
    jobs: Iterable[Job],
    keys: Sequence[str],
    begin: float,
    end: float,
    months: Callable[[float, float], Iterator[Piece]],
) -> list[Row]:
    """The lines, in their order; what runs still has run until `end`. `months` takes a span of time apart."""
    found: dict[tuple[str, ...], Row] = {}
    for job in jobs:
        if job.start_time is None:
            continue
        ended = end if job.end_time is None else min(job.end_time, end)
        lasted = (job.end_time or end) - job.start_time
        part = 1 - min(job.suspended_seconds / lasted, 1.0) if lasted > 0 else 0.0
        for month, seconds in months(max(job.start_time, begin), ended):
            for machine, held in _shares(job):
                names = {"user": job.user, "account": job.account or "", "machine": machine, "month": month}
                key = tuple(names[name] for name in keys)
                row = found.setdefault(key, Row(key))
                row.runs.add((job.job_id, job.attempt))
                row.cpu_seconds += held.cpus * seconds * part
                row.gpu_seconds += held.gpu_fractions * seconds * part
    return [found[key] for key in sorted(found)]


def _shares(job: Job) -> Iterator[tuple[str, Resources]]:
    if job.allocation == "{}":
        yield job.node or "", Resources(job.alloc_cpus, job.alloc_memory, parse_gpus(job.alloc_gpus))
        return
    for machine, share in parse_allocation(job.allocation).items():
        yield machine, share.resources


def table(keys: Sequence[str], lines: Sequence[Row], *, named: bool) -> list[str]:
    """Lines in columns, and what all come to."""
    cells = [
        [str(value) if isinstance(value, str | int) else f"{value:.2f}" for value in row.values()] for row in lines
    ]
    if named:
        cells.insert(0, [HEADERS[name] for name in (*keys, *FIGURES)])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    texts = [
        [cell.ljust(width) if place < len(keys) else cell.rjust(width) for place, (cell, width) in enumerate(pairs)]
        for pairs in (zip(row, widths, strict=True) for row in cells)
    ]
    return ["  ".join(row).rstrip() for row in texts]
