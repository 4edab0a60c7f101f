"""A row of the table of changes, and what its functions get to see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from mini_slurm.model.job import Job
from mini_slurm.model.request import keep
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.decisions import Decision
from mini_slurm.scheduler.events import Caller
from mini_slurm.scheduler.targets import Refusal, is_operator, owns

NOT_PENDING = "Job is no longer pending execution"
NOT_SUPPORTED = "Requested operation not supported on this system"
RUNNING = frozenset({JobState.CONFIGURING, JobState.RUNNING, JobState.SUSPENDED})


class Update:
    """One record that is to be changed, and by whom."""

    def __init__(self, cluster: Cluster, job: Job, by: Caller, changes: Mapping[str, Any], now: float) -> None:
        self.cluster = cluster
        self.job = job
        self.by = by
        self.changes = changes
        self.now = now
        self.decisions: list[Decision] = []

    @property
    def is_owner(self) -> bool:
        """May the caller change this job at all?"""
        return owns(self.cluster, self.by, self.job)

    @property
    def is_operator(self) -> bool:
        """May the caller do to this job what only an administrator may?"""
        return is_operator(self.cluster, self.by, self.job)

    @property
    def is_running(self) -> bool:
        """Does the job hold machines, and has it not ended?"""
        return self.job.state in RUNNING

    def needs_pending(self) -> None:
        """What only waiting jobs can be given. Raises Refusal."""
        if self.job.state is not JobState.PENDING:
            raise Refusal(NOT_PENDING)

    def option(self, name: str, value: str | None) -> None:
        """Keep an option by its long name; None: as if it had not been given."""
        keep(self.job, name, value)


Setter = Callable[[Update, Any], None]


class Row(NamedTuple):
    """One key; both functions raise Refusal."""

    key: str
    set: Setter
    check: Setter | None = None
