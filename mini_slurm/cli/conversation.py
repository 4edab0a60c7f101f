"""Commands read from standard input, one line each: scontrol, sacctmgr and sreport without words."""

from __future__ import annotations

import sys

from mini_slurm.cli import common

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Session(Protocol):
        """Who does what the lines ask for."""

        exit_code: int
        over: bool

        def run(self, words: list[str]) -> None:
            """Do what one line of words asks for."""


def obey(program: str, session: Session, words: list[str]) -> int:
    """Do what the words say, or else what the lines of standard input say; the exit status."""
    if words:
        session.run(words)
    else:
        _hold(program, session)
    return session.exit_code


def _hold(program: str, session: Session) -> None:
    """Until a line or the end of input ends it; lines are echoed where nobody types them, as readline does."""
    last = ""
    while not session.over:
        line = _ask(f"{program}: ")
        if line is None:
            print()
            return
        last = line = last if line == "!!" else line
        words = split(line)
        if not words:
            session.exit_code = 1
        else:
            session.run(words)


def _ask(prompt: str) -> str | None:
    """The next line; None at the end."""
    if sys.stdin.isatty():
        import readline  # noqa: F401 - input() lets one edit the line then

        try:
            return input(prompt)
        except EOFError:
            return None
    common.tell(prompt)
    line = sys.stdin.readline()
    if not line:
        return None
    line = line.removesuffix("\n")
    common.tell(line + "\n")
    return line


def split(line: str) -> list[str]:
    """The words of a line; quotes keep blanks together and stay, as in Slurm."""
    words, quote = [""], ""
    for letter in line:
        if letter.isspace() and not quote:
            words.append("")
            continue
        if letter in "\"'" and words[-1] and quote in ("", letter):
            quote = "" if quote else letter
        words[-1] += letter
    return [word for word in words if word]
