"""Which limits of QOS, accounts and their users count for a job, and whose use is counted against each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mini_slurm.model.associations import inherited
from mini_slurm.model.fleet import DENY_ON_LIMIT, NO_LIMITS, OVER_PART_QOS, Fleet, Limits, Partition, Qos
from mini_slurm.model.job import Job
from mini_slurm.model.tuples import NamedTuple

Limit = int | Mapping[str, int] | None

# what the reasons call each resource: of a group, of a user, of a job
NAMES = {
    "cpus": ("CpuLimit", "CpuPerUserLimit", "CpuPerJobLimit"),
    "gpus": ("GRES", "GRESPerUser", "GRESPerJob"),
    "memory": ("MemLimit", "MemoryPerUser", "MemPerJob"),
    "nodes": ("NodeLimit", "NodePerUserLimit", "NodePerJobLimit"),
}
GROUP, USER, JOB = range(3)
ODD_REASONS = {"QOSMaxMemPerJob": "QOSMaxMemoryPerJob"}  # which Slurm words unlike the others


class Scope(NamedTuple):
    """Whose use is counted against which limits, and how the reasons begin."""

    key: tuple[str, ...]
    jobs: int | None  # that may run
    submitted: int | None  # that may wait and run
    tres: Mapping[str, int]
    jobs_reason: str
    submitted_reason: str
    tres_reason: str  # with a place for the resource
    kind: int  # GROUP, USER or JOB: which names resources have. A job by itself counts with no other

    def excess(self, amounts: Mapping[str, int]) -> str | None:
        """The reason for which so much together is too much; None: it is not."""
        over = next((name for name, most in self.tres.items() if amounts[name] > most), None)
        if over is None:
            return None
        reason = self.tres_reason.format(NAMES[over][self.kind])
        return ODD_REASONS.get(reason, reason)


def scopes(job: Job, fleet: Fleet) -> Iterator[Scope]:
    """All that count the job, in the order in which Slurm looks: its QOS, its user's association, its account."""
    account, user = job.account or "", job.user
    qualities, whole, own = _in_force(job, fleet)
    for name, limits in qualities:
        yield from _of_qos(name, limits, user, account)
    yield Scope(
        ("user", account, user), own.max_jobs, own.max_submit_jobs, {}, "AssocMaxJobsLimit", "AssocMaxSubmitJobLimit",
        "", USER,
    )  # fmt: skip
    yield _of_group(("user", account, user), own)
    yield _of_job(own, "AssocMax{}")
    yield _of_group(("account", account), whole)


def _of_group(key: tuple[str, ...], limits: Limits) -> Scope:
    return Scope(
        key, limits.grp_jobs, limits.grp_submit_jobs, limits.grp_tres, "AssocGrpJobsLimit",
        "AssocGrpSubmitJobsLimit", "AssocGrp{}", GROUP,
    )  # fmt: skip


def _of_job(limits: Limits, reason: str) -> Scope:
    return Scope(("job",), None, None, limits.max_tres, "", "", reason, JOB)


def all_qos(job: Job, fleet: Fleet) -> list[Qos]:
    """The QOS whose limits hold for the job: its partition's, and its own, which may say that it goes first."""
    partition = fleet.partitions.get(job.partition)
    names = dict.fromkeys((partition.qos if partition else "", job.qos or ""))
    found = [fleet.qos[name] for name in names if name in fleet.qos]
    return found[::-1] if found and OVER_PART_QOS in found[-1].flags else found


def in_partition(job: Job, names: str) -> Job:
    """The job as if it named these partitions."""
    return Job(**{**job.__dict__, "partition": names})


def in_each(job: Job, fleet: Fleet) -> list[Job]:
    """The job in each of its partitions by itself, those of the highest tier first."""
    if "," not in job.partition:
        return [job]
    found = [fleet.partitions[name] for name in job.partition.split(",") if name in fleet.partitions]
    return [in_partition(job, one.name) for one in sorted(found, key=lambda one: -one.tier)]


