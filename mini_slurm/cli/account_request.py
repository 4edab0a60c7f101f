"""What msacct is asked for: its options as conditions for the database, and the lines of the jobs that are found."""

from __future__ import annotations

import math
import time

from mini_slurm.cli import account_filters as filters
from mini_slurm.cli import common, listing
from mini_slurm.errors import BadUsage
from mini_slurm.model.moments import BadMoment, parse_moment
from mini_slurm.model.states import JobState
from mini_slurm.options import job_ids, listings
from mini_slurm.output.accounting_lines import Line, batch_step, is_of, settled
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
# states that accounting has not
UNCOUNTED = frozenset(
    [name for pair in listings.NOT_ACCOUNTED.items() if pair[0] != "REVOKED" for name in pair]
    + [name for state in (JobState.COMPLETING, JobState.CONFIGURING) for name in (state.name, state.value)]
)
WHOLE = ("", "yes", "y", "no", "n")  # of --whole-hetjob
# a job that was held until it was cancelled never took part
# reasons of jobs that are not to start yet, whatever room there is: Slurm has no moment for these
KEPT_BACK = ("JobHeld%", "Dependency%", "JobArrayTaskLimit", "job requeued in %")
ELIGIBLE = "(start_time IS NOT NULL OR {}) AND coalesce(eligible_time, submit_time) < ?".format(
    " AND ".join(f"reason NOT LIKE '{reason}'" for reason in KEPT_BACK)
)


class Span:
    """The time that is looked at: seconds since the epoch."""

    def __init__(self, program: str, chosen: Chosen, now: float) -> None:
        self._now = now = int(now)  # as `now` in an option is
        self.since = _since(chosen, now)
        self.until = self._until(chosen, now)
        if self.since > self.until:
            moment = listing.moment_format()
            why = f"Start time ({moment(self.since)}) requested is after end time ({moment(self.until)})."
            raise BadUsage(f"{program}: error: {why}", exit_code=1)

    def meets(self, step: Step) -> bool:
        """Did the step run in the span?"""
        return int(step.start_time) <= self.until and (step.end_time is None or step.end_time >= self.since)

    def described(self, chosen: Chosen, states: str) -> list[str]:
        """What `sacct -v` says of it, and -vv besides; `states`: those that are asked for."""
        from mini_slurm.cli.verbose import accounting_loaded, sacct_options

        begin = time.ctime(self.since) if self.since else "Epoch 0"
        kind = states or "Eligible"
        found = [
            f"Jobs {kind} in the time window from {begin} to {time.ctime(self.until)}",
            *accounting_loaded(chosen),
        ]
        if chosen.count("verbose") > 1:
            found[1:1] = [sacct_options(chosen)]
        return found

    def _until(self, chosen: Chosen, now: float) -> float:
        """Without -E, states are asked for at the one moment of -S."""
        if "endtime" in chosen:
            return _moment(chosen.text("endtime"), now) or now
        return self.since if chosen.words("state") and self.since else now

    @property
    def after(self) -> float:
        """The first moment after the span, which is counted in whole seconds; its last one is that where it is past."""
        return self.until + (self.until in (self.since, self._now))


def _since(chosen: Chosen, now: float) -> float:
    text = chosen.text("starttime")
    if text is not None:
        return _moment(text, now)
    if "jobs" in chosen or "report" in chosen:
        return 0.0
    return now if chosen.words("state") else _moment("00:00:00", now)


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
        return [job for job in map(job_ids.parse_selected, job_ids.split(text)) if job.number] or None
    except ValueError as error:
        raise BadUsage(f"{program}: fatal: {error}", exit_code=1) from None


