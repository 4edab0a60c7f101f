"""When and where waiting jobs are expected to start: what Slurm's backfill notes, worked out when somebody asks.

One job after the other, in the order of the queue, is given the earliest time at which it has room for as long as its
time limit, beside what runs and what was planned before it. All are taken to use up their limits: most start earlier.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from mini_slurm.model.allocation import Allocation
from mini_slurm.model.arrays import count_of
from mini_slurm.model.job import Job
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.cluster import Cluster, held, occupies
from mini_slurm.scheduler.demand import capacity, demand
from mini_slurm.scheduler.eligible import eligible_machines, open_partitions, sites
from mini_slurm.scheduler.ends import NEVER, expected_end
from mini_slurm.scheduler.explain import PRIORITY, own_reason
from mini_slurm.scheduler.placement import Site, place
from mini_slurm.scheduler.policy import pending_in_order
from mini_slurm.scheduler.queue import shape
from mini_slurm.scheduler.reservations import Reserved

NOTHING = Resources()
WAITING = frozenset({PRIORITY, "Resources", "None", ""})  # reasons of jobs that only wait for room
MOST_TASKS = 20  # of an array that are planned for, as in Slurm (bf_max_job_array_resv)
MOST_WORK = 200_000  # looks at what a machine has free, about a second: jobs behind that have no expected start


class Planned(NamedTuple):
    """When a job is expected to start, in seconds since the epoch, and on which machines."""

    begin: float
    machines: tuple[str, ...]


def plan(cluster: Cluster, now: float, wanted: Collection[int]) -> dict[int, Planned]:
    """What is expected of these jobs, as far as anything is; nothing of one that waits for more than room."""
    left = set(wanted)
    future = Future(cluster, now)
    found: dict[int, Planned] = {}
    for job in pending_in_order(cluster):
        if not left or future.work > MOST_WORK:
            break
        left.discard(job.job_id)
        if job.reason not in WAITING or own_reason(job, now) is not None or job.het_size or job.het_offset:
            continue
        first = future.add(job)
        if first is not None:
            found[job.job_id] = first
    return {number: one for number, one in found.items() if number in wanted}


class Future:
    """What is free on each machine from each moment on at which that changes."""

    def __init__(self, cluster: Cluster, now: float) -> None:
        self._cluster = cluster
        self._reserved = Reserved(cluster, now)
        self.work = 0
        self._times = [now]
        self._free = [{name: books.free for name, books in cluster.machines.items() if books.is_open}]
        self._tried: dict[object, float] = {}  # by shape: when its last job starts, as the next one does not earlier
        for number in cluster.ends.in_order():
            job = cluster.jobs[number]
            end = expected_end(job)
            if occupies(job) and end < NEVER:
                self._give_back(held(job), max(end, now))

    def _give_back(self, shares: Mapping[str, Resources], moment: float) -> None:
        """Ends come in their order: nothing is known of later moments yet."""
        if moment > self._times[-1]:
            self._times.append(moment)
            self._free.append(dict(self._free[-1]))
        free = self._free[-1]
        free.update({name: free[name].plus(share) for name, share in shares.items() if name in free})

    def add(self, job: Job) -> Planned | None:
        """Plan for the job, or for the next tasks of the array; what is expected of the first."""
        if not open_partitions(self._cluster, job):
            return None
        machines = self._reserved.allowed(job, eligible_machines(self._cluster, job))
        tasks = 1 if job.array_tasks is None else min(count_of(job.array_tasks), MOST_TASKS)
        first = None
        for _ in range(tasks):
            found = self._find(job, machines)
            if found is None:
                break
            begin, taken = found
            self._take(taken, begin, NEVER if job.time_limit is None else begin + job.time_limit)
            first = first or Planned(begin, tuple(taken))
        return first

    def _find(self, job: Job, machines: list[Books]) -> tuple[float, Allocation] | None:
        kind = shape(job)
        wanted = demand(job, self._cluster.fleet)
        for at in range(bisect_left(self._times, self._tried.get(kind, 0)), len(self._times)):
            begin = self._times[at]
            self.work += len(machines)
            if self.work > MOST_WORK:
                return None
            rooms = [capacity(wanted, one.total, self._at(at, one)) for one in machines]
            if sum(rooms) < wanted.tasks or sum(map(bool, rooms)) < wanted.least:
                continue
            end = NEVER if job.time_limit is None else begin + job.time_limit
            least = self._least([one for one, room in zip(machines, rooms, strict=True) if room], at, end)
            taken = place(job, _sites(machines, least), self._cluster.fleet)
            if taken is not None:
                self._tried[kind] = begin
                return begin, taken
        return None

    def _at(self, position: int, machine: Books) -> Resources:
        return self._free[position].get(machine.entry.name, NOTHING)

    def _least(self, machines: list[Books], position: int, end: float) -> dict[str, Resources]:
        """What of each is free all the time until then."""
        least = {one.entry.name: self._at(position, one) for one in machines}
        for later in self._until(position + 1, end):
            for name, free in least.items():
                self.work += 1
                least[name] = free.at_most(self._free[later].get(name, NOTHING))
        return least

    def _until(self, position: int, end: float) -> Iterator[int]:
        while position < len(self._times) and self._times[position] < end:
            yield position
            position += 1

    def _take(self, taken: Allocation, begin: float, end: float) -> None:
        """So much less is free in that time."""
        first = self._split(begin)
        if end < NEVER:
            self._split(end)
        for position in self._until(first, end):
            free = self._free[position]
            free.update({name: free[name].minus(share.resources) for name, share in taken.items()})

    def _split(self, moment: float) -> int:
        """The position of this moment, from which on what is free may differ."""
        position = bisect_left(self._times, moment)
        if position == len(self._times) or self._times[position] != moment:
            self._times.insert(position, moment)
            self._free.insert(position, dict(self._free[position - 1]))
        return position


def _sites(machines: list[Books], free: Mapping[str, Resources]) -> list[Site]:
    return sites(machines, lambda one: free.get(one.entry.name, NOTHING))
