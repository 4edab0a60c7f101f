"""Which machine for one job: those that may be used, and the best of those that have room."""

from __future__ import annotations

from functools import lru_cache

from mini_slurm.model.features import matches
from mini_slurm.model.fleet import Fleet
from mini_slurm.model.hostlist import expand
from mini_slurm.model.job import Job
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler.cluster import Books, Cluster
from mini_slurm.scheduler.demand import request


def eligible_machines(cluster: Cluster, job: Job) -> list[Books]:
    """The machines of the job's partition that its nodelist, exclusions and features allow, up or not."""
    partition = cluster.fleet.partitions.get(job.partition)
    if partition is None:
        return []
    names = allowed_names(partition.machines, job.required_nodes, job.excluded_nodes)
    books = (cluster.machines[name] for name in names if name in cluster.machines)
    return [one for one in books if job.features is None or matches(job.features, one.entry.features)]


@lru_cache(maxsize=4096)
def allowed_names(machines: tuple[str, ...], required: str | None, excluded: str | None) -> tuple[str, ...]:
    """Names out of `machines` that a nodelist and a list of exclusions leave."""
    wanted = set(expand(required)) if required else None
    unwanted = set(expand(excluded)) if excluded else set()
    return tuple(name for name in machines if name not in unwanted and (wanted is None or name in wanted))


def could_ever_run(job: Job, candidates: list[Books], fleet: Fleet) -> bool:
    """Would the job fit on one of these machines if it were empty? Machines not known yet count as large enough."""
    return any(
        not books.total.cpus or request(job, books.total, fleet).shortfall(books.total) is None for books in candidates
    )


def choose(job: Job, candidates: list[Books], fleet: Fleet) -> Books | None:
    """The machine to start on: the fewest GPUs wasted, then the lowest weight, then the fullest that has room."""
    fitting = [books for books in candidates if books.is_usable and has_room(job, books, fleet)]
    return min(fitting, key=lambda books: _cost(job, books), default=None)


def has_room(job: Job, books: Books, fleet: Fleet) -> bool:
    """Does the job fit into what is free on this machine?"""
    if job.exclusive and books.free != books.total:
        return False
    return request(job, books.total, fleet).shortfall(books.free) is None


def _cost(job: Job, books: Books) -> tuple[int, int, int]:
    """A job that wants no GPU keeps off machines that have some, as long as others are free."""
    idle_gpus = 0 if job.gres or job.gpus else books.total.gpu_count
    return (idle_gpus, books.entry.weight, books.free.cpus)


def grant(job: Job, books: Books, fleet: Fleet) -> Resources:
    """What the job gets on this machine, GPUs by the types it gets them of."""
    return request(job, books.total, fleet).out_of(books.free)