def has_own(job: Job, fleet: Fleet) -> bool:
    """Has one of the job's partitions a QOS of its own?"""
    found = (fleet.partitions.get(name) for name in job.partition.split(","))
    return any(one.qos for one in found if one is not None)


def is_strict(job: Job, fleet: Fleet) -> bool:
    """Does a QOS of the job have those refused that are beyond its limits by themselves?"""
    return any(DENY_ON_LIMIT in one.flags for one in all_qos(job, fleet))


def _in_force(job: Job, fleet: Fleet) -> tuple[list[tuple[str, Limits]], Limits, Limits]:
    """What limits the job: by QOS, of its account and of its user in it.

    As in Slurm a limit, of a resource, is that of the first who says one: of the partition's QOS, the job's, and then
    of the account and its user, both of whom count.
    """
    before: list[Limits] = []
    found = []
    for qos in all_qos(job, fleet):
        found.append((qos.name, _left(qos.limits, before)))
        before.append(qos.limits)
    before = [_as_account(limits) for limits in before]
    whole, own = _associations(job, fleet)
    return found, _left(whole, before), _left(own, before)


def _left(limits: Limits, before: list[Limits]) -> Limits:
    """Those of which nothing was said before."""
    return Limits(*map(_unsaid, limits, *before)) if before else limits  # type: ignore[arg-type]


def _unsaid(limit: Limit, *before: Limit) -> Limit:
    if isinstance(limit, Mapping):
        said = {name for one in before if isinstance(one, Mapping) for name in one}
        return {name: most for name, most in limit.items() if name not in said}
    return limit if all(one is None for one in before) else None


def _as_account(limits: Limits) -> Limits:
    """What a QOS says of jobs of a user or an account takes the place of what the user's account says of his."""
    jobs = (limits.max_jobs_per_user, limits.max_jobs_per_account)
    submitted = (limits.max_submit_jobs_per_user, limits.max_submit_jobs_per_account)
    return limits._replace(max_jobs=_first(jobs), max_submit_jobs=_first(submitted))


def _first(limits: Iterable[int | None]) -> int | None:
    return next((limit for limit in limits if limit is not None), None)


def _of_qos(name: str, limits: Limits, user: str, account: str) -> Iterator[Scope]:
    yield Scope(
        ("qos", name), limits.grp_jobs, limits.grp_submit_jobs, limits.grp_tres, "QOSGrpJobsLimit",
        "QOSGrpSubmitJobsLimit", "QOSGrp{}", GROUP,
    )  # fmt: skip
    yield _of_job(limits, "QOSMax{}")
    yield Scope(
        ("qos account", name, account), limits.max_jobs_per_account, limits.max_submit_jobs_per_account, {},
        "MaxJobsPerAccount", "MaxSubmitJobsPerAccount", "", USER,
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


def longest(job: Job, fleet: Fleet) -> tuple[int, str] | None:
    """The longest time limit that the job's QOS or association allows, in seconds, and the reason for which a longer
    one waits; None: any."""
    qualities, _, own = _in_force(job, fleet)
    limits = [*((one.max_wall, "QOS") for _, one in qualities), (own.max_wall, "Assoc")]
    return next(((most, f"{begin}MaxWallDurationPerJobLimit") for most, begin in limits if most is not None), None)


def usual_time(job: Job, fleet: Fleet, partition: Partition) -> int | None:
    """The time limit of a job without one where its partition has no default: the longest, in seconds; None: any."""
    allowed = longest(job, fleet)
    limits = (partition.max_time, None if allowed is None else allowed[0])
    return min((limit for limit in limits if limit is not None), default=None)


def too_long(job: Job, most: tuple[int, str] | None) -> str | None:
    """The reason for which the job waits if that is the longest; None: it is not too long."""
    return most[1] if most is not None and (job.time_limit is None or job.time_limit > most[0]) else None
