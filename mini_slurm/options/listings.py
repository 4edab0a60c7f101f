"""What the option tables of squeue, sinfo, sacct and scancel share; and the values of their options."""

from __future__ import annotations

from mini_slurm.model.states import JobState
from mini_slurm.options.grammar import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from mini_slurm.options.grammar import Setting

FLAG, LIST, MAYBE = "none", "required", "optional"
# states that squeue alone tells apart (`model.states.written`): elsewhere a filter may name them, and nothing matches
APART = {"RESV_DEL_HOLD": "RD", "SPECIAL_EXIT": "SE", "STOPPED": "ST"}
# ... and those that no job of a fleet is ever in
NEVER = {"REQUEUE_FED": "RF", "REQUEUE_HOLD": "RH", "REVOKED": "RV", "SIGNALING": "SI", "STAGE_OUT": "SO"}
NOT_ACCOUNTED = {**APART, **NEVER}


def option(
    long: str, short: str = "", value: str = FLAG, help: str = "", metavar: str = "", *more: str, field: str = ""
) -> Option:
    """One row; `more` are further long names, in Slurm's order: an ambiguous beginning lists them."""
    return Option(
        field=field or long.replace("-", "_"),
        long=long,
        short=short,
        value=value,
        help=help,
        metavar=metavar,
        aliases=more,
    )


# rows that several of the tables have, each in its own place
HELP = option("help", "", FLAG, "Show this help.")
USAGE = option("usage", "", FLAG, "Show the options in short.")
VERBOSE = option("verbose", "v", FLAG, "Say more.")
VERSION = option("version", "V", FLAG, "Show the version.")
CLUSTERS = option("cluster", "M", LIST, "Ask these clusters.", "CLUSTERS", "clusters", field="clusters")
FEDERATION = option("federation", "", FLAG, "Show the whole federation.")
LOCAL = option("local", "", FLAG, "Show this cluster only.")
NO_CONVERT = option("noconvert", "", FLAG, "Leave sizes in their unit.")
JSON = option("json", "", FLAG, "Write JSON.")
YAML = option("yaml", "", FLAG, "Write YAML.")


class Chosen:
    """The options given to one command, by field; an option given twice counts as it was given last."""

    def __init__(self, settings: Sequence[Setting]) -> None:
        self._given = {setting.option.field: setting.text for setting in settings}
        self._settings = settings

    def __contains__(self, field: str) -> bool:
        return field in self._given

    @property
    def given(self) -> Set[str]:
        """The options that count, wherever they come from."""
        return self._given.keys()

    @property
    def fields(self) -> list[str]:
        """The options that were given, in the order of their last time."""
        return list(dict.fromkeys(setting.option.field for setting in reversed(self._settings)))[::-1]

    def put(self, field: str, text: str) -> None:
        """The value that was found elsewhere on the command line."""
        self._given[field] = text

    def default(self, field: str, text: str | None) -> None:
        """What counts where the option was not given: an environment variable's value, None when it is not set."""
        if text is not None:
            self._given.setdefault(field, text)

    def text(self, field: str, default: str | None = None) -> str | None:
        """The value as it was written; the default where the option was not given."""
        return self._given.get(field, default)

    def words(self, field: str, default: str | None = None) -> list[str] | None:
        """The values between commas; None where there is nothing to choose by."""
        text = self.text(field, default)
        return None if text is None else [word for word in text.split(",") if word]

    def every(self, field: str) -> list[str]:
        """The values of an option that may be given again and again, as they were written."""
        return [setting.text or "" for setting in self._settings if setting.option.field == field]

    def gather(self, *fields: str) -> None:
        """What was given to these again and again counts all together, as if it had stood between commas."""
        for field in fields:
            if self.count(field) > 1:
                self.put(field, ",".join(self.every(field)))

    def count(self, field: str) -> int:
        """How often an option was given."""
        return len(self.every(field))


def job_states(words: Sequence[str]) -> frozenset[JobState]:
    """The states that these names or codes mean. Raises UnknownState."""
    return frozenset(JobState[name] for name in written_states(words) if name in JobState.__members__)


def written_states(words: Sequence[str]) -> frozenset[str]:
    """The names, as squeue writes them, of the states that these names or codes mean. Raises UnknownState."""
    known = {*JobState.__members__, *NOT_ACCOUNTED}
    names = {word: state_name(word) for word in words}
    for word, name in names.items():
        if name not in known:
            raise UnknownState(word)
    return frozenset(names.values())


def state_name(word: str) -> str:
    """The name of the state that this name or code means; of a word that means none, the word."""
    codes = {state.value: state.name for state in JobState}
    codes |= {code: name for name, code in NOT_ACCOUNTED.items()}
    return codes.get(word.upper(), word.upper())


class UnknownState(ValueError):
    """A name that is no job state, as it was given."""
