"""msqueue: the jobs that wait and run."""

from __future__ import annotations

import sys
import time

from mini_slurm.cli import common, listing, queue_request
from mini_slurm.desk import places
from mini_slurm.errors import BadUsage, MiniSlurmError, NotThere
from mini_slurm.options import squeue
from mini_slurm.output import job_order
from mini_slurm.output.layout import View
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from mini_slurm.cli.queue_request import Request
    from mini_slurm.model.fleet import Fleet
    from mini_slurm.model.job import Job
    from mini_slurm.options.grammar import Option
    from mini_slurm.output.layout import Layout

ABOUT = "Show the jobs that wait and run."
WORDS = ""


def main() -> int:
    """The console script."""
    return listing.leave(common.run("msqueue", msqueue))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    ours = () if common.is_slurms_name(program) else (squeue.WHY,)
    return common.with_ours(program, (*squeue.OPTIONS, *ours))


def msqueue(program: str, arguments: list[str]) -> int:
    """List what the arguments choose; the exit status."""
    read = listing.read(program, arguments, options(program), "msqueue")
    if read is None:
        return 0
    if "why" in read[0]:
        from mini_slurm.cli import why

        return why.show(program, read[0].text("why") or "")
    request = queue_request.read(program, *read)
    if "json" in request.chosen or "yaml" in request.chosen:
        from mini_slurm.cli import documents

        return documents.show_jobs(program, request.chosen)
    seconds = listing.interval(program, request.chosen, "--iterate={}\n")
    if "verbose" in request.chosen:
        from mini_slurm.cli.verbose import squeue_options

        listing.show(squeue_options(request))
    return listing.repeat(seconds, lambda: _show(program, arguments, request))


def _show(program: str, arguments: list[str], request: Request) -> int:
    db = listing.open_to_read()

    def show(number: int, place: str) -> int:
        if number and "noheader" not in request.chosen:
            listing.show([""])
        if not (request.by_step and _show_steps_there(program, arguments, request, db, place)):
            _show_place(program, request, db, place, layout)
        return 0

    names = places.chosen(program, request.chosen, db, warn=common.say) or [""]
    layout = request.layout_of(names)
    code = common.each_place(program, names, show)
    sys.stdout.flush()
    return code


def _show_steps_there(
    program: str, arguments: list[str], request: Request, db: sqlite3.Connection | None, place: str
) -> bool:
    """A real Slurm tells of the steps that its jobs have begun; False: it is another place. Raises MiniSlurmError."""
    if not place or place not in places.survey(db).clusters:
        return False
    from mini_slurm.cli.foreign import steps

    head = [f"CLUSTER: {place}"] * ("clusters" in request.chosen and "noheader" not in request.chosen)
    return steps.show(arguments, options(program), place, head)


def _show_place(program: str, request: Request, db: sqlite3.Connection | None, place: str, layout: Layout) -> None:
    view = listing.view(request.chosen)
    lines = []
    headed = "noheader" not in request.chosen
    if headed and any(field in request.chosen for field in ("long", "iterate", "verbose")):
        lines.append(time.ctime(view.now))
    try:
        records = _records(program, request, view, db, place)
    except MiniSlurmError:
        listing.show([f"CLUSTER: {place}"] * (headed and "clusters" in request.chosen))
        raise
    if "verbose" in request.chosen:
        lines.append(_summary(program, request, db, view.now, len(records)))
    if headed and "clusters" in request.chosen:
        lines.append(f"CLUSTER: {view.cluster}")
    if headed:
        lines.append(layout.header())
    if request.bad_sort:
        listing.show(lines)
        raise BadUsage(f"{program}: error: Invalid sort specification: {request.bad_sort}", exit_code=1)
    listing.show([*lines, *layout.lines(records, view)])


def _summary(program: str, request: Request, db: sqlite3.Connection | None, now: float, shown: int) -> str:
    """-v: how many records were asked for, and of when: of one job, or of one user's, they are always new."""
    from mini_slurm.cli.verbose import loaded

    narrow = not request.by_step and (request.only_job is not None or request.only_user is not None)
    users = None if request.only_user is None else [request.only_user]
    count = shown if request.by_step else queries.count_known(db, now, request.only_job, users)
    for line in loaded(request.chosen, records=not request.by_step and count > 0):
        common.say(f"{program}: {line}")
    return f"last_update_time={0 if narrow else int(now)} records={count}"


def _records(program: str, request: Request, view: View, db: sqlite3.Connection | None, place: str) -> list[object]:
    """The jobs or steps that are chosen, in their order. Raises BadUsage when a single job is unknown."""
    fleet = None
    if any(field in request.chosen for field in ("clusters", "nodelist")) or request.needs("Cluster", "AssocID"):
        fleet = listing.fleet(db)
        view.cluster, view.associations = place or fleet.name, fleet.association_numbers()
    if request.needs("tres-alloc"):
        view.whole_memory = listing.first_memory(listing.fleet(db), db)
    listing.refresh(program, db, place, request.wanted)
    known = None if request.by_step else request.only_job
    if known is not None and not listing.knows_job(db, place, known, view.now):
        raise NotThere("slurm_load_jobs error: Invalid job id specified", exit_code=1)
    # another place's machines are its own business
    fleet = fleet if place in ("", fleet and fleet.name) else None
    where = request.where(view.now, fleet)
    jobs = [*listing.jobs(db, place, request.columns, where)]
    if request.looks_ahead and not place:
        from mini_slurm.cli import plans

        plans.note(program, jobs, db, view.now)
    if request.wanted is not None:
        jobs = list(job_order.pick(jobs, request.wanted))
    if request.by_step:
        return [*_steps(request, db, jobs, view, fleet)]
    return [*_jobs(request, jobs, view)]


def _jobs(request: Request, jobs: list[Job], view: View) -> list[Job]:
    if "priority" in request.chosen:
        jobs = job_order.by_partition(jobs, request.chosen.words("partitions"))
    apart = "array" in request.chosen
    if not apart and "array_unique" not in request.chosen:
        jobs = job_order.join(jobs)
    if request.order is not None:
        request.order.sort(jobs, view, alone=request.only_job is not None)
    return list(job_order.spread(jobs)) if apart else jobs


def _steps(
    request: Request, db: sqlite3.Connection | None, jobs: list[Job], view: View, fleet: Fleet | None
) -> list[object]:
    from mini_slurm.output import step_fields

    where = queries.Where("end_time IS NULL")
    where.among("job_id", [job.job_id for job in jobs])
    found = request.among_nodes(step_fields.lines(jobs, queries.select_steps(db, where)), fleet)
    if request.steps is not None:
        found = [line for line in found if request.names_step(line)]
    step_fields.sort(found, step_fields.SORT if request.sort is None else request.sort, view.now)
    return [*found]
