"""What a partition allows: a job beyond that is taken all the same, as Slurm does, and waits."""

from __future__ import annotations

from collections.abc import Iterable

from mini_slurm.model.fleet import Partition
from mini_slurm.model.job import Job
from mini_slurm.model.request import extra
from mini_slurm.model.resources import Resources

TOO_MANY_CPUS, TOO_MANY_NODES, TOO_LONG = "PartitionConfig", "PartitionNodeLimit", "PartitionTimeLimit"
STATES = {"DOWN": "PartitionDown", "INACTIVE": "PartitionInactive"}


def excess(job: Job, partition: Partition, machines: Iterable[Resources]) -> str | None:
    """The reason for which the job waits in this partition of such machines, whatever is free there; None: it may run.

    A machine that has not said yet how many CPUs it has leaves open how many there are.
    """
    cpus = [machine.cpus for machine in machines]
    asked = max(job.nodes, 1) if "overcommit" in extra(job) else job.cpus
    if all(cpus) and asked > sum(cpus):
        return TOO_MANY_CPUS
    most = len(partition.machines) if partition.max_nodes is None else partition.max_nodes
    if job.nodes > most or (job.max_nodes or job.nodes) < partition.min_nodes:
        return TOO_MANY_NODES
    if partition.max_time is not None and (job.time_limit is None or job.time_limit > partition.max_time):
        return TOO_LONG
    return STATES.get(partition.state)
