"""Rows of the table `request` to events: what commands asked for, with what the core has to know of jobs that ended.

To add a request: a function here, and a line in DECODERS.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

from mini_slurm.model.dependencies import BadDependency, parse
from mini_slurm.model.job import Job
from mini_slurm.scheduler import events
from mini_slurm.scheduler.events import Caller, Event, Request
from mini_slurm.store import database
from mini_slurm.store.queries import MIN_JOB_AGE
from mini_slurm.store.schema import UNFINISHED

Body = dict[str, Any]


class Decoder:
    """Reads requests at one moment."""

    def __init__(self, db: sqlite3.Connection, now: float) -> None:
        self._db = db
        self._now = now

    def events(self, number: int, kind: str, body: str) -> list[Event]:
        """What the row of this number means; nothing, if a newer mini_slurm wrote it."""
        decoder = DECODERS.get(kind)
        return decoder(self, number, json.loads(body)) if decoder else []

    def submitted(self, number: int, body: Body) -> list[Event]:
        """A job was stored, or all parts of a heterogeneous one."""
        first = body["job_id"]
        jobs = database.load_jobs(self._db, "job_id BETWEEN ? AND ?", [first, first + body.get("parts", 1) - 1])
        return [*recall(self._db, jobs), *map(events.JobSubmitted, jobs)]

    def cancel(self, number: int, body: Body) -> list[Event]:
        """End a job, a task or an array."""
        return [events.CancelRequested(body["job_id"], body["task"], bool(body.get("array")), body["uid"])]

    def release(self, number: int, body: Body) -> list[Event]:
        """Give back the allocation of a job without a script."""
        return [events.ReleaseRequested(body["job_id"], body["uid"], body["exit_code"], body["exit_signal"])]

    def signal(self, number: int, body: Body) -> list[Event]:
        """Send a signal to a job, or to one of its steps."""
        step, ends, noted = body.get("step"), bool(body.get("ends")), bool(body.get("is_noted"))
        which, whole = body["signal"], bool(body["whole"])
        return [events.SignalRequested(body["job_id"], which, whole, body["uid"], step, ends, noted)]

    def update(self, number: int, body: Body) -> list[Event]:
        """Change what was asked for; one that is released may wait for jobs that ended while it was held."""
        live = database.load_jobs(self._db, f"{UNFINISHED} AND (job_id = ?1 OR array_job_id = ?1)", [body["job_id"]])
        text = body["changes"].get("Dependency")
        named = [*live, *([Job(dependency=text)] if text else [])]
        return [*recall(self._db, named), events.UpdateRequested(self._request(number, body), body["changes"])]

    def requeue(self, number: int, body: Body) -> list[Event]:
        """Run jobs again, held if a reason is given."""
        request = self._request(number, body)
        return [events.RequeueRequested(request, body["reason"], bool(body["only_running"]))]

    def suspend(self, number: int, body: Body) -> list[Event]:
        """Stop jobs, or let them go on."""
        return [events.SuspendRequested(self._request(number, body), bool(body["resume"]))]

    def step_limit(self, number: int, body: Body) -> list[Event]:
        """Another time limit of a step."""
        return [events.StepLimitRequested(number, _caller(body), body["job_id"], body["step"], body["seconds"])]

    def notify(self, number: int, body: Body) -> list[Event]:
        """A line for the output of a job."""
        return [events.NotifyRequested(self._request(number, body), body["text"])]

    def top(self, number: int, body: Body) -> list[Event]:
        """Jobs that are to go first."""
        jobs = tuple((job, task) for job, task in body["jobs"])
        return [events.TopRequested(number, _caller(body), jobs)]

    def measure(self, number: int, body: Body) -> list[Event]:
        """What does a job use?"""
        return [events.MeasureRequested(number, body["job_id"])]

    def nodes(self, number: int, body: Body) -> list[Event]:
        """Change machines."""
        return [events.NodesUpdateRequested(number, _caller(body), tuple(body["names"]), body["changes"])]

    def partition(self, number: int, body: Body) -> list[Event]:
        """Change a partition, or make one."""
        create = bool(body["create"])
        return [events.PartitionUpdateRequested(number, _caller(body), body["name"], body["changes"], create)]

    def no_partition(self, number: int, body: Body) -> list[Event]:
        """Take a partition away."""
        return [events.PartitionDeleteRequested(number, _caller(body), body["name"])]

    def reservation(self, number: int, body: Body) -> list[Event]:
        """Change a reservation, or make one."""
        return [events.ReservationRequested(number, _caller(body), body["changes"], bool(body["create"]))]

    def no_reservation(self, number: int, body: Body) -> list[Event]:
        """Take a reservation away."""
        return [events.ReservationDeleteRequested(number, _caller(body), body["name"])]

    def _request(self, number: int, body: Body) -> Request:
        """Who asks about which jobs. Those that ended long ago are known no more, as in Slurm."""
        where = f"(job_id = ?1 OR array_job_id = ?1) AND NOT {UNFINISHED} AND end_time > ?2"
        past = database.load_jobs(self._db, where, [body["job_id"], self._now - MIN_JOB_AGE])
        tasks = body["tasks"]
        return Request(number, _caller(body), body["job_id"], None if tasks is None else tuple(tasks), tuple(past))


DECODERS: dict[str, Callable[[Decoder, int, Body], list[Event]]] = {
    "submitted": Decoder.submitted,
    "cancel": Decoder.cancel,
    "release": Decoder.release,
    "signal": Decoder.signal,
    "update": Decoder.update,
    "requeue": Decoder.requeue,
    "suspend": Decoder.suspend,
    "notify": Decoder.notify,
    "top": Decoder.top,
    "measure": Decoder.measure,
    "step_limit": Decoder.step_limit,
    "nodes": Decoder.nodes,
    "partition": Decoder.partition,
    "no partition": Decoder.no_partition,
    "reservation": Decoder.reservation,
    "no reservation": Decoder.no_reservation,
}


def _caller(body: Body) -> Caller:
    return Caller(body["uid"], bool(body.get("admin")))


def recall(db: sqlite3.Connection, jobs: Iterable[Job]) -> list[Event]:
    """What is stored of the ends of jobs that these depend on."""
    numbers = {one.job_id for job in jobs for one in _conditions(job) if one.job_id}
    if not numbers:
        return []
    marks = ",".join("?" * len(numbers))
    where = f"(job_id IN ({marks}) OR array_job_id IN ({marks})) AND NOT {UNFINISHED}"
    return [events.EndsRecalled(tuple(database.load_jobs(db, where, [*numbers, *numbers])))]


def _conditions(job: Job) -> Iterable[Any]:
    try:
        return parse(job.dependency or "").each
    except BadDependency:
        return ()
