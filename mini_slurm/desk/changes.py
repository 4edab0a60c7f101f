"""Hearing of jobs that change: the controller tells it to everybody who is connected."""

from __future__ import annotations

import select
import time

from mini_slurm.protocol.flat import BadFrame
from mini_slurm.steps.talk import CONTROLLER_SOCKET, WATCHING, NoAgent, Talk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_PAUSE, LONGEST_PAUSE = 0.01, 1.0  # seconds between two tries to connect, while a controller starts
SAFETY = 15.0  # seconds without a word after which everything is looked at, whatever happened


class Changes:
    """The connection to the controller of this state folder, made again and the controller started when it is gone."""

    def __init__(self, state: str, revive: Callable[[], object], *, is_woken: bool = False) -> None:
        """`revive` starts a controller where none runs: not at once, where one was woken or started just now."""
        self._revive = revive
        self._talk = Talk(state, CONTROLLER_SOCKET, WATCHING)
        self._is_ready = False  # does the controller know of us?
        self._pause = FIRST_PAUSE
        self._revived = time.monotonic() if is_woken else -LONGEST_PAUSE  # when a controller was looked for last

    def fileno(self) -> int:
        """The connection's descriptor; -1 without one."""
        return self._talk.fileno()

    def wait(self, timeout: float | None, bell: int = -1) -> set[int] | None:
        """The numbers of the jobs that have changed, at most `timeout` seconds later; None: it may be any of them.

        The number of an array or of a heterogeneous job stands for each of its parts. What can be read from the
        descriptor `bell` ends the waiting, too. Raises OSError.
        """
        end = None if timeout is None else time.monotonic() + timeout
        left = SAFETY if timeout is None else min(timeout, SAFETY)
        if not self._talk.is_open and not self.connect():
            select.select([bell] if bell >= 0 else [], [], [], min(self._pause, left))
            self._pause = min(self._pause * 1.5, LONGEST_PAUSE)
            return set()
        poll = select.poll()
        poll.register(self._talk.fileno(), select.POLLIN)
        if bell >= 0:
            poll.register(bell, select.POLLIN)
        ready = [descriptor for descriptor, _ in poll.poll(max(left, 0.0) * 1000)]
        if not ready:
            return set() if end is not None and time.monotonic() >= end else None
        return self.hear() if self._talk.fileno() in ready else set()

    def connect(self) -> bool:
        """Try to reach the controller, which is started if there is none."""
        now = time.monotonic()
        if now - self._revived > LONGEST_PAUSE:
            self._revived = now
            self._revive()
        self._is_ready = False
        try:
            self._talk.connect(0.0)
        except NoAgent:
            return False
        self._pause = FIRST_PAUSE
        return True

    def hear(self) -> set[int] | None:
        """What has come, as wait() gives it."""
        try:
            frames = self._talk.hear()
        except BadFrame:
            self._talk.close()
            return None
        found = {int(number) for frame in frames if frame[:1] == [b"changed"] for number in frame[1:]}
        if not self._is_ready and frames:
            self._is_ready = True  # what happened before nobody will tell
            return None
        return found if self._talk.is_open else None

    def close(self) -> None:
        """Hear no more."""
        self._talk.close()
