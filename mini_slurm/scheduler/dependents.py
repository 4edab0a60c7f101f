"""Jobs that wait for others: which conditions are met, which never will be, and what becomes of those jobs.

Whether a job that has ended did so well is known in the step in which it ends, and in the one that brings
`EndsRecalled`; nothing is remembered of it longer. So every job that waits is looked at in each of these steps. One
that is held is not, as in Slurm: its release recalls the ends that it has missed.
"""

from __future__ import annotations

import json

from mini_slurm.model.arrays import split_first, tasks_of, without
from mini_slurm.model.dependencies import (
    ALL,
    CIRCULAR,
    PROBLEM,
    SINGLETON,
    BadDependency,
    Dependencies,
    Dependency,
    parse,
    show,
)
from mini_slurm.model.job import Job
from mini_slurm.model.states import SPECIAL_EXIT, JobState
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.decisions import Decision
from mini_slurm.scheduler.ending import finish
from mini_slurm.scheduler.events import EndsRecalled
from mini_slurm.scheduler.explain import NEVER
from mini_slurm.scheduler.starting import split_task
from mini_slurm.scheduler.targets import has_task

DEEPEST = 10  # jobs that wait for each other in a row: a circle is looked for no deeper, as in Slurm
STARTED = frozenset({JobState.CONFIGURING, JobState.RUNNING, JobState.SUSPENDED})
MET, UNMET, FAILED = "met", "unmet", "failed"


def settle_dependencies(cluster: Cluster, now: float) -> None:
    """Look at every job that waits for others and is not held."""
    known = Known(cluster, now)
    for job in [job for _, job in sorted(cluster.queue.dependents.items())]:
        for one in [job, *_split_corresponding(cluster, known, job)]:
            _settle(cluster, known, one, now)
    cluster.dependency_moment = known.moment
    cluster.ended = {job.job_id: job for job in cluster.ended.values() if job.job_id in known.wanted_later}


def _settle(cluster: Cluster, known: Known, job: Job, now: float) -> None:
    before = parse(job.dependency or "")
    results = [(one, FAILED if one.failed else known.test(one, job)) for one in before.each]
    left = [one._replace(failed=result == FAILED) for one, result in results if result != MET]
    if not left or (before.any_of and len(left) < len(results)):
        job.dependency = None
        job.eligible_time = max(now, job.begin_time or 0.0)
        cluster.touch(job)
        return
    text = show(Dependencies(tuple(left), before.any_of))
    if text != job.dependency:
        job.dependency = text
        cluster.touch(job)
    if parse(text or "").is_hopeless and json.loads(job.extra).get("kill-on-invalid-dep", "").lower() in ("yes", "y"):
        job.reason = NEVER
        finish(cluster, job, JobState.CANCELLED, now)


def _split_corresponding(cluster: Cluster, known: Known, record: Job) -> list[Job]:
    """Tasks of an array whose corresponding tasks of another array have just ended get records of their own."""
    if record.array_tasks is None:
        return []
    others = {one.job_id for one in parse(record.dependency or "").each if one.kind == "aftercorr"}
    ended = {job.array_task_id for number in others for job in known.ended_of(number)}
    waiting = tasks_of(record.array_tasks)
    # the last task keeps the record, which is looked at in any case
    split = [task for task in waiting if task in ended][: len(waiting) - 1]
    return [split_task(cluster, record, task, without(record.array_tasks, task)) for task in split]


class Known:
    """What is known of the jobs that others wait for."""

    def __init__(self, cluster: Cluster, now: float) -> None:
        self._cluster = cluster
        self._now = now
        self.moment: float | None = None  # when a delay after a job's start is over next
        self.wanted_later: set[int] = set()  # jobs that have ended, and whose start is still counted from

    def test(self, one: Dependency, job: Job) -> str:
        """Is this condition of the job met?"""
        if one.kind == SINGLETON:
            return UNMET if any(_comes_before(other, job) for other in self._cluster.jobs.values()) else MET
        live, ended, is_whole = self._target(one, job)
        if not live and not ended:
            return MET  # nobody knows such a job
        if one.kind == "after":
            return self._test_start(one, live, ended)
        if live:
            is_special = not is_whole and live[0].reason.startswith(SPECIAL_EXIT)
            return MET if is_special and one.kind == "afternotok" else UNMET
        if one.kind in ("afterany", "afterburstbuffer"):
            return MET
        well = all(other.state is JobState.COMPLETED for other in ended)
        if is_whole and one.job_id in self._cluster.spoiled:
            well = False
        return MET if well != (one.kind == "afternotok") else FAILED

    def _target(self, one: Dependency, job: Job) -> tuple[list[Job], list[Job], bool]:
        """The records that the condition speaks of, live and just ended ones; and: are they a whole array?"""
        single = self._cluster.jobs.get(one.job_id) or self._cluster.ended.get(one.job_id)
        if one.task is None and single is not None and single.array_job_id != one.job_id:
            return ([], [single], False) if single.state.is_over else ([single], [], False)
        live, ended = self._cluster.records_of(one.job_id), self.ended_of(one.job_id)
        own = _only_task(job) if one.kind == "aftercorr" else None
        task = one.task if own is None else own
        if task is None or task == ALL:
            return live, ended, True
        mine = [other for other in live if has_task(other, task)], [other for other in ended if has_task(other, task)]
        if one.kind == "aftercorr" and mine == ([], []):
            return live, ended, True  # the other array has no such task: it counts as a whole
        return *mine, False

    def ended_of(self, number: int) -> list[Job]:
        """The tasks of an array that have just ended."""
        return [job for job in self._cluster.ended.values() if job.array_job_id == number]

    def _test_start(self, one: Dependency, live: list[Job], ended: list[Job]) -> str:
        if any(other.state is JobState.PENDING for other in live):
            return UNMET
        # one that was cancelled before it started counts from then on, as in Slurm
        starts = [other.end_time if other.start_time is None else other.start_time for other in (*live, *ended)]
        moment = max((start for start in starts if start is not None), default=self._now) + 60.0 * one.minutes
        if moment <= self._now or not one.minutes:
            return MET
        self.moment = moment if self.moment is None else min(self.moment, moment)
        self.wanted_later.update(other.job_id for other in ended)
        return UNMET


def _only_task(job: Job) -> int | None:
    """The task of an array that this record stands for, if it is one alone."""
    if job.array_tasks is None:
        return job.array_task_id
    first, others = split_first(job.array_tasks)
    return first if others is None else None


def _comes_before(other: Job, job: Job) -> bool:
    """Does a job with `singleton` wait for this one: of the same user and name, and running or submitted before?"""
    if other is job or other.uid != job.uid or other.name != job.name:
        return False
    return other.state in STARTED or (other.state is JobState.PENDING and other.job_id < job.job_id)


def on_ends_recalled(cluster: Cluster, event: EndsRecalled, now: float) -> list[Decision]:
    """What the store knows of jobs that ended before."""
    for job in event.jobs:
        cluster.note_end(job)
    return []


def check_circle(cluster: Cluster, job: Job, text: str | None, depth: int = DEEPEST) -> None:
    """A job must not wait for itself, or for one that waits for it. Raises BadDependency."""
    for one in parse(text or "").each:
        if not one.job_id:
            continue
        whole = one.task in (None, ALL)
        if one.job_id == (job.array_job_id if job.array_job_id is not None and whole else job.job_id):
            raise BadDependency(PROBLEM if depth == DEEPEST else CIRCULAR)
        other = cluster.jobs.get(one.job_id)
        if other is not None and other.dependency is not None and depth:
            check_circle(cluster, job, other.dependency, depth - 1)
