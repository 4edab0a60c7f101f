"""Which machines of the cluster a job may use, and what placement is to see of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mini_slurm.model.features import matches
from mini_slurm.model.fleet import Fleet, Partition
from mini_slurm.model.job import Job
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.demand import most_machines
from mini_slurm.scheduler.limits import excess
from mini_slurm.scheduler.placement import Site, allowed_names, place


def named_partitions(cluster: Cluster, job: Job) -> list[Partition]:
    """The partitions that the job names, as far as the fleet has them: it starts in the first that has room.

    Those of the highest tier come first, as in Slurm.
    """
    found = [cluster.fleet.partitions.get(name) for name in job.partition.split(",")]
    return sorted((one for one in found if one is not None), key=lambda one: -one.tier)


def highest_tier(fleet: Fleet, names: str) -> int:
    """That of the partitions that a job names."""
    return max((one.tier for name in names.split(",") if (one := fleet.partitions.get(name))), default=0)


def closed(cluster: Cluster, job: Job, partition: Partition) -> str | None:
    """The reason for which the job waits in this partition, whatever is free there; None: it may run there."""
    return excess(job, partition, (cluster.stock.together(partition),))


def judged(cluster: Cluster, job: Job) -> list[tuple[Partition, str | None]]:
    """The partitions that the job names, each with the reason for which it waits there whatever is free."""
    return [(partition, closed(cluster, job, partition)) for partition in named_partitions(cluster, job)]


def open_partitions(cluster: Cluster, job: Job) -> list[Partition]:
    """Those of the job's partitions that it may run in."""
    return [partition for partition, reason in judged(cluster, job) if reason is None]


def eligible_machines(cluster: Cluster, job: Job) -> list[Books]:
    """The machines of the job's partitions that its nodelist, exclusions and features allow, up or not."""
    return partition_machines(cluster, job, open_partitions(cluster, job) or named_partitions(cluster, job))


def partition_machines(cluster: Cluster, job: Job, partitions: Iterable[Partition]) -> list[Books]:
    """Those of these partitions."""
    machines = dict.fromkeys(name for partition in partitions for name in partition.machines)
    names = allowed_names(tuple(machines), job.required_nodes, job.excluded_nodes, most_machines(job))
    books = (cluster.machines[name] for name in names if name in cluster.machines)
    return [one for one in books if job.features is None or matches(job.features, one.entry.features)]


def sites(candidates: Iterable[Books], free: Callable[[Books], Resources]) -> list[Site]:
    """What placement looks at; `free` says what of a machine may be taken."""
    return [
        Site(books.entry.name, books.position, books.entry.weight, books.total, free(books), books.entry.features)
        for books in candidates
    ]


def could_ever_run(job: Job, candidates: list[Books], fleet: Fleet) -> bool:
    """Would the job fit on these machines if they were empty? Machines not known yet count as large enough."""
    if len([books for books in candidates if not books.total.cpus]) >= max(1, job.nodes):
        return True
    return place(job, sites(candidates, lambda books: books.total), fleet) is not None


def could_run_somewhere(cluster: Cluster, job: Job) -> bool:
    """Would it fit in one of the partitions that are open to it?"""
    return any(
        could_ever_run(job, partition_machines(cluster, job, [partition]), cluster.fleet)
        for partition in open_partitions(cluster, job)
    )
