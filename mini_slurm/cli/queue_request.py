"""What msqueue is asked for: its options and variables as columns, conditions and an order."""

from __future__ import annotations

import os

from mini_slurm.cli import common, listing
from mini_slurm.errors import BadUsage
from mini_slurm.model.states import JobState
from mini_slurm.options import job_ids, listings, squeue
from mini_slurm.output import job_fields
from mini_slurm.output.job_order import Order
from mini_slurm.output.layout import Field, Layout, by_letters, by_names
from mini_slurm.store.queries import Where

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.options.listings import Chosen

VARIABLES = {
    "account": "SQUEUE_ACCOUNT", "array": "SQUEUE_ARRAY", "licenses": "SQUEUE_LICENSES", "name": "SQUEUE_NAMES",
    "partition": "SQUEUE_PARTITION", "qos": "SQUEUE_QOS", "sort": "SQUEUE_SORT", "states": "SQUEUE_STATES",
    "user": "SQUEUE_USERS",
}  # fmt: skip
NOT_OVER = frozenset(state for state in JobState if not state.is_over)


class Request:
    """Everything that one call asks for."""

    def __init__(self, program: str, chosen: Chosen) -> None:
        self.chosen = chosen
        self.layout = _layout(program, chosen)
        self.order: Order | None = None
        self.bad_sort = ""
        try:
            self.order = Order(chosen.text("sort") or _default_order(chosen))
        except ValueError as error:
            self.bad_sort = str(error)
        self.wanted = _wanted(program, chosen)
        self._states = _states(program, chosen)
        self._users = _users(program, chosen)

    @property
    def only_job(self) -> int | None:
        """The single job that was asked for by its number: that it is unknown is an error then."""
        return next(iter(self.wanted)) if self.wanted is not None and len(self.wanted) == 1 else None

    @property
    def columns(self) -> set[str]:
        """Every column that is needed."""
        arrays = {"job_id", "array_job_id", "array_task_id", "array_tasks"}
        return self.layout.columns | (self.order.columns if self.order else set()) | arrays

    @property
    def needs_cluster(self) -> bool:
        """Is the fleet's name shown or compared?"""
        return "clusters" in self.chosen or any(field.name == "Cluster" for field in self.layout.fields)

    def where(self, now: float) -> Where:
        """The conditions for the database."""
        where = Where()
        where.states(self._states, now)
        where.jobs(self.wanted)
        where.among("uid", self._users)
        for field, column in (("account", "account"), ("partition", "partition"), ("name", "name"), ("qos", "qos")):
            where.among(column, self.chosen.words(field))
        if "nodelist" in self.chosen:
            where.among("node", listing.names(self.chosen.text("nodelist") or ""))
        if "licenses" in self.chosen or "reservation" in self.chosen:
            where.add("0")  # a fleet has neither
        return where


def read(program: str, chosen: Chosen, words: list[str]) -> Request:
    """The request that the options describe. Raises BadUsage, Refused."""
    listings.refuse_unbuilt(chosen, "json", "yaml")
    for field in ("jobs", "steps"):  # their value may also be the next word
        if field in chosen and chosen.text(field) is None and words:
            chosen.put(field, words.pop(0))
    if words:
        print(squeue.USAGE)
        raise BadUsage(f"{program}: error: Unrecognized option: {words[0]}", exit_code=1)
    for field, variable in VARIABLES.items():
        chosen.default(field, os.environ.get(variable))
    return Request(program, chosen)


def _default_order(chosen: Chosen) -> str:
    return "P,i" if "steps" in chosen else "S,i" if "start" in chosen else job_fields.SORT


def _layout(program: str, chosen: Chosen) -> Layout:
    """The columns that were asked for; unknown ones are reported and do not count. Raises BadUsage."""
    steps = "steps" in chosen
    table: tuple[Field, ...] = job_fields.STEP_FIELDS if steps else job_fields.JOB_FIELDS
    if "long" in chosen:
        for field, name in (("format", "-o(--format)"), ("long_format", "-O(--Format)")):
            if field in chosen:
                why = f"Options {name} and -l(--long) are mutually exclusive. Please remove one and retry."
                raise BadUsage(f"{program}: fatal: {why}", exit_code=1)
    elif "format" not in chosen and "long_format" not in chosen:
        chosen.default("format", os.environ.get("SQUEUE_FORMAT"))
        chosen.default("long_format", os.environ.get("SQUEUE_FORMAT2") if "format" not in chosen else None)
    names = chosen.text("long_format")
    if names is None:
        layout, unknown = by_letters(chosen.text("format", _default_format(chosen)) or "", table)
    else:
        layout, unknown = by_names(names, table if steps else _named_fields())
    for word in unknown:
        common.say(f"{program}: error: Invalid job format specification: {word}")
    return layout


def _default_format(chosen: Chosen) -> str:
    if "steps" in chosen:
        return job_fields.STEPS
    if "start" in chosen:
        return job_fields.START
    return job_fields.LONG if "long" in chosen else job_fields.DEFAULT


def _named_fields() -> tuple[Field, ...]:
    from mini_slurm.output.job_names import NAMED_FIELDS

    return NAMED_FIELDS


def _wanted(program: str, chosen: Chosen) -> dict[int, frozenset[int] | None] | None:
    text = chosen.text("jobs") if chosen.text("steps") is None else chosen.text("steps")
    if text is None:
        return None
    found = []
    for word in job_ids.split(text):
        try:
            found.append(job_ids.parse(word))
        except ValueError:
            raise BadUsage(f"{program}: error: Invalid job id: {word}", exit_code=1) from None
    return job_ids.wanted(found)


def _states(program: str, chosen: Chosen) -> frozenset[JobState] | None:
    words = chosen.words("states")
    if words is None:
        running = frozenset({JobState.RUNNING})
        waiting = frozenset({JobState.PENDING})
        return running if "steps" in chosen else waiting if "start" in chosen else NOT_OVER
    try:
        return listings.job_states(words)
    except listings.UnknownState as error:
        raise listings.no_such_state(program, words, error) from None


def _users(program: str, chosen: Chosen) -> list[int] | None:
    """The uids of the users; one that does not exist is reported, and nobody's job is shown for it."""
    names = chosen.words("user")
    numbers = None if names is None else [listing.user_number(name) for name in names]
    for name, number in zip(names or [], numbers or [], strict=True):
        if number is None:
            common.say(f"{program}: error: Invalid user: {name}")
            common.say("")
    if "me" in chosen:
        return [os.getuid()]
    return None if numbers is None else [number for number in numbers if number is not None]
