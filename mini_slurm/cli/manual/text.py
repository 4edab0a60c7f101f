"""Help pages as plain text, and the few lines of --usage."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from mini_slurm.cli.manual.pages import Page, names, value, written
from mini_slurm.options.grammar import Option

WIDTH = 80
COLUMN = 32  # where the explanations begin


def page_text(page: Page) -> str:
    """The help page."""
    lines = [f"Usage: {page.name} [OPTIONS] {page.words}".rstrip(), "", *textwrap.wrap(page.about, WIDTH)]
    for section in page.sections:
        lines += ["", f"{section.title}:", *_rows((_indented(option), option.help) for option in section.options)]
    if page.verbs:
        lines += ["", "Commands:", *_rows((f"  {verb.word}", verb.meaning) for verb in page.verbs)]
    if page.examples:
        lines += ["", "Examples:"]
    for command, meaning in page.examples:
        lines += [f"  {called(page, command)}", *textwrap.wrap(meaning, WIDTH, initial_indent=" " * 6)]
    return "\n".join(lines) + "\n"


def called(page: Page, command: str) -> str:
    """An example, with the name that the command goes by now."""
    _, blank, rest = command.partition(" ")
    return page.name + blank + rest


def _indented(option: Option) -> str:
    """Long names stand below each other."""
    return ("  " if option.short else " " * 6) + written(option)


def _rows(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    for left, right in rows:
        first, *more = textwrap.wrap(right, WIDTH - COLUMN) or [""]
        if len(left) < COLUMN - 1:
            yield f"{left:<{COLUMN}}{first}".rstrip()
        else:
            yield from (left, " " * COLUMN + first)
        yield from (" " * COLUMN + line for line in more)


def usage(page: Page) -> str:
    """A few lines that name every option."""
    if page.usage:
        return page.usage
    lines, indent = [f"Usage: {page.name}"], " " * len(f"Usage: {page.name}")
    for part in (*(f"[{_shortest(option)}]" for option in page.options), *page.words.split()):
        if len(lines[-1]) + 1 + len(part) > WIDTH:
            lines.append(indent)
        lines[-1] += f" {part}"
    return "\n".join(lines) + "\n"


def _shortest(option: Option) -> str:
    name = names(option)[0]
    if option.value != "required" or not option.short:
        return name + value(option)
    return f"{name} {option.metavar or 'VALUE'}"
