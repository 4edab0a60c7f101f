"""A job that runs, and the way to the controller that looks after its steps: for what is done in it from outside."""

from __future__ import annotations

import time

from mini_slurm.steps.talk import CONTROLLER_SOCKET, GREETING, Talk
from mini_slurm.store import database

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from mini_slurm.model.job import Job

PATIENCE = 60.0  # seconds for a controller
REVIVE = 2.0  # seconds between two tries to start one


class ControllerTalk(Talk):
    """The connection to the controller, which is started where none runs."""

    def __init__(self, state: str) -> None:
        super().__init__(state, CONTROLLER_SOCKET, GREETING)
        self._state = state
        self._revived = 0.0

    def connect(self, patience: float) -> None:
        """Connect, however long a controller takes to start. Raises NoAgent."""
        super().connect(max(patience, PATIENCE))

    def _connect(self) -> bool:
        from mini_slurm.controller import autostart

        if super()._connect():
            return True
        if time.monotonic() > self._revived + REVIVE:
            self._revived = time.monotonic()
            autostart.revive(self._state)
        return False


def find(number: str, db: sqlite3.Connection) -> Job | None:
    """The job of this number, or the task `12_3` of an array."""
    first, _, task = number.partition("_")
    if not all(part.isascii() and part.isdigit() and len(part) < 19 for part in (first, task or first)):
        return None
    where = "array_job_id = ? AND array_task_id = ?" if task else "job_id = ?"
    found = database.load_jobs(db, where, [int(first), int(task)] if task else [int(first)])
    return found[0] if found else None
