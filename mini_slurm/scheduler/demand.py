"""What a job asks of a machine, and what a machine has to give. Commands load this too: it stays light."""

from __future__ import annotations

import math
from collections.abc import Mapping

from mini_slurm.model.features import counted, least_machines, one_of, shares_machines
from mini_slurm.model.fleet import Fleet, MachineEntry
from mini_slurm.model.gpu_request import gpu_parts, gpus_per_job, gpus_per_node, memory_per_gpu
from mini_slurm.model.gres import Part
from mini_slurm.model.job import Job
from mini_slurm.model.oversubscription import rows
from mini_slurm.model.request import extra, least_cpus, number
from mini_slurm.model.resources import NO_SHARES, Resources, Size
from mini_slurm.model.tuples import NamedTuple
from mini_slurm.scheduler.sharing import pick

LAYERS = ("sockets-per-node", "cores-per-socket", "threads-per-core")


def with_entry(found: Resources, entry: MachineEntry) -> Resources:
    """What the machine said of itself, where the fleet file does not say otherwise."""
    return Resources(
        found.cpus if entry.cpus is None else entry.cpus,
        found.memory if entry.memory is None else entry.memory,
        found.gpus if entry.gpus is None else entry.gpus,
        sizes=sizes(found, entry),
    )


def sizes(found: Resources, entry: MachineEntry) -> Mapping[str, Size]:
    """What a GPU of each type has to give to several jobs; the fleet file may call a type as it likes."""
    kinds = found.gpus if entry.gpus is None else entry.gpus
    least = min((size.memory for size in found.sizes.values()), default=0)
    memory = {kind: found.sizes[kind].memory if kind in found.sizes else least for kind in kinds}
    given = {kind: Size(memory[kind] if entry.gpu_memory is None else entry.gpu_memory, entry.shards) for kind in kinds}
    return {kind: size for kind, size in given.items() if size.whole}


