"""Changes of a job's place in the queue: priority, nice, hold and release."""

from __future__ import annotations

from mini_slurm.model.states import HELD_BY_USER
from mini_slurm.scheduler.changes.row import Update
from mini_slurm.scheduler.explain import HELD_BY_ADMIN
from mini_slurm.scheduler.targets import DENIED, Refusal

HELD = "Job is in held state, pending scheduler release"
NOT_LASTING = "Changes to job priority are not persistent, change nice instead"


def set_priority(update: Update, value: int | None) -> None:
    """0: hold; None: release, or let it be worked out again; else only an administrator's stays."""
    job = update.job
    if value is None:
        _release(update)
    elif value == job.priority == 0:
        if update.is_operator:
            job.reason = _hold_reason(update)
    elif value == job.priority:
        return
    elif job.priority == 0:
        raise Refusal(HELD)
    elif not update.is_operator and value > job.priority:
        raise Refusal(DENIED)
    elif value == 0:
        job.priority, job.reason = 0, _hold_reason(update)
    elif not update.is_operator:
        job.nice = 0
        raise Refusal(NOT_LASTING)
    else:
        job.priority, job.priority_set, job.nice = value, 1, 0


def _hold_reason(update: Update) -> str:
    """What an administrator holds only an administrator releases, unless he holds it as the user would."""
    return HELD_BY_ADMIN if update.is_operator and not update.changes.get("AsUser") else HELD_BY_USER


def _release(update: Update) -> None:
    job = update.job
    if job.priority == 0:
        if job.reason == HELD_BY_ADMIN and not update.is_operator:
            raise Refusal(DENIED)
        job.priority, job.priority_set, job.reason = 1, 0, "None"
        job.exit_code = job.exit_signal = 0
        job.eligible_time = max(update.now, job.begin_time or 0.0)
    elif update.is_operator:
        job.priority_set = job.nice = 0


def set_nice(update: Update, value: int) -> None:
    """How much lower than others like it; to be higher than others is the administrator's to allow."""
    job = update.job
    if value == job.nice or (job.priority_set and job.priority):
        return
    if value < 0 and not update.is_operator:
        raise Refusal(DENIED)
    job.nice = value


def set_site_factor(update: Update, value: int) -> None:
    """A part of the priority that the administrator gives."""
    if not update.is_operator:
        raise Refusal(DENIED)
    update.option("site-factor", str(value) if value else None)
