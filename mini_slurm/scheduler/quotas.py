"""What accounts, their users and QOS allow at a time: who has as much waits, and Slurm's reason says for what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mini_slurm.model.allocation import Allocation, parse_allocation, total
from mini_slurm.model.fleet import Fleet
from mini_slurm.model.job import Job
from mini_slurm.scheduler.demand import demand
from mini_slurm.scheduler.placement import required_names
from mini_slurm.scheduler.scopes import (
    GROUP,
    JOB,
    NAMES,
    USER,
    Scope,
    has_limits,
    has_own,
    in_each,
    in_partition,
    longest,
    scopes,
    too_long,
)

Charged = tuple[str | None, str | None, str, str]  # a job's QOS, account, user and partition


class Use:
    """What some jobs have together; a machine of several of them counts once."""

    __slots__ = ("amounts", "jobs", "machines")

    def __init__(self) -> None:
        self.jobs = 0
        self.amounts = dict.fromkeys(NAMES, 0)
        self.machines: set[str] = set()

    def copy(self) -> Use:
        """The same, apart."""
        other = Use()
        other.jobs, other.amounts, other.machines = self.jobs, dict(self.amounts), set(self.machines)
        return other

    def add(self, taken: Allocation) -> None:
        """One more job."""
        self.amounts = self.with_job(taken)
        self.machines.update(taken)
        self.jobs += 1

    def with_job(self, taken: Allocation) -> dict[str, int]:
        """What they would have together with one that got this."""
        together = {name: self.amounts[name] + amount for name, amount in amounts(taken).items()}
        return {**together, "nodes": len(self.machines.union(taken))}


def beyond(job: Job, fleet: Fleet) -> str | None:
    """The reason for which the job can never start: it asks for more than it, its user, or all together may have."""
    asked = wanted(job, fleet)
    together = sorted(scopes(job, fleet), key=lambda scope: (USER, GROUP, JOB).index(scope.kind))  # as Slurm looks
    found = {scope.kind: reason for scope in reversed(together) if (reason := scope.excess(asked))}
    return found.get(USER) or found.get(GROUP) or too_long(job, longest(job, fleet)) or found.get(JOB)


def over_submitted(job: Job, fleet: Fleet, others: Iterable[tuple[Job, int]], count: int) -> str | None:
    """The reason for which a job of so many tasks is not taken besides these jobs, each with its number of tasks."""
    limited = [scope for scope in _in_all(job, fleet) if scope.submitted is not None]
    counts = dict.fromkeys((scope.key for scope in limited), 0)
    for other, tasks in others if limited else ():
        for key in {scope.key for scope in _in_all(other, fleet)} & counts.keys():
            counts[key] += tasks
    return next((one.submitted_reason for one in limited if counts[one.key] + count > (one.submitted or 0)), None)


def _in_all(job: Job, fleet: Fleet) -> list[Scope]:
    """What counts the job in any of its partitions: as in Slurm, while it waits it counts in all of them."""
    return [scope for one in in_each(job, fleet) for scope in scopes(one, fleet)]


class Quotas:
    """What is in use while jobs are started one after the other."""

    def __init__(self, fleet: Fleet, holders: Iterable[Job]) -> None:
        self._fleet = fleet
        self._uses: dict[tuple[str, ...], Use] = {}
        self._scopes: dict[Charged, tuple[Scope, ...]] = {}
        self._longest: dict[Charged, tuple[int, str] | None] = {}
        self._limited = has_limits(fleet)
        for job in holders if self._limited else ():
            self.take(job, parse_allocation(job.allocation))

    def __copy__(self) -> Quotas:
        """One that starts of jobs can be tried with."""
        other = Quotas(self._fleet, ())
        other._uses = {key: use.copy() for key, use in self._uses.items()}
        return other

    def reason(self, job: Job) -> str | None:
        """Why this job may not be started now, whatever is free; None: by its number and its time it may."""
        if not self._limited:
            return None
        for scope in self._of(job):
            use = self._uses.get(scope.key)
            if scope.jobs is not None and (use.jobs if use else 0) >= scope.jobs:
                return scope.jobs_reason
        return too_long(job, self._longest_of(job))

    def chooses(self, job: Job) -> bool:
        """Do limits depend on which of its partitions the job starts in?"""
        return self._limited and "," in job.partition and has_own(job, self._fleet)

    def narrowed(self, job: Job, shut: Mapping[str, str]) -> Job | str:
        """The job as if it named only those of its partitions where limits let it start.

        Where there is none, the reason of the last, as in Slurm. Some are `shut` already, each for a reason.
        """
        each = in_each(job, self._fleet)
        reasons = [shut.get(one.partition) or self.reason(one) or self.excess_asked(one) for one in each]
        names = [one.partition for one, reason in zip(each, reasons, strict=True) if reason is None]
        return in_partition(job, ",".join(names)) if names else reasons[-1] or ""

    def take_together(self, together: list[Job], taken: list[Allocation]) -> str | None:
        """Count all parts of a heterogeneous job; the reason for which they have to wait, where that is too much."""
        for part, its in zip(together, taken, strict=True):
            reason = self.reason(part) or self.excess(part, its)
            if reason is not None:
                return reason
            self.take(part, its)
        return None

    def excess(self, job: Job, taken: Allocation) -> str | None:
        """Why the job may not have this now, which is free; None: it may."""
        if not self._limited:
            return None
        for scope in self._of(job):
            if scope.tres:
                reason = scope.excess((self._uses.get(scope.key) or Use()).with_job(taken))
                if reason is not None:
                    return reason
        return None

    def excess_asked(self, job: Job) -> str | None:
        """Why the job may not have what it asks for, wherever that were free; None: it may.

        It would wait in vain for room, and others need not wait for it.
        """
        if not any(scope.tres for scope in (self._of(job) if self._limited else ())):
            return None
        asked, named = wanted(job, self._fleet), required_names(job.required_nodes)
        for scope in self._of(job):
            use = self._uses.get(scope.key) or Use()
            together = {name: use.amounts[name] + amount for name, amount in asked.items()}
            together["nodes"] = len(use.machines) + max(asked["nodes"] - len(use.machines.intersection(named)), 0)
            reason = scope.excess(together)
            if reason is not None:
                return reason
        return None

    def _longest_of(self, job: Job) -> tuple[int, str] | None:
        charged = job.qos, job.account, job.user, job.partition
        if charged not in self._longest:
            self._longest[charged] = longest(job, self._fleet)
        return self._longest[charged]

    def _of(self, job: Job) -> tuple[Scope, ...]:
        charged = job.qos, job.account, job.user, job.partition
        if charged not in self._scopes:
            self._scopes[charged] = tuple(scopes(job, self._fleet))
        return self._scopes[charged]

    def take(self, job: Job, taken: Allocation) -> None:
        """The job has started, and has got this."""
        if self._limited:
            for key in {scope.key for scope in self._of(job) if scope.kind != JOB}:
                self._uses.setdefault(key, Use()).add(taken)


def amounts(taken: Allocation) -> dict[str, int]:
    """What a job gets on its machines, as limits count it."""
    together = total(taken)
    return {
        "cpus": together.cpus, "gpus": together.gpu_count, "memory": together.memory, "nodes": len(taken)
    }  # fmt: skip


def wanted(job: Job, fleet: Fleet) -> dict[str, int]:
    """What a job asks for, as limits count it."""
    asked = demand(job, fleet)
    cpus = max(asked.tasks * asked.cpus, asked.least_cpus * job.nodes)
    gpus = max(sum(asked.gpus_per_node.values()) * job.nodes, sum(asked.gpus.values()))
    memory = asked.memory_per_cpu * cpus if asked.memory_per_node is None else asked.memory_per_node * job.nodes
    return {"cpus": cpus, "gpus": gpus, "memory": memory, "nodes": job.nodes}
