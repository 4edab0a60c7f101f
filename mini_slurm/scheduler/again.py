"""Jobs that are to run again by themselves: after certain exit codes, at their time limit, after they failed.

As in Slurm, what `requeue_exit` names is requeued whatever --no-requeue says, and what is cancelled is not.
"""

from __future__ import annotations

from mini_slurm.model.again import longer, parse_codes, parse_ends, parse_retries
from mini_slurm.model.job import Job
from mini_slurm.model.request import extra
from mini_slurm.model.states import SPECIAL_CODE, JobState
from mini_slurm.model.warning import parse_warning
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.events import AttemptEnded

EXITED = frozenset({JobState.FAILED, JobState.COMPLETED})
FREE = 3  # restarts of a job that may follow each other at once
SHORT = 10.0  # seconds of a run that is over at once
FAILURES = frozenset({JobState.FAILED, JobState.OUT_OF_MEMORY, JobState.NODE_FAIL})


def run_again(cluster: Cluster, job: Job, state: JobState, event: AttemptEnded) -> bool:
    """Is a job that ended so to run again? Then it is noted when, or that it is held until it is released."""
    if not job.is_batch or job.het_job_id is not None or state is JobState.CANCELLED:
        return False
    code = event.exit_code if state in EXITED and not event.exit_signal else None
    pause = _pause(cluster, job, state, code, event.ended)
    if pause is not None:
        job.begin_time = event.ended + max(pause, _brake(job, event.ended))
        return True
    if code not in parse_codes(cluster.fleet.requeue_exit_hold):
        return False
    job.begin_time = event.ended + cluster.fleet.requeue_delay
    job.priority, job.reason = 0, SPECIAL_CODE
    return True


def _pause(cluster: Cluster, job: Job, state: JobState, code: int | None, ended: float) -> int | None:
    """Seconds until it may start again; None: it is over."""
    given, usual = extra(job), cluster.fleet.requeue_delay
    if "requeue-exit" in given:
        ends = parse_ends(given["requeue-exit"])
        if code in ends.codes or (ends.at_limit and _is_at_limit(job, state, ended)):
            return usual if ends.pause is None else ends.pause
    if code in parse_codes(cluster.fleet.requeue_exit):
        return usual
    if "retries" in given and state in FAILURES:
        retries = parse_retries(given["retries"])
        if job.restarts < retries.most:
            return longer(usual if retries.pause is None else retries.pause, job.restarts)
    return None


def _brake(job: Job, ended: float) -> int:
    """Seconds that a job waits at least which was over at once, again and again: it must not keep a fleet busy."""
    if job.restarts < FREE or job.start_time is None or ended - job.start_time >= SHORT:
        return 0
    return longer(1, job.restarts - FREE)


def _is_at_limit(job: Job, state: JobState, ended: float) -> bool:
    """Did its time run out, or has it ended badly after it was warned of that?"""
    if state is JobState.TIMEOUT:
        return True
    warning = parse_warning(job.signal)
    if warning is None or job.time_limit is None or job.start_time is None or state is JobState.COMPLETED:
        return False
    return ended >= job.start_time + job.suspended_seconds + job.time_limit - warning.before
