"""How sbatch, srun and salloc end that go wrong: SLURM_EXIT_ERROR, SLURM_EXIT_IMMEDIATE and --quiet given twice."""

from __future__ import annotations

import os

from mini_slurm.cli import common
from mini_slurm.errors import BadUsage, MiniSlurmError
from mini_slurm.model.numbers import leading_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_slurm.options.grammar import Option

    Body = Callable[[str, list[str]], int]

BUSY = "Requested nodes are busy"
STATUS = 256  # statuses that there are


def heeding(body: Body, options: Callable[[str], tuple[Option, ...]]) -> Body:
    """The command, with the exit status and the silence that its user wants of what goes wrong after its options."""

    def run(program: str, arguments: list[str]) -> int:
        code = _wanted(program, "SLURM_EXIT_ERROR")
        at_once = _wanted(program, "SLURM_EXIT_IMMEDIATE")
        try:
            return body(program, arguments)
        except MiniSlurmError as error:
            if error.exit_code == 1:
                _settle(error, at_once if error.lines and error.lines[-1].endswith(BUSY) and at_once else code)
                if _is_silent(program, arguments, options(program)):
                    error.lines = ()
            raise

    return run


def _wanted(program: str, name: str) -> int:
    """The status that a variable names; 0: none."""
    text = os.environ.get(name)
    if text is None:
        return 0
    number, _ = leading_number(text)
    if not number:
        common.say(f"{program}: error: {name} has zero value")
    return number % STATUS


def _settle(error: MiniSlurmError, code: int) -> None:
    error.exit_code = code or error.exit_code


def _is_silent(program: str, arguments: list[str], table: tuple[Option, ...]) -> bool:
    """Was --quiet given twice?"""
    try:
        parts, _ = common.parse_parts(program, arguments, table)
    except BadUsage:
        return False
    return sum(setting.option.field == "quiet" for part in parts for setting in part) > 1
