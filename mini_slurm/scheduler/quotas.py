"""What accounts, their users and QOS allow at a time: who has as much waits, and Slurm's reason says for what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mini_slurm.model.allocation import Allocation, parse_allocation, total
from mini_slurm.model.associations import inherited
from mini_slurm.model.fleet import NO_LIMITS, Fleet, Limits, Qos
from mini_slurm.model.job import Job
from mini_slurm.model.tuples import NamedTuple
from mini_slurm.scheduler.demand import demand

Charged = tuple[str | None, str | None, str, str]  # a job's QOS, account, user and partition

# what the reasons call each resource: of a group, of a user, of a job
NAMES = {
    "cpus": ("CpuLimit", "CpuPerUserLimit", "CpuPerJobLimit"),
    "gpus": ("GRES", "GRESPerUser", "GRESPerJob"),
    "memory": ("MemLimit", "MemoryPerUser", "MemPerJob"),
    "nodes": ("NodeLimit", "NodePerUserLimit", "NodePerJobLimit"),
}
GROUP, USER, JOB = range(3)


class Scope(NamedTuple):
    """Whose use is counted against which limits, and how the reasons begin."""

    key: tuple[str, ...]
    jobs: int | None  # that may run
    submitted: int | None  # that may wait and run
    tres: Mapping[str, int]
    jobs_reason: str
    submitted_reason: str
    tres_reason: str  # with a place for the resource
    kind: int  # GROUP or USER: which names resources have


class Use:
    """What some jobs have together."""

    __slots__ = ("amounts", "jobs")

    def __init__(self) -> None:
        self.jobs = 0
        self.amounts = dict.fromkeys(NAMES, 0)

    def copy(self) -> Use:
        """The same, apart."""
        other = Use()
        other.jobs, other.amounts = self.jobs, dict(self.amounts)
        return other

    def add(self, held: Mapping[str, int]) -> None:
        """One more job."""
        self.jobs += 1
        for name, amount in held.items():
            self.amounts[name] += amount


def scopes(job: Job, fleet: Fleet) -> Iterator[Scope]:
    """All that count the job, in the order in which Slurm looks: its QOS, its user's association, its account."""
    account, user = job.account or "", job.user
    for qos in all_qos(job, fleet):
        yield from _of_qos(qos.name, qos.limits, user, account)
    whole, own = _associations(job, fleet)
    yield Scope(
        ("user", account, user), own.max_jobs, own.max_submit_jobs, {}, "AssocMaxJobsLimit", "AssocMaxSubmitJobLimit",
        "", USER,
    )  # fmt: skip
    for key, limits in ((("user", account, user), own), (("account", account), whole)):
        yield Scope(
            key, limits.grp_jobs, limits.grp_submit_jobs, limits.grp_tres, "AssocGrpJobsLimit",
            "AssocGrpSubmitJobsLimit", "AssocGrp{}", GROUP,
        )  # fmt: skip


def all_qos(job: Job, fleet: Fleet) -> list[Qos]:
    """The QOS whose limits hold for the job: its partition's, and its own."""
    partition = fleet.partitions.get(job.partition)
    names = dict.fromkeys((partition.qos if partition else "", job.qos or ""))
    return [fleet.qos[name] for name in names if name in fleet.qos]


def _of_qos(name: str, limits: Limits, user: str, account: str) -> Iterator[Scope]:
    yield Scope(
        ("qos", name), limits.grp_jobs, limits.grp_submit_jobs, limits.grp_tres, "QOSGrpJobsLimit",
        "QOSGrpSubmitJobsLimit", "QOSGrp{}", GROUP,
    )  # fmt: skip
    yield Scope(
        ("qos account", name, account), limits.max_jobs_per_account, limits.max_submit_jobs_per_account, {},
        "QOSMaxJobsPerAccountLimit", "QOSMaxSubmitJobPerAccountLimit", "", USER,
    )  # fmt: skip
    yield Scope(
        ("qos user", name, user), limits.max_jobs_per_user, limits.max_submit_jobs_per_user, limits.max_tres_per_user,
        "QOSMaxJobsPerUserLimit", "QOSMaxSubmitJobPerUserLimit", "QOSMax{}", USER,
    )  # fmt: skip


