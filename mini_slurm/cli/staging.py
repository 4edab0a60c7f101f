"""How far files of jobs are, for somebody who waits for msbatch at a terminal."""

from __future__ import annotations

import sys
import time

from mini_slurm.errors import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SLOW = 0.5  # seconds after which somebody at a terminal hears how far it is
PAUSE = 0.1  # seconds between two words on that


def progress() -> Callable[[int, int], None]:
    """What says on a terminal how many files of a large snapshot are done."""
    if not sys.stderr.isatty():
        return lambda done, total: None
    began, said = time.monotonic(), 0.0

    def note(done: int, total: int) -> None:
        nonlocal said
        now = time.monotonic()
        if now - began > SLOW and (now - said > PAUSE or done == total):
            said = now
            sys.stderr.write(f"\rsnapshot: {done} of {total} files" + ("\n" if done == total else ""))
            sys.stderr.flush()

    return note


def travels() -> Callable[[Iterable[str]], None]:
    """What says on a terminal how far files of a job are that is waited for."""
    if not sys.stderr.isatty():
        return lambda reasons: None
    shown = ""

    def note(reasons: Iterable[str]) -> None:
        nonlocal shown
        text = visible(next((reason for reason in reasons if reason.startswith("stage-")), ""))
        if text != shown:
            sys.stderr.write("\r" + text.ljust(len(shown)) + ("" if text else "\r"))
            sys.stderr.flush()
            shown = text

    return note
