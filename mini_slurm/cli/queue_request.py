"""What msqueue is asked for: its options and variables as columns, conditions and an order."""

from __future__ import annotations

import os

from mini_slurm.cli import common, listing
from mini_slurm.errors import BadUsage, MiniSlurmError
from mini_slurm.model.states import JobState
from mini_slurm.options import job_ids, listings, squeue
from mini_slurm.output import job_fields, job_order
from mini_slurm.output.job_order import Order
from mini_slurm.output.layout import Field, Layout, by_letters, by_names
from mini_slurm.store.queries import Where

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mini_slurm.model.fleet import Fleet
    from mini_slurm.options.job_ids import JobId
    from mini_slurm.options.listings import Chosen
    from mini_slurm.output.step_fields import Line

VARIABLES = {
    "accounts": "SQUEUE_ACCOUNT", "array": "SQUEUE_ARRAY", "array_unique": "SQUEUE_ARRAY_UNIQUE",
    "clusters": "SLURM_CLUSTERS", "name": "SQUEUE_NAMES", "partitions": "SQUEUE_PARTITION",
    "priority": "SQUEUE_PRIORITY", "qos": "SQUEUE_QOS", "sort": "SQUEUE_SORT", "states": "SQUEUE_STATES",
    "user": "SQUEUE_USERS",
}  # fmt: skip
NOT_OVER = frozenset({state.name for state in JobState if not state.is_over} | listings.APART.keys())
WITH_STEPS = frozenset({"RUNNING", "STOPPED", "SUSPENDED", "COMPLETING"})
LOOSE = (("numtask",), ("numtask", "container"))  # names of -O of jobs and of steps that may go on in any way
BY_START = "S"  # the order of --start
PLANNED = {"state", "reason", "submit_time", "eligible_time"}  # tell for which jobs something may be expected
ARRAYS = frozenset({"job_id", "array_job_id", "array_task_id", "array_tasks", "het_job_id"})
MERGED = frozenset({"name", "partition", "reason"})  # what tells which waiting tasks of an array are one line


class Request:
    """Everything that one call asks for."""

    def __init__(self, program: str, chosen: Chosen) -> None:
        self.chosen = chosen
        self.steps = _steps(program, chosen)
        self.jobs = _jobs(program, chosen)
        self.wanted = None if self.jobs is None else job_ids.wanted(self.jobs)
        self.layout = _layout(program, chosen)
        self.sort = chosen.text("sort")
        self.order: Order | None = None
        self.bad_sort = ""
        if not self.by_step:
            self._read_order(program)
        elif "b" in (self.sort or ""):
            common.say(f"{program}: Invalid sort specification: b")
        self._states = _states(program, chosen)
        self._nodes = _node_names(program, chosen)
        self.users = _users(program, chosen)

    @property
    def by_step(self) -> bool:
        """Are steps asked for and not jobs?"""
        return "steps" in self.chosen

    @property
    def only_job(self) -> int | None:
        """The single job that was asked for by its number: that it is unknown is an error then."""
        return self.jobs[0].number if self.jobs is not None and len(self.jobs) == 1 else None

    @property
    def only_user(self) -> int | None:
        """The single user whose jobs alone were asked for."""
        return self.users[0] if self.users is not None and len(self.users) == 1 else None

    @property
    def columns(self) -> set[str]:
        """Every column that is needed."""
        if self.by_step:
            from mini_slurm.output.step_fields import COLUMNS

            return {*COLUMNS.split()}
        found = self.layout.columns | (self.order.columns if self.order else set()) | ARRAYS | MERGED
        return found | PLANNED if self.looks_ahead else found

    @property
    def looks_ahead(self) -> bool:
        """Is it of interest when waiting jobs are expected to start?"""
        by_start = self.order is not None and self.order.looks_ahead
        return not self.by_step and (by_start or self.needs("StartTime", "EndTime", "SchedNodes"))

    def needs(self, *fields: str) -> bool:
        """Is one of these columns shown?"""
        return any(field.name in fields for field in self.layout.fields)

    def layout_of(self, names: Sequence[str]) -> Layout:
        """The columns for these places: lines of several, without heads, begin with their place's name."""
        is_chosen = any(field in self.chosen for field in ("format", "long_format", "start", "steps"))
        if is_chosen or len(names) < 2 or "noheader" not in self.chosen:
            return self.layout
        return Layout([*by_names("cluster:10 ", *_named_table(steps=False))[0].cells, *self.layout.cells])

    def names_step(self, line: Line) -> bool:
        """Is this one of the steps that were named? The batch script's own has no number, and never is."""
        job, step = line.job, line.step
        return step is not None and any(
            one.step == step.number
            and (
                one.number in (job.job_id, job.array_job_id)
                if one.tasks is None
                else one.number == job.array_job_id and job.array_task_id in one.tasks
            )
            for one in self.steps or ()
        )

    def among_nodes(self, found: list[Line], fleet: Fleet | None) -> list[Line]:
        """Those of the steps that run on one of the nodes of -w. Raises MiniSlurmError."""
        if "nodelist" not in self.chosen:
            return found
        wanted = set(_nodes(self._nodes, fleet))
        return [line for line in found if wanted.intersection(listing.names(line.nodes))]

    def where(self, now: float, fleet: Fleet | None) -> Where:
        """The conditions for the database; the names of nodes have to be the fleet's, if there is one to ask.

        Raises MiniSlurmError.
        """
        where = Where()
        where.written(self._states, now)
        where.jobs(self.wanted)
        where.among("uid", self.users)
        where.listed("partition", self.chosen.words("partitions"))
        if self.by_step:
            return where
        if "nodelist" in self.chosen:
            where.on_nodes(_nodes(self._nodes, fleet))
        for field, column in (("accounts", "account"), ("name", "name"), ("qos", "qos")):
            where.among(column, self.chosen.words(field), any_case=True)
        where.listed("licenses", self.chosen.words("licenses"), until=":")
        if "reservation" in self.chosen:
            where.among("reservation", [self.chosen.text("reservation")])
        return where

    def _read_order(self, program: str) -> None:
        default = BY_START if "start" in self.chosen else job_order.SORT
        try:
            self.order = Order(default if self.sort is None else self.sort)
        except ValueError as error:
            self.bad_sort = str(error)
            return
        for letter in self.order.unused:
            common.say(f"{program}: Invalid sort specification: {letter}")


