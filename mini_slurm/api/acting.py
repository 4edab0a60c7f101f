"""Doing something to jobs: the controller is asked for it, or the cluster where they are, and what it says is heard."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from typing import Any

from mini_slurm.api.places import Places, unknown
from mini_slurm.api.records import FEW, Rows, Target
from mini_slurm.clusters.base import Answer, Goal
from mini_slurm.errors import BadUsage, Refused
from mini_slurm.model.foreign import ForeignJob
from mini_slurm.model.job import Job
from mini_slurm.model.signals import LAST, NUMBERS, signal_number
from mini_slurm.model.states import JobState
from mini_slurm.store import database

PATIENCE = 10.0  # seconds to wait for the controller; what was asked for is stored and is met later
PAUSE = 0.01  # seconds between two looks
DENIED = "Access/permission denied"
TOO_EARLY = "Job can not be altered now, try again later"


# --- ending and signals


def cancel(places: Places, targets: list[Target], signal: str | int | None) -> None:
    """End jobs, or send them a signal. Raises MiniSlurmError."""
    number = NUMBERS["KILL"] if signal is None else read_signal(signal)
    rows = Rows(places.load(targets, (*FEW, "uid")))
    bodies: dict[str, list[dict[str, object]]] = {"cancel": [], "signal": []}
    for one in targets:
        found = rows.meant(one)
        if not found:
            raise unknown(one)
        left = [row for row in found if not row.state.is_over and row.state is not JobState.COMPLETING]
        if any(row.uid != os.getuid() for row in left):
            raise Refused(f"Kill job error on job id {one.id}: {DENIED}", hint="it is another user's")
        if left and one.cluster:
            _cancel_there(places, one, left, signal)
        elif left and signal is None:
            bodies["cancel"].append(_end(one, left))
        elif left:
            bodies["signal"] += [_signal(one, row, number) for row in left]
    for kind, wanted in bodies.items():
        if wanted:
            ask(places, kind, wanted)


def read_signal(signal: str | int) -> int:
    """The number of a signal. Raises BadUsage."""
    number = signal_number(str(signal))
    if not 0 < number <= LAST:
        raise BadUsage(f"Unknown job signal: {signal}", hint='write "USR1", or 10')
    return number


def _end(one: Target, rows: list[Job]) -> dict[str, object]:
    """The request that ends all that is named."""
    whole = one.task is None and any(row.array_job_id == one.number for row in rows)
    number = one.number if whole or one.task is not None else rows[0].het_job_id or rows[0].job_id
    return {"job_id": number, "task": one.task, "array": whole, "uid": os.getuid()}


def _signal(one: Target, row: Job, number: int) -> dict[str, object]:
    if row.state is JobState.PENDING:
        raise Refused(f"{TOO_EARLY}: {one.id}", hint="it has not started yet")
    if row.state is JobState.SUSPENDED:
        raise Refused(f"{TOO_EARLY}: {one.id}", hint="it is suspended: resume() lets it go on")
    return {"job_id": row.job_id, "signal": number, "whole": True, "uid": os.getuid()}


def _cancel_there(places: Places, one: Target, rows: list[Job], signal: str | int | None) -> None:
    with places.store.open():
        place = places.place(one.cluster)
        name = None if signal is None else str(signal)
        kept = [] if name is None or not place.cluster.native else ["--full", f"--signal={name}"]
        _check(one, place.make([place.cluster.cancel([_goal(one, rows)], name, kept)]))


# --- scontrol's verbs


def change(places: Places, one: Target, verb: str, kind: str, body: Mapping[str, Any], words: list[str]) -> None:
    """Do what scontrol's verb does to a job. Raises MiniSlurmError.

    `kind` and `body` are what the controller is asked for; `words` follow the job's number where a cluster is asked.
    """
    found = Rows(places.load([one], FEW)).meant(one)
    if not found:
        raise unknown(one)
    if one.cluster:
        with places.store.open():
            place = places.place(one.cluster)
            named = [f"JobId={one.id}", *words] if verb == "update" else [one.id]
            _check(one, place.make(place.cluster.change(verb, [_goal(one, found)], named)))
        return
    number = one.number if one.part is None else found[0].job_id
    order = {"job_id": number, "tasks": None if one.task is None else [one.task], "uid": os.getuid(), "admin": False}
    for answer in ask(places, kind, [{**order, **body}]):
        for error in (answer["error"], *(why for _, why in answer["tasks"])) if answer is not None else ():
            if error:
                raise Refused(f"{error} for job {one.id}")


def _goal(one: Target, rows: list[Job]) -> Goal:
    job = rows[0]
    assert isinstance(job, ForeignJob)
    whole = one.task is None and any(row.array_job_id == one.number for row in rows)
    return Goal(job, None if one.task is None else frozenset({one.task}), whole=whole, text=one.id)


def _check(one: Target, answers: Iterable[Answer]) -> None:
    """What the cluster's commands have to say against it. Raises Refused."""
    for answer in answers:
        if answer.code:
            said = (answer.err or answer.out).decode(errors="replace").strip().split("\n")
            raise Refused(*said, hint=f"so says {one.cluster}")


def ask(places: Places, kind: str, bodies: Iterable[dict[str, Any]]) -> list[dict[str, Any] | None]:
    """What the controller answers to these requests, in their order; None: nothing yet. Raises StateError."""
    store = places.store
    with store.open() as db:
        numbers = database.request(db, kind, bodies)
    store.wake()
    store.finish()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with store.open() as db:
            if database.is_handled(db, numbers):
                return database.take_answers(db, numbers)
        time.sleep(PAUSE)
    return [None] * len(numbers)
