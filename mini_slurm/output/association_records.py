"""What `scontrol show assoc_mgr` tells of users, associations and QOS.

A limit that there is not is `N`, or empty where Slurm leaves it so; behind it stands in brackets what of it is used.
"""

from __future__ import annotations

from mini_slurm.model.states import JobState
from mini_slurm.output import tres

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mini_slurm.model.associations import Association
    from mini_slurm.model.fair_share import Share
    from mini_slurm.model.fleet import Limits, Qos
    from mini_slurm.model.job import Job

    PerHead = tuple[int | None, int | None, Mapping[str, int]]  # jobs that run, those that wait too, resources

MINUTE = 60
NO_AMOUNTS: Mapping[str, int] = {}
NAMES = {"cpus": "cpu", "memory": "mem", "nodes": "node", "gpus": "gres/gpu"}  # the fleet file's, and accounting's


class Use:
    """What some jobs that are not over use together."""

    def __init__(self, jobs: Iterable[Job], now: float) -> None:
        self.submitted = self.running = 0
        self.held: dict[str, float] = {}
        self.left: dict[str, float] = {}  # the same times the seconds that the jobs may still run
        for job in jobs:
            self.submitted += 1
            if job.state is not JobState.PENDING:
                self.running += 1
                end = (now if job.start_time is None else job.start_time) + (job.time_limit or 0)
                for name, amount in tres.held(job).items():
                    self.held[name] = self.held.get(name, 0) + amount
                    self.left[name] = self.left.get(name, 0) + amount * max(end - now, 0.0)


def user(name: str, uid: int | None, account: str) -> str:
    """The line of a user."""
    number = 2**32 - 2 if uid is None else uid
    level = "Administrator" if name == "root" else "None"
    return f"UserName={name}({number}) DefAccount={account} DefWckey= AdminLevel={level}"


def association(cluster: str, one: Association, uid: int | None, share: Share, use: Use) -> list[str]:
    """The lines of an association."""
    who = f"{one.user}({2**32 - 2 if uid is None else uid})" if one.user else ""
    beside = sum(other.shares for other in one.parent.children) if one.parent else 1
    above = f"{one.parent.account}({one.parent.number})" if one.parent and not one.user else ""
    used, most = {"cpu": share.usage, "billing": share.usage}, one.limits
    return [
        f"ClusterName={cluster} Account={one.account} UserName={who} Partition= Priority=0 ID={one.number}",
        f"SharesRaw/Norm/Level/Factor={one.shares}/{share.normal_shares:.2f}/{beside}/{share.factor:.2f}",
        f"UsageRaw/Norm/Efctv={share.usage:.2f}/{share.normal_usage:.2f}/{share.effective:.2f}",
        f"ParentAccount={above} Lft={one.left} DefAssoc={'Yes' if one.is_default else 'No'}",
        f"GrpJobs={_most(most.grp_jobs)}({use.running}) GrpJobsAccrue=N({use.submitted - use.running})",
        f"GrpSubmitJobs={_most(most.grp_submit_jobs)}({use.submitted}) GrpWall=N({share.usage / MINUTE:.2f})",
        *_groups(use, used, most),
        f"MaxJobs={_own(most.max_jobs, use.running)} MaxJobsAccrue= "
        f"MaxSubmitJobs={_own(most.max_submit_jobs, use.submitted)} MaxWallPJ={_minutes(most)}",
        *(f"MaxTRESPJ={_of_a_job(most)}", "MaxTRESPN=", "MaxTRESMinsPJ=", "MinPrioThresh="),
    ]


def quality(one: Qos, number: int, use: Use, accounts: Mapping[str, Use], users: Mapping[str, Use]) -> list[str]:
    """The lines of a QOS."""
    most = one.limits
    return [
        f"QOS={one.name}({number})",
        "UsageRaw=0.000000",
        f"GrpJobs={_most(most.grp_jobs)}({use.running}) GrpJobsAccrue=N({use.submitted - use.running}) "
        f"GrpSubmitJobs={_most(most.grp_submit_jobs)}({use.submitted}) GrpWall=N(0.00)",
        *_groups(use, {}, most),
        *(f"MaxWallPJ={_minutes(most)}", f"MaxTRESPJ={_of_a_job(most)}", "MaxTRESPN=", "MaxTRESMinsPJ="),
        *("MinPrioThresh= ", "MinTRESPJ="),
        f"PreemptMode={one.preempt_mode or 'OFF'}",
        f"Priority={one.priority}",
        *_limits("Account", "PA", accounts, (most.max_jobs_per_account, most.max_submit_jobs_per_account, {})),
        *_limits("User", "PU", users, (most.max_jobs_per_user, most.max_submit_jobs_per_user, most.max_tres_per_user)),
    ]


def _most(limit: int | None) -> str:
    return "N" if limit is None else str(limit)


def _own(limit: int | None, used: int) -> str:
    return "" if limit is None else f"{limit}({used})"


def _minutes(limits: Limits) -> str:
    return "" if limits.max_wall is None else str(limits.max_wall // MINUTE)


def _of_a_job(limits: Limits) -> str:
    named = {NAMES[name]: amount for name, amount in limits.max_tres.items()}
    return ",".join(f"{name}={named[name]}" for name in tres.RESOURCES if name in named)


def _groups(use: Use, used: Mapping[str, float], limits: Limits) -> list[str]:
    return [
        f"GrpTRES={_amounts(use.held, limits.grp_tres)}",
        f"GrpTRESMins={_amounts({name: seconds / MINUTE for name, seconds in used.items()})}",
        f"GrpTRESRunMins={_amounts({name: seconds / MINUTE for name, seconds in use.left.items()})}",
    ]


def _amounts(amounts: Mapping[str, float], limits: Mapping[str, int] = NO_AMOUNTS) -> str:
    most = {NAMES[name]: amount for name, amount in limits.items()}
    return ",".join(f"{name}={most.get(name, 'N')}({int(amounts.get(name, 0))})" for name in tres.RESOURCES)


def _limits(kind: str, mark: str, used: Mapping[str, Use], most: PerHead) -> list[str]:
    """Who has used the QOS, and how far that counts against its limits."""
    if not used:
        return [f"{kind} Limits", f"    No {kind}s"]
    found = [f"{kind} Limits"]
    jobs, submitted, resources = most
    for name, use in used.items():
        counts = f"MaxJobs{mark}={_most(jobs)}({use.running}) MaxJobsAccrue{mark}=N({use.submitted - use.running})"
        found += [f"  {name}", f"    {counts} MaxSubmitJobs{mark}={_most(submitted)}({use.submitted})"]
        found.append(f"    MaxTRES{mark}={_amounts(use.held, resources)}")
    return found
