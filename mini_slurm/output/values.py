"""Values as Slurm's listings write them: spans of time, sizes, generic resources."""

from __future__ import annotations

from mini_slurm.model.units import format_elapsed
from mini_slurm.output.layout import NULL as NULL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mini_slurm.model.job import Job

UNITS = "MGTPEZ"
NOT_KNOWN = "N/A"
CONTROLLER = 64030  # uid of Slurm's own user, whose reasons the controller's are
SLURM_VERSION = "22.05.8"  # the release whose interface this is


def processor_time(seconds: float) -> str:
    """Processor time as sacct writes it: `00:00.014` below an hour where there are fractions, `00:00:00` otherwise."""
    thousandths = round(max(seconds, 0.0) * 1000)
    if thousandths >= 3_600_000 or thousandths % 1000 == 0:
        return format_elapsed(thousandths // 1000)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"


def size(amount: int, first: str = "M", wanted: str = "", convert: bool = True) -> str:
    """An amount in the unit `first`, in the largest unit that keeps it whole, or in the unit that is wanted."""
    if not amount:
        return "0"
    scale = "K" + UNITS
    place = scale.index(first)
    if wanted in scale and wanted:
        scaled = amount / 1024 ** (scale.index(wanted) - place)
        return f"{scaled:.0f}{wanted}" if scaled == int(scaled) else f"{scaled:.2f}{wanted}"
    while convert and amount % 1024 == 0 and place + 1 < len(scale):
        amount //= 1024
        place += 1
    return f"{amount}{scale[place]}"


def count(amount: int, convert: bool = True) -> str:
    """A number of things, in thousands of 1024 where that keeps it whole."""
    place = 0
    while convert and amount and amount % 1024 == 0 and place < len(UNITS):
        amount //= 1024
        place += 1
    return f"{amount}{('', 'K', *UNITS)[place]}"


def gpus(amounts: Mapping[str, int]) -> str | None:
    """GPUs by type as a generic resource: `gpu:a100:2,gpu:1`; None where there are none."""
    shown = (f"gpu:{kind}:{count}" if kind else f"gpu:{count}" for kind, count in sorted(amounts.items()) if count)
    return ",".join(shown) or None


def het_set(job: Job) -> str:
    """The numbers of all parts of a heterogeneous job; "" for any other."""
    return f"{job.het_job_id}-{job.het_job_id + job.het_size - 1}" if job.het_job_id is not None else ""


def gres(text: str | None) -> str | None:
    """Generic resources as listings name them: `gpu:2` is `gres:gpu:2`."""
    if not text:
        return None
    return ",".join(part if part.startswith("gres:") else f"gres:{part}" for part in text.split(","))


def waiting_tasks(text: str, limit: int) -> str:
    """An array's waiting tasks as listings write them: a long list is cut at `limit` characters with dots (0: whole),
    one with equal steps is `0-98:2`; the throttle stays."""
    tasks, percent, throttle = text.partition("%")
    stepped = _stepped(tasks) if "," in tasks else None
    if stepped is not None:
        tasks = stepped
    elif limit > 0 and len(tasks) > limit - 3:
        tasks = tasks[: max(limit - 4, 0)] + "..."[: limit - 1]
    return tasks + percent + throttle


def _stepped(tasks: str) -> str | None:
    """`first-last:step` where more than five single tasks lie equally far apart, over more than ten numbers."""
    pieces = tasks.split(",")
    if "-" in tasks or len(pieces) <= 5:
        return None
    numbers = [int(piece) for piece in pieces]
    first, last, step = numbers[0], numbers[-1], numbers[1] - numbers[0]
    evenly = numbers == list(range(first, last + 1, step))
    return f"{first}-{last}:{step}" if evenly and last - first > 10 else None


def ran_before_suspension(job: Job) -> int:
    """Seconds that a job had run when it was suspended last."""
    if job.suspend_time is None or job.start_time is None:
        return 0
    return max(int(job.suspend_time - job.start_time - job.suspended_seconds), 0)
