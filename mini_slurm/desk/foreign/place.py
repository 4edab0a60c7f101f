"""A cluster as its users see it: its kind, the way to it, and what is stored of it."""

from __future__ import annotations

import os

from mini_slurm.clusters import make_cluster, make_runner
from mini_slurm.config.paths import fleet_file
from mini_slurm.desk import places
from mini_slurm.desk.state import wake_controller
from mini_slurm.store import foreign
from mini_slurm.store.database import choose_fleet

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from mini_slurm.clusters.base import Answer, Call
    from mini_slurm.clusters.refresh import Refresh
    from mini_slurm.model.cluster_entry import ClusterEntry
    from mini_slurm.store.foreign import Contact


class Place:
    """One cluster. Nothing is called before it is asked for."""

    def __init__(self, state: str, db: sqlite3.Connection, entry: ClusterEntry) -> None:
        self.state = state
        self.db = db
        self.entry = entry
        self.cluster = make_cluster(entry)
        self.runner = make_runner(db, entry, self._wake)

    def _wake(self) -> None:
        """The controller is to look at a call; it has to know the fleet file that names the login node."""
        choose_fleet(self.db, fleet_file() or "")
        wake_controller(self.state)

    def refresh(self, *, everybody: bool = False) -> Contact:
        """Bring what is stored of its jobs up to date, if it is time to; how it answers. Raises StateError."""
        return self.refresher().run(everybody=everybody)

    def refresher(self) -> Refresh:
        """The way to bring them up to date."""
        from mini_slurm.clusters.refresh import Refresh

        return Refresh(self.state, self.db, self.entry.name, self.cluster, self.runner)

    def outdate(self) -> None:
        """Something was changed there."""
        foreign.outdate(self.db, self.entry.name)

    def make(self, calls: Iterable[Call]) -> Iterator[Answer]:
        """Make calls, one after the other, and give the answer to each. Raises MiniSlurmError."""
        for call in calls:
            # asked for again by the next controller, it is not to have its effect twice
            made = call._replace(once=call.once or os.urandom(8).hex())
            # what is passed on takes as long as it takes there
            yield self.runner.run(made._replace(patience=None) if self.cluster.native else made)
        self.outdate()


def find(state: str, db: sqlite3.Connection, name: str) -> Place | None:
    """The cluster of this name; None: the fleet file does not have it any more. Raises FleetError."""
    entry = places.survey(db).clusters.get(name)
    return None if entry is None else Place(state, db, entry)


def status(code: int) -> int:
    """The exit status for that of a child process, as a shell makes it."""
    return code if code >= 0 else 128 - code
