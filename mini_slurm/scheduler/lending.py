"""The CPUs of suspended jobs: others get them, while memory, GPUs and licenses stay the job's.

Who suspends by hand decides as well when the job goes on, whoever has its CPUs then: they run beside each other. As in
Slurm the job counts again for the CPUs that it has where the jobs of its partition leave room for them, and
does not where they don't: what these leave is others' from then on, as long as the job runs.
"""

from __future__ import annotations

from collections.abc import Iterator

from mini_slurm.model.allocation import parse_allocation
from mini_slurm.model.job import Job
from mini_slurm.model.oversubscription import rows
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.cluster import Cluster, allocation, occupies
from mini_slurm.scheduler.decisions import Decision, Suspend
from mini_slurm.scheduler.heterogeneous import parts
from mini_slurm.scheduler.oversubscription import begun, put, recount


def lend(cluster: Cluster, job: Job, why: int) -> list[Decision]:
    """Others may have the CPUs of this job, which is suspended: TO_MAKE_ROOM or BY_HAND."""
    had, job.lent = job.lent, why
    if not had:
        _book(cluster, job, 1)
    return orders(cluster, job, resume=False)


def take_back(cluster: Cluster, job: Job) -> list[Decision]:
    """The job goes on with the CPUs that it had, and they are nobody else's."""
    had, job.lent = job.lent, 0
    if had:
        _book(cluster, job, -1)
    return orders(cluster, job, resume=True)


def go_on(cluster: Cluster, job: Job) -> list[Decision]:
    """The job goes on with the CPUs that it had; does it count for them again?"""
    if not job.lent or all(_fits(cluster, part) for part in parts(cluster, job)):
        return take_back(cluster, job)
    return orders(cluster, job, resume=True)


def orders(cluster: Cluster, job: Job, *, resume: bool) -> list[Decision]:
    """What the job's machines are told: on each of them its CPUs are claimed, and its steps run."""
    name = cluster.attempt_name(job)
    return [Suspend(machine, name, resume, lends=bool(job.lent)) for machine in allocation(job)]


def _book(cluster: Cluster, job: Job, sign: int) -> None:
    """The job's CPUs are free, or not any more: less than none are, where it goes on beside others."""
    for name, share in allocation(job).items():
        books = cluster.machines.get(name)
        if books is not None:
            books.free = books.free.plus(Resources(cpus=sign * share.resources.cpus))
            cluster.note(name)
            recount(cluster, name)


def _fits(cluster: Cluster, part: Job) -> bool:
    """Do the jobs of its partition leave room for its CPUs? Those of other partitions do not count.

    One that has machines to itself keeps all others off, whoever is there still.
    """
    shares = parse_allocation(part.allocation)
    return part.is_exclusive or all(_has_row(cluster, part, name, one.resources.cpus) for name, one in shares.items())


def _has_row(cluster: Cluster, part: Job, name: str, cpus: int) -> bool:
    """Of a machine's CPUs there is one row, or as many as the partition lets jobs share them: is there room in one?"""
    books, partition = cluster.machines.get(name), cluster.fleet.partitions.get(part.partition)
    if books is None:
        return False
    taken: list[int] = []
    for count in _beside(cluster, part, books):
        put(taken, count, books.total.cpus)
    put(taken, cpus, books.total.cpus)
    return len(taken) <= max(rows(part, partition) if partition else 0, 1)


def _beside(cluster: Cluster, part: Job, books: Books) -> Iterator[int]:
    """The CPUs of each job of the same partition on a machine, or part of one, in the order of their starts."""
    holders = [job for number in books.jobs if occupies(job := cluster.jobs[number]) and not job.lent]
    for job in sorted(holders, key=begun):
        for one in parts(cluster, job):
            share = parse_allocation(one.allocation).get(books.entry.name)
            if share is not None and one.partition == part.partition:
                yield share.resources.cpus
