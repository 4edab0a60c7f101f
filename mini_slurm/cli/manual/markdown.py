"""Pages of the reference, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mini_slurm.cli.manual.pages import Page, written

NOTE = "<!-- Made by scripts/reference from the commands' tables: change those. -->"


def document(pages: Sequence[Page]) -> str:
    """One file: a command, and its subcommands if it has any."""
    first, *more = pages
    lines = [NOTE, "", f"# {first.name}", "", *_body(first)]
    for page in more:
        lines += ["", f"## {page.name}", "", *_body(page)]
    return "\n".join(lines) + "\n"


def index(pages: Iterable[Page], others: Iterable[tuple[str, str]]) -> str:
    """The list of all files; `others` are further ones, each with what it is about."""
    rows = [(f"[{page.name}]({page.name}.md)", f"{page.about} {_as_in_slurm(page)}".strip()) for page in pages]
    rows += [(f"[{name}]({name}.md)", about) for name, about in others]
    return "\n".join([NOTE, "", "# Reference", "", *table(("page", "what"), rows)]) + "\n"


def _as_in_slurm(page: Page) -> str:
    return f"As `{page.slurm}` in Slurm." if page.slurm else ""


def _body(page: Page) -> list[str]:
    lines = [f"{page.about} {_as_in_slurm(page)}".strip(), "", "```", f"{page.name} [OPTIONS] {page.words}".rstrip()]
    lines.append("```")
    if page.examples:
        examples = [(f"`{command}`", meaning) for command, meaning in page.examples]
        lines += ["", "Examples", "", *table(("command", "what it does"), examples)]
    for section in page.sections:
        options = [(f"`{written(option)}`", option.help) for option in section.options]
        lines += ["", section.title, "", *table(("option", "meaning"), options)]
    for title, words in (("Commands", page.verbs), ("Environment", page.variables)):
        if words:
            lines += ["", title, "", *table(("name", "meaning"), [(f"`{word}`", meaning) for word, meaning in words])]
    for columns in page.columns:
        rows = [tuple(f"`{cell}`" if cell else "" for cell in row) for row in columns.rows]
        lines += ["", columns.title, "", *table(("letter", "name", "header"), rows)]
    return lines


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines]
