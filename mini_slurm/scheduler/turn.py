"""One group of jobs of one shape in one pass over the queue: which of them is next, and why the others wait."""

from __future__ import annotations

from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.explain import lasting
from mini_slurm.scheduler.queue import Group
from mini_slurm.scheduler.starting import set_reason

Place = tuple[int, int, int]  # in the order of the queue: minus the tier, minus the priority, the job's number


class Turn:
    """One group in one pass."""

    def __init__(self, group: Group, tier: int) -> None:
        self.group = group
        self._tier = tier
        self._is_closed = False
        self._rest: str | None = None
        self._apart: dict[int, str] = {}

    def key(self) -> Place | None:
        """Where in the order of the queue its next job stands; None: there is none to be tried."""
        head = None if self._is_closed else self.group.head()
        return None if head is None else (self._tier, *head)

    def skip(self, number: int, reason: str) -> None:
        """This job has to wait; those after it are tried all the same."""
        self._apart[number] = reason
        self.group.skip()

    def close(self, reason: str) -> None:
        """All others of this shape have to wait."""
        self._is_closed, self._rest = True, reason

    def close_with(self, number: int, reason: str, others: str) -> None:
        """This job has to wait, and for another reason all that come after it."""
        if reason != others:
            self._apart[number] = reason
        self.close(others)

    def end(self, cluster: Cluster) -> None:
        """The pass is over: those that wait are told why."""
        self.group.restore()
        for job, reason in self.group.tell(self._rest, self._apart):
            set_reason(cluster, job, lasting(job, reason))
