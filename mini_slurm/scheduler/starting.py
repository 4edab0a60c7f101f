"""One pass over the pending jobs: what can start now is started, and each that cannot gets its reason."""

from __future__ import annotations

from mini_slurm.model.allocation import Allocation, format_allocation, total
from mini_slurm.model.arrays import split_first, throttle_of
from mini_slurm.model.hostlist import compress
from mini_slurm.model.job import Job
from mini_slurm.model.resources import format_gpus
from mini_slurm.model.states import JobState
from mini_slurm.scheduler import licenses
from mini_slurm.scheduler.cluster import Books, Cluster, occupies
from mini_slurm.scheduler.deadlines import is_late, limit_until, miss
from mini_slurm.scheduler.decisions import Decision, Hold, Start
from mini_slurm.scheduler.eligible import eligible_machines, open_partitions, sites
from mini_slurm.scheduler.explain import Waiting, holds, own_reason, shared_reason
from mini_slurm.scheduler.placement import place
from mini_slurm.scheduler.policy import Reservation, after_start, pending_in_order, reserve, shortened, usable
from mini_slurm.scheduler.reservations import Reserved

QUIET = 2.0  # seconds: as long as it takes Slurm's next pass over the queue to come


def be_quiet(cluster: Cluster, job: Job, now: float) -> None:
    """The job was changed: as in Slurm, its old reason counts no more, and the next pass tells the new one."""
    if not holds(job.reason):
        job.reason = "None"
        cluster.quiet[job.job_id] = now + QUIET


def start_pending(cluster: Cluster, now: float) -> list[Decision]:
    """Start every pending job that may and can start now."""
    cluster.quiet = {number: until for number, until in cluster.quiet.items() if now < until <= now + QUIET}
    round_ = Round(cluster, now)
    for job in pending_in_order(cluster):
        reason = own_reason(job, now)
        if reason is None and is_late(job, now):
            miss(cluster, job, now)
            continue
        reason = reason or round_.reasons.get(_shape(job)) or round_.start(job)
        if reason is not None:
            set_reason(cluster, job, reason)
    return round_.decisions


class Round:
    """One pass: what it has decided so far, and why jobs of a shape that found no room wait."""

    def __init__(self, cluster: Cluster, now: float) -> None:
        self.cluster = cluster
        self.now = now
        self.decisions: list[Decision] = []
        self.reasons: dict[tuple[object, ...], str] = {}
        self._reservation: Reservation | None = None
        self._waiting = Waiting(cluster)
        self._licenses = licenses.Free(cluster.fleet.licenses, _holders(cluster))
        self._reserved = Reserved(cluster, now)

    def start(self, job: Job) -> str | None:
        """Start the job, or as many tasks of the array as there is room for; why it, or the rest of it, waits."""
        candidates = eligible_machines(self.cluster, job)
        reason = shared_reason(self.cluster, job, candidates) or self._reserved.reason(job)
        if reason is not None:
            self.reasons[_shape(job)] = reason
            return reason
        candidates = self._reserved.allowed(job, candidates)
        while not _is_throttled(self.cluster, job):
            if not self._licenses.suffice(job, self._reserved.licenses(job)):
                self.reasons[_shape(job)] = "Licenses"
                return "Licenses"
            limit = limit_until(job, self.now)
            taken = self._place(job, candidates, limit)
            if taken is None:
                limit = shortened(job, self._reservation, self.now)
                taken = None if limit is None else self._place(job, candidates, limit)
            if taken is None:
                return self._block(job, candidates)
            is_last = job.array_tasks is None or split_first(job.array_tasks)[1] is None
            self._start(_next_task(self.cluster, job), taken, limit)
            if is_last:
                return None
        return "JobArrayTaskLimit"

    def _start(self, job: Job, taken: Allocation, limit: int | None) -> None:
        job.time_limit = limit
        self._licenses.take(job)
        self.decisions += _start(self.cluster, job, taken, self.now)
        self._reservation = after_start(job, taken, self._reservation, self.now)

    def _place(self, job: Job, candidates: list[Books], limit: int | None) -> Allocation | None:
        usable_now = [books for books in candidates if books.is_usable and not books.is_paused(self.now)]
        among = sites(usable_now, lambda books: usable(limit, books, self._reservation, self.now))
        if "," not in job.partition:
            return place(job, among, self.cluster.fleet)
        for partition in open_partitions(self.cluster, job):
            taken = place(job, [site for site in among if site.name in partition.machines], self.cluster.fleet)
            if taken is not None:
                return taken
        return None

    def _block(self, job: Job, candidates: list[Books]) -> str:
        """No room: the first such job gets a reservation, and others of its shape need not be tried in this pass."""
        reserved = self._reserved.block(job)
        if reserved is not None:
            self.reasons[_shape(job)] = "Priority"
            return reserved
        reason = self._waiting.reason(job, candidates)
        self.reasons[_shape(job)] = self._waiting.again(job, reason)
        self._reservation = self._reservation or reserve(job, candidates, self.cluster, self.now)
        return reason


