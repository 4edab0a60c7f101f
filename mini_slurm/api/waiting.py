"""Waiting for jobs: which of them are still to end, and what became of the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from mini_slurm.api import outputs, records
from mini_slurm.api.faults import WaitTimeout
from mini_slurm.api.info import JobInfo
from mini_slurm.api.places import Places, unknown
from mini_slurm.api.records import FEW, Rows, Target


class Wait:
    """Jobs that are waited for; `left` are those that have not ended."""

    def __init__(self, places: Places, targets: Iterable[Target]) -> None:
        self._places = places
        self.left = dict.fromkeys(targets)
        self._is_first = True

    def look(self, changed: set[int] | None) -> list[tuple[Target, JobInfo]]:
        """Those that have ended since the last look. `changed`: the only ones that may have; None: all may have.

        Raises UnknownJob at the first look, StateError.
        """
        asked = [one for one in self.left if changed is None or one.number in changed]
        if not asked:
            return []
        rows = Rows(self._places.load(asked, FEW))
        ended = []
        for one in asked:
            found = rows.meant(one)
            if not found and self._is_first:
                raise unknown(one)
            if all(row.state.is_over for row in found):
                ended.append(one)
        self._is_first = False
        return self._take(ended)

    def _take(self, ended: list[Target]) -> list[tuple[Target, JobInfo]]:
        if not ended:
            return []
        rows, now = Rows(self._places.load(ended)), time.time()
        for one in ended:
            del self.left[one]
        found = [(one, rows.meant(one)) for one in ended]
        return [(one, records.describe(one, mine, now)) for one, mine in found if mine]


def late(left: Iterable[Target], timeout: float | None) -> WaitTimeout:
    """The time is over."""
    names = [one.id for one in left]
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return WaitTimeout(
        f"after {timeout:g} s not ended: {shown}", hint="wait longer, or cancel them: they go on otherwise"
    )


def ends(places: Places, targets: Iterable[Target], timeout: float | None) -> Iterator[tuple[Target, JobInfo]]:
    """Each of the jobs as it ends. Raises UnknownJob, WaitTimeout, StateError."""
    deadline = None if timeout is None else time.monotonic() + timeout
    waited = Wait(places, targets)
    yield from waited.look(None)
    if not waited.left:
        return
    news = places.news(waited.left)
    try:
        while waited.left:
            left = None if deadline is None else deadline - time.monotonic()
            changed = news.wait(None if left is None else max(left, 0.0))
            yield from waited.look(changed)
            if waited.left and left is not None and left <= 0:
                raise late(waited.left, timeout)
    finally:
        news.close()


def follow(places: Places, target: Target, file_of: Callable[[], tuple[str, int]], look: float) -> Iterator[str]:
    """The lines of a job's output as they come. `look`: seconds between two looks at the file."""
    waited, news = Wait(places, [target]), places.news([target])
    file = outputs.Growing(*file_of())
    try:
        waited.look(None)
        while waited.left:
            yield from file.lines()
            changed = news.wait(look)
            if changed != set():
                waited.look(changed)
                file.move(*file_of())
        yield from file.last()
    finally:
        news.close()
        file.close()
