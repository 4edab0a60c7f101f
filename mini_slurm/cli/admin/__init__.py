"""`mini-slurm`: looking after a fleet."""

from __future__ import annotations

from mini_slurm.cli import common
from mini_slurm.errors import MiniSlurmError

NAME = "mini-slurm"


def main() -> int:
    """The console script."""
    return common.run(NAME, _run)


def _run(program: str, arguments: list[str]) -> int:
    from mini_slurm.cli.admin.app import app

    app(args=arguments, prog_name=NAME)
    return 0


def show_error(error: MiniSlurmError) -> None:
    """Print an error that does not end the command."""
    for line in error.lines:
        common.say(f"{NAME}: error: {line}")
    if error.hint:
        common.say(f"{NAME}: hint: {error.hint}")
