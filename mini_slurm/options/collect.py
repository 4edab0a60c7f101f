"""Script lines, environment and command line to values, one for each option.

The command line wins over the environment, and that over the script.
"""

from __future__ import annotations

from mini_slurm.errors import BadOption, Refused
from mini_slurm.model.numbers import LARGEST, leading_number
from mini_slurm.options.grammar import Setting
from mini_slurm.options.table import OPTIONS, VARIABLES, JobOption
from mini_slurm.options.values import NotANumber

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SCRIPT, ENVIRONMENT, COMMAND_LINE = "script", "environment", "command line"
BATCH = (*OPTIONS, *VARIABLES)
BATCH_NAMES = frozenset(name for option in BATCH for name in option.env)
MOMENTS = frozenset({"begin", "deadline"})  # whose meaning depends on the clock


class Values:
    """The values of the options that were given, by field, and which source each came from.

    `moment` reads a moment of time for the option of that name; `inform` and `warn` tell the user something at once.
    """

    def __init__(
        self, moment: Callable[[str, str], float], inform: Callable[[str], None], warn: Callable[[str], None]
    ) -> None:
        self.of: dict[str, object] = {}
        self.source: dict[str, str] = {}
        self.moment = moment
        self.inform = inform
        self.warn = warn
        self.remembered: dict[str, str] = {}  # variables for the job's environment

    def take(self, settings: Iterable[Setting], source: str) -> None:
        """Read the values of one source, which wins over those taken before. Raises MiniSlurmError."""
        for setting in settings:
            option = setting.option
            assert isinstance(option, JobOption)
            if option.is_early and source == SCRIPT:
                continue
            field = option.field
            if field in MOMENTS:
                value: object = self.moment(option.long, setting.text or "")
            else:
                # to getopt_long an empty value that might have been left out is none
                value = read_value(option, setting.text or None if option.value == "optional" else setting.text)
            self.of[field] = self._added(field, value) if option.adds else value
            self.source[field] = source
            if option.replaces:
                self.drop(option.replaces)

    def _added(self, field: str, value: object) -> object:
        """What a further word on an option comes to that adds to what was said before."""
        before = self.of.get(field)
        if isinstance(value, frozenset):
            return value | (before if isinstance(before, frozenset) else frozenset())
        if isinstance(value, tuple):
            return (*before, *value) if isinstance(before, tuple) else value
        if value is None:
            return (before if isinstance(before, int) else 0) + 1
        return value

    def take_environment(self, environment: Mapping[str, str], table: Iterable[JobOption] = BATCH) -> None:
        """The options that variables like SBATCH_PARTITION set. Raises MiniSlurmError."""
        if table is BATCH and BATCH_NAMES.isdisjoint(environment):
            return
        for option in table:
            for text in (environment[name] for name in option.env if name in environment):
                if option.value == "none" and not _is_on(text):
                    self.drop(option.field)
                else:
                    self.take([Setting(option, text)], ENVIRONMENT)

    def drop(self, field: str) -> None:
        """As if it had not been given."""
        self.of.pop(field, None)
        self.source.pop(field, None)

    def was_said(self, field: str) -> bool:
        """Was it given, and not by a variable alone?"""
        return self.source.get(field, ENVIRONMENT) != ENVIRONMENT

    def was_set(self, field: str) -> bool:
        """Did a variable give it?"""
        return self.source.get(field) == ENVIRONMENT

    def number(self, field: str) -> int | None:
        """A number that was given."""
        value = self.of.get(field)
        assert value is None or isinstance(value, int)
        return value

    def text(self, field: str) -> str | None:
        """A text that was given."""
        value = self.of.get(field)
        assert value is None or isinstance(value, str)
        return value


def _is_on(text: str) -> bool:
    """Does a variable turn a switch on?"""
    number, rest = leading_number(text)
    return not text or text.lower() == "yes" or (number != 0 and not rest)


def read_value(option: JobOption, text: str | None) -> object:
    """What the text of an option's value means. Raises MiniSlurmError, in Slurm's words."""
    hint = f"write for example --{option.long}={option.example}" if option.example else ""
    try:
        return option.parse(text)
    except NotANumber as error:
        if error.is_too_big:
            raise Refused(f"Numeric argument ({LARGEST}) to big for --{option.long}.", hint=hint) from None
        raise Refused(f'Invalid numeric value "{error.value}" for --{option.long}.', hint=hint) from None
    except ValueError:
        raise BadOption(f"Invalid --{option.long} specification", hint=hint) from None
