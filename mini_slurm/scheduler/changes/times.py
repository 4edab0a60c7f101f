"""Changes of a job's time limit, of when it may start and of when it has to end."""

from __future__ import annotations

from mini_slurm.model.states import JobState
from mini_slurm.scheduler.changes.row import Update
from mini_slurm.scheduler.decisions import Limit
from mini_slurm.scheduler.targets import DENIED, Refusal

BAD_TIME_MIN = "Invalid time-min specification (exceeds job's time or other limits)"
BAD_MOMENT = "Invalid time specified"
NOT_RUNNING = "Job is not running"
FOREVER = float("inf")
YEAR = 365 * 86400  # seconds: what Slurm counts for no limit at all


def set_limit(update: Update, value: int | None) -> None:
    """Seconds; None: no limit. Users may lower it, and raise it within the partition's as long as the job waits."""
    job = update.job
    if value == job.time_limit:
        return
    longer = _seconds(value) > _seconds(job.time_limit)
    if longer and not update.is_operator:
        partition = update.cluster.fleet.partitions.get(job.partition)
        within = partition is not None and _seconds(value) <= _seconds(partition.max_time)
        if job.state is not JobState.PENDING or not within:
            raise Refusal(DENIED)
    least = update.changes.get("TimeMin", job.time_min)
    if least and _seconds(value) < least:
        raise Refusal(BAD_TIME_MIN)
    job.time_limit = value
    _tell(update, value)


def _seconds(limit: int | None) -> float:
    return FOREVER if limit is None else limit


def _tell(update: Update, seconds: int | None) -> None:
    """The machine watches the limit of what runs there."""
    job = update.job
    if update.is_running and job.node is not None:
        update.decisions.append(Limit(job.node, update.cluster.attempt_name(job), seconds))


def set_least_limit(update: Update, value: int | None) -> None:
    """Down to how many seconds the limit may be shortened to start the job earlier."""
    if update.job.state is not JobState.PENDING:
        return
    if _seconds(value) > _seconds(update.job.time_limit):
        raise Refusal(BAD_TIME_MIN)
    update.job.time_min = value or None


def set_end(update: Update, value: float) -> None:
    """When a running job has to end: that is a time limit too. 0: nothing was understood, and nothing changes."""
    if not value:
        return
    job = update.job
    if job.state is not JobState.RUNNING or job.start_time is None:
        raise Refusal(NOT_RUNNING)
    if value < update.now:
        raise Refusal(BAD_MOMENT)
    if job.time_limit is None:
        job.time_limit = YEAR
    later = value - job.suspended_seconds - job.start_time - job.time_limit
    if later > 0 and not update.is_operator:
        raise Refusal(DENIED)
    seconds = job.time_limit + int(later)
    job.time_limit += int((later + 30) / 60) * 60  # shown in whole minutes, as Slurm rounds them
    _tell(update, seconds)


def set_deadline(update: Update, value: float) -> None:
    """When a job has to have ended, as an administrator says; running jobs go on."""
    if update.is_running:
        return
    if value < update.now:
        raise Refusal(BAD_MOMENT)
    if not update.is_operator:
        raise Refusal(DENIED)
    update.job.deadline = value


def set_begin(update: Update, value: float) -> None:
    """The earliest moment at which the job may start."""
    update.needs_pending()
    update.job.begin_time = update.job.eligible_time = max(value, update.now)


def reset_age(update: Update, value: bool) -> None:
    """The job's age counts from now on."""
    update.needs_pending()
    if update.job.eligible_time is not None and update.job.eligible_time < update.now:
        update.job.eligible_time = update.now
