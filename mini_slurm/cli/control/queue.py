"""Verbs that act on jobs: hold and release, requeue, suspend and resume, notify, top."""

from __future__ import annotations

from mini_slurm.cli import common
from mini_slurm.cli.control.asking import NO_SUCH_JOB, ask_of_jobs, ask_one, without_prefix
from mini_slurm.model.numbers import leading_number
from mini_slurm.model.states import REQUEUED_HELD, SPECIAL_EXIT, SPECIAL_HELD, JobState
from mini_slurm.options.job_ids import split_acted
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session

UNEXPECTED = "Unexpected message received"  # what Slurm says when it is to suspend a job that there is not


def hold(session: Session, verb: str, words: list[str]) -> None:
    """hold, uhold and release."""
    changes: dict[str, object] = {"Priority": None if verb.lower().startswith("rel") else 0}
    if verb.lower() in ("uhold", "holdu"):
        changes["AsUser"] = True
    session.speaks_of_records(first=False)
    session.speaks()
    for word in words:
        error = _hold(session, word, changes)
        if error is not None:
            session.fail(f"slurm_suspend error: {error or 'No error'}")


def _hold(session: Session, word: str, changes: dict[str, object]) -> str | None:
    """Hold or release what one word names; the last error if there was one."""
    word = without_prefix(word, "jobid=", "job=")
    jobs = split_acted(word)
    if jobs is not None:
        errors = ask_of_jobs(session, "update", jobs, {"changes": changes})
        return next((error for error in reversed(errors) if error), None)
    name = without_prefix(word, "name=", "jobname=")
    if name == word:
        session.fail(f"{NO_SUCH_JOB} for job {word}")
        return NO_SUCH_JOB
    return _hold_by_name(session, name, changes)


def _hold_by_name(session: Session, name: str, changes: dict[str, object]) -> str | None:
    """Everything of this name; what has ended is complained of, but for tasks of arrays."""
    where = queries.Where()
    where.states(None, session.view().now)
    where.among("name", [name])
    columns = ("job_id", "array_job_id", "array_task_id", "array_tasks", "state")
    jobs = [
        job
        for job in queries.select_jobs(session.db, columns, where)
        if job.state is JobState.PENDING or job.array_task_id is None
    ]
    words = [
        f"{job.array_job_id}_[{job.array_tasks}]" if job.array_tasks is not None else job.display_id for job in jobs
    ]
    errors = ask_of_jobs(session, "update", words, {"changes": changes})
    waited = all(job.state is JobState.PENDING for job in jobs)
    return None if waited and not any(errors) else errors[-1]


def requeue(session: Session, verb: str, words: list[str]) -> None:
    """Have jobs run again."""
    body: dict[str, object] = {"reason": REQUEUED_HELD if len(verb) > len("requeue") else "", "only_running": False}
    jobs = list(words)
    while jobs and _is_flag(jobs[0], body):
        jobs.pop(0)
    for word in jobs:
        _ask_each(session, word, "requeue", body)


def _is_flag(word: str, body: dict[str, object]) -> bool:
    """`incomplete` and `state=specialexit` stand before the jobs."""
    text = word.lower()
    if text and "incomplete".startswith(text):
        body["only_running"] = True
        return True
    if text.startswith(("state=specialexit", "state=se")):
        body["reason"] = SPECIAL_HELD if body["reason"] else SPECIAL_EXIT
        return True
    return False


def suspend(session: Session, verb: str, words: list[str]) -> None:
    """Stop jobs where they are, and let them go on."""
    for word in words:
        _ask_each(session, word, "suspend", {"resume": verb.lower().startswith("res")}, UNEXPECTED)


def _ask_each(session: Session, word: str, kind: str, body: dict[str, object], unknown: str = NO_SUCH_JOB) -> None:
    jobs = split_acted(without_prefix(word, "jobid=", "job="))
    if jobs is None or (kind == "requeue" and "+" in word):  # a part is not run again by itself
        session.fail(f"{NO_SUCH_JOB} for job {word}")
    else:
        ask_of_jobs(session, kind, jobs, body, unknown)


def top(session: Session, verb: str, words: list[str]) -> None:
    """Have jobs start before all others of their kind."""
    text = without_prefix(words[0], "jobid=", "job=")
    jobs = [_one(part) for part in text.split(",")]
    error = ask_one(session, "top", {"jobs": jobs if None not in jobs else []})
    if error:
        session.fail(f"{error} for job {text}")


def _one(word: str) -> tuple[int, int | None] | None:
    number, _, task = word.partition("_")
    if not number.isdecimal() or not (task in ("", "*") or task.isdecimal()):
        return None
    return int(number), int(task) if task.isdecimal() else None


def notify(session: Session, verb: str, words: list[str]) -> None:
    """Write a line into the output of a running job."""
    number, _ = leading_number(words[0])
    if number <= 0:
        session.exit_code = 1
        common.say(f"Invalid job_id {words[0]}job notify failure: No error")  # as Slurm says it: in one line
        return
    elif not queries.exists(session.db, number):
        error = NO_SUCH_JOB
    else:
        body = {"job_id": number, "tasks": None, "text": " ".join(words[1:])}
        error = ask_one(session, "notify", body)
    if error:
        session.fail(f"job notify failure: {error}")
