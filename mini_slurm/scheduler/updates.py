"""`scontrol update`, hold and release: jobs are changed, and whoever asked hears what came of it."""

from __future__ import annotations

from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.changes import apply
from mini_slurm.scheduler.changes.row import Update
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.decisions import Decision
from mini_slurm.scheduler.events import UpdateRequested
from mini_slurm.scheduler.heterogeneous import parts
from mini_slurm.scheduler.priority import set_priority
from mini_slurm.scheduler.starting import be_quiet
from mini_slurm.scheduler.targets import answer

OF_THE_WHOLE = {"Priority", "Nice", "AsUser"}  # what says when a job comes says it of all its parts


def on_update_requested(cluster: Cluster, event: UpdateRequested, now: float) -> list[Decision]:
    """Each record that is meant is changed by itself, as far as the caller may and its state allows."""
    decisions: list[Decision] = []

    def change(job: Job) -> None:
        for part in _meant(cluster, job, event):
            change_one(part)

    def change_one(job: Job) -> None:
        update = Update(cluster, job, event.request.by, event.changes, now)
        try:
            apply(update)
        finally:
            decisions.extend(update.decisions)
            if job.job_id in cluster.jobs:
                set_priority(cluster, job, now)
                first = cluster.jobs.get(job.het_job_id or 0, job)  # the others follow it
                if first.state is JobState.PENDING:
                    be_quiet(cluster, first, now)
                cluster.touch(first)
                cluster.touch(job)

    said = answer(cluster, event.request, change, split=True, of_part="")
    cluster.reservation = None  # it may have been another job's, or counted with another end
    return [*decisions, said]


def _meant(cluster: Cluster, job: Job, event: UpdateRequested) -> list[Job]:
    """The parts of a heterogeneous job that a change of this one changes: all of the first, and of any its place."""
    first = cluster.jobs.get(job.het_job_id or 0)
    if first is None or (job is not first and not OF_THE_WHOLE & event.changes.keys()):
        return [job]
    return parts(cluster, first)
