"""What listings say of jobs that wait: when and where they are expected to start."""

from __future__ import annotations

import sqlite3

from mini_slurm.cli import common
from mini_slurm.model.states import JobState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mini_slurm.model.job import Job

# Seconds that a job has waited when squeue and scontrol tell. Slurm does so after its next pass of backfill, and these
# come every 30 seconds; those who look sooner, as scripts do, see none in both.
PATIENCE = 60


def note(program: str, jobs: Sequence[Job], db: sqlite3.Connection | None, now: float) -> None:
    """Note it with those of the jobs of which something is expected. Our own commands tell at once."""
    patience = PATIENCE if common.is_slurms_name(program) else 0
    waiting = [job for job in jobs if _waits(job) and now - (job.eligible_time or job.submit_time) >= patience]
    if db is None or not waiting:
        return
    from mini_slurm.cli.forecast import as_stored
    from mini_slurm.model.hostlist import compress
    from mini_slurm.model.job import Job
    from mini_slurm.scheduler.plan import plan

    cluster = as_stored(Job(), db)
    found = plan(cluster, now, {job.job_id for job in waiting})
    for job in waiting:
        if job.job_id in found:
            one = found[job.job_id]
            job.__dict__["planned_start"] = (one.begin, compress(list(one.machines)))


def _waits(job: Job) -> bool:
    """Is it one of the fleet that waits for its turn?"""
    return job.state is JobState.PENDING and job.reason in ("Resources", "Priority") and not hasattr(job, "cluster")
