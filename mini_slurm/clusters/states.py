"""What follows for the jobs that we know from what their system says: nothing here asks anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from mini_slurm.model.arrays import format_tasks
from mini_slurm.model.foreign import DEFAULTS, ForeignJob, waiting
from mini_slurm.model.states import JobState
from mini_slurm.store import foreign
from mini_slurm.store.schema import UNFINISHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.clusters.base import Answer, Call
    from mini_slurm.clusters.protocols import Cluster

OPEN = f"{UNFINISHED} OR NOT settled"
FORGET = 600.0  # seconds until a submission that never shows counts as never made
LOST = 60.0  # seconds that a job is unknown to its system until it is given up
SETTLE = 120.0  # seconds that accounting may take to know an end
# what only the submission and we know
KEPT = (
    *("tag", "script", "arguments", "submit_host", "submit_session", "environment", "umask", "limits"),
    "cancelled_by",
)
# what commands here write of a job, maybe while its system is being asked
NOTED = ("cancelled_by", "name", "nice")


class Known:
    """The jobs of one cluster that may have changed, and what is to be stored of them."""

    def __init__(
        self, cluster: Cluster, jobs: Sequence[ForeignJob], intents: Mapping[str, ForeignJob], now: float
    ) -> None:
        self._cluster = cluster
        self._before = {job.foreign_id: job for job in jobs}
        self._arrays = {job.array_job_id: job for job in jobs if job.array_job_id}
        self._intents = intents
        self._now = now
        self._jobs: dict[str, ForeignJob] = {}  # as their system tells of them
        self._gone: list[ForeignJob] = []
        self._others: list[ForeignJob] | None = None
        self._no_more: list[str] = []  # tags of submissions that need not be looked for
        self._is_search = False

    def question(self, everybody: bool, searches: bool) -> Call | None:
        """What to ask; `searches`: there is room to look for submissions, which tells of all other jobs, too."""
        if everybody:
            return self._cluster.states(None)
        self._is_search = searches and bool(self._intents)
        if self._is_search:
            return self._cluster.find([*self._intents.values()])
        return self._cluster.states([*self._before.values()]) if self._before else None

    def take_states(self, answer: Answer, everybody: bool) -> None:
        """The answer. Raises Unanswered."""
        told = self._cluster.read_states(answer, [*self._before.values(), *self._intents.values()])
        for job in told:
            if job.tag in self._intents:
                self._no_more.append(job.tag)
            before = (
                self._before.get(job.foreign_id)
                or self._arrays.get(job.array_job_id or 0)
                or self._intents.get(job.tag)
            )
            if before is not None:
                _inherit(job, before)
                if job.state.is_over and job.end_time is None:  # shown for a while, though nobody has told when
                    job.end_time = before.end_time or self._now
                self._jobs[job.foreign_id] = job
        if everybody:
            self._others = [job for job in told if not job.ours]

    def ended(self) -> list[ForeignJob]:
        """The jobs whose end is to be asked for: they are over, or their system does not know them any more."""
        arrays = {job.array_job_id for job in self._jobs.values()} - {None}
        found = [job for job in self._jobs.values() if job.state.is_over]
        for name, job in self._before.items():
            if name in self._jobs:
                continue
            if job.array_tasks is not None and job.array_job_id in arrays:
                self._gone.append(job)  # all of its tasks have records of their own now
            else:
                found.append(job)
        return found

    def take_ends(self, asked: Sequence[ForeignJob], answer: Answer | None) -> None:
        """The answer for those that `ended` named; None: there is nobody who could tell more. Raises Unanswered."""
        told = None if answer is None else self._cluster.read_ends(answer, asked)
        for job in told or []:
            job.settled, job.missing = 1, None
            self._jobs[job.foreign_id] = job
        for record in asked:
            left = _what_is_left(record, told or [])
            if left is None:
                # Slurm gives one of the tasks the array's own number
                self._gone += [record] if record.foreign_id not in self._jobs else []
            elif left.foreign_id not in self._jobs or not self._jobs[left.foreign_id].settled:
                self._jobs[left.foreign_id] = self._waited_for(left, nobody=told is None)

    def _waited_for(self, job: ForeignJob, *, nobody: bool) -> ForeignJob:
        """A job of whose end nothing more is told yet."""
        job = ForeignJob(**job.__dict__)
        if job.state.is_over:
            late = self._now - (job.end_time or self._now) > SETTLE
            job.settled = int(nobody or late)
            return job
        job.missing = job.missing or self._now
        if self._now - job.missing > LOST:
            # what slurmdbd makes of jobs that slurmctld has lost; an end that was asked for is no surprise, nor that
            # of a job whose dependency could not be met
            dropped = job.start_time is None and job.dependency
            job.state = JobState.CANCELLED if dropped or job.cancelled_by is not None else JobState.NODE_FAIL
            job.end_time, job.settled = job.missing, 1
        return job

    def store(self, db: sqlite3.Connection) -> None:
        """Write what has changed; call it within a transaction."""
        self._take_notes(db)
        foreign.save(db, (job for name, job in self._jobs.items() if self._is_changed(name, job)))
        foreign.remove(db, self._gone)
        for tag, job in self._intents.items():
            # it counts as never made where it was looked for: nobody may have answered for that long
            if tag in self._no_more or (self._is_search and self._now - job.submit_time > FORGET):
                foreign.end_intent(db, tag)
        if self._others is not None:
            foreign.replace_others(db, self._cluster.entry.name, self._others)

    def _take_notes(self, db: sqlite3.Connection) -> None:
        """What a command wrote meanwhile, and this system did not tell otherwise, stays."""
        where = foreign.of_cluster(self._cluster.entry.name, "ours", OPEN)
        noted = {job.foreign_id: job for job in foreign.select(db, where, NOTED)}
        for name, job in self._jobs.items():
            before = self._before.get(name) or self._arrays.get(job.array_job_id or 0)
            now = noted.get(before.foreign_id) if before is not None else None
            for field in NOTED if now is not None else ():
                if getattr(job, field) == getattr(before, field):
                    setattr(job, field, getattr(now, field))

    def _is_changed(self, name: str, job: ForeignJob) -> bool:
        before = self._before.get(name)
        return before is None or {**DEFAULTS, **job.__dict__} != before.__dict__


def _what_is_left(job: ForeignJob, told: Sequence[ForeignJob]) -> ForeignJob | None:
    """The job, less those tasks of an array that have an end of their own; None: that is all of them."""
    if job.array_tasks is None or job.array_task_id is not None:
        return job
    ended = {one.array_task_id for one in told if one.array_job_id == job.array_job_id} - {None}
    left = [task for task in waiting(job) if task not in ended]
    if not ended or not left:
        return None if ended else job
    return ForeignJob(**{**job.__dict__, "array_tasks": format_tasks(left)})


def _inherit(job: ForeignJob, before: ForeignJob) -> None:
    """What its system does not tell of a job stays as it was."""
    job.ours = 1
    for field in KEPT:
        setattr(job, field, getattr(before, field))
