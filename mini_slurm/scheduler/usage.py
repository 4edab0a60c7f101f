"""What users have used, and the fair share of the fleet that this leaves each: a factor of their jobs' priorities."""

from __future__ import annotations

import math

from mini_slurm.model.associations import tree
from mini_slurm.model.fair_share import shares, used
from mini_slurm.model.job import Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from mini_slurm.model.fleet import Fleet

Key = tuple[str, str]  # account and user


class Usage:
    """CPU seconds of the runs that are over, each as far as it still counts, and the factors as of the last look."""

    def __init__(self) -> None:
        self._seconds: dict[Key, float] = {}
        self._moment = 0.0  # as of when
        self._factors: dict[Key, float] = {}

    def add(self, run: Job, fleet: Fleet, now: float) -> None:
        """A run of a job is over."""
        if not _counts(fleet):
            return
        self._forget(fleet.priority.half_life, now)
        key = _key(run)
        self._seconds[key] = self._seconds.get(key, 0.0) + used(run, now, fleet.priority.half_life)

    def look(self, jobs: Iterable[Job], fleet: Fleet, now: float) -> None:
        """Work the factors out anew; these jobs are not over."""
        if not _counts(fleet):
            return
        self._forget(fleet.priority.half_life, now)
        seconds = dict(self._seconds)
        for job in jobs:
            key = _key(job)
            seconds[key] = seconds.get(key, 0.0) + used(job, now, fleet.priority.half_life)
        self._factors = factors(fleet, seconds)

    def factor(self, job: Job, fleet: Fleet) -> float:
        """The fair share of the job's user: from 1, who is served first, to 0."""
        return factor(self._factors, job, fleet)

    def _forget(self, half_life: float | None, now: float) -> None:
        """What was used a half-life ago counts half; a clock that was set back brings nothing back."""
        if half_life:
            rest = math.exp(-math.log(2) / half_life * max(now - self._moment, 0.0))
            self._seconds = {key: seconds * rest for key, seconds in self._seconds.items()}
        self._moment = now


def factors(fleet: Fleet, seconds: dict[Key, float]) -> dict[Key, float]:
    """The factors of all users in all accounts, who have used so much."""
    found = shares(tree(fleet), seconds)
    return {(one.account, one.user): share.factor for one, share in found.items() if one.user}


def factor(of_users: dict[Key, float], job: Job, fleet: Fleet) -> float:
    """A job's; where there are no accounts all are served alike."""
    return of_users.get(_key(job), 0.0) if fleet.accounts else 1.0


def _counts(fleet: Fleet) -> bool:
    return bool(fleet.accounts and fleet.priority.fair_share)


def _key(job: Job) -> Key:
    return (job.account or "", job.user)
