"""The grammar of Slurm's command lines: getopt_long(3), with its words when something does not parse.

Kept free of everything that costs time to import: every command reads its command line through `parse`.
"""

from __future__ import annotations

from mini_slurm.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LAST = ("help", "usage", "version")  # a command that is asked for these looks at nothing behind them
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
    reader = Reader(program, arguments, options, permute=permute, exit_code=exit_code)
    given = []
    for setting in reader.settings():
        given.append(setting)
        if setting.option.field in LAST:
            break
    return given, reader.words


class Reader:
    """Reads a command line; `words` are those left over, once all settings were taken."""

    def __init__(
        self,
        program: str,
        arguments: list[str],
        options: Sequence[Option],
        *,
        permute: bool = False,
        exit_code: int = BAD_USAGE,
    ) -> None:
        self.program = program
        self.arguments = arguments
        self.options = options
        self.permute = permute
        self.exit_code = exit_code
        self.position = 0
        self.words: list[str] = []

    def settings(self) -> Iterator[Setting]:
        """One option after the other: what is wrong with one is told before the next is read. Raises BadUsage."""
        while self.position < len(self.arguments):
            word = self.arguments[self.position]
            self.position += 1
            if word == "--":
                break
            if word.startswith("-") and word != "-":
                try:
                    yield from self.option(word)
                except ValueError as error:
                    advice = f'Try "{self.program} --help" for more information'
                    raise BadUsage(f"{self.program}: {error}", advice, exit_code=self.exit_code) from None
            elif self.permute:
                self.words.append(word)
            else:
                self.position -= 1
                break
        self.words += self.arguments[self.position :]

    def option(self, word: str) -> Iterator[Setting]:
        """Read what this word, which begins with a dash, says, and its value from the next one. Raises ValueError."""
        return self._long(word) if word.startswith("--") else self._short(word[1:])

    def _long(self, word: str) -> Iterator[Setting]:
        """Read `--name[=value]`."""
        given, equals, glued = word[2:].partition("=")
        option, name = _find(word, given, self.options)
        if option.value == "none" and equals:
            raise ValueError(f"option '--{name}' doesn't allow an argument")
        if option.value != "required" or equals:
            yield Setting(option, glued if equals else None)
        else:
            yield Setting(option, self._next(f"option '--{name}' requires an argument"))

    def _short(self, letters: str) -> Iterator[Setting]:
        """Read `-abc` or `-nVALUE`."""
        for index, letter in enumerate(letters):
            option = next((option for option in self.options if option.short == letter), None)
            if option is None:
                raise ValueError(f"invalid option -- '{letter}'")
            glued = letters[index + 1 :]
            if option.value == "none":
                yield Setting(option, None)
                continue
            if glued or option.value == "optional":
                yield Setting(option, glued or None)
            else:
                yield Setting(option, self._next(f"option requires an argument -- '{letter}'"))
            return

    def _next(self, complaint: str) -> str:
        """The next word, which is a value whatever it looks like."""
        if self.position == len(self.arguments):
            raise ValueError(complaint)
        self.position += 1
        return self.arguments[self.position - 1]


def _find(word: str, given: str, options: Sequence[Option]) -> tuple[Option, str]:
    """The option of this name or unique beginning of a name, and its whole name."""
    found: list[tuple[Option, str]] = []
    for option in options:
        for name in (option.long, *option.aliases):
            if name == given:
                return option, name
            if name.startswith(given):
                found.append((option, name))
    if not found:
        raise ValueError(f"unrecognized option '{word}'")
    others = [name for option, name in found if option is not found[0][0]]
    if others:
        names = " ".join(f"'--{name}'" for name in (found[0][1], *others))
        raise ValueError(f"option '{word}' is ambiguous; possibilities: {names}")
    return found[0]