def where(program: str, chosen: Chosen, span: Span, jobs: Sequence[JobId] | None) -> Where:
    """The conditions for the database. Raises BadUsage."""
    found = Where()
    found.jobs(None if jobs is None else {number for job in jobs for number in (job.number, job.part_of) if number})
    _add_states(program, found, chosen, span, named=jobs is not None)
    found.among("uid", filters.users(program, chosen))
    for field, column in (("accounts", "account"), ("partition", "partition"), ("name", "name"), ("qos", "qos")):
        found.among(column, chosen.words(field), any_case=True)
    found.among("features", chosen.words("constraints"))
    filters.add_flags(program, found, chosen)
    found.among("coalesce(wait_reason, 'None')", filters.reasons(program, chosen), any_case=True)
    if "gid" in chosen:
        found.among("gid", [filters.group(program, word) for word in chosen.words("gid") or []])
    if "nodelist" in chosen:
        first, *more = chosen.every("nodelist")
        for _ in more:
            common.say(f"{program}: error: Already asked for nodes '{first}'")
        found.on_nodes(listing.nodes(first))
    if chosen.words("wckeys"):
        found.among("json_extract(extra, '$.wckey')", chosen.words("wckeys"), any_case=True)
    filters.add_sizes(program, found, chosen)
    return found


def _add_states(program: str, found: Where, chosen: Chosen, span: Span, *, named: bool) -> None:
    """Jobs that were in one of the states in the span, or, with none named, that could have run in it."""
    words = chosen.words("state")
    if not words:
        if named:  # then a job that may not run yet counts as well
            found.add("submit_time < ?", span.after)
        else:
            found.add(ELIGIBLE, span.after)
        found.add("end_time IS NULL OR end_time >= ?", span.since)
        return
    try:
        states = listings.job_states(words)
    except listings.UnknownState as error:
        raise BadUsage(f"{program}: fatal: unrecognized job state value '{error}'", exit_code=1) from None
    for word in words:
        if word.upper() in UNCOUNTED:
            raise BadUsage(f"{program}: fatal: job state {word} is not supported / accounted", exit_code=1)
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


# --- lines


def instead(earlier: Sequence[Job], jobs: Sequence[Job]) -> list[Job]:
    """The last earlier run of each job that is not shown as it is now, as one that waits for its time is not."""
    shown = {job.job_id for job in jobs}
    last = {job.job_id: job for job in sorted(earlier, key=lambda job: job.attempt)}
    return [job for number, job in last.items() if number not in shown]


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
        own = [settled(step, job) for step in theirs.get((job.job_id, job.attempt), []) if is_of(step, job)]
        line = Line(job, steps=own)
        wanted = None if not names or any(name.step is None for name in names) else {name.step for name in names}
        if wanted is None or "allocations" in chosen:
            yield line
        if "allocations" in chosen or line.started is None:
            continue
        has_script = job.is_batch and not job.het_offset and job.resize_time is None
        for step in [*([batch_step(job)] if has_script else []), *own]:
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
    if name.part_of is not None and whole in ("", "no", "n"):
        return name.number == job.job_id and job.het_job_id is not None
    first = None if whole in ("no", "n") else job.het_job_id
    part_of = name.part_of
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


def _place(job: Job) -> tuple[int, int, int, int, float, bool]:
    """Within a second: arrays and their tasks by their numbers; earlier runs and sizes of a job come first."""
    task = job.array_task_id if job.array_task_id is not None else NO_TASK
    return job.array_job_id or 0, task, job.job_id, job.attempt, job.resize_time or 0, job.start_time is None


def show_contents(db: sqlite3.Connection | None, lines: Sequence[Line], *, environments: bool) -> int:
    """-B and --env-vars: the scripts, or the environments, of these jobs as they were submitted. The exit status."""
    for line in lines:
        if not line.step and environments:
            title, text = (
                f"Environment used for {line.job.display_id} (must be batch to display)",
                _environment(db, line.job),
            )
        elif not line.step:
            script = content(db, line.job.script) or b""
            title, text = f"Batch Script for {line.job.display_id}", script.decode(errors="backslashreplace")
        else:
            continue
        listing.show([title, "-" * 80, text])
    return 0


def _environment(db: sqlite3.Connection | None, job: Job) -> str:
    """Its variables, a line each."""
    import json

    kept = content(db, job.environment)
    return "".join(f"{name}={value}\n" for name, value in json.loads(kept or b"{}").items()) or "NONE"


def state_names(chosen: Chosen) -> str:
    """The states of -s by their names."""
    words = chosen.words("state") or []
    names = {state.value: state.name for state in JobState}
    names |= {code: name for name, code in listings.NOT_ACCOUNTED.items()}
    return ",".join(dict.fromkeys(names.get(word.upper(), word.upper()) for word in words))
