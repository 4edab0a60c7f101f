"""Why a job is pending, in Slurm's words (squeue(1), JOB REASON CODES)."""

from __future__ import annotations

from itertools import islice

from mini_slurm.model.dependencies import parse
from mini_slurm.model.fleet import Partition
from mini_slurm.model.hostlist import compress, expand
from mini_slurm.model.job import Job
from mini_slurm.model.states import AFTER_RESERVATION, HELD_BY_USER, REQUEUED_HELD, SPECIAL_EXIT
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.eligible import eligible_machines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_slurm.scheduler.books import Books
    from mini_slurm.scheduler.prospect import Prospect

HELD_BY_ADMIN = "JobHeldAdmin"
HOLDS = frozenset({HELD_BY_USER, HELD_BY_ADMIN, REQUEUED_HELD})
BEGIN = "BeginTime"
NEVER = "DependencyNeverSatisfied"
NO_NODE = "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions"
NOT_AVAILABLE = "ReqNodeNotAvail"
UNAVAILABLE = NOT_AVAILABLE + ", UnavailableNodes:{}"
PRIORITY = "Priority"
RESERVED = NOT_AVAILABLE + ", May be reserved for other job"


def holds(reason: str) -> bool:
    """Does the reason say that the job is held?"""
    return reason in HOLDS or reason.startswith((SPECIAL_EXIT, AFTER_RESERVATION))


def own_reason(job: Job, now: float) -> str | None:
    """What keeps this very job from being considered; None when nothing does."""
    if job.priority == 0:
        return job.reason if holds(job.reason) else HELD_BY_USER
    if job.dependency is not None:
        return NEVER if parse(job.dependency).is_hopeless else "Dependency"
    if job.begin_time is not None and job.begin_time > now:
        return BEGIN
    return None


def lasting(job: Job, reason: str) -> str:
    """What a job is told: while it waits for its turn, as Slurm has it, still that it misses machines."""
    return job.reason if reason == PRIORITY and job.reason.startswith(NOT_AVAILABLE) else reason


def shared_reason(cluster: Cluster, job: Job, reasons: list[str | None], is_possible: Callable[[], bool]) -> str | None:
    """What keeps jobs that ask for the same from being considered; None when they only wait for room.

    `reasons` are those for which each of its partitions is closed to it; Slurm tells that of the last.
    """
    if all(reasons):
        return reasons[-1] if reasons else "PartitionDown"
    if not is_possible():
        return "PartitionConfig" if eligible_machines(cluster, job) else "BadConstraints"
    return None


class Waiting:
    """Why the jobs of one pass that found no room wait, told one after the other in the order of the queue.

    As Slurm's main scheduler has it: the first job of a partition that finds no room waits for Resources and closes the
    partition, with its machines, to those after it; one that wants certain machines closes those only.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._closed: set[str] = set()  # partitions
        self._taken: set[str] = set()  # machines
        self._shut: frozenset[str] | None = None  # machines where nothing starts; worked out when it is asked

    def reason(self, job: Job, prospect: Prospect, candidates: list[Books]) -> str:
        """Why this job waits: of several partitions, what the last one says that has the machines it names."""
        must = set(prospect.must)
        able = [one for one in prospect.partitions if must.issubset(one.machines)] if must else []
        return [self._reason_in(job, one, prospect, candidates) for one in able or prospect.partitions][-1]

    def _reason_in(self, job: Job, partition: Partition, prospect: Prospect, candidates: list[Books]) -> str:
        if partition.name in self._closed:
            return PRIORITY
        usable = (name for name in partition.machines if name not in self._taken and self._is_open(name))
        if len(list(islice(usable, job.nodes))) < job.nodes:
            self._close(partition)
            return NO_NODE
        missing = [name for name in prospect.must if name in self._taken or not self._is_open(name)]
        if missing and self._taken.intersection(missing):  # a job before it waits for these
            return UNAVAILABLE.format(compress(missing))
        if not prospect.could_start(partition, candidates, self.shut):
            wanted = expand(job.required_nodes) if job.required_nodes else partition.machines
            missing = [name for name in wanted if not self._is_open(name) and not self._is_future(name)]
            return UNAVAILABLE.format(compress(missing)) if missing else RESERVED
        if job.required_nodes and len(expand(job.required_nodes)) >= job.nodes:
            self._taken.update(expand(job.required_nodes))
        else:
            self._close(partition)
        return "Resources"

    def again(self, prospect: Prospect, reason: str) -> str:
        """Why another job waits that asks for the same as this one, which waits for that reason."""
        if self.is_closed(prospect.names):
            return PRIORITY
        return UNAVAILABLE.format(compress(list(prospect.must))) if prospect.must and reason == "Resources" else reason

    def is_closed(self, partitions: frozenset[str]) -> bool:
        """Does somebody wait for room in all of these partitions?"""
        return partitions <= self._closed

    def _is_open(self, name: str) -> bool:
        """Could jobs start there? One that was not heard of yet may answer any moment."""
        return name in self._cluster.machines and name not in self.shut

    def _is_future(self, name: str) -> bool:
        """Is the machine not there yet? Nobody is told that it is missing."""
        return name in self._cluster.machines and self._cluster.machines[name].entry.override.is_future

    @property
    def shut(self) -> frozenset[str]:
        """The machines of the fleet that are known to be down, and those that an administrator has closed."""
        if self._shut is None:
            machines = self._cluster.machines.items()
            down = [name for name, books in machines if not (books.is_up or books.is_awaited)]
            closed = [name for name, books in machines if books.entry.override.is_closed]
            self._shut = frozenset(down + closed)
        return self._shut

    def _close(self, partition: Partition) -> None:
        self._closed.add(partition.name)
        self._taken.update(partition.machines)
