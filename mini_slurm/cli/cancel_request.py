"""What mscancel is asked for: the signal, the words and the filters, and what -v tells of them."""

from __future__ import annotations

import os

from mini_slurm.cli import common, listing
from mini_slurm.errors import BadUsage, MiniSlurmError
from mini_slurm.model import signals
from mini_slurm.model.signals import signal_number
from mini_slurm.model.states import JobState
from mini_slurm.options import job_ids, listings
from mini_slurm.store.queries import Where

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.job import Job
    from mini_slurm.options.job_ids import JobId
    from mini_slurm.options.listings import Chosen

FILTERS = ("account", "me", "name", "nodelist", "partition", "qos", "reservation", "state", "user", "wckey")
VARIABLES = {
    "account": "SCANCEL_ACCOUNT", "clusters": "SLURM_CLUSTERS", "ctld": "SCANCEL_CTLD", "hurry": "SCANCEL_HURRY",
    "name": "SCANCEL_NAME", "partition": "SCANCEL_PARTITION", "qos": "SCANCEL_QOS", "user": "SCANCEL_USER",
    "wckey": "SCANCEL_WCKEY",
}  # fmt: skip
SWITCHES = {
    "batch": "SCANCEL_BATCH", "full": "SCANCEL_FULL", "interactive": "SCANCEL_INTERACTIVE",
    "verbose": "SCANCEL_VERBOSE",
}  # fmt: skip
NOT_ENDING = "state != 'COMPLETING'"
# what -v calls the filters
LABELS = {
    "account": "account", "job_name": "name", "nodelist": "nodelist", "partition": "partition", "qos": "qos",
    "reservation": "reservation", "user_name": "user", "wckey": "wckey",
}  # fmt: skip


def take_variables(program: str, chosen: Chosen) -> None:
    """What the environment says counts where an option was not given. Raises BadUsage."""
    for field, variable in VARIABLES.items():
        chosen.default(field, os.environ.get(variable))
    for field, variable in SWITCHES.items():
        text = os.environ.get(variable)
        if text is not None and text.lower() == "true":
            chosen.default(field, text)
        elif text is not None and text.lower() != "false":
            common.say(f"{program}: error: Unrecognized {variable} value: {text}")
    text = os.environ.get("SCANCEL_STATE")
    if text is not None and "state" not in chosen:
        _state(text, "Unrecognized SCANCEL_STATE value")
        chosen.default("state", text)


def read_signal(chosen: Chosen) -> int:
    """The number of the signal that is to be sent. Raises BadUsage."""
    text = chosen.text("signal") or ""
    number = signal_number(text) % 2**16 if "signal" in chosen else signals.NUMBERS["KILL"]
    if not number:
        raise BadUsage(f"Unknown job signal: {text}", exit_code=1)
    return number


def doing(number: int, chosen: Chosen, kind: str) -> str:
    """What -v says is done to a job or a step: `Signal 10 to batch job`."""
    how = {"batch": "batch ", "full": "full "}.get(next((one for one in ("batch", "full") if one in chosen), ""), "")
    what = f"{how}{kind}" if kind == "job" else kind
    return f"Signal {number} to {what}" if "signal" in chosen else f"Terminating {what}"


def read_ids(program: str, words: list[str]) -> list[JobId]:
    """The jobs that the words name. Raises BadUsage."""
    try:
        return job_ids.parse_targets(words)
    except ValueError as error:
        before = []
        if isinstance(error, job_ids.BadRange):
            before.append(f"{program}: error: _parse_single_range: {error.why}")
        raise BadUsage(*before, f"{program}: error: Invalid job id {error}", exit_code=1) from None


def check(chosen: Chosen, ids: list[JobId]) -> None:
    """Something has to be named. Raises MiniSlurmError."""
    if not ids and not any(field in chosen for field in FILTERS):
        raise MiniSlurmError("No job identification provided")


def tell_loaded(program: str, chosen: Chosen) -> None:
    """Jobs are looked up: -v tells what Slurm loads for it."""
    if is_verbose(chosen):
        from mini_slurm.cli.verbose import loaded

        for line in loaded(chosen):
            common.say(f"{program}: {line}")


def tell_if_none(program: str, chosen: Chosen, jobs: list[Job]) -> None:
    """-v: no job is what the filters ask for."""
    if jobs or not is_verbose(chosen):
        return
    given = {label: chosen.text(field) for label, field in LABELS.items() if field in chosen}
    if "state" in chosen:
        given["state"] = _state(chosen.text("state") or "", "")
    if "me" in chosen:
        given["user_name"] = str(os.getuid())
    if given:
        filters = "".join(f"{label}={value} " for label, value in sorted(given.items()))
        common.say(f"{program}: error: No active jobs match ALL job filters, including: {filters}")


def is_verbose(chosen: Chosen) -> bool:
    """Is everything told? The last of -v and -Q counts."""
    return "verbose" in chosen and "quiet" not in chosen


def conditions(program: str, chosen: Chosen) -> Where:
    """What the filters ask for, of jobs that are not over. Raises MiniSlurmError."""
    where = Where(NOT_ENDING)
    where.states(frozenset(state for state in JobState if not state.is_over), 0.0)
    if "state" in chosen:
        where.among("state", [_state(chosen.text("state") or "", "Invalid job state specified")])
    if "user" in chosen:
        name = chosen.text("user") or ""
        number = listing.user_number(name)
        if number is None or (name.isdigit() and listing.user_name(number) is None):
            raise MiniSlurmError(f"Invalid user name: {name}")
        where.among("uid", [number])
    if "me" in chosen:
        where.among("uid", [os.getuid()])
    for field in ("account", "name", "partition", "qos", "reservation"):
        if field in chosen:
            where.among(field, [chosen.text(field)])
    if "nodelist" in chosen:
        where.on_nodes(_nodes(chosen.text("nodelist") or ""))
    if "wckey" in chosen:
        key = chosen.text("wckey") or ""  # a `*`, which marks one that nobody asked for, need not be given
        where.among("json_extract(extra, '$.wckey')", [key] if key.startswith("*") else [key, f"*{key}"])
    return where


def _nodes(text: str) -> list[str]:
    """The names of -w; a text with a slash is a file with names in it."""
    if "/" in text:
        try:
            with open(text, encoding="utf-8", errors="replace") as file:
                text = ",".join(file.read().split())
        except OSError:
            pass  # then it names no node
    return listing.nodes(text)


def _state(word: str, complaint: str) -> str:
    try:
        (state,) = listings.job_states([word]) or (None,)
    except listings.UnknownState:
        raise BadUsage(
            f"{complaint}: {word}", "Valid job states are PENDING, RUNNING, and SUSPENDED", exit_code=1
        ) from None
    return "" if state is None else state.name
