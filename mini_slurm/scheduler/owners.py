"""Machines that are one user's at a time: jobs with --exclusive=user, and those of partitions with exclusive_user."""

from __future__ import annotations

from collections.abc import Iterable

from mini_slurm.model.allocation import parse_allocation
from mini_slurm.model.fleet import Fleet
from mini_slurm.model.job import Job
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.cluster import Cluster, occupies
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
        return is_alone or self._bears_none(job, machine)

    def _bears_none(self, job: Job, machine: str) -> bool:
        """Of a heterogeneous job the parts count that are on this machine."""
        if job.het_size:
            here = (one for one in parts(self._cluster, job) if machine in parse_allocation(one.allocation))
            return any(is_selfish(self._cluster.fleet, one) for one in here)
        if job.job_id not in self._selfish:
            self._selfish[job.job_id] = is_selfish(self._cluster.fleet, job)
        return self._selfish[job.job_id]


def without(machines: list[Books], hindering: dict[str, frozenset[int]]) -> list[Books]:
    """The machines on which nobody is in the way."""
    return [books for books in machines if books.entry.name not in hindering] if hindering else machines
