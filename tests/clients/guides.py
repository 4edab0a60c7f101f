"""Pages of docs/guides, followed as a reader would: files are written, commands typed, what they print is compared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tests.clients.lab import Lab

GUIDES = Path(__file__).parent.parent.parent / "docs" / "guides"
BLOCK = re.compile(r"(?:^`(?P<file>[\w.]+)`:\n\n)?^```\w*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
ANY = "..."  # in what a command prints: whatever comes there
DONE_BEFORE = ("pip install ",)  # by the client's environment
LIMIT = 300  # seconds for a command


class Step(NamedTuple):
    """A command of a page, and what it prints according to the page."""

    command: str
    printed: str


def files(page: str) -> dict[str, str]:
    """The files that the page has its reader write."""
    return {found["file"]: found["text"] for found in BLOCK.finditer(page) if found["file"]}


def steps(page: str) -> list[Step]:
    """The commands that the page has its reader type."""
    sessions = [found["text"] for found in BLOCK.finditer(page) if not found["file"]]
    parts = [part for session in sessions for part in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]]
    return [Step(*part.split("\n", 1)) for part in parts]


def follow(lab: Lab, client: str) -> int:
    """Do all of it, in one folder and one shell's environment; how many commands there were."""
    page = (GUIDES / f"{client}.md").read_text()
    folder = lab.folder(f"{client}-guide")
    for name, text in files(page).items():
        (folder / name).write_text(text)
    typed = [step for step in steps(page) if not step.command.startswith(DONE_BEFORE)]
    for number, step in enumerate(typed):
        exports = [before.command for before in typed[:number] if before.command.startswith("export ")]
        words = ["bash", "-c", "\n".join([*exports, step.command])]
        done = lab.fleet.run(*words, env=lab.plain_environment(client), cwd=folder, seconds=LIMIT)
        assert done.returncode == 0, f"{step.command}: {done.stdout}{done.stderr}"
        pattern = ".*".join(map(re.escape, step.printed.split(ANY)))
        assert re.fullmatch(pattern, done.stdout, re.DOTALL), f"{step.command} prints\n{done.stdout}{done.stderr}"
    return len(typed)
