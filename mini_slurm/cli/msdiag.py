"""msdiag: how many jobs came, started and ended today, in the form of Slurm's scheduler statistics."""

from __future__ import annotations

import os
import time

from mini_slurm.cli import common, listing
from mini_slurm.errors import Refused
from mini_slurm.options import sdiag
from mini_slurm.output import diagnosis
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from mini_slurm.options.grammar import Option

ABOUT = "Show what the scheduler did today."
WORDS = ""
DAY = 86400
DENIED, DENIED_CODE = "slurm_reset_statistics: Access/permission denied", 255  # as Slurm tells its users
NO_RESET = "a fleet's figures are those of its jobs: they begin anew each midnight (UTC), and are never reset"


def main() -> int:
    """The console script."""
    return listing.leave(common.run("msdiag", msdiag, options))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, sdiag.OPTIONS)


def msdiag(program: str, arguments: list[str]) -> int:
    """Show the figures; the exit status."""
    read = listing.read(program, arguments, options(program), "msdiag")
    if read is None:
        return 0
    chosen = read[0]
    db = listing.open_to_read()
    chosen.default("clusters", os.environ.get("SLURM_CLUSTERS"))
    if "clusters" in chosen:
        listing.check_cluster(program, chosen, listing.cluster_name(db))
    if "reset" in chosen and common.is_slurms_name(program):
        common.say(DENIED)
        return DENIED_CODE
    if "reset" in chosen:
        raise Refused(NO_RESET)
    now = time.time()
    since = now - now % DAY  # as slurmctld, whose statistics begin anew at midnight in UTC
    listing.show(diagnosis.lines(_counts(db, since), since, now, time.ctime))
    return 0


def _counts(db: sqlite3.Connection | None, since: float) -> diagnosis.Counts:
    rows = queries.look_up(
        db,
        """SELECT total(submit_time >= ?1), total(start_time >= ?1), total(end_time >= ?1 AND state = 'COMPLETED'),
        total(end_time >= ?1 AND state = 'CANCELLED'),
        total(end_time >= ?1 AND state IN ('FAILED', 'TIMEOUT', 'NODE_FAIL', 'OUT_OF_MEMORY', 'DEADLINE')),
        total(state = 'PENDING'), total(state IN ('RUNNING', 'SUSPENDED', 'CONFIGURING')) FROM job""",
        since,
    )
    return diagnosis.Counts(*map(int, rows[0])) if rows else diagnosis.Counts()
