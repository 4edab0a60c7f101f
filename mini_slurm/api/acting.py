"""Asking the controller to do something to jobs, and hearing whether it was done."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Any

from mini_slurm.api.places import Places, no_cluster, unknown
from mini_slurm.api.records import FEW, Rows, Target
from mini_slurm.errors import BadUsage, Refused
from mini_slurm.model.job import Job
from mini_slurm.model.signals import LAST, NUMBERS, signal_number
from mini_slurm.model.states import JobState
from mini_slurm.store import database

PATIENCE = 10.0  # seconds to wait for the controller; what was asked for is stored and is met later
PAUSE = 0.01  # seconds between two looks


def cancel(places: Places, targets: list[Target], signal: str | int | None) -> None:
    """End jobs, or send them a signal. Raises MiniSlurmError."""
    number = NUMBERS["KILL"] if signal is None else read_signal(signal)
    rows = Rows(places.load(targets, (*FEW, "uid", "state")))
    bodies: dict[str, list[dict[str, object]]] = {"cancel": [], "signal": []}
    for one in targets:
        found = rows.meant(one)
        if not found:
            raise unknown(one)
        if one.cluster:
            raise no_cluster("cancel()", one.cluster)
        left = [row for row in found if not row.state.is_over and row.state is not JobState.COMPLETING]
        if any(row.uid != os.getuid() for row in left):
            raise Refused(f"Kill job error on job id {one.id}: Access/permission denied", hint="it is another user's")
        if left and signal is None:
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
        raise Refused(f"Job can not be altered now, try again later: {one.id}", hint="it has not started yet")
    return {"job_id": row.job_id, "signal": number, "whole": True, "uid": os.getuid()}


def ask(places: Places, kind: str, bodies: Iterable[dict[str, Any]]) -> list[dict[str, Any] | None]:
    """What the controller answers to these requests, in their order; None: nothing yet. Raises StateError."""
    store = places.store
    with store.open() as db:
        numbers = database.request(db, kind, bodies)
    store.wake()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with store.open() as db:
            if database.is_handled(db, numbers):
                return database.take_answers(db, numbers)
        time.sleep(PAUSE)
    return [None] * len(numbers)
