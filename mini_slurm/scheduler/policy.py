"""In which order pending jobs are tried, and which may overtake the first that cannot start (EASY backfill).

The first job that cannot start gets a reservation: the machine and the moment at which, by the time limits of what
runs, it can. A later job may start only where it does not delay that.
(D. Lifka, The ANL/IBM SP scheduling system, 1995.)
"""

from __future__ import annotations

from typing import NamedTuple

from mini_slurm.model.fleet import Fleet
from mini_slurm.model.job import Job
from mini_slurm.model.resources import Resources
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.cluster import Books, Cluster, allocated, occupies
from mini_slurm.scheduler.demand import request

NEVER = float("inf")


class Reservation(NamedTuple):
    """A machine kept for a job from a moment on, and what the job will leave free there."""

    books: Books
    begin: float
    spare: Resources


def pending_in_order(cluster: Cluster) -> list[Job]:
    """Pending jobs, the highest priority first, then in the order of their submission."""
    pending = [job for job in cluster.jobs.values() if job.state is JobState.PENDING]
    return sorted(pending, key=lambda job: (-job.priority, job.job_id))


def reserve(job: Job, candidates: list[Books], cluster: Cluster, now: float) -> Reservation | None:
    """Where and when the job can start at the latest, if everything that runs uses up its time limit."""
    reservations = [found for books in candidates if books.is_up and (found := _earliest(job, books, cluster, now))]
    return min(reservations, key=lambda reservation: reservation.begin, default=None)


def _earliest(job: Job, books: Books, cluster: Cluster, now: float) -> Reservation | None:
    wanted = request(job, books.total, cluster.fleet)
    if wanted.shortfall(books.total) is not None:
        return None
    free = books.free
    for ending in sorted(filter(occupies, cluster.on_machine(books.entry.name)), key=_expected_end):
        free = free.plus(allocated(ending))
        if wanted.shortfall(free) is None and not (job.exclusive and free != books.total):
            spare = free.minus(wanted.out_of(free))
            return Reservation(books, max(now, _expected_end(ending)), spare)
    return None


def _expected_end(job: Job) -> float:
    return NEVER if job.time_limit is None or job.start_time is None else job.start_time + job.time_limit


def after_start(
    job: Job, books: Books, reservation: Reservation | None, fleet: Fleet, now: float
) -> Reservation | None:
    """The reservation when the job has started there: what still runs at its begin takes of what it leaves free."""
    if reservation is None or books is not reservation.books or _ends_before(job, reservation, now):
        return reservation
    taken = request(job, books.total, fleet).out_of(reservation.spare)
    return reservation._replace(spare=reservation.spare.minus(taken))


def _ends_before(job: Job, reservation: Reservation, now: float) -> bool:
    return job.time_limit is not None and now + job.time_limit <= reservation.begin


def may_use(job: Job, books: Books, reservation: Reservation | None, fleet: Fleet, now: float) -> bool:
    """Would starting the job there now leave the reservation untouched?"""
    if reservation is None or books is not reservation.books:
        return True
    if _ends_before(job, reservation, now):
        return True
    return request(job, books.total, fleet).shortfall(reservation.spare) is None
