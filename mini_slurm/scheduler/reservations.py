"""Advance reservations as the pass over the queue meets them, and what becomes of jobs when one is over.

A job without a reservation keeps off machines that are reserved before it would end. One with a reservation has to
wait until that is in force and may use its machines alone; within it, jobs start strictly in their order.
"""

from __future__ import annotations

from collections.abc import Iterable

from mini_slurm.model.fleet import Partition
from mini_slurm.model.job import Job
from mini_slurm.model.reservation import YEAR, Reservation, advanced, named, recurs
from mini_slurm.model.states import HELD_BY_USER, JobState
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.cluster import Cluster, override
from mini_slurm.scheduler.decisions import Decision, End
from mini_slurm.scheduler.eligible import named_partitions
from mini_slurm.scheduler.ends import count_suspension
from mini_slurm.scheduler.explain import HELD_BY_ADMIN
from mini_slurm.scheduler.licenses import in_all, parse

MINUTE = 60
NOT_NOW = "Reservation"
MAINTENANCE = "ReqNodeNotAvail, Reserved for maintenance"
DELETED = "Reservation {} was deleted"
LIVE = frozenset({JobState.CONFIGURING, JobState.RUNNING, JobState.SUSPENDED})


class Reserved:
    """What reservations allow in one pass."""

    def __init__(self, cluster: Cluster, now: float) -> None:
        self._cluster = cluster
        self._all = cluster.fleet.reservations
        self._now = now
        self._blocked: set[str | None] = set()  # reservations in which a job found no room

    def reason(self, job: Job) -> str | None:
        """The reason for which the job waits, whatever is free; None: machines may be looked for."""
        if job.reservation is None:
            return self._maintenance(job) if self._all else None
        own = self.own(job)
        if own is None:
            return NOT_NOW
        if job.reservation in self._blocked:
            return "Priority"
        if all(one.machines and not self._unhindered(job, one, one.machines, _least(job)) for one in self._usable(job)):
            return MAINTENANCE
        return None

    def own(self, job: Job) -> Reservation | None:
        """The first reservation in which the job may start now."""
        return next(iter(self._usable(job)), None)

    def _usable(self, job: Job) -> list[Reservation]:
        return [one for one in named(self._cluster.fleet, job) if self._is_usable(one, job)]

    def _is_usable(self, one: Reservation, job: Job) -> bool:
        if not one.admits(job.uid, job.account):
            return False
        return "FLEX" in one.flags or (one.is_active(self._now) and bool(one.machines or one.is_for_licenses))

    def allowed(self, job: Job, candidates: list[Books]) -> list[Books]:
        """Those of the machines that the job may start on now, in any of its reservations."""
        choices = self.choices(job, candidates)
        if len(choices) == 1:
            return choices[0]
        left = {one.position for machines in choices for one in machines}
        return [one for one in candidates if one.position in left]

    def choices(self, job: Job, candidates: list[Books]) -> list[list[Books]]:
        """The same for each of its reservations, as a job starts in one of them; one choice for a job without."""
        return self._choices(job, candidates, job.time_limit) if self._all else [candidates]

    def preferred(self, job: Job, candidates: list[Books], limit: int | None) -> list[list[Books]]:
        """The same with this time limit, and first the machines that the job is to have if it may have others too."""
        if not self._all:
            return [candidates]
        choices = self._choices(job, candidates, limit)
        loose = [set(one.machines) for one in self._usable(job) if one.machines and not one.binds]
        within = [[one for one in choices[0] if one.entry.name in names] for names in loose[:1]]
        return [*within, *choices]

    def shorter(self, job: Job, limit: int | None) -> list[int]:
        """Time limits of at least --time-min with which the job is over when another reservation begins; the longest
        first."""
        if job.time_min is None or not self._all:
            return []
        lefts = {int(other.start - self._now) // MINUTE * MINUTE for other in self._others(job, self.own(job), limit)}
        least = job.time_min
        return sorted((left for left in lefts if left >= least and (limit is None or left < limit)), reverse=True)

    def _choices(self, job: Job, candidates: list[Books], limit: int | None) -> list[list[Books]]:
        return [self._allowed_in(own, job, candidates, limit) for own in self._usable(job) or (None,)]

    def _allowed_in(self, own: Reservation | None, job: Job, candidates: list[Books], limit: int | None) -> list[Books]:
        names = [one.entry.name for one in candidates]
        if own is not None and own.binds:
            names = [name for name in names if name in own.machines]
        left = set(self._unhindered(job, own, names, limit))
        return [one for one in candidates if one.entry.name in left]

    def _unhindered(self, job: Job, own: Reservation | None, names: Iterable[str], limit: int | None) -> list[str]:
        """The machines that no other reservation keeps while the job would run."""
        kept = {name for other in self._others(job, own, limit) for name in other.machines}
        return [name for name in names if name not in kept]

    def _others(self, job: Job, own: Reservation | None, limit: int | None) -> list[Reservation]:
        """The reservations that may come into the job's way if that is its time limit."""
        end = self._now + (YEAR if limit is None else limit)
        found = [other for other in self._all.values() if other != own and other.overlaps(self._now, end)]
        if own is None:
            return found
        if "MAINT" in own.flags:
            return []
        return [other for other in found if "OVERLAP" not in own.flags or "MAINT" in other.flags]

    def _maintenance(self, job: Job) -> str | None:
        """Is everything that the job could have reserved for maintenance?"""
        others = self._others(job, None, _least(job))
        partitions = named_partitions(self._cluster, job)
        if partitions and all(any(_covers(one, partition) for one in others) for partition in partitions):
            return MAINTENANCE
        return None

    def block(self, job: Job) -> tuple[str, str]:
        """The job found no room in its reservations: those after it wait, too, unless one is still to come.

        Its reason, and that of those after it which ask for the same.
        """
        if not all(one.is_active(self._now) for one in named(self._cluster.fleet, job)):
            return NOT_NOW, NOT_NOW
        self._blocked.add(job.reservation)
        return "Resources", "Priority"

    def licenses(self, job: Job) -> dict[str, int]:
        """How many licenses are kept from the job for others."""
        if job.licenses is None or not self._all:
            return {}
        return in_all(parse(other.licenses) for other in self._others(job, self.own(job), job.time_limit))


def _least(job: Job) -> int | None:
    """The shortest time limit that the job may start with."""
    return job.time_limit if job.time_min is None else job.time_min


def _covers(one: Reservation, partition: Partition) -> bool:
    """Does the reservation close the partition altogether?"""
    if "ALL_NODES" in one.flags:
        return True
    if "PART_NODES" in one.flags:
        return one.partition == partition.name
    return "MAINT" in one.flags and bool(one.machines) and set(one.machines) <= set(partition.machines)


# --- the end of reservations


def moments(cluster: Cluster) -> Iterable[float]:
    """When reservations begin and end."""
    for one in cluster.fleet.reservations.values():
        yield from (one.start, one.end)


def settle(cluster: Cluster, now: float) -> list[Decision]:
    """Reservations that are over are forgotten, or come again; what still runs in them is ended, as in Slurm."""
    decisions: list[Decision] = []
    for one in [one for one in cluster.overrides.reservations.values() if one.end <= now]:
        if recurs(one):
            number = cluster.overrides.reservation_number + 1
            keep(cluster, advanced(one, now)._replace(number=number), number)
        else:
            forget(cluster, one)
        if "FLEX" not in one.flags:
            decisions += _end(cluster, one, now)
    return decisions


def _end(cluster: Cluster, one: Reservation, now: float) -> list[Decision]:
    """Its jobs have used up their time, unless they name another one that is not over: that is as Slurm has it."""
    decisions: list[Decision] = []
    for job in users(cluster, one.name):
        goes_on = any(other.name != one.name for other in named(cluster.fleet, job))
        if job.state in LIVE and job.outcome is None and not (job.het_offset or goes_on):
            count_suspension(job, now)
            job.outcome, job.state = JobState.TIMEOUT.name, JobState.COMPLETING
            cluster.touch(job)
            decisions.append(End(job.node or "", cluster.attempt_name(job), "TIME LIMIT"))
    return decisions


def users(cluster: Cluster, name: str) -> list[Job]:
    """The jobs that are not over and name this reservation."""
    named_it = (job for job in cluster.jobs.values() if job.reservation is not None)
    return [job for job in named_it if job.reservation is not None and name in job.reservation.split(",")]


def keep(cluster: Cluster, one: Reservation, number: int | None = None) -> None:
    """A reservation that is new, or has changed."""
    before = cluster.overrides
    latest = before.reservation_number if number is None else number
    kept = {**before.reservations, one.name: one}
    override(cluster, before._replace(reservations=kept, reservation_number=latest))


def forget(cluster: Cluster, one: Reservation) -> None:
    """The reservation is no more; jobs that waited for it alone are held."""
    kept = {name: other for name, other in cluster.overrides.reservations.items() if name != one.name}
    override(cluster, cluster.overrides._replace(reservations=kept))
    for job in users(cluster, one.name):
        others = [name for name in (job.reservation or "").split(",") if name != one.name]
        if job.state in LIVE and others:
            job.reservation = ",".join(others)
            cluster.touch(job)
        if job.state is JobState.PENDING:
            job.reservation = ",".join(others) or None
            is_held = job.priority == 0 and job.reason in (HELD_BY_USER, HELD_BY_ADMIN)
            if not others and not is_held and "NO_HOLD_JOBS_AFTER_END" not in one.flags:
                job.priority, job.reason = 0, DELETED.format(one.name)
            cluster.touch(job)
