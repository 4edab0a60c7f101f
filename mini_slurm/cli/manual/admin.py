"""The pages of mini-slurm and its subcommands, made from its Typer application."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer

from mini_slurm.cli.admin.app import app
from mini_slurm.cli.manual.pages import ADMIN, Page, Section, Words
from mini_slurm.options.grammar import Option


def pages() -> list[Page]:
    """mini-slurm itself, then each subcommand."""
    group: Any = typer.main.get_command(app)
    commands = {name: command for name, command in group.commands.items() if not command.hidden}
    verbs = [Words(name, _sentence(command.help)) for name, command in commands.items()]
    main = Page(ADMIN, "", _sentence(group.help), "COMMAND [ARGUMENT...]", _sections(group.params), verbs)
    return [main, *(_subcommand(name, command) for name, command in commands.items())]


def _subcommand(name: str, command: Any) -> Page:
    words = " ".join(parameter.metavar for parameter in command.params if parameter.param_type_name == "argument")
    return Page(f"{ADMIN} {name}", "", _sentence(command.help), words, _sections(command.params))


def _sentence(text: str | None) -> str:
    return (text or "").split("\n")[0]


def _sections(parameters: Iterable[Any]) -> list[Section]:
    options = [_option(parameter) for parameter in parameters if parameter.param_type_name == "option"]
    return [Section("Options", options)] if options else []


def _option(parameter: Any) -> Option:
    long = next(name[2:] for name in parameter.opts if name.startswith("--"))
    short = next((name[1:] for name in parameter.opts if not name.startswith("--")), "")
    return Option(
        field=parameter.name, long=long, short=short, value="none" if parameter.is_flag else "required",
        help=parameter.help or "", metavar=parameter.metavar or parameter.name.upper(),
    )  # fmt: skip
