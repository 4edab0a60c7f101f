"""How a job, or a task of an array, is started; and how jobs that wait are told why."""

from __future__ import annotations

from mini_slurm.model.allocation import Allocation, format_allocation, total, union
from mini_slurm.model.arrays import split_first, throttle_of
from mini_slurm.model.features import are_met
from mini_slurm.model.hostlist import compress
from mini_slurm.model.job import Job
from mini_slurm.model.request import PREFERRED, keep, preferring
from mini_slurm.model.resources import format_gpus
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.cluster import Cluster, occupies
from mini_slurm.scheduler.decisions import Decision, Hold, Start
from mini_slurm.scheduler.eligible import open_partitions
from mini_slurm.scheduler.explain import holds
from mini_slurm.scheduler.oversubscription import fits, recount

DEPENDENCY = "Dependency"
PASSING = frozenset({"None", "Priority", "Resources"})  # reasons that accounting does not tell
QUIET = 2.0  # seconds: as long as it takes Slurm's next pass over the queue to come


def be_quiet(cluster: Cluster, job: Job, now: float) -> None:
    """The job was changed: as in Slurm, its old reason counts no more, and the next pass tells the new one."""
    if not holds(job.reason):
        job.reason = "None"
        cluster.quiet[job.job_id] = now + QUIET


def end_quiet(cluster: Cluster, now: float) -> None:
    """Jobs that were changed a while ago are looked at again."""
    for number in [number for number, until in cluster.quiet.items() if not now < until <= now + QUIET]:
        del cluster.quiet[number]
        cluster.queue.note(number)


def split_task(cluster: Cluster, record: Job, task: int, rest: str | None) -> Job:
    """Give one task of an array a record of its own; the last one that is left takes the array's, as in Slurm."""
    if rest is None:
        _be_task(record, task)
        cluster.touch(record)
        return record
    job = Job(**record.__dict__)
    job.job_id = cluster.next_job_id
    cluster.next_job_id += 1
    _be_task(job, task)
    first, others = split_first(rest)
    if others is None:
        _be_task(record, first)
    else:
        record.array_tasks = rest
    cluster.touch(record)
    cluster.add(job)
    return job


def is_throttled(cluster: Cluster, job: Job) -> bool:
    """Do as many tasks of the job's array run as may at a time?"""
    limit = job.array_throttle if job.array_tasks is None else throttle_of(job.array_tasks)
    return limit is not None and job.array_job_id is not None and running_tasks(cluster, job) >= limit


def running_tasks(cluster: Cluster, job: Job) -> int:
    """Tasks of the job's array that hold something."""
    return 0 if job.array_job_id is None else sum(map(occupies, cluster.records_of(job.array_job_id)))


def next_task(cluster: Cluster, job: Job) -> Job:
    """The job to start: the job itself, or the first task of an array record, which gets a record of its own."""
    return job if job.array_tasks is None else split_task(cluster, job, *split_first(job.array_tasks))


def _be_task(job: Job, task: int) -> None:
    """The record stands for one task of the array."""
    job.array_throttle = throttle_of(job.array_tasks or "")
    job.array_task_id = task
    job.array_tasks = None


def begin(cluster: Cluster, job: Job, taken: Allocation, now: float) -> list[Decision]:
    """The script is sent to the first machine when all others have said yes."""
    _assign(cluster, job, taken, now)
    return _send(cluster, job, taken)


def begin_together(cluster: Cluster, parts: list[Job], taken: list[Allocation], now: float) -> list[Decision]:
    """The same for a heterogeneous job: the first part's attempt holds what all parts have."""
    for part, own in zip(parts, taken, strict=True):
        _assign(cluster, part, own, now)
    parts[0].het_allocation = format_allocation(union(taken))
    return _send(cluster, parts[0], union(taken))


def _send(cluster: Cluster, job: Job, taken: Allocation) -> list[Decision]:
    for name, share in taken.items():
        cluster.machines[name].free = cluster.machines[name].free.minus(share.resources)
        cluster.note(name)
    cluster.place(job)
    for name in taken:
        recount(cluster, name)
    names = list(taken)
    return [Start(job)] if len(names) == 1 else [Hold(job, name) for name in names[1:]]


def _assign(cluster: Cluster, job: Job, taken: Allocation, now: float) -> None:
    """The job's record says what it gets."""
    names, together = list(taken), total(taken)
    if "," in job.partition:
        job.partition = partition_of(cluster, job, taken)
    _note_preference(cluster, job, names)
    job.state = JobState.CONFIGURING
    job.reason = "None"
    job.attempt += 1
    job.node, job.node_list, job.allocation = names[0], compress(names), format_allocation(taken)
    job.boot_id = cluster.machines[names[0]].boot_id
    job.alloc_cpus, job.alloc_memory, job.alloc_gpus = together.cpus, together.memory, format_gpus(together.gpus)
    job.start_time = now
    job.end_time = None
    cluster.touch(job)


def _note_preference(cluster: Cluster, job: Job, names: list[str]) -> None:
    """Keep whether these machines are as the job prefers them, as that is shown."""
    wanted = preferring(job)
    if wanted is not None:
        is_met = are_met(wanted.features or "", [cluster.machines[name].entry.features for name in names])
        keep(job, PREFERRED, "" if is_met else None)


def partition_of(cluster: Cluster, job: Job, taken: Allocation) -> str:
    """Of the partitions that the job named, the first that has all these machines, and lets it have that there."""
    having = [one for one in open_partitions(cluster, job) if taken.keys() <= set(one.machines)]
    if cluster.shared_machines:
        having = [one for one in having if fits(cluster, job, one, taken)] or having
    return having[0].name if having else job.partition


def set_reason(cluster: Cluster, job: Job, reason: str) -> None:
    """Note why the job waits, if that has changed; not at once where somebody has just changed the job."""
    if job.job_id in cluster.quiet and not holds(reason):
        return
    kept = reason if _is_accounted(job, reason) else job.wait_reason
    if (job.reason, job.wait_reason) != (reason, kept):
        job.reason, job.wait_reason = reason, kept
        cluster.touch(job)


def _is_accounted(job: Job, reason: str) -> bool:
    """Does accounting tell it? Of a job with several partitions Slurm books what its user ordered alone."""
    return holds(reason) or reason == DEPENDENCY if "," in job.partition else reason not in PASSING
