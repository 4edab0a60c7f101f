"""What is told of a job: which of its changes are events, who wants to hear of them, and in which words. Pure.

The events, their conditions and the subjects are those of Slurm 22.05 (slurmctld's job_completion_logger and
mail_job_info).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from mini_slurm.model.job import Job
from mini_slurm.model.staging import from_text
from mini_slurm.model.states import JobState
from mini_slurm.model.units import format_elapsed

TITLES = {
    "BEGIN": "Began",
    "END": "Ended",
    "FAIL": "Failed",
    "REQUEUE": "Requeued",
    "INVALID_DEPEND": "Invalid dependency",
    "STAGE_OUT": "StageOut/Teardown",
    "TIME_LIMIT": "Reached time limit",
    "TIME_LIMIT_90": "Reached 90% of time limit",
    "TIME_LIMIT_80": "Reached 80% of time limit",
    "TIME_LIMIT_50": "Reached 50% of time limit",
}
SHARES = {"TIME_LIMIT_50": 0.5, "TIME_LIMIT_80": 0.8, "TIME_LIMIT_90": 0.9, "TIME_LIMIT": 1.0}  # of the time limit
ORDINARY = frozenset({"BEGIN", "END", "FAIL", "REQUEUE", "INVALID_DEPEND", "STAGE_OUT"})  # what ALL stands for
ARRAY_TASKS = "ARRAY_TASKS"
NOTIFY = "--notify"
LONGEST_TARGET = 4096
NEVER = "DependencyNeverSatisfied"
# Slurm's numbers put these from JOB_FAILED on; a job that was cancelled, or completed, has "ended"
FAILURES = frozenset(
    {
        *(JobState.FAILED, JobState.TIMEOUT, JobState.NODE_FAIL, JobState.PREEMPTED, JobState.BOOT_FAIL),
        *(JobState.DEADLINE, JobState.OUT_OF_MEMORY),
    }
)


class Wishes(NamedTuple):
    """What a job's owner wants to hear of."""

    mail: frozenset[str]  # events of --mail-type, ARRAY_TASKS among them
    mail_user: str  # "": the job's user
    target: str  # of --notify: a URL or a program; "": none
    target_events: frozenset[str]

    @property
    def events(self) -> frozenset[str]:
        """All events that somebody wants to hear of."""
        return self.mail | self.target_events if self.target else self.mail


@lru_cache(maxsize=256)
def wishes(extra: str) -> Wishes | None:
    """What `Job.extra` says; None: nothing."""
    if '"mail-type"' not in extra and '"notify"' not in extra:
        return None
    kept = json.loads(extra)
    mail = _events(kept.get("mail-type", ""))
    found = Wishes(mail, kept.get("mail-user", ""), kept.get("notify", ""), _events(kept.get("notify-type", "ALL")))
    return found if found.mail or found.target else None


def _events(text: str) -> frozenset[str]:
    words = {word.strip().upper() for word in text.split(",")}
    return frozenset(words & {*TITLES, ARRAY_TASKS}) | (ORDINARY if "ALL" in words else frozenset())


class Before(NamedTuple):
    """What was stored of a job until now."""

    state: JobState
    reason: str
    restarts: int


NEW = Before(JobState.PENDING, "None", 0)


def has_begun(state: JobState, job: Job) -> bool:
    """Has its script, or whoever waits for its machines, had them?"""
    if state.is_over:
        return job.node_list is not None
    return state in (JobState.RUNNING, JobState.SUSPENDED, JobState.COMPLETING)


def changes(before: Before, job: Job) -> list[str]:
    """The events between two states of a job, in their order; requeues are told by the runs (`run_events`)."""
    found = []
    is_new_run = job.restarts != before.restarts
    had_begun = not is_new_run and has_begun(before.state, job)
    if has_begun(job.state, job) and not had_begun:
        found.append("BEGIN")
    if job.reason == NEVER and before.reason != NEVER:
        found.append("INVALID_DEPEND")
    if job.state.is_over and not before.state.is_over:
        if job.state is JobState.TIMEOUT:
            found.append("TIME_LIMIT")
        found.append(end_of(job.state))
        if job.stage is not None and from_text(job.stage).results and has_begun(job.state, job):
            found.append("STAGE_OUT")  # a job with --stage-out is over when its results are home
    return found


def end_of(state: JobState) -> str:
    """The event of a job that is over."""
    return "FAIL" if state in FAILURES else "END"


def run_events(run: Job) -> list[str]:
    """The events of a run whose job was requeued; one that had to make room has not failed."""
    failed = run.state in FAILURES and run.state is not JobState.PREEMPTED
    return [*(["FAIL"] if failed else []), "REQUEUE"]


def passed(job: Job, now: float) -> list[str]:
    """Which shares of its time limit a running job has used up."""
    if job.time_limit is None or job.start_time is None or job.state is not JobState.RUNNING:
        return []
    used = run_time(job, now)
    return [event for event, share in SHARES.items() if used >= share * job.time_limit]


