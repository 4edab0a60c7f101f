"""msinfo --foreign, --idle-gpus and --limits, msacct --foreign: what machines tell that Slurm's do not."""

from __future__ import annotations

from mini_slurm.cli import listing
from mini_slurm.model.allocation import parse_allocation
from mini_slurm.model.foreign_use import parse_uses
from mini_slurm.output import foreign_use, machine_limits
from mini_slurm.store import queries
from mini_slurm.store.schema import UNFINISHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from mini_slurm.cli.account_request import Span
    from mini_slurm.cli.node_request import Request
    from mini_slurm.model.job import Job
    from mini_slurm.model.machine import Machine
    from mini_slurm.options.listings import Chosen

COLUMNS = ("job_id", "array_job_id", "array_task_id", "array_tasks", "user", "name", "node", "allocation", "state")


def show(request: Request) -> int:
    """Print who uses the machines besides jobs, which jobs leave GPUs unused, how limits are kept; the exit status."""
    db, view = listing.open_to_read(), listing.view(request.chosen)
    known = queries.load_machines(db)
    machines = [
        known[name] for name, entry in listing.fleet(db).machines.items() if name in known and request.names(entry)
    ]
    headed = "noheader" not in request.chosen
    if "foreign" in request.chosen:
        found = ((machine.name, one) for machine in machines for one in parse_uses(machine.outside))
        listing.show(foreign_use.table(foreign_use.USES, foreign_use.uses(found, view), headed=headed))
    if "idle_gpus" in request.chosen:
        rows = foreign_use.idle(_idle(machines, db), view)
        listing.show(foreign_use.table(foreign_use.IDLE, rows, headed=headed))
    if "limits" in request.chosen:
        listing.show(foreign_use.table(machine_limits.NAMES, machine_limits.rows(machines), headed=headed))
    return 0


def _idle(machines: list[Machine], db: sqlite3.Connection | None) -> Iterator[tuple[str, Job, int, float]]:
    import json

    where = queries.Where(UNFINISHED, "node IS NOT NULL")
    jobs = {str(job.job_id): job for job in queries.select_jobs(db, COLUMNS, where)}
    for machine in machines:
        for number, since in json.loads(machine.idle_gpus).items():
            share = parse_allocation(jobs[number].allocation).get(machine.name) if number in jobs else None
            if share is not None:
                yield machine.name, jobs[number], share.resources.visible_gpus, since


def show_books(chosen: Chosen, span: Span, db: sqlite3.Connection | None) -> int:
    """Print who has used the machines besides jobs; the exit status."""
    found = queries.foreign_uses(db, span.since, span.after)
    rows = foreign_use.books(found, span.since, span.until, listing.view(chosen))
    listing.show(foreign_use.table(foreign_use.BOOKS, rows, headed="noheader" not in chosen))
    return 0
