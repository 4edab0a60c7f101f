"""How much of each machine the jobs of one partition may have together (Slurm's MaxCPUsPerNode)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from mini_slurm.model.fleet import Partition
from mini_slurm.model.job import Job
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.cluster import Cluster, held, occupies

NOBODY: frozenset[int] = frozenset()


def capped(cluster: Cluster, partitions: Iterable[Partition], kept: Mapping[int, Resources]) -> dict[int, Resources]:
    """What may be taken of the machines of these partitions, by their positions, of what is free or not `kept`.

    Of a machine in several of them the tightest counts.
    """
    found: dict[int, Resources] = {}
    for partition in partitions:
        if partition.max_cpus_per_node is None:
            continue
        for name in partition.machines:
            books = cluster.machines.get(name)
            if books is None:
                continue
            left = max(partition.max_cpus_per_node - sum(_used(cluster, partition.name, books).values()), 0)
            free = found.get(books.position) or kept.get(books.position, books.free)
            if left < free.cpus:
                found[books.position] = free._replace(cpus=left)
    return found


class Caps:
    """The same for forecasts: what one job may have as others leave."""

    def __init__(self, cluster: Cluster, job: Job, partitions: Iterable[Partition]) -> None:
        self._uses: dict[str, list[tuple[int, Mapping[int, int]]]] = {}  # machine -> the most, and what each job has
        for partition in () if job.is_exclusive else partitions:
            if partition.max_cpus_per_node is None:
                continue
            for name in partition.machines:
                if name in cluster.machines:
                    use = partition.max_cpus_per_node, _used(cluster, partition.name, cluster.machines[name])
                    self._uses.setdefault(name, []).append(use)

    @property
    def machines(self) -> Collection[str]:
        """Where there is such a limit."""
        return self._uses.keys()

    def within(self, machine: str, free: Resources, gone: Collection[int] = NOBODY) -> Resources:
        """What it may have of that, once these jobs have left."""
        for most, uses in self._uses.get(machine, ()):
            left = max(most - sum(cpus for number, cpus in uses.items() if number not in gone), 0)
            if left < free.cpus:
                free = free._replace(cpus=left)
        return free


def _used(cluster: Cluster, partition: str, books: Books) -> dict[int, int]:
    """CPUs of a machine that jobs of the partition hold."""
    jobs = (cluster.jobs[number] for number in books.jobs)
    mine = (job for job in jobs if job.partition == partition and occupies(job))
    return {job.job_id: held(job)[books.entry.name].cpus for job in mine}
