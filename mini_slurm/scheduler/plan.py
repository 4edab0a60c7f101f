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
from mini_slurm.scheduler.caps import Caps
from mini_slurm.scheduler.cluster import Cluster, held, occupies
from mini_slurm.scheduler.demand import Demand, capacity, demand
from mini_slurm.scheduler.eligible import eligible_machines, open_partitions, sites
from mini_slurm.scheduler.ends import NEVER, expected_end
from mini_slurm.scheduler.explain import PRIORITY, own_reason
from mini_slurm.scheduler.heterogeneous import arrange, lasting, once, parts
from mini_slurm.scheduler.oversubscription import Leaving
from mini_slurm.scheduler.owners import Stays
from mini_slurm.scheduler.placement import Site, place
from mini_slurm.scheduler.policy import pending_in_order
from mini_slurm.scheduler.reservations import Reserved

NOTHING = Resources()
WAITING = frozenset({PRIORITY, "Resources", "None", ""})  # reasons of jobs that only wait for room
MOST_TASKS = 20  # of an array that are planned for, as in Slurm (bf_max_job_array_resv)
MOST_WORK = 200_000  # looks at what a machine has free, about a second: jobs behind that have no expected start


class Planned(NamedTuple):
    """When a job is expected to start, in seconds since the epoch, and on which machines."""

    begin: float
    machines: tuple[str, ...]


class Wish(NamedTuple):
    """What a job, or one part of a heterogeneous one, asks for, and of which machines."""

    job: Job
    wanted: Demand
    machines: list[Books]
    leaving: Leaving
    caps: Caps


def plan(cluster: Cluster, now: float, wanted: Collection[int]) -> dict[int, Planned]:
    """What is expected of these jobs, as far as anything is; nothing of one that waits for more than room."""
    left = set(wanted)
    future = Future(cluster, now)
    found: dict[int, Planned] = {}
    for job in pending_in_order(cluster):
        if not left or future.work > MOST_WORK:
            break
        if job.het_offset:  # looked at with the first part
            continue
        together = parts(cluster, job) if job.het_size else [job]
        left.difference_update(one.job_id for one in together)
        if all(one.reason in WAITING and own_reason(one, now) is None for one in together):
            found.update(future.add(together))
    return {number: one for number, one in found.items() if number in wanted}


