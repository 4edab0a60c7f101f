"""A job's priority, as Slurm's priority/multifactor: factors from 0 to 1, each times its weight, less --nice."""

from __future__ import annotations

from mini_slurm.model.fleet import Fleet
from mini_slurm.model.job import Job
from mini_slurm.model.request import number
from mini_slurm.model.states import JobState
from mini_slurm.model.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.scheduler.cluster import Cluster

Kind = tuple[object, ...]  # what jobs have in common whose factors differ in their age alone
PERIOD = 300.0  # seconds from one time that all priorities are worked out to the next


class Factors(NamedTuple):
    """The parts of a priority, each from 0 to 1."""

    age: float
    fair_share: float
    job_size: float
    partition: float
    qos: float


def factors(job: Job, fleet: Fleet, cpus: int, fair_share: float, now: float) -> Factors:
    """The factors of a job in a fleet of that many CPUs, all together."""
    return Factors(_age(job, fleet, now), fair_share, _size(job, fleet, cpus), _partition(job, fleet), _qos(job, fleet))


def _age(job: Job, fleet: Fleet, now: float) -> float:
    since = job.eligible_time
    if since is None or since >= now or job.dependency is not None:
        return 0.0
    longest = fleet.priority.max_age
    return min((now - since) / longest, 1.0) if longest else 0.0


def _size(job: Job, fleet: Fleet, cpus: int) -> float:
    """The mean of its parts of the fleet's machines and of its CPUs."""
    part = job.nodes / max(len(fleet.machines), 1)
    wanted = job.alloc_cpus or max(job.cpus, job.nodes)
    return min((part + wanted / cpus) / 2 if cpus else part, 1.0)


def _partition(job: Job, fleet: Fleet) -> float:
    highest = max((partition.priority for partition in fleet.partitions.values()), default=0)
    mine = max((fleet.partitions[name].priority for name in job.partition.split(",") if name in fleet.partitions),
               default=0)  # fmt: skip
    return mine / highest if highest else 0.0


def _qos(job: Job, fleet: Fleet) -> float:
    highest = max((qos.priority for qos in fleet.qos.values()), default=0)
    qos = fleet.qos.get(job.qos or "")
    return qos.priority / highest if qos and highest else 0.0


def total(job: Job, fleet: Fleet, parts: Factors) -> int:
    """The priority; 1 is the least, as 0 is a job that is held."""
    weights = fleet.priority
    found = (
        parts.age * weights.age
        + parts.fair_share * weights.fair_share
        + parts.job_size * weights.job_size
        + parts.partition * weights.partition
        + parts.qos * weights.qos
    )
    return max(int(found - job.nice + site(job)), 1)


def site(job: Job) -> int:
    """What an administrator has added to the priority."""
    return number(job, "site-factor")


def set_priority(cluster: Cluster, job: Job, now: float, known: dict[Kind, Factors] | None = None) -> None:
    """Work out a job's priority, unless it is held or an administrator has set it. `known`: the factors of others."""
    if not job.priority or job.priority_set:
        return
    fleet = cluster.fleet
    kind = (job.partition, job.qos, job.account, job.user, job.nodes, job.cpus, job.alloc_cpus)
    parts = None if known is None else known.get(kind)
    if parts is None:
        parts = factors(job, fleet, cluster.stock.cpus, cluster.usage.factor(job, fleet), now)
        if known is not None:
            known[kind] = parts
    found = total(job, fleet, parts._replace(age=_age(job, fleet, now)))
    if found != job.priority:
        job.priority = found
        cluster.touch(job)


def refresh_priorities(cluster: Cluster, now: float) -> None:
    """Once in a while all that wait are looked at again: they have grown older, and others have used the fleet."""
    if cluster.priorities_due - PERIOD <= now < cluster.priorities_due:
        return
    cluster.priorities_due = now + PERIOD
    cluster.usage.look(cluster.jobs.values(), cluster.fleet, now)
    known: dict[Kind, Factors] = {}
    for job in cluster.jobs.values():
        if job.state is JobState.PENDING:
            set_priority(cluster, job, now, known)
