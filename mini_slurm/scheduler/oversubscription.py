"""Machines on which jobs share CPUs, as the partitions with OverSubscribe have it, by the rules of Slurm's cons_tres.

A CPU has as many places as its partition lets jobs share it: think of rows of the machine's CPUs. A job that shares is
put into the first row that has enough left, and it takes idle CPUs as long as there are enough. It never meets a job
that shares nothing; who shares nothing keeps off machines where another partition shares. Memory and GPUs are nobody
else's. What the books call free is what nobody has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from mini_slurm.model.allocation import Allocation
from mini_slurm.model.fleet import Partition
from mini_slurm.model.job import Job
from mini_slurm.model.oversubscription import rows, shares
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.cluster import Cluster, held, occupies

NOTHING = Resources()


class Tenants(NamedTuple):
    """Who is on a machine."""

    plain: int  # jobs that share nothing
    wide: frozenset[str]  # partitions that let CPUs be shared of which some job is there
    rows: Mapping[str, tuple[int, ...]]  # by partition: CPUs taken in each row
    free: Resources  # what nobody has


def tenants(cluster: Cluster, books: Books, gone: Collection[int] = ()) -> Tenants:
    """Who is on the machine but for the jobs that are `gone`."""
    left = books.total.minus(Resources(gpus=books.blocked))
    plain = cpus = 0
    wide: set[str] = set()
    taken: dict[str, list[int]] = {}
    here = (job for number in books.jobs - set(gone) if occupies(job := cluster.jobs[number]))
    for job in sorted(here, key=begun):
        share = held(job)[books.entry.name]
        left = left.minus(share._replace(cpus=0))
        if job.lent:
            continue
        partition = cluster.fleet.partitions.get(job.partition)
        wide.update(_wide(cluster, job))
        if partition is not None and rows(job, partition):
            put(taken.setdefault(partition.name, []), share.cpus, books.total.cpus)
        else:
            plain, cpus = plain + 1, cpus + share.cpus
    cpus += sum(max(one) for one in taken.values())
    free = left._replace(cpus=max(left.cpus - cpus, 0))
    return Tenants(plain, frozenset(wide), {name: tuple(one) for name, one in taken.items()}, free)


def _wide(cluster: Cluster, job: Job) -> Iterator[str]:
    """Of the partitions of the job, or of all parts of it, those that let CPUs be shared."""
    for number in range(job.job_id, job.job_id + max(job.het_size, 1)):
        part = cluster.jobs.get(number, job)
        partition = cluster.fleet.partitions.get(part.partition)
        if partition is not None and shares(partition):
            yield partition.name


def begun(job: Job) -> tuple[float, int]:
    """The order of starts."""
    return job.start_time or 0.0, job.job_id


def put(taken: list[int], cpus: int, total: int) -> None:
    """Into the first row of a machine's CPUs with room, or a new one."""
    for row, used in enumerate(taken):
        if used + cpus <= total:
            taken[row] += cpus
            return
    taken.append(cpus)


def recount(cluster: Cluster, name: str, gone: Collection[int] = ()) -> None:
    """Work out what is free on a machine where jobs may share CPUs: to be called whenever somebody comes or goes."""
    if name in cluster.shared_machines:
        books = cluster.machines[name]
        books.free = tenants(cluster, books, gone).free


def settle(cluster: Cluster) -> None:
    """After a change of partitions: count anew where jobs may share CPUs now, or might before."""
    for name in cluster.miscounted:
        books = cluster.machines.get(name)
        if books is not None and books.is_up:
            recount(cluster, name)
            cluster.note(name)
    cluster.miscounted.clear()


def offers(
    cluster: Cluster, job: Job, partition: Partition, kept: Mapping[int, Resources]
) -> Iterable[Mapping[int, Resources]]:
    """What the job may take in this partition, of machines of which that is not just what is free: idle CPUs first.

    `kept` is what it may take of those that are kept for others: nobody shares CPUs there.
    """
    return _offers(cluster, job, partition, kept) if cluster.shared_machines else (kept,)


def _offers(
    cluster: Cluster, job: Job, partition: Partition, kept: Mapping[int, Resources]
) -> Iterator[Mapping[int, Resources]]:
    here = [cluster.machines[name] for name in partition.machines if name in cluster.shared_machines]
    known = {books.position: cluster.stock.tenants(books, lambda one: tenants(cluster, one)) for books in here}
    barred = {place: NOTHING for place, one in known.items() if _is_barred(job, partition, one)}
    yield {**kept, **barred}
    if rows(job, partition):
        open_ones = (books for books in here if books.position not in barred and books.position not in kept)
        places = {books.position: _in_rows(job, partition, books.total, known[books.position]) for books in open_ones}
        yield {**kept, **barred, **places}


def _is_barred(job: Job, partition: Partition, there: Tenants) -> bool:
    return bool(there.plain) if rows(job, partition) else bool(there.wide - {partition.name})


def _in_rows(job: Job, partition: Partition, total: Resources, there: Tenants) -> Resources:
    """What the emptiest row has; of memory and GPUs what nobody has."""
    taken, most = there.rows.get(partition.name, ()), rows(job, partition)
    cpus = total.cpus if len(taken) < most else total.cpus - min(taken) if len(taken) == most else 0
    return there.free._replace(cpus=cpus)


def fits(cluster: Cluster, job: Job, partition: Partition, taken: Allocation) -> bool:
    """May the job have that in this partition?"""
    machines = {cluster.machines[name]: share.resources.cpus for name, share in taken.items()}
    return any(
        all(cpus <= offer.get(books.position, books.free).cpus for books, cpus in machines.items())
        for offer in offers(cluster, job, partition, {})
    )


class Leaving:
    """What a job can have of machines where CPUs are shared, as one job after the other leaves them."""

    def __init__(self, cluster: Cluster, job: Job, partitions: Iterable[Partition]) -> None:
        self._cluster = cluster
        self._job = job
        self._partitions = tuple(partitions)
        self.machines = cluster.shared_machines
        self.gone: set[int] = set()  # numbers of jobs

    def left(self, books: Books, gone: Collection[int] | None = None) -> Resources:
        """Of one machine in the best of the job's partitions, once these are gone; None: those that are now."""
        there = tenants(self._cluster, books, self.gone if gone is None else gone)
        inside = [one for one in self._partitions if books.entry.name in one.machines]
        inside = [one for one in inside if not _is_barred(self._job, one, there)]
        found = (_in_rows(self._job, one, books.total, there) if rows(self._job, one) else there.free for one in inside)
        return max(found, key=lambda one: one.cpus, default=NOTHING)

    def now(self, books: Books) -> Resources:
        """What the job can have there now, were nothing kept for others."""
        return self.left(books) if books.entry.name in self.machines else books.free
