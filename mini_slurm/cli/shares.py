"""Who has used how much, by the jobs in the store."""

from __future__ import annotations

from mini_slurm.model import fair_share
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from mini_slurm.model.fleet import Fleet


def usage(fleet: Fleet, db: sqlite3.Connection | None, now: float) -> dict[tuple[str, str], float]:
    """CPU seconds by account and user, as far as they still count."""
    found: dict[tuple[str, str], float] = {}
    for job in queries.runs(db):
        key = (job.account or "", job.user)
        found[key] = found.get(key, 0.0) + fair_share.used(job, now, fleet.priority.half_life)
    return found
