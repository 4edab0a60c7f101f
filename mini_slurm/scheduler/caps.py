"""How much of each machine the jobs of one partition may have together (Slurm's MaxCPUsPerNode)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mini_slurm.model.fleet import Partition
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.cluster import Cluster, held, occupies


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
            left = max(partition.max_cpus_per_node - _used(cluster, partition.name, books), 0)
            free = found.get(books.position) or kept.get(books.position, books.free)
            if left < free.cpus:
                found[books.position] = free._replace(cpus=left)
    return found


def _used(cluster: Cluster, partition: str, books: Books) -> int:
    """CPUs of a machine that jobs of the partition hold."""
    jobs = (cluster.jobs[number] for number in books.jobs)
    return sum(held(job)[books.entry.name].cpus for job in jobs if job.partition == partition and occupies(job))
