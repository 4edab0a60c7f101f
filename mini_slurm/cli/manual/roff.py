"""Manual pages for man(1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mini_slurm import __version__
from mini_slurm.cli.manual.pages import Page, written

NOTE = ".\\\" Made by scripts/reference from the commands' tables: change those."


def document(pages: Sequence[Page], others: Iterable[str]) -> str:
    """A manual page: a command, and its subcommands if it has any; `others` are the commands to see as well."""
    first, *more = pages
    lines = [NOTE, f'.TH {_text(first.name.upper())} 1 "" "mini_slurm {__version__}" "mini_slurm"']
    lines += [".SH NAME", f"{_text(first.name)} \\- {_text(_unstopped(first.about))}", ".SH SYNOPSIS"]
    lines += [line for page in pages for line in _synopsis(page)]
    lines += [".SH DESCRIPTION", _line(first.about)]
    if first.slurm:
        lines.append(_line(f"It takes the options of Slurm's {first.slurm}, and prints what that prints."))
    lines += _sections(first, ".SH OPTIONS")
    for page in more:
        lines += [f".SH {_text(page.name.upper())}", _line(page.about), *_sections(page, "")]
    for title, words in (("COMMANDS", first.verbs), ("ENVIRONMENT", first.variables)):
        lines += _list(f".SH {title}", words)
    for columns in first.columns:
        rows = (
            (", ".join(filter(None, (letter, name))), header or "(no header)") for letter, name, header in columns.rows
        )
        lines += _list(f".SH {_text(columns.title.upper())}", rows)
    lines += _list(".SH EXAMPLES", first.examples)
    return "\n".join([*lines, ".SH SEE ALSO", ",\n".join(f".BR {_text(name)} (1)" for name in others)]) + "\n"


def _unstopped(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].removesuffix(".")


def _synopsis(page: Page) -> list[str]:
    return [f".B {_text(page.name)}", _line(f"[OPTIONS] {page.words}".rstrip()), ".br"]


def _sections(page: Page, head: str) -> list[str]:
    lines = [head] if head else []
    for section in page.sections:
        titled = f".SS {_text(section.title)}" if head else ""
        lines += _list(titled, ((written(option), option.help) for option in section.options))
    return lines


def _list(head: str, rows: Iterable[tuple[str, str]]) -> list[str]:
    """A headed list of names and their meanings; nothing when it is empty."""
    items = [line for name, meaning in rows for line in (".TP", f".B {_text(name)}", _line(meaning))]
    return [head, *items] if head and items else items


def _text(text: str) -> str:
    """Text as it is: roff changes none of its letters."""
    return (
        text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga").replace("^", "\\(ha")
    )


def _line(text: str) -> str:
    """A line of text; one that begins with a dot is no request."""
    return "\\&" + _text(text) if text.startswith((".", "'")) else _text(text)
