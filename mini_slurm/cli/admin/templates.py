"""`mini-slurm template`: what templates there are, what one takes, and the script that it gives."""

from __future__ import annotations

from mini_slurm import templating
from mini_slurm.cli import common
from mini_slurm.errors import Refused, TemplateError
from mini_slurm.templating.kinds import CHOICE, KINDS
from mini_slurm.templating.library import Template

USAGE = 2  # the exit status that Typer has for a wrong command line
VERBS = "list, show NAME, render NAME, types"


def run(verb: str, name: str | None, settings: list[str]) -> None:
    """What `mini-slurm template VERB [NAME] [--set NAME=VALUE]...` prints. Raises MiniSlurmError."""
    without_name = {"list": _list, "types": _types}
    if verb in without_name and not name and not settings:
        return without_name[verb]()
    if verb not in ("show", "render"):
        raise Refused(f"this is no way to write it: template {verb}", hint=f"write template {VERBS}", exit_code=USAGE)
    if not name:
        raise Refused(f"{verb} wants a template's name", hint=f"there are {', '.join(templating.names())}", exit_code=2)
    template = templating.load(name)
    if verb == "show":
        return _show(template)
    common.tell(templating.render(name, templating.gather(template, settings)))


def _list() -> None:
    """A template that is wrong is named with its fault, and the others are listed all the same."""
    names = templating.names()
    width = max(map(len, names), default=0)
    for name in names:
        try:
            about = templating.load(name).header.about
        except TemplateError as error:
            about = f"cannot be used: {error.lines[0]}"
        print(f"{name:{width}}  {about}")


def _types() -> None:
    for kind in (*KINDS.values(), CHOICE):
        print(f"{kind.name:10}  {kind.help}; for example: {kind.example}")


def _show(template: Template) -> None:
    """The header as a table, then the text itself."""
    print(f"{template.name}: {template.header.about}")
    if template.header.details:
        print(template.header.details)
    print(f"({template.path})\n")
    rows = [
        (one.name, one.kind.name, "must be given" if one.required else one.shown_default, one.help)
        for one in sorted(template.variables, key=lambda one: not one.required)
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)] if rows else []
    for row in rows:
        print("  ".join([*(f"{cell:{width}}" for cell, width in zip(row, widths, strict=False)), row[3]]).rstrip())
    print(f"\n{template.source}", end="")
