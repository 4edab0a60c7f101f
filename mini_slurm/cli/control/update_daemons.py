"""`scontrol update frontend=...` and `update slurmctlddebug=...`: read as scontrol reads them, and refused.

A fleet has neither front ends nor daemons with logs of their own.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session

STATES = ("drain", "down", "resume")
HIGHEST_LEVEL = 9


def front_end(session: Session, words: list[str]) -> None:
    """Say what is wrong with the words, or that the user may not do it."""
    state, reason, is_change = "", "", False
    for word in words:
        name, equals, value = word.partition("=")
        tag = name.lower()
        if not equals:
            session.complain(f"Invalid input: {word}  Request aborted")
            session.fail("slurm_update error: No error")
            return
        if tag and "reason".startswith(tag):
            reason, is_change = value.strip('"'), True
        elif tag and "state".startswith(tag):
            state, is_change = _state(value), True
            if not state:
                _abort(session, f"Invalid input: {word}", "Valid states are: DRAIN RESUME")
                return
        elif not (tag and "frontendname".startswith(tag)):
            _abort(session, f"Update of this parameter is not supported: {word}")
            return
    if state in ("drain", "down") and not reason:
        _abort(session, "You must specify a reason when DOWNING or DRAINING a frontend node")
    else:
        session.fail("slurm_update error: Invalid user id" if is_change else "No changes specified")


def _state(value: str) -> str:
    return next((name for name in STATES if len(value) >= 3 and name.startswith(value.lower())), "")


def _abort(session: Session, line: str, *others: str) -> None:
    for text in (line, "Request aborted", *others):
        session.fail(text)


def debug_level(session: Session, words: list[str]) -> None:
    """The level stands in the last word, whatever comes before it."""
    value = words[-1].partition("=")[2]
    if value.isascii() and value.isdigit() and int(value) <= HIGHEST_LEVEL:
        session.fail("slurm_update error: Permission denied")
    else:
        session.fail(f"invalid debug level: {value}")
        session.fail("slurm_update error: No error")
