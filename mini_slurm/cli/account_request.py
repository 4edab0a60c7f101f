"""What msacct is asked for: its options as conditions for the database, and the lines of the jobs that are found."""

from __future__ import annotations

import math
import os
import time

from mini_slurm.cli import listing
from mini_slurm.errors import BadUsage
from mini_slurm.model.moments import BadMoment, parse_moment
from mini_slurm.model.states import JobState
from mini_slurm.model.units import parse_time_limit
from mini_slurm.options import job_ids, listings
from mini_slurm.output.accounting_lines import Line, batch_step, settled
from mini_slurm.store.queries import Where, content, select_steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from mini_slurm.model.job import Job
    from mini_slurm.model.step import Step
    from mini_slurm.options.job_ids import JobId
    from mini_slurm.options.listings import Chosen

MANY = 500  # jobs; for more of them all steps are read
ROW = 5.0  # seconds
NO_TASK = 2**32 - 2  # the place of what is no task of an array
# in accounting a job that only has its output to be stored is over
STATE = "CASE WHEN state = 'COMPLETING' AND outcome IS NOT NULL THEN outcome ELSE state END"
# a job that was held until it was cancelled never took part
ELIGIBLE = "(start_time IS NOT NULL OR reason NOT LIKE 'JobHeld%') AND coalesce(eligible_time, submit_time) < ?"


class Span:
    """The time that is looked at: seconds since the epoch."""

    def __init__(self, program: str, chosen: Chosen, now: float) -> None:
        now = int(now)  # as `now` in an option is
        self.since = _since(chosen, now)
        self.until = _moment(chosen.text("endtime"), now) if "endtime" in chosen else now
        if self.since > self.until:
            moment = listing.moment_format()
            why = f"Start time ({moment(self.since)}) requested is after end time ({moment(self.until)})."
            raise BadUsage(f"{program}: error: {why}", exit_code=1)

    def meets(self, step: Step) -> bool:
        """Did the step run in the span?"""
        return int(step.start_time) <= self.until and (step.end_time is None or step.end_time >= self.since)

    def described(self, *, by_state: bool) -> tuple[str, str]:
        """What `sacct -v` says of it."""
        begin = time.ctime(self.since) if self.since else "Epoch 0"
        kind = "Active" if by_state else "Eligible"
        return (
            f"Jobs {kind} in the time window from {begin} to {time.ctime(self.until)}",
            "accounting_storage/slurmdbd: init: Accounting storage SLURMDBD plugin loaded",
        )

    @property
    def after(self) -> float:
        """The first moment after the span, which is counted in whole seconds."""
        return self.until + 1


def _since(chosen: Chosen, now: float) -> float:
    text = chosen.text("starttime")
    if text is not None:
        return _moment(text, now)
    if "jobs" in chosen or "report" in chosen:
        return 0.0
    return now if "state" in chosen else _moment("00:00:00", now)


def _moment(text: str | None, now: float) -> float:
    try:
        return parse_moment(text or "", now, time.localtime, time.mktime, ahead=False)
    except BadMoment as error:
        raise BadUsage(str(error), exit_code=1) from None


def job_list(program: str, chosen: Chosen) -> list[JobId] | None:
    """The jobs, tasks and steps that were named; None: no names. Raises BadUsage."""
    text = chosen.text("jobs")
    if text is None:
        return None
    try:
        return [job_ids.parse_selected(word) for word in job_ids.split(text)]
    except ValueError as error:
        raise BadUsage(f"{program}: fatal: {error}", exit_code=1) from None


def where(program: str, chosen: Chosen, span: Span, jobs: Sequence[JobId] | None) -> Where:
    """The conditions for the database. Raises BadUsage."""
    found = Where()
    found.jobs(None if jobs is None else {number for job in jobs for number in (job.number, job.part_of) if number})
    _add_states(program, found, chosen, span, named=jobs is not None)
    found.among("uid", _users(program, chosen))
    for field, column in (("accounts", "account"), ("partition", "partition"), ("name", "name"), ("qos", "qos")):
        found.among(column, chosen.words(field))
    found.among("features", chosen.words("constraints"))
    found.among("coalesce(wait_reason, reason)", chosen.words("reason"))
    if "gid" in chosen:
        found.among("gid", [_group(program, word) for word in chosen.words("gid") or []])
    if "nodelist" in chosen:
        found.on_nodes(listing.names(chosen.text("nodelist") or ""))
    if "wckeys" in chosen or "associations" in chosen:
        found.add("0")  # a fleet has neither
    _add_sizes(program, found, chosen)
    return found


def _users(program: str, chosen: Chosen) -> list[int] | None:
    """Whose jobs: by default one's own, and root's are everybody's."""
    words = chosen.words("user")
    if words is None:
        everybody = "allusers" in chosen or "jobs" in chosen or "nodelist" in chosen or not os.getuid()
        return None if everybody else [os.getuid()]
    numbers = []
    for word in words:
        number = listing.user_number(word)
        if number is None:
            raise BadUsage(f"{program}: error: Invalid user id: {word}", exit_code=1)
        numbers.append(number)
    return numbers


def _group(program: str, word: str) -> int:
    import grp

    if word.isascii() and word.isdigit():
        return int(word)
    try:
        return grp.getgrnam(word).gr_gid
    except KeyError:
        raise BadUsage(f"{program}: error: Invalid group id: {word}", exit_code=1) from None