class Future:
    """What is free on each machine from each moment on at which that changes."""

    def __init__(self, cluster: Cluster, now: float) -> None:
        self._cluster = cluster
        self._reserved = Reserved(cluster, now)
        self._stays = Stays(cluster)
        self.work = 0
        self._times = [now]
        # of machines where CPUs are shared that is what is planned there: the rest depends on who asks
        shared = cluster.shared_machines
        books = {name: one for name, one in cluster.machines.items() if one.is_open}
        self._free = [{name: NOTHING if name in shared else one.free for name, one in books.items()}]
        self._gone: list[frozenset[int]] = [frozenset()]  # who has left by then
        self._tried: dict[object, float] = {}  # by shape: when its last job starts, as the next one does not earlier
        for number in cluster.ends.in_order():
            job = cluster.jobs[number]
            end = expected_end(job)
            if occupies(job) and end < NEVER:
                self._give_back(job, max(end, now))

    def _give_back(self, job: Job, moment: float) -> None:
        """Ends come in their order: nothing is known of later moments yet."""
        if moment > self._times[-1]:
            self._times.append(moment)
            self._free.append(dict(self._free[-1]))
            self._gone.append(self._gone[-1])
        self._gone[-1] |= {job.job_id}
        free, shared = self._free[-1], self._cluster.shared_machines
        shares = {name: share for name, share in held(job).items() if name in free and name not in shared}
        free.update({name: free[name].plus(share) for name, share in shares.items()})

    def add(self, together: list[Job]) -> dict[int, Planned]:
        """Plan for all parts of a job, or for the next tasks of an array; what is expected of each, or of the first."""
        job, fleet = together[0], self._cluster.fleet
        if not all(open_partitions(self._cluster, part) for part in together):
            return {}
        wishes = [
            Wish(part, demand(part, fleet), self._machines(part, job), self._leaving(part), self._caps(part))
            for part in together
        ]
        tasks = 1 if job.array_tasks is None else min(count_of(job.array_tasks), MOST_TASKS)
        planned: dict[int, Planned] = {}
        for _ in range(tasks):
            found = self._find(wishes)
            if found is None:
                break
            begin, taken = found
            end = _end(job, begin)
            for part, its in zip(together, taken, strict=True):
                self._take(its, begin, end)
                self._stays.add(part, its, begin, end)
                planned.setdefault(part.job_id, Planned(begin, tuple(its)))
        return planned

    def _leaving(self, part: Job) -> Leaving:
        return Leaving(self._cluster, part, open_partitions(self._cluster, part))

    def _caps(self, part: Job) -> Caps:
        return Caps(self._cluster, part, open_partitions(self._cluster, part))

    def _machines(self, part: Job, first: Job) -> list[Books]:
        return self._reserved.allowed(lasting(part, first), eligible_machines(self._cluster, part))

    def _find(self, wishes: list[Wish]) -> tuple[float, list[Allocation]] | None:
        """When there is room for all, and what each gets then."""
        kind = self._cluster.queue.key(wishes[0].job)
        for at in range(bisect_left(self._times, self._tried.get(kind, 0)), len(self._times)):
            taken = self._place(wishes, at)
            if self.work > MOST_WORK:
                return None
            if taken is not None:
                self._tried[kind] = self._times[at]
                return self._times[at], taken
        return None

    def _place(self, wishes: list[Wish], at: int) -> list[Allocation] | None:
        """What each gets from that moment on, one beside the other."""
        end = _end(wishes[0].job, self._times[at])
        found = arrange(
            [len(wish.machines) for wish in wishes],
            lambda number, others: once(self._beside(wishes[number], at, end, others)),
        )
        return found.taken if found.failed is None else None

    def _beside(self, wish: Wish, at: int, end: float, others: Allocation) -> Iterator[Allocation | None]:
        """What one gets beside the other parts: on machines that none of them has, if that is possible."""
        machines = self._stays.bearable(wish.job, wish.machines, self._times[at], end)
        self.work += len(machines)
        rooms = [capacity(wish.wanted, one.total, self._at(at, one, wish)) for one in machines]
        if sum(rooms) < wish.wanted.tasks or sum(map(bool, rooms)) < wish.wanted.least:
            return
        least = self._least(wish, [one for one, room in zip(machines, rooms, strict=True) if room], at, end)
        apart = {name: free for name, free in least.items() if name not in others}
        rest = {name: others[name].resources for name in least.keys() & others.keys()}
        beside = {**least, **{name: least[name].minus(share) for name, share in rest.items()}}
        for partition in open_partitions(self._cluster, wish.job):
            members = set(partition.machines)
            within = [one for one in machines if one.entry.name in members]
            for free in (apart, beside) if others else (apart,):
                yield place(wish.job, _sites(within, free), self._cluster.fleet, partition)

    def _at(self, position: int, machine: Books, wish: Wish) -> Resources:
        """What the job could have of a machine at that moment."""
        name = machine.entry.name
        free = self._free[position].get(name)
        if free is None:
            return NOTHING
        gone = self._gone[position]
        free = wish.leaving.left(machine, gone).plus(free) if name in wish.leaving.machines else free
        return wish.caps.within(name, free, gone)

    def _least(self, wish: Wish, machines: list[Books], position: int, end: float) -> dict[str, Resources]:
        """What of each is free all the time until then."""
        least = {one.entry.name: self._at(position, one, wish) for one in machines}
        for later in self._until(position + 1, end):
            for one in machines:
                self.work += 1
                name = one.entry.name
                least[name] = least[name].at_most(self._at(later, one, wish))
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
            self._gone.insert(position, self._gone[position - 1])
        return position


def _end(job: Job, begin: float) -> float:
    return NEVER if job.time_limit is None else begin + job.time_limit


def _sites(machines: list[Books], free: Mapping[str, Resources]) -> list[Site]:
    return sites(machines, lambda one: free.get(one.entry.name, NOTHING))
