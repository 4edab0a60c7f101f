"""In which order pending jobs are tried, and which may overtake the first that cannot start (EASY backfill).

The first job that cannot start gets a reservation: the machines and the moment at which, by the time limits of what
runs, it can. A later job may start only where it does not delay that.
(D. Lifka, The ANL/IBM SP scheduling system, 1995.)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from mini_slurm.model.allocation import Allocation
from mini_slurm.model.fleet import Fleet
from mini_slurm.model.job import BY_HAND, Job
from mini_slurm.model.resources import Resources
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.caps import Caps
from mini_slurm.scheduler.cluster import Cluster, allocation, held, occupies
from mini_slurm.scheduler.demand import capacity, demand
from mini_slurm.scheduler.eligible import highest_tier, open_partitions, sites
from mini_slurm.scheduler.ends import NEVER, expected_end
from mini_slurm.scheduler.oversubscription import Leaving
from mini_slurm.scheduler.owners import is_selfish
from mini_slurm.scheduler.placement import place

MINUTE = 60  # seconds
NOBODY: Mapping[str, frozenset[int]] = MappingProxyType({})
RENEWAL = 30.0  # seconds after which a reservation is worked out again, as in Slurm
SOON = 5.0  # the same, where it should have begun at once


class Reservation(NamedTuple):
    """Machines kept for a job from a moment on, and what the job will leave free on each of them."""

    begin: float
    spare: Mapping[str, Resources]
    job_id: int = 0
    made: float = 0.0
    uid: int = 0  # the job's

    @property
    def serial(self) -> tuple[int, float]:
        """Tells reservations apart, whatever has been taken of what they spare."""
        return self.job_id, self.made

    def holds(self, job: Job, cluster: Cluster, now: float) -> bool:
        """Is it this job's, can it still be kept, and need not be looked whether it could begin earlier?"""
        is_recent = self.made <= now < min(self.made + RENEWAL, max(self.begin, self.made + SOON))
        return self.job_id == job.job_id and is_recent and all(cluster.machines[name].is_open for name in self.spare)


def pending_in_order(cluster: Cluster) -> list[Job]:
    """Pending jobs: those in partitions of the highest tier, of the highest priority, submitted first."""
    pending = [job for job in cluster.jobs.values() if job.state is JobState.PENDING]
    tiers = {names: highest_tier(cluster.fleet, names) for names in {job.partition for job in pending}}
    return sorted(pending, key=lambda job: (-tiers[job.partition], -job.priority, job.job_id))


def reserve(
    job: Job, candidates: list[Books], cluster: Cluster, now: float, kept: Mapping[str, Resources],
    hindering: Mapping[str, frozenset[int]] = NOBODY,
) -> Reservation | None:  # fmt: skip
    """Where and when the job can start at the latest, if everything that runs uses up its time limit.

    What is `kept` of machines is for others; on some the jobs `hindering` it have to end first, whatever is free.
    """
    usable = [books for books in candidates if books.is_open]
    partitions = open_partitions(cluster, job)
    leaving = Leaving(cluster, job, partitions)
    free = {one.entry.name: leaving.now(one) for one in usable}
    free.update({name: free[name].minus(amount) for name, amount in kept.items() if name in free})
    forecast = Forecast(job, usable, cluster.fleet, free, Caps(cluster, job, partitions), hindering, leaving)
    # what is free on a machine that is left in peace for a moment, as an attempt still ends there, counts as free now
    if not all(books.is_usable and not books.is_paused(now) for books in usable):
        found = forecast.place()
        if found is not None:
            return forecast.reservation(found, now, now)
    for number in cluster.ends.in_order():
        ending = cluster.jobs[number]
        if occupies(ending) and forecast.end(ending):
            found = forecast.place()
            if found is not None:
                return forecast.reservation(found, max(now, expected_end(ending)), now)
    return None


