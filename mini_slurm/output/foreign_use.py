"""Tables of who uses machines besides jobs, and of jobs that do not use their GPUs."""

from __future__ import annotations

from mini_slurm.errors import visible
from mini_slurm.output.layout import View
from mini_slurm.output.values import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mini_slurm.model.foreign_use import ForeignUse
    from mini_slurm.model.job import Job

HOUR = 3600
NOBODY = "?"
USES = ("NODE", "GPU", "OWNER", "PID", "GPU_MEM", "CPUS", "MEM", "SINCE", "COMMAND")
IDLE = ("NODE", "JOBID", "USER", "GPUS", "IDLE_SINCE", "NAME")
BOOKS = ("Node", "Owner", "PID", "GPU", "GPUMem", "Start", "End", "GPUHours", "Command")


def uses(found: Iterable[tuple[str, ForeignUse]], view: View) -> list[tuple[str, ...]]:
    """A row for each process, by machine, and each GPU that it uses."""
    return [
        (
            *(name, "-" if one.place < 0 else str(one.place), _shown(one.owner), str(one.pid)),
            *(size(one.gpu_memory), f"{one.cpus:.1f}", size(one.memory), view.moment(one.since), _shown(one.command)),
        )
        for name, one in found
    ]


def idle(found: Iterable[tuple[str, Job, int, float]], view: View) -> list[tuple[str, ...]]:
    """A row for each job, by machine, with how many GPUs it has there and since when they do nothing."""
    return [
        (name, job.display_id, _shown(job.user), str(gpus), view.moment(since), _shown(job.name))
        for name, job, gpus, since in found
    ]


def books(found: Iterable[tuple[object, ...]], since: float, until: float, view: View) -> list[tuple[str, ...]]:
    """A row for each process and GPU, as queries.foreign_uses() finds them; hours as far as they lie in the span."""
    rows: list[tuple[str, ...]] = []
    for machine, owner, pid, command, place, gpu_memory, start, end in found:
        begin, over = float(str(start)), until if end is None else float(str(end))
        hours = max(min(over, until) - max(begin, since), 0.0) / HOUR if place != -1 else 0.0
        gpu = ("-", "0") if place == -1 else (str(place), size(int(str(gpu_memory))))
        times = (view.moment(begin), "Unknown" if end is None else view.moment(over))
        rows.append((str(machine), _shown(str(owner)), str(pid), *gpu, *times, f"{hours:.2f}", _shown(str(command))))
    return rows


def table(names: Sequence[str], rows: Sequence[tuple[str, ...]], *, headed: bool) -> list[str]:
    """Columns as wide as what is in them; the last one ends the line."""
    lines = [*([tuple(names)] if headed else []), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    write: Callable[[str, int], str] = str.ljust
    return ["  ".join(map(write, line, widths)).rstrip() for line in lines]


def _shown(text: str) -> str:
    return visible(text) or NOBODY
