"""Machines that are one user's at a time: jobs with --exclusive=user, and those of partitions with exclusive_user."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mini_slurm.model.allocation import parse_allocation
from mini_slurm.model.fleet import Fleet
from mini_slurm.model.job import Job
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.cluster import Cluster, occupies
from mini_slurm.scheduler.ends import expected_end
from mini_slurm.scheduler.heterogeneous import parts


def is_selfish(fleet: Fleet, job: Job) -> bool:
    """Does the job bear only jobs of its own user beside it? One that waits: in any of its partitions."""
    if job.is_user_exclusive:
        return True
    partitions = (fleet.partitions.get(name) for name in job.partition.split(","))
    return any(partition is not None and partition.exclusive_user for partition in partitions)


class Owners:
    """Who is in whose way, in one pass; to be made anew once a job has started."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._selfish: dict[int, bool] = {}
        self._known: dict[tuple[int, bool], dict[str, frozenset[int]]] = {}

    def hindering(self, job: Job) -> dict[str, frozenset[int]]:
        """The jobs of others that have to leave a machine before this one may start there, by machines."""
        if not self._cluster.has_owners:
            return {}
        key = job.uid, is_selfish(self._cluster.fleet, job)
        if key not in self._known:
            found = ((name, self._on(name, books.jobs, *key)) for name, books in self._cluster.machines.items())
            self._known[key] = {name: others for name, others in found if others}
        return self._known[key]

    def _on(self, machine: str, numbers: Iterable[int], uid: int, is_alone: bool) -> frozenset[int]:
        return frozenset(number for number in numbers if self._is_other(machine, number, uid, is_alone))

    def _is_other(self, machine: str, number: int, uid: int, is_alone: bool) -> bool:
        job = self._cluster.jobs[number]
        if job.uid == uid or not occupies(job):
            return False
        return is_alone or self.bears_none(job, machine)

    def bears_none(self, job: Job, machine: str) -> bool:
        """Does this job keep other users off the machine? Of a heterogeneous one its parts there count."""
        if job.het_size:
            here = (one for one in parts(self._cluster, job) if machine in parse_allocation(one.allocation))
            return any(is_selfish(self._cluster.fleet, one) for one in here)
        if job.job_id not in self._selfish:
            self._selfish[job.job_id] = is_selfish(self._cluster.fleet, job)
        return self._selfish[job.job_id]


def without(machines: list[Books], hindering: dict[str, frozenset[int]]) -> list[Books]:
    """The machines on which nobody is in the way."""
    return [books for books in machines if books.entry.name not in hindering] if hindering else machines


class Stay(NamedTuple):
    """A user's time on a machine, in seconds since the epoch; `is_alone`: no other user may be there meanwhile."""

    begin: float
    end: float
    uid: int
    is_alone: bool


class Stays:
    """Who will be on which machine from when to when, by time limits: whom a job would meet there."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._on: dict[str, list[Stay]] = {}
        owners = Owners(cluster)
        for name, books in cluster.machines.items() if cluster.has_owners else ():
            holders = filter(occupies, (cluster.jobs[number] for number in books.jobs))
            self._on[name] = [Stay(0.0, expected_end(one), one.uid, owners.bears_none(one, name)) for one in holders]

    def add(self, job: Job, machines: Iterable[str], begin: float, end: float) -> None:
        """The job will be there."""
        if self._cluster.has_owners:
            stay = Stay(begin, end, job.uid, is_selfish(self._cluster.fleet, job))
            for name in machines:
                self._on[name].append(stay)

    def bearable(self, job: Job, machines: list[Books], begin: float, end: float) -> list[Books]:
        """The machines on which the job and those who are there at the time bear each other."""
        if not self._on:
            return machines
        mine = Stay(begin, end, job.uid, is_selfish(self._cluster.fleet, job))
        return [one for one in machines if not any(_is_rival(mine, other) for other in self._on[one.entry.name])]


def _is_rival(one: Stay, other: Stay) -> bool:
    return one.uid != other.uid and (one.is_alone or other.is_alone) and one.begin < other.end and other.begin < one.end
