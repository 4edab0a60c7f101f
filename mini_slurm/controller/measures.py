"""What machines say of the use of running jobs, put together for the command that asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from mini_slurm.protocol.messages import Measured
from mini_slurm.store import database

KEPT = 100  # questions that some machine has not answered


class Measures:
    """Questions that wait for the answers of machines."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._missing: dict[int, set[str]] = {}  # request -> machines
        self._parts: dict[int, list[dict[str, Any]]] = {}

    def expect(self, request: int, machine: str) -> None:
        """This machine is being asked."""
        self._missing.setdefault(request, set()).add(machine)
        for old in sorted(self._missing)[:-KEPT]:
            del self._missing[old]
            self._parts.pop(old, None)

    def take(self, machine: str, message: Measured) -> None:
        """A machine has answered; when all have, the command hears of it."""
        missing = self._missing.get(message.number, set())
        if machine not in missing:
            return
        missing.discard(machine)
        answer = {"machine": machine, **message._asdict()}
        self._parts.setdefault(message.number, []).append(answer)
        if not missing:
            self._ring()

    def persist(self, db: sqlite3.Connection) -> None:
        """Write the answers that are complete, within the caller's transaction."""
        for request in [request for request, missing in self._missing.items() if not missing]:
            del self._missing[request]
            database.store_answer(db, request, {"error": "", "tasks": [], "parts": self._parts.pop(request)})
