"""A command becomes the same command of a real Slurm: it gets our arguments, less what only tells the place."""

from __future__ import annotations

import os
import sys

from mini_slurm.cli import common
from mini_slurm.clusters import words as command_line
from mini_slurm.clusters.base import Call
from mini_slurm.desk.foreign.place import Place, status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mini_slurm.options.grammar import Option

OURS = ("cluster", "clusters", "fleet")


def hand_over(place: Place, command: str, arguments: list[str], table: Sequence[Option]) -> int:
    """Be that command, if it is on this machine; else have it run, and print what it prints. The exit status.

    Raises MiniSlurmError.
    """
    from mini_slurm.clusters.local import LocalRunner, program

    words = own_words(arguments, table, *OURS)
    place.outdate()
    if not isinstance(place.runner, LocalRunner):
        return pass_on(place, [Call((command, *words), _typed())])
    path = program(place.entry, command)
    common.tell("")
    place.db.close()
    os.execve(path, [command, *words], place.runner.environment(Call((command,))))


def run(place: Place, command: str, arguments: list[str], table: Sequence[Option]) -> int:
    """Have that command run, and print what it prints: others follow. The exit status. Raises MiniSlurmError."""
    return pass_on(place, [Call((command, *own_words(arguments, table, *OURS, "iterate")))])


def pass_on(place: Place, calls: Iterable[Call]) -> int:
    """Make calls, and print what they print; the highest exit status. Raises MiniSlurmError."""
    code = 0
    for answer in place.make(calls):
        common.echo(answer.out, answer.err)
        code = max(code, status(answer.code))
    return code


def own_words(arguments: list[str], table: Sequence[Option], *ours: str) -> list[str]:
    """The arguments for the other system, without these options."""
    pieces, rest = command_line.split(arguments, table, permute=True)
    return [*command_line.without(pieces, ours), *(["--", *rest] if rest else [])]


def _typed() -> bytes:
    """What was piped into the command; nobody types to a machine far away."""
    return b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
