"""Help pages for a terminal, drawn by Rich in the form that Typer gives those of mini-slurm."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from mini_slurm.cli.manual.pages import Page, value
from mini_slurm.cli.manual.text import called
from mini_slurm.options.grammar import Option

NAME, SHORT, METAVAR, USAGE = "bold cyan", "bold green", "bold yellow", "bold"


def show(page: Page) -> None:
    """Draw the help page."""
    console = Console(highlight=False)
    console.print(Text.assemble("\n ", ("Usage: ", METAVAR), (f"{page.name} [OPTIONS] {page.words}".rstrip(), USAGE)))
    console.print(f"\n {page.about}\n", markup=False)
    for section in page.sections:
        console.print(_panel(section.title, _options(section.options)))
    if page.verbs:
        rows = ((Text(verb.word, NAME), Text(verb.meaning)) for verb in page.verbs)
        console.print(_panel("Commands", rows))
    if page.examples:
        rows = ((Text(called(page, command), USAGE), Text(meaning)) for command, meaning in page.examples)
        console.print(_panel("Examples", rows))


def _panel(title: str, rows: Iterable[tuple[Text, ...]]) -> Panel:
    table = Table.grid(padding=(0, 2), expand=True)
    for row in rows:
        if not table.columns:
            for _ in row[:-1]:
                table.add_column(no_wrap=len(row) > 2)
            table.add_column(ratio=1)
        table.add_row(*row)
    return Panel(table, title=title, title_align="left", border_style="dim")


def _options(options: Iterable[Option]) -> Iterable[tuple[Text, ...]]:
    for option in options:
        long = Text(", ".join(f"--{name}" for name in (option.long, *option.aliases)), NAME)
        long.append(value(option), METAVAR)
        yield Text(f"-{option.short}" * bool(option.short), SHORT), long, Text(option.help)
