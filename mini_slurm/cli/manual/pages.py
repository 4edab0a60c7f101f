"""What there is to say about each command: a Page, put together from its module, its option table and the notes.

A command's module says ABOUT (one sentence), WORDS (how what follows the options is written) and options(program).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

from mini_slurm.cli.admin.shims import SHIMS
from mini_slurm.cli.manual import notes
from mini_slurm.options.grammar import Option
from mini_slurm.options.table import JobOption

ADMIN = "mini-slurm"
COMMANDS = {command: name for name, command in SHIMS.items()}  # ours to Slurm's


class Section(NamedTuple):
    """Options that belong together."""

    title: str
    options: Sequence[Option]


class Words(NamedTuple):
    """A word that a command takes, or a column that it can show, and what it means."""

    word: str
    meaning: str


class Columns(NamedTuple):
    """What a listing can show: how -o and -O name it, and its header."""

    title: str
    rows: Sequence[tuple[str, str, str]]


class Page(NamedTuple):
    """All about one command."""

    name: str
    slurm: str  # its name in Slurm; "" when Slurm has none
    about: str
    words: str  # how what follows the options is written
    sections: Sequence[Section]
    verbs: Sequence[Words] = ()
    examples: Sequence[tuple[str, str]] = ()  # a command line, and what it does
    variables: Sequence[Words] = ()
    columns: Sequence[Columns] = ()
    usage: str = ""  # what --usage prints; "": made from the options

    @property
    def options(self) -> list[Option]:
        """All of them, in the order of the sections."""
        return [option for section in self.sections for option in section.options]


def page(command: str, program: str = "") -> Page:
    """The page of a command of ours; `program` is the name that it goes by now, which decides what it offers."""
    module = import_module(f"mini_slurm.cli.{command}")
    table = listed(module.options(program or command))
    note = notes.NOTES.get(command, notes.Note())
    if program in SHIMS:
        shown = [_as_slurm_shows(option, note) for option in table if option.long not in note.unlisted.split()]
    else:
        shown = list(table)
    verbs = [Words(*verb) for verb in module.verbs()] if hasattr(module, "verbs") else []
    sections = _sections(shown, note)
    examples = [example for example in note.examples if _is_offered(example[0], table)]
    return Page(
        program or command, COMMANDS[command], module.ABOUT, module.WORDS, sections, verbs, examples,
        _variables(table, note), _columns(note), note.usage if program in SHIMS else "",
    )  # fmt: skip


def _is_offered(line: str, table: Sequence[Option]) -> bool:
    """Has the command, by the name that it goes by now, all long options of this command line?"""
    names = {name for option in table for name in (option.long, *option.aliases)}
    return all(word[2:].partition("=")[0] in names for word in line.split() if word.startswith("--"))


def listed(table: Sequence[Option]) -> list[Option]:
    """The rows but for further letters of an option that has a long name."""
    named = {option.field for option in table if option.long}
    return [option for option in table if option.long or option.field not in named]


def _variables(table: Sequence[Option], note: notes.Note) -> list[Words]:
    """The variables that set options, by the options' names; and what others do."""
    longs = {option.field: f"As --{option.long}." for option in table}
    found = {variable: longs.get(field, field) for field, variable in note.variables.items()}
    for option in table:
        if isinstance(option, JobOption):
            found |= dict.fromkeys(option.env, f"As --{option.long}.")
    return [Words(variable, meaning) for variable, meaning in sorted(found.items())]


def _columns(note: notes.Note) -> list[Columns]:
    return [
        Columns(title, [(f"%{field.letter}" * bool(field.letter), field.name, field.header) for field in fields])
        for title, fields in note.columns.items()
    ]


def _as_slurm_shows(option: Option, note: notes.Note) -> Option:
    """Slurm's help shows one long name of an option, save for a few."""
    long, *aliases = note.spelled.get(option.long, option.long).split() or [""]
    return Option(
        field=option.field, long=long, short=option.short, value=option.value, help=option.help,
        metavar=option.metavar, aliases=tuple(aliases),
    )  # fmt: skip


def _sections(options: Sequence[Option], note: notes.Note) -> list[Section]:
    """The options in their groups; what no group names is in the last but one, and the last is help."""
    groups = {**note.groups, notes.HELP_TITLE: notes.HELP}
    titles = {name: title for title, names in groups.items() for name in names.split()}
    rest = notes.REST_TITLE if note.groups else notes.ONLY_TITLE
    order = [*note.groups, rest, notes.HELP_TITLE]
    found: dict[str, list[Option]] = {title: [] for title in order}
    for option in options:
        found[titles.get(option.long, rest)].append(option)
    return [Section(title, rows) for title, rows in found.items() if rows]


def names(option: Option) -> list[str]:
    """How an option is written, the short name first."""
    long = [f"--{name}" for name in (option.long, *option.aliases) if name]
    return [f"-{option.short}"] * bool(option.short) + long


def value(option: Option) -> str:
    """What stands after its long name: =VALUE, [=VALUE] or nothing."""
    if option.value == "none":
        return ""
    text = f"={option.metavar or 'VALUE'}"
    return f"[{text}]" if option.value == "optional" else text


def written(option: Option) -> str:
    """All names and the value: -t, --time=TIME."""
    return ", ".join(names(option)) + value(option)
