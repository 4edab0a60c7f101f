"""Fair share as Slurm's Fair Tree has it: who has used less than their share goes first.

Usage is CPU seconds; what was used a half-life ago counts half.
"""

from __future__ import annotations

import math

from mini_slurm.model.associations import Association

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mini_slurm.model.job import Job


class Share:
    """What an association may use and has used."""

    __slots__ = ("effective", "factor", "level", "normal_shares", "normal_usage", "usage")

    def __init__(self) -> None:
        self.usage = 0.0  # CPU seconds
        self.normal_shares = 0.0  # its part of its account's shares
        self.normal_usage = 0.0  # its part of all usage
        self.effective = 0.0  # its part of its account's usage
        self.level = math.inf  # shares by usage: below 1 is more than a fair part
        self.factor = 0.0  # of a user: from 1, who is served best, to 0


Shares = dict[Association, Share]


def used(job: Job, now: float, half_life: float | None) -> float:
    """CPU seconds of a job, as far as they still count. None: nothing is ever forgotten."""
    if job.start_time is None or not job.alloc_cpus:
        return 0.0
    began, ended = job.start_time, min(job.end_time or now, now)
    if ended <= began:
        return 0.0
    if not half_life:
        return job.alloc_cpus * (ended - began)
    rate = math.log(2) / half_life
    return job.alloc_cpus * (math.exp(-rate * (now - ended)) - math.exp(-rate * (now - began))) / rate


def shares(tree: Sequence[Association], usage: Mapping[tuple[str, str], float]) -> Shares:
    """Every association's; `usage` is of users by account and name. The tree begins with its root."""
    found = {one: Share() for one in tree}
    for one in tree:
        if one.user:
            seconds = usage.get((one.account, one.user), 0.0)
            above: Association | None = one
            while above is not None:
                found[above].usage += seconds
                above = above.parent
    everything = found[tree[0]].usage
    found[tree[0]].effective = 1.0
    for one in tree[1:]:
        _weigh(one, found, everything)
    _Ranking(found, sum(bool(one.user) for one in tree)).walk(tree[0].children, tied=False)
    return found


def _weigh(one: Association, found: Shares, everything: float) -> None:
    assert one.parent is not None
    share, above = found[one], found[one.parent]
    share.normal_shares = one.shares / max(sum(other.shares for other in one.parent.children), 1)
    share.normal_usage = share.usage / everything if everything else 0.0
    share.effective = share.usage / above.usage if above.usage else 0.0
    share.level = share.normal_shares / share.effective if share.effective else math.inf if one.shares else 0.0


class _Ranking:
    """Hands out ranks, the best served account first and depth first; who is served alike has the same rank."""

    def __init__(self, found: Shares, users: int) -> None:
        self._found = found
        self._users = users
        self._rank = self._next = users

    def walk(self, siblings: Sequence[Association], *, tied: bool) -> None:
        """Rank these and all below; `tied`: their account is served as the user before it."""
        before: float | None = None
        for one in sorted(siblings, key=lambda one: (-self._found[one].level, not one.user)):
            share = self._found[one]
            tied = tied if before is None else before == share.level
            before = share.level
            if one.user:
                self._rank = self._rank if tied else self._next
                share.factor = self._rank / self._users
                self._next -= 1
            else:
                self.walk(one.children, tied=tied)