class Forecast:
    """What will be free on some machines as jobs end, and whether one job can start there then."""

    def __init__(
        self, job: Job, machines: list[Books], fleet: Fleet, free: Mapping[str, Resources], caps: Caps,
        hindering: Mapping[str, frozenset[int]] = NOBODY, leaving: Leaving | None = None,
    ) -> None:  # fmt: skip
        self.free = dict(free)  # by name, of each of the machines
        self._caps = caps
        self._gone: set[int] = set()
        self._leaving = leaving
        self._hindering = dict(hindering)  # jobs that have to leave a machine first
        self._job = job
        self._fleet = fleet
        self._machines = {books.entry.name: books for books in machines}
        self._wanted = demand(job, fleet)
        # for how many tasks each has room, and all together: to place the job in earnest costs much more
        self._room = {name: self._capacity(name) for name in self._machines}
        self._tasks = sum(self._room.values())
        self._usable = sum(1 for tasks in self._room.values() if tasks)

    def end(self, job: Job) -> bool:
        """This job gives back what it holds. Is there room for more tasks now?

        What it lends to make room was kept for it, and is not any more.
        """
        whole = {name: share.resources for name, share in allocation(job).items()}
        shares = held(job) if job.lent == BY_HAND else whole
        for name in shares.keys() & self._hindering.keys():
            self._hindering[name] -= {job.job_id}
        if self._leaving is not None:
            self._leaving.gone.add(job.job_id)
        return self.give(job, shares)

    def give(self, job: Job, shares: Mapping[str, Resources]) -> bool:
        """So much more is free, as this job leaves. Is there room for more tasks now?"""
        tasks = self._tasks
        self._gone.add(job.job_id)
        for name, share in shares.items():
            if name in self.free:
                self.free[name] = self._with(name, share)
                before, self._room[name] = self._room[name], self._capacity(name)
                self._tasks += self._room[name] - before
                self._usable += bool(self._room[name]) - bool(before)
        return self._tasks > tasks

    def _with(self, name: str, share: Resources) -> Resources:
        """What is free of a machine as that is given back: where CPUs are shared, that depends on who is left."""
        if self._leaving is not None and name in self._leaving.machines:
            return self._leaving.left(self._machines[name])
        return self.free[name].plus(share)

    def place(self) -> Allocation | None:
        """What the job would get."""
        if self._tasks < self._wanted.tasks or self._usable < self._wanted.least:
            return None
        machines = [books for name, books in self._machines.items() if not self._hindering.get(name)]
        among = sites(machines, lambda books: self._within_caps(books.entry.name))
        return place(self._job, among, self._fleet)

    def reservation(self, taken: Allocation, begin: float, now: float) -> Reservation:
        """What is kept for the job from that moment on: machines altogether for one that bears no other users."""
        spare = {name: self.free[name].minus(share.resources) for name, share in taken.items()}
        if is_selfish(self._fleet, self._job):
            spare = dict.fromkeys(taken, Resources())
        # who takes of what the partition may have there would keep it off, too
        spare.update(dict.fromkeys(taken.keys() & self._caps.machines, Resources()))
        if self._leaving is not None:  # whoever comes beside it there may keep it off
            spare.update(dict.fromkeys(taken.keys() & self._leaving.machines, Resources()))
        return Reservation(begin, spare, self._job.job_id, now, self._job.uid)

    def _capacity(self, name: str) -> int:
        if self._hindering.get(name):
            return 0
        return capacity(self._wanted, self._machines[name].total, self._within_caps(name))

    def _within_caps(self, name: str) -> Resources:
        return self._caps.within(name, self.free[name], self._gone)


def after_start(job: Job, taken: Allocation, reservation: Reservation | None, now: float) -> Reservation | None:
    """The reservation when the job has started there: what still runs at its begin takes of what it leaves free."""
    if reservation is None or ends_before(job.time_limit, reservation, now):
        return reservation
    spare = {
        name: left.minus(taken[name].resources) if name in taken else left for name, left in reservation.spare.items()
    }
    return reservation._replace(spare=spare)


def ends_before(limit: int | None, reservation: Reservation | None, now: float) -> bool:
    """Would a job with this time limit be over when the reservation begins, if there is one?"""
    return reservation is None or (limit is not None and now + limit <= reservation.begin)


def shortened(job: Job, limit: int | None, reservation: Reservation | None, now: float) -> int | None:
    """The longest time limit, of at least --time-min, with which the job would end before the reservation begins."""
    if job.time_min is None or reservation is None or reservation.begin == NEVER:
        return limit
    left = int(reservation.begin - now) // MINUTE * MINUTE
    is_shorter = job.time_limit is None or left < job.time_limit
    return left if is_shorter and left >= job.time_min else limit
