"""What a partition allows: a job beyond that is taken all the same, as Slurm does, and waits."""

from __future__ import annotations

from collections.abc import Iterable

from mini_slurm.model.fleet import Partition
from mini_slurm.model.job import Job
from mini_slurm.model.request import extra, least_cpus
from mini_slurm.model.resources import Resources

TOO_MANY_CPUS, TOO_MANY_NODES, TOO_LONG = "PartitionConfig", "PartitionNodeLimit", "PartitionTimeLimit"
TOO_MUCH_MEMORY = "MaxMemPerLimit"
ACCOUNT, QOS = "Job's account", "Job's QOS"
STATES = {"DOWN": "PartitionDown", "INACTIVE": "PartitionInactive"}


def excess(job: Job, partition: Partition, machines: Iterable[Resources]) -> str | None:
    """The reason for which the job waits in this partition of such machines, whatever is free there; None: it may run.

    A machine that has not said yet how many CPUs it has leaves open how many there are.
    """
    reason = stranger(job, partition)
    if reason is not None:
        return reason
    cpus = [machine.cpus for machine in machines]
    asked = max(job.nodes, 1) if "overcommit" in extra(job) else job.cpus
    most_cpus = sum(cpus)
    if partition.max_cpus_per_node is not None:
        most_cpus = min(most_cpus, partition.max_cpus_per_node * len(partition.machines))
    if all(cpus) and asked > most_cpus:
        return TOO_MANY_CPUS
    if beyond_memory(job, partition):
        return TOO_MUCH_MEMORY
    most = len(partition.machines) if partition.max_nodes is None else partition.max_nodes
    if job.nodes > most or (job.max_nodes or job.nodes) < partition.min_nodes:
        return TOO_MANY_NODES
    if partition.max_nodes is not None and (job.max_nodes or 0) > partition.max_nodes:
        return TOO_MANY_NODES
    if partition.max_time is not None and (job.time_limit is None or job.time_limit > partition.max_time):
        return TOO_LONG
    return STATES.get(partition.state)


def stranger(job: Job, partition: Partition) -> str | None:
    """Why the partition is not for the job's account or QOS; None: it is."""
    if partition.allow_accounts or partition.deny_accounts:
        found = _unwanted(partition.name, job.account, partition.allow_accounts, partition.deny_accounts)
        if found is not None:
            return ACCOUNT + found
    if partition.allow_qos or partition.deny_qos:
        found = _unwanted(partition.name, job.qos, partition.allow_qos, partition.deny_qos)
        if found is not None:
            return QOS + found
    return None


def _unwanted(name: str, own: str | None, allowed: tuple[str, ...], denied: tuple[str, ...]) -> str | None:
    """How the reason ends. Where somebody is allowed it does not count who is denied."""
    if allowed and own is None:
        return f" not known, so it can't use this partition ({name} allows {','.join(allowed)})"
    if allowed and own not in allowed:
        return f" not permitted to use this partition ({name} allows {','.join(allowed)} not {own})"
    if not allowed and own in denied:
        return f" not permitted to use this partition ({name} denies {','.join(denied)} including {own})"
    return None


def has_strangers(partitions: Iterable[Partition]) -> bool:
    """Is any partition not for everybody?"""
    return any(one.allow_accounts or one.deny_accounts or one.allow_qos or one.deny_qos for one in partitions)


def beyond_memory(job: Job, partition: Partition) -> bool:
    """Does the job ask for more memory than one may there? An amount for each CPU counts for as many as it names."""
    if partition.max_memory_per_node is None and partition.max_memory_per_cpu is None:
        return False  # a pass asks for each shape of job
    cpus = (job.ntasks_per_node or 1) * (job.cpus_per_task or 1)
    if job.ntasks and job.max_nodes:
        cpus = max(cpus, -(-job.ntasks // job.max_nodes) * (job.cpus_per_task or 1))
    if partition.max_memory_per_node is not None:
        asked = job.memory_per_node if job.memory_per_node is not None else (job.memory_per_cpu or 0) * cpus
        return asked > partition.max_memory_per_node
    if partition.max_memory_per_cpu is not None and job.memory_per_node is not None:
        return job.memory_per_node > partition.max_memory_per_cpu * max(cpus, least_cpus(job))
    return False
