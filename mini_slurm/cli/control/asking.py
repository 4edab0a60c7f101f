"""Asking the controller for something, and waiting for its answer."""

from __future__ import annotations

import os
import time

from mini_slurm.cli import common, listing
from mini_slurm.options import job_ids
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from mini_slurm.cli.control.session import Session

NO_SUCH_JOB = "Invalid job id specified"
PATIENCE = 10.0  # seconds to wait for the controller
PAUSE = 0.01  # seconds between two looks


def without_prefix(word: str, *prefixes: str) -> str:
    """The word after the first of these that it begins with, in whatever case."""
    for prefix in prefixes:
        if word.lower().startswith(prefix):
            return word[len(prefix) :]
    return word


def caller(session: Session) -> dict[str, object]:
    """Who asks: --uid=root is how whoever looks after the fleet acts as its administrator."""
    user = session.user
    as_admin = user is not None and listing.user_number(user) == 0
    return {"uid": os.getuid(), "admin": as_admin}


def ask(session: Session, kind: str, bodies: list[dict[str, Any]]) -> list[dict[str, Any] | None]:
    """The answers to these requests, in their order; None while there is none. Raises StateError."""
    from mini_slurm.store import database

    session.speaks()
    state, db = common.open_store()
    try:
        numbers = database.request(db, kind, bodies)
        common.wake_controller(state)
        deadline = time.monotonic() + PATIENCE
        while not database.is_handled(db, numbers):
            if time.monotonic() > deadline:
                common.say(f"{session.program}: the controller has not answered yet; the request is stored")
                return [None] * len(bodies)
            time.sleep(PAUSE)
        return database.take_answers(db, numbers)
    finally:
        db.close()


def ask_one(session: Session, kind: str, body: dict[str, Any]) -> str:
    """The error of one request in Slurm's words, "" where it was done. Raises StateError."""
    (answer,) = ask(session, kind, [{**caller(session), **body}])
    return "" if answer is None else str(answer["error"])


def ask_of_jobs(
    session: Session, kind: str, words: Iterable[str], body: dict[str, object], unknown: str = NO_SUCH_JOB
) -> list[str]:
    """Ask the same of each job, array or task; the error of each in Slurm's words, "" where it was done."""
    shown = list(words)
    bodies: list[dict[str, Any]] = []
    answers: list[dict[str, Any] | None] = []
    for word in shown:
        target = _target(word)
        known = target is not None and queries.exists(session.db, target["job_id"])
        answers.append(None if known else _unknown(word, target, unknown))
        if target is not None and known:
            bodies.append({**target, **caller(session), **body})
    come = iter(ask(session, kind, bodies) if bodies else [])
    return [_report(session, word, answer or next(come)) for word, answer in zip(shown, answers, strict=True)]


def _unknown(word: str, target: dict[str, Any] | None, error: str) -> dict[str, Any]:
    """What is answered of a job that there is not; of tasks, Slurm says it as of each of several."""
    if error == NO_SUCH_JOB and target is not None and target["tasks"] is not None:
        return {"error": "", "tasks": [(word, error)]}
    return {"error": error, "tasks": []}


def _target(word: str) -> dict[str, Any] | None:
    """What a request says of which jobs are meant; None when the word cannot be the number of one."""
    try:
        one = job_ids.parse_acted(word)
    except ValueError:
        return None
    return {"job_id": one.number, "tasks": None if one.tasks is None else sorted(one.tasks)}


def _report(session: Session, word: str, answer: dict[str, Any] | None) -> str:
    """Say what went wrong; tasks are told apart only where not all went well."""
    if answer is None:
        return ""
    error: str = answer["error"]
    if error:
        session.fail(f"{error} for job {word}")
    tasks = answer["tasks"]
    if len(tasks) > 1 or any(why for _, why in tasks):
        for name, why in tasks:
            session.fail(f"{name}: {why or 'No error'}")
    return error
