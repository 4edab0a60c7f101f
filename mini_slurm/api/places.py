"""Where jobs are: in the fleet, or on clusters that others run; one object of a client looks into all of them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterable

from mini_slurm.api import records
from mini_slurm.api.faults import UnknownJob
from mini_slurm.api.records import Target
from mini_slurm.api.store import Store
from mini_slurm.desk import places
from mini_slurm.desk.changes import Changes
from mini_slurm.desk.foreign.place import Place
from mini_slurm.desk.memory import Memory
from mini_slurm.errors import Refused
from mini_slurm.model.job import COLUMNS, Job
from mini_slurm.store import foreign, queries

PROGRAM = "msbatch"
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0  # seconds between two looks at a cluster


class Places:
    """The fleet and the clusters, as far as a client is to see them."""

    def __init__(self, store: Store, cluster: str | None) -> None:
        self.store = store
        self.memory = Memory()
        self.cluster = cluster  # as it was chosen, None: nothing was
        if cluster is not None:
            self.chosen()

    def chosen(self) -> str | None:
        """The cluster that was chosen, by name or by variable; "": the fleet; None: none. Raises BadUsage."""
        with self.store.open() as db:
            names = places.named(PROGRAM, self.cluster, db)
            if not names:
                return None
            return names[0] if names[0] in places.survey(db).clusters else ""

    def load(self, targets: Iterable[Target], columns: Collection[str] = COLUMNS, *, fresh: bool = False) -> list[Job]:
        """The rows of these, of all their places. `fresh`: clusters are asked first. Raises MiniSlurmError."""
        numbers: dict[str, set[int]] = {}
        for one in targets:
            numbers.setdefault(one.cluster, set()).add(one.number)
        if fresh:
            self.refresh(numbers)
        with self.store.open() as db:
            return [job for name, wanted in numbers.items() for job in records.load(db, wanted, name, columns)]

    def refresh(self, clusters: Iterable[str]) -> None:
        """Bring what is known of the jobs on these clusters up to date, unless that was done just now."""
        for name in filter(None, clusters):
            with self.store.apart() as db:  # other threads need not wait until that system has answered
                self._place(name, db).refresh()

    def place(self, name: str) -> Place:
        """The cluster of this name, within open(). Raises Refused when there is none any more."""
        with self.store.open() as db:
            return self._place(name, db)

    def _place(self, name: str, db: sqlite3.Connection) -> Place:
        entry = places.survey(db).clusters.get(name)
        if entry is None:
            raise Refused(f"there is no cluster {name} any more", hint="put it back into the fleet file")
        return Place(self.store.state, db, entry)

    def locate(self, one: Target) -> Target:
        """The same job with its place. Raises UnknownJob; Refused where several places have it."""
        cluster = self.chosen()
        meant = [one._replace(cluster=name) for name in ([cluster] if cluster is not None else self._known(one))]
        found = self._there(meant)
        if not found and cluster:
            self.refresh([cluster])
            found = self._there(meant)
        if not found:
            raise unknown(one)
        if len(found) > 1:
            shown = ", ".join(each.cluster or "the fleet" for each in found)
            raise Refused(f"there is more than one job {one.id}: in {shown}", hint="choose one: Client(cluster=NAME)")
        return found[0]

    def _there(self, targets: list[Target]) -> list[Target]:
        """Those of them that there are."""
        rows = records.Rows(self.load(targets))
        return [one for one in targets if rows.meant(one)]

    def _known(self, one: Target) -> list[str]:
        with self.store.open() as db:
            if not queries.has_foreign(db):
                return [""]
            where = queries.Where("ours")
            where.jobs([one.number])
            return ["", *{job.cluster for job in foreign.select(db, where, ())}]

    def news(self, targets: Iterable[Target]) -> News:
        """What tells that some of these may have changed."""
        return News(self, {one.cluster for one in targets})


class News:
    """The controller tells of the fleet's jobs; clusters have to be asked, with growing pauses."""

    def __init__(self, all_places: Places, clusters: set[str]) -> None:
        self._places = all_places
        self._clusters = clusters - {""}
        self._pause = FIRST_PAUSE
        store = all_places.store
        self._changes = Changes(store.state, store.revive) if "" in clusters else None

    def wait(self, timeout: float | None) -> set[int] | None:
        """As Changes.wait: the numbers of jobs that have changed, None: it may be any. Raises MiniSlurmError."""
        if not self._clusters and self._changes is not None:
            return self._changes.wait(timeout)
        pause = self._pause if timeout is None else min(self._pause, timeout)
        self._pause = min(self._pause * 1.5, LONGEST_PAUSE)
        if self._changes is None:
            time.sleep(pause)
        else:
            self._changes.wait(pause)
        self._places.refresh(self._clusters)
        return None

    def close(self) -> None:
        """Hear no more."""
        if self._changes is not None:
            self._changes.close()


def unknown(one: Target) -> UnknownJob:
    """There is no such job."""
    return UnknownJob(f"Invalid job id specified: {one.id}", hint="msqueue and msacct show which jobs there are")
