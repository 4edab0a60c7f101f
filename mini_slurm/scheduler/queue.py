"""Jobs that wait, by shape: jobs that ask for the same, and may run in the same places, fit or do not fit alike.

A pass decides once for each shape, and reaches single jobs only as far as they start or their reason changes. What
changed is noted by Cluster.touch() and filed before the next look.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from heapq import heapify, heappop, heappush
from operator import attrgetter

from mini_slurm.model.job import Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.scheduler.evictions import Vain
    from mini_slurm.scheduler.prospect import Prospect

SLACK = 64  # outdated entries that a heap may have beyond as many as there are jobs

_asked = attrgetter(
    "partition",
    "nodes",
    "max_nodes",
    "ntasks",
    "ntasks_per_node",
    "cpus_per_task",
    "min_cpus",
    "licenses",
    "memory_per_node",
    "memory_per_cpu",
    "gres",
    "gpus",
    "features",
    "required_nodes",
    "excluded_nodes",
    "exclusive",
    "extra",
    "time_limit",
    "time_min",
    "deadline",
)
Shape = tuple[object, ...]
Key = tuple[int, int]  # minus the priority, and the number: in the order of keys jobs are served


def shape(job: Job) -> Shape:
    """What jobs that fit, or do not fit, alike have in common; who they are counts in a reservation only."""
    asked: Shape = _asked(job)
    if job.het_size:
        return *asked, "heterogeneous", job.job_id
    return asked if job.reservation is None else (*asked, job.reservation, job.uid, job.account)


class Group:
    """The jobs of one shape that wait for nothing but room, the first to be served first."""

    def __init__(self) -> None:
        self.jobs: dict[int, Job] = {}
        self.prospect: Prospect | None = None
        self.vain: Vain | None = None  # of a heterogeneous job: the last look for jobs that make room for it
        self.fresh: set[int] = set()  # filed since they were last told why they wait
        self.rest: str | None = None  # why all wait but those that are apart
        self.apart: Mapping[int, str] = {}
        self._keys: dict[int, Key] = {}
        self._heap: list[Key] = []  # outdated ones too
        self._heaped: set[Key] = set()  # what is in the heap
        self._passed: list[Key] = []

    def add(self, job: Job) -> None:
        """A job of this shape waits; or one that does has changed."""
        key = (-job.priority, job.job_id)
        self.jobs[job.job_id] = job
        self.fresh.add(job.job_id)
        self._keys[job.job_id] = key
        if key not in self._heaped:
            self._heaped.add(key)
            heappush(self._heap, key)
            if len(self._heap) > 2 * len(self.jobs) + SLACK:
                self._heap = list(self._keys.values())
                self._heaped = set(self._heap)
                heapify(self._heap)

    def tell(self, rest: str | None, apart: Mapping[int, str]) -> list[tuple[Job, str]]:
        """Why jobs wait after a pass: those whose reason may have changed."""
        if rest == self.rest and not (self.fresh or apart or self.apart):
            return []
        changed: Collection[int] = self.jobs if rest != self.rest else self.fresh.union(self.apart, apart)
        self.rest, self.apart = rest, apart
        self.fresh.clear()
        reasons = [(number, apart.get(number, rest)) for number in changed if number in self.jobs]
        return [(self.jobs[number], reason) for number, reason in reasons if reason is not None]

    def remove(self, number: int) -> None:
        """The job waits here no longer."""
        del self.jobs[number], self._keys[number]
        self.fresh.discard(number)

    def head(self) -> Key | None:
        """Who is next; None: nobody."""
        while self._heap:
            key = self._heap[0]
            if self._keys.get(key[1]) == key:
                return key
            self._heaped.discard(heappop(self._heap))
        return None

    def skip(self) -> None:
        """Who is next cannot start, but those after it may."""
        self._passed.append(heappop(self._heap))

    def restore(self) -> None:
        """The pass is over: nobody is skipped any more."""
        for key in self._passed:
            heappush(self._heap, key)
        self._passed.clear()


class Queue:
    """All jobs that wait."""

    def __init__(self) -> None:
        self.groups: dict[Shape, Group] = {}
        self.dependents: dict[int, Job] = {}  # those that wait for other jobs, and are not held
        self.licensed: dict[int, Job] = {}  # those that hold licenses
        self._homes: dict[int, tuple[Shape, Group]] = {}  # where each job is filed
        self._stale: dict[int, None] = {}  # jobs that have to be filed anew
        self._reminders: list[tuple[float, int]] = []  # when jobs have to be filed anew, a heap; outdated ones too
        self._moments: dict[int, float] = {}  # the reminder that counts
        self.by_charge = False  # do jobs of one shape have one user, account and QOS, too?

    def tell_apart(self, by_charge: bool) -> None:
        """Whether users, accounts or QOS have limits: then only jobs that are charged alike may start alike."""
        if by_charge != self.by_charge:
            self.by_charge = by_charge
            self._stale.update(dict.fromkeys(self._homes))

    def key(self, job: Job) -> Shape:
        """Jobs of one key may start, or not start, alike."""
        return (*shape(job), job.uid, job.user, job.account, job.qos) if self.by_charge else shape(job)

    def note(self, number: int) -> None:
        """The job has changed, or is new, or over."""
        self._stale[number] = None

    def take_stale(self, now: float) -> list[int]:
        """The jobs that have to be filed anew: those that have changed, and those whose moment has come."""
        while (moment := self.next_moment()) is not None and moment <= now:
            number = heappop(self._reminders)[1]
            del self._moments[number]
            self.note(number)
        stale, self._stale = self._stale, {}
        return list(stale)

    def remind(self, number: int, moment: float | None) -> None:
        """When the job has to be looked at again if nothing happens before; None: never."""
        if moment is None:
            self._moments.pop(number, None)
        elif self._moments.get(number) != moment:
            self._moments[number] = moment
            heappush(self._reminders, (moment, number))

    def next_moment(self) -> float | None:
        """When the next job has to be looked at again."""
        while self._reminders and self._moments.get(self._reminders[0][1]) != self._reminders[0][0]:
            heappop(self._reminders)
        return self._reminders[0][0] if self._reminders else None

    def put(self, job: Job, moment: float | None) -> None:
        """The job waits for nothing but room; it is to be looked at again at that moment."""
        key = self.key(job)
        home = self._homes.get(job.job_id)
        if home is not None and home[0] != key:
            self._take_out(job.job_id)
            home = None
        if home is None:
            home = self._homes[job.job_id] = key, self.groups.setdefault(key, Group())
        home[1].add(job)
        self.dependents.pop(job.job_id, None)
        self.remind(job.job_id, moment)

    def put_aside(self, job: Job, moment: float | None) -> None:
        """The job waits for something else than room."""
        self._take_out(job.job_id)
        self.remind(job.job_id, moment)
        if job.dependency is not None and job.priority > 0:
            self.dependents[job.job_id] = job
        else:
            self.dependents.pop(job.job_id, None)

    def remove(self, number: int) -> None:
        """The job does not wait any more."""
        self._take_out(number)
        self.remind(number, None)
        self.dependents.pop(number, None)

    def _take_out(self, number: int) -> None:
        key, group = self._homes.pop(number, ((), None))
        if group is not None:
            group.remove(number)
            if not group.jobs:
                del self.groups[key]
