"""Jobs on clusters, followed while no command asks: their ends are seen before their system forgets them.

A thread of its own, as a cluster's commands may take a while and are waited for.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping

from mini_slurm.clusters import make_cluster, make_runner
from mini_slurm.clusters.refresh import Refresh
from mini_slurm.controller import autostart
from mini_slurm.errors import MiniSlurmError
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.store import database, foreign

LOOK = 5.0  # seconds between two looks whether anything is waited for
PERIOD = 30.0  # seconds between two questions to one cluster

log = logging.getLogger(__name__)


class Watch:
    """Asks each cluster on which a job of ours is not over, now and then."""

    def __init__(self, state: str, db: sqlite3.Connection, entries: Callable[[], Mapping[str, ClusterEntry]]) -> None:
        self._state = state
        self._db = db
        self._entries = entries
        self._asked: dict[str, float] = {}  # by cluster, when, on a clock that is never set
        self._faults: dict[str, str] = {}
        self._stop = threading.Event()
        # a cluster's command that hangs does not keep the controller from ending
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def close(self) -> None:
        """Ask no more; a question under way is left to itself."""
        self._stop.set()

    @property
    def is_needed(self) -> bool:
        """Is there a job on a cluster that is not over, or a submission without an answer?"""
        return any(name in self._entries() for name in foreign.waiting(self._db))

    def _run(self) -> None:
        while not self._stop.wait(LOOK):
            try:
                db = database.open_database(self._state)
                try:
                    self._look(db)
                finally:
                    db.close()
            except MiniSlurmError as error:
                log.warning("jobs on clusters: %s", error)

    def _look(self, db: sqlite3.Connection) -> None:
        entries = self._entries()
        for name in foreign.waiting(db):
            now = time.monotonic()
            if name in entries and now - self._asked.get(name, -PERIOD) >= PERIOD:
                self._asked[name] = now
                self._refresh(db, entries[name])

    def _ring(self) -> None:
        autostart.ring(self._state)

    def _refresh(self, db: sqlite3.Connection, entry: ClusterEntry) -> None:
        refresh = Refresh(self._state, db, entry.name, make_cluster(entry), make_runner(db, entry, self._ring))
        fault = refresh.run().fault
        if fault != self._faults.get(entry.name, ""):
            self._faults[entry.name] = fault
            log.warning("cluster %s: %s", entry.name, fault or "answers again")
