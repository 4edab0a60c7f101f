"""Verbs that change how later ones answer, or that end the session."""

from __future__ import annotations

from mini_slurm.cli import common

API_VERSION = "slurm_api_version: 2490368, 38.0.0"  # what Slurm 22.05 adds at -v

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session


def show_all(session: Session, verb: str, words: list[str]) -> None:
    """Hidden partitions too."""
    session.all = True


def hide(session: Session, verb: str, words: list[str]) -> None:
    """No hidden partitions, and no details."""
    session.all = session.details = False


def details(session: Session, verb: str, words: list[str]) -> None:
    """More of each record."""
    session.details = True


def oneliner(session: Session, verb: str, words: list[str]) -> None:
    """One line for each record."""
    session.oneliner = True


def quiet(session: Session, verb: str, words: list[str]) -> None:
    """Say nothing but errors."""
    session.quiet, session.verbose = True, False


def verbose(session: Session, verb: str, words: list[str]) -> None:
    """Say more."""
    session.quiet, session.verbose = False, True


def leave(session: Session, verb: str, words: list[str]) -> None:
    """End the session."""
    session.over = True


def version(session: Session, verb: str, words: list[str]) -> None:
    """Which version this is."""
    print(common.version(session.program))
    if session.verbose:
        print(API_VERSION)


def show_help(session: Session, verb: str, words: list[str]) -> None:
    """The help page."""
    from mini_slurm.cli import help

    help.show(session.program, "mscontrol")
