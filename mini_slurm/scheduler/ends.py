"""Jobs that hold machines, in the order in which they end at the latest."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator

from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState

NEVER = float("inf")
SLACK = 64  # outdated entries beyond as many as there are jobs

Key = tuple[float, int]


class Ends:
    """When jobs end if they use up their time limits; kept in order, since every reservation asks for it."""

    def __init__(self) -> None:
        self._keys: dict[int, Key] = {}
        self._order: list[Key] = []  # outdated ones too

    def put(self, job: Job) -> None:
        """The job holds machines, or its end has changed."""
        key = expected_end(job), job.job_id
        if self._keys.get(job.job_id) != key:
            self._keys[job.job_id] = key
            insort(self._order, key)
            if len(self._order) > 2 * len(self._keys) + SLACK:
                self._order = sorted(self._keys.values())

    def remove(self, number: int) -> None:
        """The job holds nothing any more."""
        self._keys.pop(number, None)

    def in_order(self) -> Iterator[int]:
        """The numbers of the jobs; who ends first comes first."""
        last = None
        for key in self._order:
            if key != last and self._keys.get(key[1]) == key:
                yield key[1]
            last = key


def count_suspension(job: Job, now: float) -> None:
    """A job that is suspended goes on, or is ended: its clock has stood still until now."""
    if job.state is JobState.SUSPENDED:
        job.suspended_seconds += max(now - (job.suspend_time or now), 0.0)


def expected_end(job: Job) -> float:
    """When the job is over if it uses up its time limit: the time for which it was suspended does not count.

    One that is suspended now counts as if it went on at once, as in Slurm: what it holds is not free before.
    """
    if job.time_limit is None or job.start_time is None:
        return NEVER
    return job.start_time + job.suspended_seconds + job.time_limit
