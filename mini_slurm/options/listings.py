"""What the option tables of squeue, sinfo, sacct and scancel share; and the values of their options."""

from __future__ import annotations

from mini_slurm.errors import BadUsage, Refused
from mini_slurm.model.states import JobState
from mini_slurm.options.grammar import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mini_slurm.options.grammar import Setting

FLAG, LIST, MAYBE = "none", "required", "optional"
SLURM_STATES = (
    "PENDING,RUNNING,SUSPENDED,COMPLETED,CANCELLED,FAILED,TIMEOUT,NODE_FAIL,PREEMPTED,BOOT_FAIL,DEADLINE,"
    "OUT_OF_MEMORY,COMPLETING,CONFIGURING,RESIZING,RESV_DEL_HOLD,REQUEUED,REQUEUE_FED,REQUEUE_HOLD,REVOKED,"
    "SIGNALING,SPECIAL_EXIT,STAGE_OUT,STOPPED"
)
# Slurm's states that no job of a fleet is ever in: a filter may name them, and nothing matches
NEVER = {
    "RESIZING": "RS", "RESV_DEL_HOLD": "RD", "REQUEUED": "RQ", "REQUEUE_FED": "RF", "REQUEUE_HOLD": "RH",
    "REVOKED": "RV", "SIGNALING": "SI", "SPECIAL_EXIT": "SE", "STOPPED": "ST", "STAGE_OUT": "SO",
}  # fmt: skip


def option(long: str, short: str = "", value: str = FLAG, help: str = "", metavar: str = "", *more: str) -> Option:
    """One row; `more` are further long names."""
    return Option(
        field=long.replace("-", "_"), long=long, short=short, value=value, help=help, metavar=metavar, aliases=more
    )


def format_option(long: str, short: str, what: str, metavar: str = "FORMAT") -> Option:
    """-o and -O differ only in the case of their first letter."""
    return Option(field="format" if short == "o" else "long_format", long=long, short=short, value=LIST, help=what,
                  metavar=metavar)  # fmt: skip


# fmt: off
HELP = (
    option("help", "", FLAG, "Show this help."),
    option("usage", "", FLAG, "Show the options in short."),
    option("version", "V", FLAG, "Show the version."),
    option("verbose", "v", FLAG, "Say more."),
)
COMMON = (
    option("clusters", "M", LIST, "Ask these clusters.", "CLUSTERS"),
    option("federation", "", FLAG, "Show the whole federation."),
    option("local", "", FLAG, "Show this cluster only."),
    option("noheader", "h", FLAG, "No line of names."),
    option("noconvert", "", FLAG, "Leave sizes in their unit."),
    option("json", "", FLAG, "Write JSON."),
    option("yaml", "", FLAG, "Write YAML."),
)
# fmt: on


class Chosen:
    """The options given to one command, by field; an option given twice counts as it was given last."""

    def __init__(self, settings: Sequence[Setting]) -> None:
        self._texts = {setting.option.field: setting.text for setting in settings}

    def __contains__(self, field: str) -> bool:
        return field in self._texts

    def put(self, field: str, text: str) -> None:
        """The value that was found elsewhere on the command line."""
        self._texts[field] = text

    def default(self, field: str, text: str | None) -> None:
        """What counts where the option was not given: an environment variable's value, None when it is not set."""
        if text is not None:
            self._texts.setdefault(field, text)

    def text(self, field: str, default: str | None = None) -> str | None:
        """The value as it was written; the default where the option was not given."""
        return self._texts.get(field, default)

    def words(self, field: str, default: str | None = None) -> list[str] | None:
        """The values between commas; None where there is nothing to choose by."""
        text = self.text(field, default)
        return None if text is None else [word for word in text.split(",") if word]


def refuse_unbuilt(chosen: Chosen, *fields: str) -> None:
    """Say so when one of these options, which Slurm has, is not built here. Raises Refused."""
    for field in fields:
        if field in chosen:
            raise Refused(f"--{field.replace('_', '-')} is not supported by mini_slurm yet")


def job_states(words: Sequence[str]) -> frozenset[JobState] | None:
    """The states that these names or codes mean; None: all. Raises BadUsage with Slurm's list."""
    if any(word.lower() == "all" for word in words):
        return None
    names = {state.name: state for state in JobState} | {state.value: state for state in JobState}
    never = {*NEVER, *NEVER.values()}
    found = set()
    for word in map(str.upper, words):
        if word in names:
            found.add(names[word])
        elif word not in never:
            raise UnknownState(word)
    return frozenset(found)


class UnknownState(ValueError):
    """A name that is no job state, as it was given, in capitals."""


def no_such_state(program: str, given: Sequence[str], unknown: UnknownState) -> BadUsage:
    """squeue's and scancel's lines for a state that does not exist."""
    word = next((word for word in given if word.upper() == str(unknown)), str(unknown))
    return BadUsage(
        f"{program}: error: Invalid job state specified: {word}",
        f"{program}: error: Valid job states include: {SLURM_STATES}\n",
        exit_code=1,
    )
