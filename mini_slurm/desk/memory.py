"""What one submission leaves for the next one of the same process, which then has less to work out.

Nothing is taken on trust: each is used only as long as what it was made from is stored unchanged.
"""

from __future__ import annotations

import json
import os

from mini_slurm.desk import groups, state
from mini_slurm.model.machine import COLUMNS, Machine
from mini_slurm.scheduler import admission
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from typing import Any

    from mini_slurm.model.fleet import Fleet
    from mini_slurm.model.job import Job

MOST = 256  # jobs of different kinds that are remembered
# what of a job the fleet does not look at when it is admitted; a moment counts only beside a deadline or a reservation
ASIDE = frozenset(
    {"submit_time", "submit_line", "arguments", "command", "limits", "umask", "submit_host", "submit_session"}
)


class Memory:
    """Of the fleet, of what is known of its machines, and of what came of jobs that were alike."""

    def __init__(self) -> None:
        self._fleet: Fleet | None = None
        self._rows: list[tuple[Any, ...]] = []
        self._machines: Mapping[str, Machine] = {}
        self._admitted: dict[object, dict[str, Any]] = {}
        self._environment: tuple[Mapping[str, str], bytes] = ({}, b"{}")

    def fleet(self, db: sqlite3.Connection) -> Fleet:
        """The fleet that counts now. Raises FleetError, StateError."""
        fleet = state.fleet(db)
        if fleet is not self._fleet and fleet != self._fleet:
            self._fleet = fleet
            self._admitted.clear()
        return fleet

    def machines(self, db: sqlite3.Connection) -> Mapping[str, Machine]:
        """Every machine that was ever contacted, by name. Raises StateError."""
        rows = queries.look_up(db, f"SELECT {','.join(COLUMNS)} FROM machine")
        if rows != self._rows:
            self._rows = rows
            self._machines = {row[0]: Machine(**dict(zip(COLUMNS, row, strict=True))) for row in rows}
            self._admitted.clear()
        return self._machines

    def admit(self, job: Job, fleet: Fleet, machines: Mapping[str, Machine], *, strict: bool) -> None:
        """As admission.admit. Raises Refused."""
        before = dict(job.__dict__)
        aside = ASIDE if job.deadline is None and job.reservation is None else ASIDE - {"submit_time"}
        key = (
            strict,
            os.getgid(),
            *os.getgroups(),
            *((name, value) for name, value in before.items() if name not in aside),
        )
        done = self._admitted.get(key)
        if done is None:
            admission.admit(job, fleet, machines, strict=strict, groups=groups.names)
            if len(self._admitted) >= MOST:
                self._admitted.clear()
            after = job.__dict__
            self._admitted[key] = {
                name: value for name, value in after.items() if name not in before or before[name] != value
            }
        else:
            job.__dict__.update(done)

    def encoded(self, variables: Mapping[str, str]) -> bytes:
        """Variables as they are stored: JSON."""
        if variables != self._environment[0]:
            self._environment = (variables, json.dumps(variables, sort_keys=True).encode())
        return self._environment[1]
