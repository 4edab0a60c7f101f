"""`scontrol update stepid=JOB[.STEP] timelimit=TIME`: read as scontrol reads it; steps of a fleet keep their limits."""

from __future__ import annotations

from mini_slurm.cli.control.asking import NO_SUCH_JOB
from mini_slurm.model.numbers import leading_number
from mini_slurm.model.units import parse_time_limit
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session

NOT_SUPPORTED = "Requested operation not supported on this system"


def update(session: Session, words: list[str]) -> None:
    """Say what is wrong with the words, or that it cannot be done."""
    number, is_change = 0, False
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            _abort(session, f"Invalid input: {word}")
            session.fail("slurm_update error: No error")
            return
        if len(name) >= 4 and "stepid".startswith(name.lower()):
            number, rest = leading_number(value)
            if rest and not rest.startswith("."):
                _abort(session, f"Invalid StepID parameter: {word}")
                return
        elif len(name) >= 2 and "timelimit".startswith(name.lower()):
            is_change = True
            try:
                parse_time_limit(value.lstrip("+-"))
            except ValueError:
                session.complain("Invalid TimeLimit value")
                return
        else:
            _abort(session, f"Update of this parameter is not supported: {word}")
            return
    if not is_change:
        session.fail("No changes specified")
    elif not queries.exists(session.db, number):
        session.fail(f"slurm_update error: {NO_SUCH_JOB}")
    else:
        session.fail(f"slurm_update error: {NOT_SUPPORTED}")
        session.advise("the job's limit can be changed: mscontrol update jobid=ID timelimit=TIME")


def _abort(session: Session, line: str) -> None:
    session.fail(line)
    session.fail("Request aborted")
