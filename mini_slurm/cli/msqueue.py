"""msqueue: the jobs that wait and run."""

from __future__ import annotations

import sys
import time

from mini_slurm.cli import common, listing, queue_request
from mini_slurm.errors import BadUsage
from mini_slurm.options import squeue
from mini_slurm.output.job_order import pick, spread
from mini_slurm.output.layout import View
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.queue_request import Request
    from mini_slurm.model.job import Job
    from mini_slurm.options.grammar import Option

ABOUT = "Show the jobs that wait and run."
WORDS = ""


def main() -> int:
    """The console script."""
    return listing.leave(common.run("msqueue", msqueue))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, squeue.OPTIONS)


def msqueue(program: str, arguments: list[str]) -> int:
    """List what the arguments choose; the exit status."""
    read = listing.read(program, arguments, options(program), "msqueue")
    if read is None:
        return 0
    request = queue_request.read(program, *read)
    return listing.repeat(program, request.chosen.text("iterate"), lambda: _show(program, request))


def _show(program: str, request: Request) -> int:
    view = listing.view(request.chosen)
    jobs = _jobs(program, request, view)
    lines = []
    if "clusters" in request.chosen:
        lines.append(f"CLUSTER: {view.cluster}")
    if "noheader" not in request.chosen:
        if "long" in request.chosen or "iterate" in request.chosen:
            lines.append(time.ctime(view.now))
        lines.append(request.layout.header())
    if request.order is None:
        listing.show(lines)
        raise BadUsage(f"{program}: error: Invalid sort specification: {request.bad_sort}", exit_code=1)
    request.order.sort(jobs, view)
    lines.extend(request.layout.lines(jobs, view))
    listing.show(lines)
    sys.stdout.flush()
    return 0


def _jobs(program: str, request: Request, view: View) -> list[Job]:
    """The jobs that are chosen. Raises BadUsage when a single one is asked for that there is not."""
    db = listing.open_to_read()
    if request.needs_cluster:
        view.cluster = listing.cluster_name(db)
        listing.check_cluster(program, request.chosen, view.cluster)
    if request.only_job is not None and not queries.knows_job(db, request.only_job, view.now):
        raise BadUsage("slurm_load_jobs error: Invalid job id specified", exit_code=1)
    jobs = queries.select_jobs(db, request.columns, request.where(view.now))
    apart = "array" in request.chosen
    if request.wanted is not None:
        return list(pick(jobs, request.wanted, apart))
    return [line for job in jobs for line in spread(job)] if apart else jobs