def read(program: str, chosen: Chosen, words: list[str]) -> Request:
    """The request that the options describe. Raises BadUsage, Refused."""
    for field in ("jobs", "steps"):  # their value may also be the next word
        if field in chosen and chosen.text(field) is None and words:
            chosen.put(field, words.pop(0))
            break
    if words:
        print(squeue.SUMMARY)
        raise BadUsage(f"{program}: error: Unrecognized option: {words[0]}", exit_code=1)
    _check(program, chosen)
    for field, variable in VARIABLES.items():
        chosen.default(field, os.environ.get(variable))
    if "partitions" not in chosen:
        chosen.default("licenses", os.environ.get("SQUEUE_LICENSES"))
    return Request(program, chosen)


def _check(program: str, chosen: Chosen) -> None:
    """Some options exclude each other. Raises BadUsage."""
    order = [field for field in chosen.fields if field in ("format", "long_format")]
    if len(order) == 2:
        short, long = "-o (--format)", "-O (--Format)"
        one, other = (long, short) if order[0] == "format" else (short, long)
        raise BadUsage(f"{program}: error: {one} is incompatible with {other}", exit_code=1)
    if "long" in chosen and "format" in chosen:
        why = "Options -o(--format) and -l(--long) are mutually exclusive. Please remove one and retry."
        raise BadUsage(f"{program}: fatal: {why}", exit_code=1)
    if "steps" in chosen and "jobs" in chosen and chosen.text("jobs") is None:
        raise BadUsage(f"{program}: error: Incompatible options --jobs and --steps", exit_code=1)


# --- columns


def _layout(program: str, chosen: Chosen) -> Layout:
    """The columns that were asked for; unknown ones are reported and do not count."""
    steps = "steps" in chosen
    if not any(field in chosen for field in ("format", "long_format", "long", "start", "steps")):
        chosen.default("format", os.environ.get("SQUEUE_FORMAT"))
        chosen.default("long_format", os.environ.get("SQUEUE_FORMAT2") if "format" not in chosen else None)
    names = chosen.text("long_format")
    if names is None or ("start" in chosen and not steps):  # whose columns -O does not change
        layout, unknown = by_letters(chosen.text("format", _default_format(chosen)) or "", _table(steps))
    else:
        layout, unknown = by_names(names, *_named_table(steps), loose=LOOSE[steps])
    kind = "job step" if steps else "job"
    for word in unknown:
        common.say(f"{program}: error: Invalid {kind} format specification: {word}")
    return layout


