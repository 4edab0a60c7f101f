"""How far a snapshot is, for somebody who waits for msbatch at a terminal."""

from __future__ import annotations

import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

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
