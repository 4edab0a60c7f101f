"""Which machines a reservation can have: other reservations and jobs that run may be in the way."""

from __future__ import annotations

from mini_slurm.model.features import matches
from mini_slurm.model.reservation import Reservation, advanced, moved, recurs
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.ends import expected_end
from mini_slurm.scheduler.nodes import NO_SUCH_NODE
from mini_slurm.scheduler.targets import Refusal

OVERLAP = "Requested reservation overlaps with another reservation"
BUSY = "Requested nodes are busy"
NOT_AVAILABLE = "Requested node configuration is not available"
DAYS_AHEAD = 7  # for which reservations that come again are compared


def chosen(cluster: Cluster, made: Reservation, count: int) -> tuple[str, ...]:
    """Up to so many machines of its partition: those that it has already, then those that are idle. Raises Refusal.

    As in Slurm it has to do with fewer, unless there are none.
    """
    if not count:
        raise Refusal(NO_SUCH_NODE)
    partition = cluster.fleet.partitions.get(made.partition or "")
    fitting = [cluster.machines[name] for name in (partition.machines if partition else ())]
    fitting = [one for one in fitting if made.features is None or matches(made.features, one.entry.features)]
    if len(fitting) < count and made.features is not None:
        raise Refusal(NOT_AVAILABLE)
    able = [one for one in fitting if one.is_open and not _is_taken(cluster, made, one.entry.name)]
    if "IGNORE_JOBS" not in made.flags:
        able = [one for one in able if not _has_job(cluster, made, one.entry.name)]
    if not able:
        raise Refusal(BUSY)
    best = sorted(able, key=lambda one: (one.entry.name not in made.machines, bool(one.jobs), one.position))[:count]
    return tuple(one.entry.name for one in sorted(best, key=_position))


def _position(books: Books) -> int:
    return books.position


def check_free(cluster: Cluster, made: Reservation) -> None:
    """Raises Refusal."""
    if any(_is_taken(cluster, made, name) for name in made.machines):
        raise Refusal(OVERLAP)
    if "IGNORE_JOBS" not in made.flags and any(_has_job(cluster, made, name) for name in made.machines):
        raise Refusal(BUSY)


def _is_taken(cluster: Cluster, made: Reservation, machine: str) -> bool:
    """Is the machine in another reservation at a time at which this one is in force within a week?"""
    if "MAINT" in made.flags or "OVERLAP" in made.flags:
        return False
    for other in cluster.overrides.reservations.values():
        is_rival = other.name != made.name and machine in other.machines
        if is_rival and not {"MAINT", "OVERLAP"}.intersection(other.flags) and _meet(made, other):
            return True
    return False


def _meet(one: Reservation, other: Reservation) -> bool:
    return any(mine.overlaps(its.start, its.end) for mine in _coming(one) for its in _coming(other))


def _coming(one: Reservation) -> list[Reservation]:
    """It, and if it comes again, how it comes again within a week."""
    if not recurs(one):
        return [one]
    found, last = [one], moved(one.start, 0, DAYS_AHEAD)
    while found[-1].start < last:
        found.append(advanced(found[-1], found[-1].end))
    return found


def _has_job(cluster: Cluster, made: Reservation, machine: str) -> bool:
    """Does a job run there that may go on when the reservation begins?"""
    for number in cluster.machines[machine].jobs:
        job = cluster.jobs[number]
        if job.state not in (JobState.CONFIGURING, JobState.RUNNING) or job.reservation == made.name:
            continue
        if expected_end(job) > made.start:
            return True
    return False
