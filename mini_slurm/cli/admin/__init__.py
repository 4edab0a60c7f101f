"""`mini-slurm`: looking after a fleet."""

from __future__ import annotations

from mini_slurm.cli import common
from mini_slurm.errors import MiniSlurmError

NAME = "mini-slurm"
COMPLETE = "--complete"  # what the shells' completion asks with, without the time that Typer takes to load


def main() -> int:
    """The console script."""
    return common.run(NAME, _run)


def _run(program: str, arguments: list[str]) -> int:
    if arguments[:1] == [COMPLETE]:
        from mini_slurm.cli.complete.main import answer

        return answer(arguments[1:])
    from mini_slurm.cli.admin.app import app

    app(args=arguments, prog_name=NAME)
    return 0


def show_error(error: MiniSlurmError) -> None:
    """Print an error that does not end the command."""
    for line in error.lines:
        common.say(f"{NAME}: error: {line}")
    if error.hint:
        common.say(f"{NAME}: hint: {error.hint}")
