"""sreport job: how much time jobs of each size took, by account."""

from __future__ import annotations

from mini_slurm.model.associations import ROOT, tree
from mini_slurm.output import tres
from mini_slurm.output.layout import Field, Table
from mini_slurm.output.report_fields import JOB_ROWS, PERCENT, Line, TimeFormat, table, usage_field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from mini_slurm.model.associations import Association
    from mini_slurm.model.fleet import Fleet
    from mini_slurm.model.job import Job
    from mini_slurm.output.ledger import Ledger

    Group = tuple[str, int, float]  # its name, the least and the most CPUs of its jobs

SIZES = (50, 250, 500, 1000)  # CPUs at which a group begins
WIDTH, WIDTH_WITH_PERCENTAGE = 13, 20
PART = "% of cluster"


class Sizes:
    """What is asked for."""

    def __init__(self, resource: str, bounds: Sequence[int], accounts: Collection[str] | None) -> None:
        self.resource = resource
        self.bounds = bounds  # none: a group for each size that there is
        self.accounts = accounts  # None: all together, as the root account
        self.is_flat = False  # each job counts for its own account alone
        self.are_parents = False  # the accounts right below those that are named
        self.is_counted = False  # the number of jobs instead of their time

    def groups(self, jobs: Iterable[Job]) -> list[Group]:
        """The groups, the smallest jobs first."""
        what = "CPUs" if self.resource == "cpu" else "TRES"
        if not self.bounds:
            return [(f"{size} {what}", size, size) for size in sorted({job.alloc_cpus for job in jobs})]
        begins = (0, *self.bounds)
        found = [
            (f"{begin}-{end - 1} {what}", begin, float(end - 1))
            for begin, end in zip(begins, self.bounds, strict=False)
        ]
        return [*found, (f">= {self.bounds[-1]} {what}", self.bounds[-1], float("inf"))]


def lines(fleet: Fleet, books: Ledger, jobs: Sequence[Job], wish: Sizes) -> list[Line]:
    """A line for each account in which jobs ran."""
    ran = [job for job in jobs if job.alloc_cpus and books.overlap(job.start_time, job.end_time)]
    by_account: dict[str, list[Job]] = {}
    owners = _owners(fleet, wish)
    for job in ran:
        account = job.account or ROOT
        owner = account if wish.is_flat else owners.get(account)
        if owner is not None and (not wish.is_flat or wish.accounts is None or owner in wish.accounts):
            by_account.setdefault(owner, []).append(job)
    groups = wish.groups(ran)
    whole = sum(_sum(found, books, wish) for found in by_account.values())
    return [
        _line(fleet.name, account, groups, by_account[account], (books, wish, whole)) for account in sorted(by_account)
    ]


def _line(
    cluster: str,
    account: str,
    groups: Sequence[Group],
    jobs: list[Job],
    rest: tuple[Ledger, Sizes, float],
) -> Line:
    books, wish, whole = rest
    mine = _sum(jobs, books, wish)
    usage = {PART: (mine, whole)}
    for name, least, most in groups:
        usage[name] = (_sum([job for job in jobs if least <= job.alloc_cpus <= most], books, wish), mine)
    return Line(cluster, wish.resource, usage, account=account)


def _sum(jobs: Iterable[Job], books: Ledger, wish: Sizes) -> float:
    if wish.is_counted:
        return float(len(list(jobs)))
    return sum(tres.held(job).get(wish.resource, 0) * books.overlap(job.start_time, job.end_time) for job in jobs)


def _owners(fleet: Fleet, wish: Sizes) -> dict[str, str]:
    """For each account the one in whose line its jobs are counted: the first of those asked for that has it."""
    accounts = [one for one in tree(fleet) if not one.user]
    asked = {ROOT} if wish.accounts is None else wish.accounts
    if wish.are_parents:
        chosen = [one for one in accounts if one.parent is not None and one.parent.account in asked]
    else:
        chosen = [one for one in accounts if one.account in asked]
    found: dict[str, str] = {}
    for one in chosen:
        for account in _accounts(one):
            found.setdefault(account, one.account)
    return found


def _accounts(one: Association) -> list[str]:
    return [one.account, *(name for child in one.children if not child.user for name in _accounts(child))]


def columns(
    words: Sequence[str], groups: Sequence[Group], form: TimeFormat, *, counted: bool
) -> tuple[Table, list[str]]:
    """The columns of a line: those of the words, the groups, and the part of it all; also the names no column has."""
    width = WIDTH_WITH_PERCENTAGE if form.unit and form.percent else WIDTH
    found, unknown = table(words, JOB_ROWS, (), form)
    shown = [(_count(name) if counted else usage_field(name, form), width) for name, _, _ in groups]
    return Table([*found.cells, *shown, (usage_field(PART, PERCENT), len(PART))]), unknown


def _count(name: str) -> Field:
    return Field(name, "", name, "", lambda line, view: str(int(line.usage[name][0])))