def _default_format(chosen: Chosen) -> str:
    if "steps" in chosen:
        from mini_slurm.output.step_fields import DEFAULT

        return DEFAULT
    if "start" in chosen:
        return job_fields.START
    return job_fields.LONG if "long" in chosen else job_fields.DEFAULT


def _table(steps: bool) -> tuple[Field, ...]:
    if steps:
        from mini_slurm.output.step_fields import STEP_FIELDS

        return STEP_FIELDS
    if "SLURM_BITSTR_LEN" in os.environ:  # a list of tasks that may be longer is not cut at the column's width
        return tuple(field.uncut() if field.letter == "i" else field for field in job_fields.JOB_FIELDS)
    return job_fields.JOB_FIELDS


def _named_table(steps: bool) -> tuple[tuple[Field, ...], Mapping[str, str]]:
    if steps:
        from mini_slurm.output.step_fields import ALIASES, STEP_FIELDS

        return STEP_FIELDS, ALIASES
    from mini_slurm.output import job_names

    return job_names.NAMED_FIELDS, job_names.ALIASES


# --- conditions


def _jobs(program: str, chosen: Chosen) -> list[JobId] | None:
    text = chosen.text("jobs")
    if text is None:
        return None
    try:
        return [job_ids.parse_job(word) for word in job_ids.split(text)]
    except ValueError as error:
        raise BadUsage(f"{program}: error: Invalid job id: {error}", exit_code=1) from None


def _steps(program: str, chosen: Chosen) -> list[JobId] | None:
    text = chosen.text("steps")
    if text is None:
        return None
    try:
        return [job_ids.parse_step(word) for word in job_ids.split(text)]
    except ValueError as error:
        raise BadUsage(f"{program}: error: Invalid job_step id: {error}", exit_code=1) from None


def _states(program: str, chosen: Chosen) -> frozenset[str] | None:
    """The states of the jobs, as they are written; None: all. Raises BadUsage."""
    text = chosen.text("states")
    if "steps" in chosen:
        return WITH_STEPS
    if text is None:
        return frozenset({JobState.PENDING.name}) if "start" in chosen else NOT_OVER
    if text.lower() == "all":
        return None
    try:
        return listings.written_states(chosen.words("states") or [])
    except listings.UnknownState as error:
        raise BadUsage(
            f"{program}: error: Invalid job state specified: {error}",
            f"{program}: error: Valid job states include: {squeue.STATES}\n",
            exit_code=1,
        ) from None


def _users(program: str, chosen: Chosen) -> list[int] | None:
    """The uids of the users; one that does not exist is reported, and nobody's job is shown for it."""
    last = next((field for field in reversed(chosen.fields) if field in ("me", "user")), "user")
    if last == "me":
        return [os.geteuid()]
    names = chosen.words("user")
    if names is None:
        return None
    found = []
    for name in names:
        number = listing.user_number(name)
        if number is None:
            common.say(f"{program}: error: Invalid user: {name}")
            common.say("")
        else:
            found.append(number)
    return found


def _node_names(program: str, chosen: Chosen) -> list[str]:
    """The names of -w. Raises BadUsage for what is no hostlist."""
    text = chosen.text("nodelist")
    return [] if text is None else listing.host_names(program, text, "nodelist")


def _nodes(names: list[str], fleet: Fleet | None) -> list[str]:
    """The nodes of -w, all of which there have to be in the fleet; None: they are another's. Raises MiniSlurmError."""
    if fleet is None:
        return names
    found = []
    for name in names:
        node = os.uname().nodename.partition(".")[0] if name.lower() == "localhost" else name
        known = next(
            (entry.name for entry in fleet.machines.values() if node in (entry.name, entry.host, entry.alias)), None
        )
        if known is None:
            raise MiniSlurmError(f"Invalid node name {name}")
        found.append(known)
    return found