def next_share(job: Job, events: frozenset[str], now: float) -> float | None:
    """When a running job will have used up the next share of its time limit that is one of the events; None: never."""
    if job.time_limit is None or job.start_time is None or job.state is not JobState.RUNNING:
        return None
    used = run_time(job, now)
    left = [share * job.time_limit - used for event, share in SHARES.items() if event in events]
    return min((now + seconds for seconds in left if seconds > 0), default=None)


def run_time(job: Job, now: float) -> float:
    """Seconds it has run, or ran, without those in which it was suspended."""
    end = job.end_time if job.end_time is not None else now
    start = job.start_time if job.start_time is not None else end
    return max(end - start - job.suspended_seconds, 0.0)


# --- arrays of which one notice is sent, not one for each task


class Summary(NamedTuple):
    """The ends of an array's tasks, as Slurm puts them together."""

    statuses: tuple[int, ...]  # as of wait(2)
    requeued: bool


def summary(tasks: Iterable[Job]) -> Summary:
    """Of all tasks of an array that is over."""
    tasks = list(tasks)
    statuses = tuple(task.exit_code << 8 | task.exit_signal for task in tasks) or (0,)
    return Summary(statuses, any(task.restarts for task in tasks))


def summary_events(found: Summary) -> list[str]:
    """The events of an array that is over. Only an exit status counts as a failure, and not a signal."""
    worst = max(found.statuses)
    failed = worst & 0x7F == 0 and worst >> 8 > 0
    return [*(["REQUEUE"] if found.requeued else []), "FAIL" if failed else "END"]


def _summed(found: Summary, state: str) -> str:
    least, worst = min(found.statuses), max(found.statuses)
    if least & 0x7F == 0 and worst & 0x7F == 0:
        word = "Mixed" if least == 0 < worst else state
        text = f", {word}, ExitCode [{least >> 8}-{worst >> 8}]"
    elif worst & 0x7F:
        text = f", Mixed, MaxSignal [{worst & 0x7F}]"
    else:
        text = f", Mixed, MaxExitCode [{worst >> 8}]"
    return text + ", with requeued tasks" * found.requeued


# --- who is told


def is_target(text: str) -> bool:
    """Can --notify go there? To a URL with a host, or a program by its whole path."""
    if not text.isprintable() or len(text) > LONGEST_TARGET:
        return False
    host = re.fullmatch(
        r"https?://(?:[^/?#@\s]*@)?(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:[/?][^\s#]*)?", text, re.ASCII
    )
    return host is not None or (text.startswith("/") and not text.endswith("/"))


def veiled(target: str) -> str:
    """A target as others may see it: what stands in a URL after its host, or before it, is often a secret."""
    found = re.match(r"(https?://)(?:[^/?#@\s]*@)?([^/?#\s]*)(.*)", target, re.DOTALL)
    return target if found is None else f"{found[1]}{found[2]}/..."


def veiled_words(words: Iterable[str]) -> list[str]:
    """A command line whose --notify, however it is shortened or written, shows no secret."""
    found: list[str] = []
    for word in words:
        name, equals, value = word.partition("=")
        if NOTIFY.startswith(name) and name.startswith("--noti") and equals:
            word = f"{name}={veiled(value)}"
        elif found and NOTIFY.startswith(found[-1]) and found[-1].startswith("--noti"):
            word = veiled(word)
        found.append(word)
    return found


# --- the subject


def subject(job: Job, event: str, now: float, array: Summary | None = None, *, whole: bool = False) -> str:
    """What a mail's subject is in Slurm. `whole`: of the array that a task belongs to, with `array` when it is over."""
    title, is_end = TITLES[event], event in ("END", "FAIL")
    if whole:
        ended = _summed(array, job.state.name) if is_end and array else ""
        return f"Slurm Array Summary Job_id={job.array_job_id}_* ({job.array_job_id}) Name={job.name} {title}{ended}"
    number = f"Job_id={job.job_id}"
    if job.array_task_id is not None:
        number = f"Array Task Job_id={job.array_job_id}_{job.array_task_id} ({job.job_id})"
    ended = f", {job.state.name}" if is_end else ""
    if is_end and not job.exit_signal:
        ended += f", ExitCode {job.exit_code}"
    return f"Slurm {number} Name={job.name} {title}{_time(job, event, now)}{ended}"


def _time(job: Job, event: str, now: float) -> str:
    if event == "BEGIN" and job.start_time is not None:
        return f", Queued time {format_elapsed(job.start_time - job.submit_time)}"
    if event in ("END", "FAIL", "REQUEUE", *SHARES):
        return f", Run time {format_elapsed(run_time(job, now))}"
    if event == "STAGE_OUT" and job.end_time is not None:
        return f" time {format_elapsed(now - job.end_time)}"
    return ""