class Demand(NamedTuple):
    """A job's wishes in numbers: machines, tasks, and what each task or machine needs."""

    least: int  # machines
    most: int | None  # None: as many as the tasks need
    tasks: int
    cpus: int  # of a task
    tasks_per_node: int | None  # at most
    memory_per_node: int | None  # MiB; 0: all there is
    memory_per_cpu: int
    gpus_per_node: Mapping[str, int]
    gpus: Mapping[str, int]  # of the whole job
    exclusive: bool
    fills: bool  # as many tasks as a machine has room for, since nobody said how many
    least_cpus: int = 1  # on each machine
    cpus_per_gpu: int = 0
    memory_per_gpu: int = 0  # MiB; takes the place of memory by CPU
    parts: tuple[Part, ...] = ()  # of GPUs, on each machine
    one_of: tuple[str, ...] = ()  # features: all machines have the same one
    counted: tuple[tuple[str, int], ...] = ()  # features, and on how many of the machines
    nested: bool = False  # each of those features has to be on all machines that were taken for those before it
    reach: int = 0  # machines that it takes where so many are free; 0: as few as it can do with
    tasks_each: int = 0  # tasks of each machine, where nobody said how many they are together
    shares: bool = False  # CPUs, with others of its partition: alone it would be where no row of CPUs is begun
    least_loaded: bool = False  # first the machines of which the most is free
    contiguous: bool = False  # machines that stand next to each other
    least_free: int = 1  # CPUs that each machine has to have free, of which it may give fewer
    least_total: int = 1  # ... and that it has to have at all

    @property
    def wants_gpus(self) -> bool:
        """Does it ask for any GPU, or a part of one?"""
        return bool(self.gpus_per_node or self.gpus or self.parts)

    @property
    def gpus_at_least(self) -> int:
        """GPUs on each machine: those of the whole job count as spread evenly."""
        return max(sum(self.gpus_per_node.values()), -(-sum(self.gpus.values()) // max(self.least, 1)))

    def cpus_for(self, tasks: int, gpus: int) -> int:
        """CPUs that a machine gives for so many tasks and GPUs."""
        return max(tasks * self.cpus, self.least_cpus, gpus * self.cpus_per_gpu)


def demand(job: Job, fleet: Fleet) -> Demand:
    """What the job asks for, with what the fleet adds."""
    is_plain = job.extra == "{}"  # says nothing else; each shape of job is asked in a pass
    overcommits = not is_plain and "overcommit" in extra(job)
    counts = () if job.features is None else counted(job.features)
    partitions = [one for one in map(fleet.partitions.get, job.partition.split(",")) if one is not None]
    return Demand(
        least=max(job.nodes, least_machines(job.features)) if counts else job.nodes,
        most=job.max_nodes,
        tasks=max(job.nodes, 1) if overcommits else task_count(job),
        cpus=1 if overcommits else job.cpus_per_task or 1,
        tasks_per_node=job.ntasks_per_node,
        memory_per_node=0 if job.memory_per_cpu == 0 else job.memory_per_node,
        memory_per_cpu=job.memory_per_cpu or fleet.default_memory_per_cpu or 0,
        gpus_per_node=gpus_per_node(job),
        gpus=gpus_per_job(job),
        exclusive=job.is_exclusive,
        fills=job.is_exclusive and job.ntasks is None and job.ntasks_per_node is None,
        least_cpus=least_cpus(job),
        cpus_per_gpu=0 if is_plain else number(job, "cpus-per-gpu"),
        memory_per_gpu=0 if is_plain else memory_per_gpu(job),
        parts=gpu_parts(job),
        one_of=() if job.features is None else one_of(job.features),
        counted=counts,
        nested=bool(counts) and shares_machines(job.features),
        reach=_reach(job),
        tasks_each=0 if job.ntasks else job.ntasks_per_node or 1,
        shares=any([rows(job, one) for one in partitions]),
        least_loaded=any([one.lln for one in partitions]),
        contiguous=not is_plain and "contiguous" in extra(job),
        least_free=(job.ntasks_per_node or 1) * (job.cpus_per_task or 1) if job.ntasks == 1 and not overcommits else 1,
        least_total=1 if is_plain else _layers(job),
    )


def _layers(job: Job) -> int:
    """CPUs of a machine with as many sockets, cores in each and threads in each as were asked for."""
    return math.prod(max(number(job, name), 1) for name in LAYERS)


def _reach(job: Job) -> int:
    """Of a range of machines a job takes the most that are free, unless it says --use-min-nodes, or counts features.

    With --spread-job it takes one for each task, as far as there are so many.
    """
    if job.extra != "{}" and "spread-job" in extra(job) and not gpus_per_job(job):
        return min(task_count(job), job.max_nodes or task_count(job))
    if job.max_nodes is None or job.max_nodes <= job.nodes:
        return 0
    is_least = gpus_per_job(job) or "use-min-nodes" in extra(job) or (job.features and counted(job.features))
    return 0 if is_least else job.max_nodes


def task_count(job: Job) -> int:
    """Tasks of the whole job: as many as were asked for, else one a machine, or --ntasks-per-node.

    CPUs that were asked for beyond that are placed like further tasks. Where both were said, CPUs count.
    """
    tasks = job.ntasks or job.nodes * (job.ntasks_per_node or 1)
    if job.min_cpus is None:
        return tasks
    least = job.nodes if job.ntasks else tasks
    return max(least, -(-job.min_cpus // (job.cpus_per_task or 1)))


def most_machines(job: Job) -> int:
    """How many machines the job may be given."""
    return max(job.nodes, task_count(job)) if job.max_nodes is None else job.max_nodes


def capacity(wanted: Demand, total: Resources, free: Resources) -> int:
    """For how many of the job's tasks a machine has room; 0: it cannot be used."""
    if free.cpus < max(wanted.cpus, wanted.least_free) or total.cpus < wanted.least_total:
        return 0
    if wanted.exclusive and not is_whole(wanted, total, free):
        return 0
    if wanted.gpus_per_node and Resources(gpus=wanted.gpus_per_node).shortfall(free):
        return 0
    if wanted.gpus and not free.gpu_count:
        return 0
    if wanted.parts and pick(wanted.parts, free) is None:
        return 0
    tasks = free.cpus // wanted.cpus
    least = wanted.cpus_for(1, wanted.gpus_at_least if wanted.wants_gpus else 0)
    if least > free.cpus:
        return 0
    if wanted.memory_per_gpu:
        tasks = tasks if wanted.memory_per_gpu * wanted.gpus_at_least <= free.memory else 0
    elif wanted.memory_per_node is not None:
        memory = wanted.memory_per_node or total.memory
        tasks = tasks if memory <= free.memory else 0
    elif wanted.exclusive:
        tasks = tasks if wanted.memory_per_cpu * total.cpus <= free.memory else 0
    elif wanted.memory_per_cpu:
        is_enough = wanted.memory_per_cpu * least <= free.memory
        tasks = min(tasks, free.memory // (wanted.memory_per_cpu * wanted.cpus)) if is_enough else 0
    return tasks if wanted.tasks_per_node is None else min(tasks, wanted.tasks_per_node)


def is_whole(wanted: Demand, total: Resources, free: Resources) -> bool:
    """Has nobody anything of it, as far as one minds who wants the machine for himself?

    Memory alone is of those that are suspended.
    """
    return free.cpus == total.cpus if wanted.shares else free._replace(memory=total.memory) == total


def share(wanted: Demand, tasks: int, gpus: Mapping[str, int], total: Resources, free: Resources) -> Resources:
    """What the job gets of one machine for so many tasks, GPUs by the types that they are of.

    All CPUs and GPUs with --exclusive, whatever else was asked for; of the memory only that.
    """
    count = sum(gpus.values())
    shares = (wanted.parts and pick(wanted.parts, free)) or NO_SHARES
    if wanted.exclusive:
        gpus, shares = free.gpus, NO_SHARES
    cpus = total.cpus if wanted.exclusive else wanted.cpus_for(tasks, count)
    memory = wanted.memory_per_cpu * cpus
    if wanted.memory_per_gpu:
        memory = wanted.memory_per_gpu * count
    elif wanted.memory_per_node is not None:
        memory = wanted.memory_per_node or total.memory
    return Resources(cpus, memory, gpus, shares).out_of(free)


def gpus_on(wanted: Demand, free: list[Resources]) -> list[Mapping[str, int]] | None:
    """The GPUs by type ("" for any) on each of these machines; None where those of the whole job do not come together.

    Each machine gives at least one of the job's, and the first ones as many as they can.
    """
    if not wanted.gpus:
        return [wanted.gpus_per_node] * len(free)
    given: list[dict[str, int]] = [dict(wanted.gpus_per_node) for _ in free]
    for kind, count in wanted.gpus.items():
        left = count
        for position, one in enumerate(free):
            has = one.gpus.get(kind, 0) if kind else one.gpu_count - sum(given[position].values())
            have = given[position].get(kind, 0)
            take = max(have, min(has, left - (len(free) - 1 - position)))
            given[position][kind] = take
            left -= take
        if left > 0:
            return None
    return list(given)