def _holders(cluster: Cluster) -> list[Job]:
    """The jobs that hold licenses."""
    return [job for job in cluster.jobs.values() if job.licenses and occupies(job)]


def _shape(job: Job) -> tuple[object, ...]:
    """Jobs of one shape fit, or do not fit, alike."""
    return (
        job.partition,
        job.nodes,
        job.max_nodes,
        job.ntasks,
        job.ntasks_per_node,
        job.cpus_per_task,
        job.min_cpus,
        job.licenses,
        job.reservation,
        job.memory_per_node,
        job.memory_per_cpu,
        job.gres,
        job.gpus,
        job.features,
        job.required_nodes,
        job.excluded_nodes,
        job.exclusive,
        job.extra,
        job.time_limit,
        job.time_min,
        job.deadline,
    )


def _is_throttled(cluster: Cluster, job: Job) -> bool:
    limit = throttle_of(job.array_tasks) if job.array_tasks is not None else None
    if limit is None:
        return False
    running = sum(1 for other in cluster.jobs.values() if other.array_job_id == job.array_job_id and occupies(other))
    return running >= limit


def _next_task(cluster: Cluster, job: Job) -> Job:
    """The job to start: the job itself, or the first task of an array record, which gets a record of its own."""
    if job.array_tasks is None:
        return job
    task, rest = split_first(job.array_tasks)
    return split_task(cluster, job, task, rest)


def split_task(cluster: Cluster, record: Job, task: int, rest: str | None) -> Job:
    """Give one task of an array a record of its own; the task that is split off last takes the array's."""
    job = record
    if rest is not None:
        job = Job(**record.__dict__)
        job.job_id = cluster.next_job_id
        cluster.next_job_id += 1
        cluster.jobs[job.job_id] = job
        record.array_tasks = rest
        cluster.touch(record)
    job.array_task_id = task
    if job is record:
        record.array_tasks = None
    else:
        job.array_tasks = None
    cluster.touch(job)
    return job


def _start(cluster: Cluster, job: Job, taken: Allocation, now: float) -> list[Decision]:
    """The script is sent to the first machine when all others have said yes."""
    for name, share in taken.items():
        cluster.machines[name].free = cluster.machines[name].free.minus(share.resources)
    names, together = list(taken), total(taken)
    if "," in job.partition:
        job.partition = partition_of(cluster, job, names)
    job.state = JobState.CONFIGURING
    job.wait_reason, job.reason = job.reason, "None"
    job.attempt += 1
    job.node, job.node_list, job.allocation = names[0], compress(names), format_allocation(taken)
    job.boot_id = cluster.machines[names[0]].boot_id
    job.alloc_cpus, job.alloc_memory, job.alloc_gpus = together.cpus, together.memory, format_gpus(together.gpus)
    job.start_time = now
    job.end_time = None
    cluster.place(job)
    cluster.touch(job)
    if len(names) == 1:
        return [Start(job)]
    return [Hold(job, name) for name in names[1:]]


def partition_of(cluster: Cluster, job: Job, names: list[str]) -> str:
    """Of the partitions that the job named, the first that has all these machines."""
    return next((one.name for one in open_partitions(cluster, job) if set(names) <= set(one.machines)), job.partition)


def set_reason(cluster: Cluster, job: Job, reason: str) -> None:
    """Note why the job waits, if that has changed; not at once where somebody has just changed the job."""
    if job.job_id in cluster.quiet and not holds(reason):
        return
    if job.reason != reason:
        job.reason = reason
        cluster.touch(job)
