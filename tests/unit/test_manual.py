"""Help pages: every option stands there once, and under Slurm's names those that Slurm shows."""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import pytest
from rich.console import Console

from mini_slurm.cli.manual import notes, pages, terminal, text
from mini_slurm.options.grammar import Option
from tests.conformance.cases import load

ROOT = Path(__file__).parents[2]
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
COMMANDS = [name for name in SCRIPTS if name != pages.ADMIN]
OPTION = r"(?:^|(?<=[ ,]))(?:-[a-zA-Z0-9](?=[,= ]|$)|--[a-z][a-z0-9-]+)"  # as the recorded cases find them
RECORDED = [case for case in load() if case["topic"] == "options" and case["cmd"].split()[0] in pages.COMMANDS.values()]

each_command = pytest.mark.parametrize("command", COMMANDS)


def table(command: str) -> Sequence[Option]:
    """All options of a command but further letters for them."""
    options: Sequence[Option] = import_module(SCRIPTS[command].partition(":")[0]).options(command)
    return pages.listed(options)


def mentioned(page: str) -> list[str]:
    """The options in a page before its commands and examples, in their order."""
    return re.findall(OPTION, re.split(r"^(?:Commands|Examples):", page, flags=re.M)[0], re.M)


def test_every_command_has_a_page() -> None:
    assert set(pages.COMMANDS) == set(COMMANDS)
    assert notes.NOTES.keys() <= pages.COMMANDS.keys()


@each_command
def test_a_page_has_each_option_once(command: str) -> None:
    page = pages.page(command)
    listed = table(command)
    assert sorted(option.long for option in page.options) == sorted(option.long for option in listed)
    expected = [name for option in listed for name in pages.names(option)]
    found = [line.lstrip() for line in text.page_text(page).splitlines() if re.match(r" +-", line)]
    for name in expected:
        lines = [line for line in found if name in re.split(r"[ =,\[]+", line)]
        assert lines, name
    assert all(option.help for option in listed)


@each_command
def test_a_page_fits_a_terminal_of_eighty_columns(command: str) -> None:
    page = pages.page(command)
    for line in [*text.page_text(page).splitlines(), *text.usage(page).splitlines()]:
        assert len(line) <= text.WIDTH, line


@each_command
def test_usage_names_every_option(command: str) -> None:
    page = pages.page(command)
    said = text.usage(page)
    for option in page.options:
        assert f"[{pages.names(option)[0]}" in said


@each_command
def test_the_page_drawn_for_a_terminal_says_the_same(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(terminal, "Console", lambda **more: Console(file=out, width=200, **more))
    page = pages.page(command)
    terminal.show(page)
    for option in page.options:
        assert f"--{option.long}" in out.getvalue()
    for verb in page.verbs:
        assert verb.word in out.getvalue()


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case["cmd"].split()[0])
def test_under_slurms_names_the_options_are_those_that_slurm_shows(case: dict[str, str]) -> None:
    program = case["cmd"].split()[0]
    command = next(command for command, name in pages.COMMANDS.items() if name == program)
    assert sorted(set(mentioned(text.page_text(pages.page(command, program))))) == sorted(case["stdout"].split())


@each_command
def test_what_slurm_has_not_is_offered_under_our_names_only(command: str) -> None:
    slurm = pages.COMMANDS[command]
    assert "--fleet" in text.page_text(pages.page(command))
    assert "--fleet" not in text.page_text(pages.page(command, slurm))
    assert text.page_text(pages.page(command, slurm)).startswith(f"Usage: {slurm} ")


def test_the_notes_name_options_that_there_are() -> None:
    known = {name for command in COMMANDS for option in table(command) for name in (option.long, *option.aliases)}
    for note in notes.NOTES.values():
        for names in note.groups.values():
            assert set(names.split()) - known == set()
