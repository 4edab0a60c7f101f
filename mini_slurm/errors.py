"""Every error that a user can meet; and `visible`, without which no text of others is shown.

MiniSlurmError
├── BadUsage           the command line does not parse: getopt's words, exit status 255
│   └── NotThere       what was asked for is not in this place, but may be in the next one
├── BadOption          an option's value does not parse: Slurm's words, exit status 255
├── Refused            understood, but it cannot be done as asked: exit status 1
├── Fatal              options that exclude each other: Slurm's `fatal:`, exit status 1
├── Answer             no error: the text that was asked for, on standard output
├── FleetError         the fleet file is wrong
├── TemplateError      a template of a script is wrong, or what is given for its variables
├── StateError         the state folder or the database cannot be used
├── Unreachable        a machine cannot be reached; `again` says whether trying again can help
└── UnknownJob, JobFailed, WaitTimeout      Python programs alone meet these: api/faults.py
"""

from __future__ import annotations


def visible(text: str) -> str:
    """The text with control characters but tabs written as escapes: nothing in it is obeyed by a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\t" else ascii(char)[1:-1] for char in text)


class MiniSlurmError(Exception):
    """One or more lines for the user, each printed as `NAME: WORD: LINE`; `hint` says what to do."""

    exit_code = 1
    word = "error"
    remark = ""  # what else has come of it, printed as `NAME: REMARK`

    def __init__(self, *lines: str, hint: str = "", exit_code: int | None = None) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
        self.hint = hint
        if exit_code is not None:
            self.exit_code = exit_code


class BadUsage(MiniSlurmError):
    """The command line does not parse; printed as getopt_long does, without the word `error`."""

    exit_code = 255


class NotThere(BadUsage):
    """What was asked for by its number is not in this place; it may be in another one, or come back."""


class BadOption(MiniSlurmError):
    """A value that does not parse."""

    exit_code = 255


class Refused(MiniSlurmError):
    """Understood, but refused: the request can never be met, or is not this user's to make."""


class Fatal(MiniSlurmError):
    """What was asked for contradicts itself."""

    word = "fatal"


class Answer(MiniSlurmError):
    """A value like `help` asks for a text, and for nothing else."""


class FleetError(MiniSlurmError):
    """The fleet file is wrong; one line for each fault, with file and key path."""


class TemplateError(MiniSlurmError):
    """A template is not there or wrong, or a variable's value is; one line for each fault."""


class StateError(MiniSlurmError):
    """The state folder or the database in it cannot be used."""


class Unreachable(MiniSlurmError):
    """A machine that cannot be used now."""

    def __init__(self, *lines: str, hint: str = "", again: bool = True) -> None:
        super().__init__(*lines, hint=hint)
        self.again = again
