"""The grammar of Slurm's command lines: getopt_long(3), with its words when something does not parse.

Kept free of everything that costs time to import: every command reads its command line through `parse`.
"""

from __future__ import annotations

from mini_slurm.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

BAD_USAGE = 255  # exit status of sbatch, srun and salloc; the commands that only ask or cancel use 1


class Option:
    """One option of a command: a row of its table."""

    __slots__ = ("aliases", "field", "help", "long", "metavar", "short", "value")

    def __init__(
        self,
        *,
        field: str,
        long: str,
        short: str = "",
        value: str = "required",
        help: str = "",
        metavar: str = "",
        aliases: tuple[str, ...] = (),
    ) -> None:
        self.field = field  # what the command calls the result
        self.long = long
        self.short = short
        self.value = value  # "required", "optional" (only glued: --nice=5, -k1) or "none"
        self.help = help
        self.metavar = metavar
        self.aliases = aliases  # further long names


class Setting:
    """One option as it was given; `text` is None where no value was given."""

    __slots__ = ("option", "text")

    def __init__(self, option: Option, text: str | None) -> None:
        self.option = option
        self.text = text


def parse(
    program: str, arguments: list[str], options: Sequence[Option], *, permute: bool, exit_code: int = BAD_USAGE
) -> tuple[list[Setting], list[str]]:
    """The options given and the words left over. Raises BadUsage.

    With `permute` options may follow other words, as in GNU programs; without, the first other word ends them.
    """
    try:
        return _parse(arguments, options, permute)
    except ValueError as error:
        advice = f'Try "{program} --help" for more information'
        raise BadUsage(f"{program}: {error}", advice, exit_code=exit_code) from None


def _parse(arguments: list[str], options: Sequence[Option], permute: bool) -> tuple[list[Setting], list[str]]:
    settings: list[Setting] = []
    words: list[str] = []
    position = 0
    while position < len(arguments):
        word = arguments[position]
        position += 1
        if word == "--":
            return settings, words + arguments[position:]
        if word.startswith("--"):
            position += _long(word, arguments[position:], options, settings)
        elif word.startswith("-") and word != "-":
            position += _short(word[1:], arguments[position:], options, settings)
        elif permute:
            words.append(word)
        else:
            return settings, arguments[position - 1 :]
    return settings, words


def _long(word: str, rest: list[str], options: Sequence[Option], settings: list[Setting]) -> int:
    """Read `--name[=value]`; how many of the words after it were used up."""
    given, equals, glued = word[2:].partition("=")
    option, name = _find(word, given, options)
    if option.value == "none" and equals:
        raise ValueError(f"option '--{name}' doesn't allow an argument")
    if option.value != "required" or equals:
        settings.append(Setting(option, glued if equals else None))
        return 0
    if not rest:
        raise ValueError(f"option '--{name}' requires an argument")
    settings.append(Setting(option, rest[0]))
    return 1


def _find(word: str, given: str, options: Sequence[Option]) -> tuple[Option, str]:
    """The option of this name or unique beginning of a name, and its whole name."""
    found: dict[int, tuple[Option, str]] = {}
    for option in options:
        for name in (option.long, *option.aliases):
            if name == given:
                return option, name
            if name.startswith(given):
                found.setdefault(id(option), (option, name))
    if not found:
        raise ValueError(f"unrecognized option '{word}'")
    if len(found) > 1:
        names = " ".join(f"'--{name}'" for _, name in found.values())
        raise ValueError(f"option '{word}' is ambiguous; possibilities: {names}")
    return found.popitem()[1]


def _short(letters: str, rest: list[str], options: Sequence[Option], settings: list[Setting]) -> int:
    """Read `-abc` or `-nVALUE`; how many of the words after it were used up."""
    for index, letter in enumerate(letters):
        option = next((option for option in options if option.short == letter), None)
        if option is None:
            raise ValueError(f"invalid option -- '{letter}'")
        glued = letters[index + 1 :]
        if option.value == "none":
            settings.append(Setting(option, None))
        elif glued or option.value == "optional":
            settings.append(Setting(option, glued or None))
            return 0
        elif rest:
            settings.append(Setting(option, rest[0]))
            return 1
        else:
            raise ValueError(f"option requires an argument -- '{letter}'")
    return 0