def _add_states(program: str, found: Where, chosen: Chosen, span: Span, *, named: bool) -> None:
    """Jobs that were in one of the states in the span, or, with none named, that could have run in it."""
    words = chosen.words("state")
    if words is None:
        if not named:
            found.add(ELIGIBLE, span.after)
            found.add("end_time IS NULL OR end_time >= ?", span.since)
        return
    try:
        states = listings.job_states(words)
    except listings.UnknownState as error:
        raise BadUsage(f"{program}: fatal: unrecognized job state value '{error}'", exit_code=1) from None
    pieces: list[str] = ["0"]
    values: list[object] = []
    for state in states:
        piece, given = _in_state(state, span)
        pieces.append(piece)
        values += given
    found.add(" OR ".join(f"({piece})" for piece in pieces), *values)


def _in_state(state: JobState, span: Span) -> tuple[str, list[object]]:
    if state is JobState.PENDING:
        piece = f"{ELIGIBLE} AND coalesce(start_time, end_time, ?) >= ?"
        return piece, [span.after, span.since, span.since]
    if state is JobState.RUNNING:
        return "start_time < ? AND (end_time IS NULL OR end_time > ?)", [span.after, span.since]
    piece = f"{STATE} = ? AND coalesce(end_time, ?) >= ? AND coalesce(end_time, ?) < ?"
    return piece, [state.name, span.until, span.since, span.until, span.after]


def _add_sizes(program: str, found: Where, chosen: Chosen) -> None:
    for field, column in (("nnodes", "nodes"), ("ncpus", "alloc_cpus")):
        least, _, most = (chosen.text(field) or "").partition("-")
        if least.isdecimal():
            high = int(most) if most.isdecimal() else int(least)
            found.add(f"{column} BETWEEN ? AND ?", int(least), high)
    shortest, longest = (_limit(program, chosen.text(field)) for field in ("timelimit_min", "timelimit_max"))
    if shortest is not None:  # the longest alone says nothing, as in Slurm
        found.add("time_limit BETWEEN ? AND ?", shortest, shortest if longest is None else longest)


def _limit(program: str, text: str | None) -> int | None:
    """Seconds of a time limit that jobs are chosen by."""
    if text is None:
        return None
    try:
        seconds = parse_time_limit(text)
    except ValueError:
        seconds = 0
    if seconds is not None and seconds <= 0:
        raise BadUsage(f"{program}: fatal: Invalid time limit specification", exit_code=1)
    return seconds


# --- lines


def lines(
    jobs: Sequence[Job], steps: Sequence[Step], chosen: Chosen, named: Sequence[JobId] | None, span: Span
) -> Iterator[Line]:
    """The lines of these jobs in sacct's order: each job, then its batch step if it started, then srun's."""
    theirs: dict[tuple[int, int], list[Step]] = {}
    for step in steps:
        theirs.setdefault((step.job_id, step.attempt), []).append(step)
    moments = _moments(jobs)
    for job in sorted(jobs, key=lambda job: (moments[job.submit_time], *_place(job))):
        names = [name for name in named or [] if _names_job(name, job, chosen.text("whole_hetjob", ""))]
        if named is not None and not names:
            continue
        own = [settled(step, job) for step in theirs.get((job.job_id, job.attempt), [])]
        line = Line(job, steps=own)
        wanted = None if not names or any(name.step is None for name in names) else {name.step for name in names}
        if wanted is None:
            yield line
        if "allocations" in chosen or line.started is None:
            continue
        for step in [*([batch_step(job)] if job.is_batch and not job.het_offset else []), *own]:
            if (wanted is None or step.number in wanted) and span.meets(step):
                yield Line(job, step)


def steps_of(db: sqlite3.Connection | None, jobs: Sequence[Job]) -> list[Step]:
    """The steps that srun started in these jobs."""
    where = Where()
    if len(jobs) < MANY:
        where.among("job_id", [job.job_id for job in jobs])
    return select_steps(db, where)


def _names_job(name: JobId, job: Job, whole: str | None) -> bool:
    """`whole` of a heterogeneous job: "" if a word names its first part, "no", or whichever part it names."""
    first = None if whole == "no" else job.het_job_id
    part_of = None if whole in ("", "no") else name.part_of
    if not {name.number, part_of} & ({job.job_id, job.array_job_id, first} - {None}):
        return False
    return name.tasks is None or job.array_task_id in name.tasks


def _moments(jobs: Sequence[Job]) -> dict[float, float]:
    """Slurm's accounting sorts by the second of submission; what a script submits in a row shares one there.

    Here a row may take longer: it lasts until there is a second without a submission, or for ROW seconds.
    """
    found: dict[float, float] = {}
    begin = last = -math.inf
    for moment in sorted({job.submit_time for job in jobs}):
        begin = moment if moment - last >= 1 or moment - begin >= ROW else begin
        found[moment], last = begin, moment
    return found


def _place(job: Job) -> tuple[int, int, int, int]:
    """Within a second: arrays and their tasks by their numbers; earlier runs of a job come before its last."""
    task = job.array_task_id if job.array_task_id is not None else NO_TASK
    return job.array_job_id or 0, task, job.job_id, job.attempt


def show_contents(db: sqlite3.Connection | None, lines: Sequence[Line], *, environments: bool) -> int:
    """-B and --env-vars: the scripts, or the environments, of these jobs as they were submitted. The exit status."""
    for line in lines:
        if not line.step and environments:
            title, text = (
                f"Environment used for {line.job.job_id} (must be batch to display)",
                _environment(db, line.job),
            )
        elif not line.step:
            script = content(db, line.job.script) or b""
            title, text = f"Batch Script for {line.job.job_id}", script.decode(errors="backslashreplace")
        else:
            continue
        listing.show([title, "-" * 80, text])
    return 0


def _environment(db: sqlite3.Connection | None, job: Job) -> str:
    """Its variables, a line each."""
    import json

    kept = content(db, job.environment)
    return "".join(f"{name}={value}\n" for name, value in json.loads(kept or b"{}").items()) or "NONE"
