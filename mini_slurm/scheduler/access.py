"""Who may submit jobs to a partition, and what the partition adds to them."""

from __future__ import annotations

from collections.abc import Callable, Collection

from mini_slurm.model.fleet import Fleet, Partition
from mini_slurm.model.job import Job
from mini_slurm.model.oversubscription import ASKED, parse
from mini_slurm.model.request import keep, least_cpus

DENIED = "Access/permission denied"
NO_ROOT = "Invalid user id"
NOT_IN_GROUP = "User's group not permitted to use this partition"
ROOT = 0
CLOSED = ("DRAIN", "INACTIVE")  # states in which a partition takes no jobs

Groups = Callable[[], Collection[str]]  # those that the job's user is in


def refusal(job: Job, partition: Partition, groups: Groups) -> str | None:
    """Why the partition does not take the job from this user and place, in Slurm's words and order."""
    if partition.require_reservation and not job.reservation:
        return DENIED
    if partition.root_only and job.uid != ROOT:
        return DENIED
    if partition.disable_root_jobs and job.uid == ROOT:
        return NO_ROOT
    if partition.allow_groups and job.uid != ROOT and not set(groups()).intersection(partition.allow_groups):
        return NOT_IN_GROUP
    if partition.alloc_nodes and job.submit_host not in partition.alloc_nodes:
        return DENIED
    return None


def open_one(partition: Partition, fleet: Fleet) -> Partition | None:
    """The partition, or the one that takes its jobs meanwhile; None where none does."""
    passed: set[str] = set()
    found: Partition | None = partition
    while found is not None and found.state in CLOSED and found.name not in passed:
        passed.add(found.name)
        found = fleet.partitions.get(found.alternate)
    return None if found is None or found.state in CLOSED else found


def complete(job: Job, fleet: Fleet, partition: Partition) -> None:
    """Memory of a job that says nothing of it, CPUs that go with memory, whole machines."""
    if job.memory_per_node is None and job.memory_per_cpu is None:
        job.memory_per_node = partition.default_memory_per_node
        if job.memory_per_node is None:
            own = partition.default_memory_per_cpu
            job.memory_per_cpu = fleet.default_memory_per_cpu if own is None else own
    if partition.max_memory_per_cpu is not None:
        _add_cpus(job, partition.max_memory_per_cpu)
    word, most = parse(partition.over_subscribe)
    if word == "EXCLUSIVE":
        job.exclusive = 1
    elif word == "FORCE" and most > 1:
        _force(job)


def _force(job: Job) -> None:
    """The job shares CPUs whatever it says; one that wants whole machines has them beside others."""
    if job.is_exclusive:
        keep(job, "oversubscribe", "")
    elif not job.is_user_exclusive:
        job.exclusive = ASKED


def _add_cpus(job: Job, most: int) -> None:
    """Who asks for more memory of a CPU than there may be gets more CPUs."""
    if job.memory_per_cpu is not None and job.memory_per_cpu > most:
        times = -(-job.memory_per_cpu // most)
        job.cpus_per_task = (job.cpus_per_task or 1) * times
        job.memory_per_cpu = -(-job.memory_per_cpu // times)
    elif job.memory_per_node is not None:
        cpus = -(-job.memory_per_node // most)
        if cpus > least_cpus(job):
            keep(job, "mincpus", str(cpus))
