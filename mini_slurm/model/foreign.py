"""A job on a cluster: what a job is, and where that system keeps it."""

from __future__ import annotations

from mini_slurm.model import job
from mini_slurm.model.arrays import parse
from mini_slurm.model.job import Job

# A PBS begins to count at 0, which is no job's number in Slurm: that one gets the number after PBS's last.
ZERO = 10_000_000


class ForeignJob(Job):
    """One job or array task of a cluster. `job_id` is its number there, which other places may use as well."""

    cluster: str = ""
    foreign_id: str = ""  # what its system calls it: "4711", "4711[3].server"
    tag: str = ""  # of the submission that made it
    ours: int = 1  # submitted from here; 0: only seen there
    settled: int = 0  # its end is known as well as it ever will be
    missing: float | None = None  # since when its system has not known it, seconds since the epoch


COLUMNS: tuple[str, ...] = (*job.COLUMNS, *ForeignJob.__annotations__)
DEFAULTS: dict[str, object] = {name: getattr(ForeignJob, name, None) for name in COLUMNS}


def waiting(job: ForeignJob) -> list[int]:
    """The tasks of an array that have no record of their own, as far as its system names them."""
    try:
        return parse(job.array_tasks or "")[0]
    except ValueError:  # Slurm ends a long list with dots
        return []