def _associations(job: Job, fleet: Fleet) -> tuple[Limits, Limits]:
    """The account's limits, and the user's in it: where these say nothing, the account's count for each user."""
    whole = fleet.whole_accounts.get(job.account or "")
    own = fleet.accounts.get(job.account or "", {}).get(job.user)
    of_account = whole.limits if whole else NO_LIMITS
    return of_account, inherited(own.limits if own else NO_LIMITS, of_account)


def has_limits(fleet: Fleet) -> bool:
    """Does the fleet file limit anything of this kind?"""
    found = [one.limits for members in fleet.accounts.values() for one in members.values()]
    found += [one.limits for one in fleet.whole_accounts.values()]
    found += [one.limits for one in fleet.qos.values()]
    return any(one != NO_LIMITS for one in found)


def longest(job: Job, fleet: Fleet) -> int | None:
    """The longest time limit that the job's QOS and association allow, in seconds; None: any."""
    limits = [qos.limits.max_wall for qos in all_qos(job, fleet)]
    limits.append(_associations(job, fleet)[1].max_wall)
    return min((limit for limit in limits if limit is not None), default=None)


def too_large(job: Job, fleet: Fleet, held: Mapping[str, int]) -> str | None:
    """The reason for which the job may never start as it is: what it asks for is more than a job may have."""
    found = [("QOS", qos.limits) for qos in all_qos(job, fleet)]
    for begin, limits in (*found, ("Assoc", _associations(job, fleet)[1])):
        if limits.max_wall is not None and (job.time_limit is None or job.time_limit > limits.max_wall):
            return f"{begin}MaxWallDurationPerJobLimit"
        over = next((name for name, most in limits.max_tres.items() if held.get(name, 0) > most), None)
        if over is not None:
            word = NAMES[over][JOB]
            return f"{begin}Max{'MemoryPerJob' if begin == 'QOS' and over == 'memory' else word}"
    return None


def over_submitted(job: Job, fleet: Fleet, others: Iterable[tuple[Job, int]], count: int) -> str | None:
    """The reason for which a job of so many tasks is not taken besides these jobs, each with its number of tasks."""
    limited = [scope for scope in scopes(job, fleet) if scope.submitted is not None]
    counts = dict.fromkeys((scope.key for scope in limited), 0)
    for other, tasks in others if limited else ():
        for key in {scope.key for scope in scopes(other, fleet)} & counts.keys():
            counts[key] += tasks
    return next((one.submitted_reason for one in limited if counts[one.key] + count > (one.submitted or 0)), None)


class Quotas:
    """What is in use while jobs are started one after the other."""

    def __init__(self, fleet: Fleet, holders: Iterable[Job]) -> None:
        self._fleet = fleet
        self._uses: dict[tuple[str, ...], Use] = {}
        self._scopes: dict[Charged, tuple[Scope, ...]] = {}
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
        return too_large(job, self._fleet, {})

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
        wanted = amounts(taken)
        for scope in self._of(job):
            use = self._uses.get(scope.key) or Use()
            for name, most in scope.tres.items():
                if use.amounts[name] + wanted[name] > most:
                    return scope.tres_reason.format(NAMES[name][scope.kind])
        return too_large(job, self._fleet, wanted)

    def _of(self, job: Job) -> tuple[Scope, ...]:
        charged = job.qos, job.account, job.user, job.partition
        if charged not in self._scopes:
            self._scopes[charged] = tuple(scopes(job, self._fleet))
        return self._scopes[charged]

    def take(self, job: Job, taken: Allocation) -> None:
        """The job has started, and has got this."""
        if self._limited:
            held = amounts(taken)
            for key in {scope.key for scope in self._of(job)}:
                self._uses.setdefault(key, Use()).add(held)


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
