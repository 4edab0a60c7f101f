"""A submission to a cluster, exactly once: intent, call, answer; and what to do when there is no clear answer."""

from __future__ import annotations

import time

from mini_slurm.clusters.base import Answer, Lost, NotMade, Unanswered
from mini_slurm.errors import Refused
from mini_slurm.model.foreign import ZERO
from mini_slurm.store import foreign
from mini_slurm.store.database import keep, transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from mini_slurm.clusters.base import Order
    from mini_slurm.clusters.protocols import Cluster, Runner
    from mini_slurm.clusters.refresh import Refresh
    from mini_slurm.model.foreign import ForeignJob

    Tell = Callable[["Submitted"], None]

PATIENCE = 20.0  # seconds to look for a job whose answer was lost
PAUSE = 0.5  # seconds before each look
KILLED = -9  # what an answer is taken for that got lost
SURE = 2  # answers without the job until it counts as not submitted


class Submitted:
    """What came of it: the answer to show, and the job if there is one.

    `found`: only its tag told of it; `stays`: the answer was to be that of the job's end.
    """

    def __init__(self, answer: Answer, job: ForeignJob | None, *, found: bool = False, stays: bool = False) -> None:
        self.answer = answer
        self.job = job
        self.found = found
        self.stays = stays

    @property
    def owes_end(self) -> bool:
        """Was the program that was to stay until the job is over ended before it?"""
        return self.stays and (self.found or self.answer.code < 0)


class _Listener:
    """Stores the job of a program that stays until its job is over as soon as that prints the job's name."""

    def __init__(self, db: sqlite3.Connection, cluster: Cluster, job: ForeignJob, tell: Tell) -> None:
        self._db = db
        self._cluster = cluster
        self._job = job
        self._tell = tell
        self.is_told = False

    def hear(self, out: bytes) -> None:
        """What was printed so far."""
        lines = Answer(0, out[: out.rfind(b"\n") + 1], b"")
        name = None if self.is_told else self._cluster.read_submission(lines)
        if name is not None:
            self.is_told = True
            self._tell(_taken(self._db, self._job, name, lines))


def untold(submitted: Submitted) -> None:
    """Whoever submits hears of it at the end."""


def submit(
    db: sqlite3.Connection,
    cluster: Cluster,
    runner: Runner,
    refresher: Callable[[], Refresh],
    order: Order,
    tell: Tell = untold,
) -> Submitted:
    """Submit the job, and store it when it was taken; a lost answer is looked for. Raises MiniSlurmError.

    `tell` is told of a job whose submission stays until it is over, as soon as there is one.
    """
    call = cluster.submission(order, remote=runner.remote)
    with transaction(db):
        order.job.script = keep(db, order.source)
        foreign.intend(db, order.job)
    stays, listener = call.patience is None, _Listener(db, cluster, order.job, tell)
    try:
        answer = runner.run(call, listener.hear)
    except (Refused, NotMade):
        _forget(db, order.job)
        raise
    except Lost:
        answer = Answer(KILLED, b"", b"")
    if listener.is_told:
        with transaction(db):
            foreign.outdate(db, order.job.cluster)
        return Submitted(answer, order.job, stays=stays)
    name = cluster.read_submission(answer)
    if name is not None:
        return _taken(db, order.job, name, answer)
    if not cluster.is_unclear(answer):
        _forget(db, order.job)
        return Submitted(answer, None)
    found = _find(db, refresher(), order.job, answer)
    if found is None:
        return Submitted(answer, None)
    _call(order.job, cluster.name(found))
    return Submitted(answer, order.job, found=True, stays=stays)


def _find(db: sqlite3.Connection, refresh: Refresh, job: ForeignJob, answer: Answer) -> ForeignJob | None:
    """The job that an unclear answer may have left; None: nothing is to be said of one. Raises MiniSlurmError."""
    try:
        found = _look(db, refresh, job)
    except Unanswered as error:
        if answer.err:
            return None  # the intent stays: a refresh may find the job
        raise Unanswered(*error.lines, hint="msqueue shows it, if it was, as soon as the cluster answers") from None
    if found is None:
        _forget(db, job)
    return found


def _taken(db: sqlite3.Connection, job: ForeignJob, name: str, answer: Answer) -> Submitted:
    _call(job, name)
    with transaction(db):
        foreign.save(db, [job])
        foreign.end_intent(db, job.tag)
        foreign.outdate(db, job.cluster)
    return Submitted(answer, job)


def _forget(db: sqlite3.Connection, job: ForeignJob) -> None:
    with transaction(db):
        foreign.end_intent(db, job.tag)


def _call(job: ForeignJob, name: str) -> None:
    """The system took the job under this name."""
    job.foreign_id = name
    job.job_id = number_of(name)
    if job.array_tasks is not None:
        job.array_job_id = job.job_id


def number_of(name: str) -> int:
    """The number for what a system calls a job: 123 for `123`, `123.server`, `123[].server`."""
    digits = name[: len(name) - len(name.lstrip("0123456789"))]
    return (int(digits) or ZERO) if digits else 0


def _look(db: sqlite3.Connection, refresh: Refresh, job: ForeignJob) -> ForeignJob | None:
    """The job with this tag, if the system knows it. Raises Unanswered when it does not say."""
    sure, end = 0, time.monotonic() + PATIENCE
    while sure < SURE and time.monotonic() < end:
        time.sleep(PAUSE)
        sure += refresh.search()
        found = foreign.with_tag(db, job.cluster, job.tag)
        if found is not None:
            return found
    if sure < SURE:
        raise Unanswered(f"cluster {job.cluster} does not say whether the job was submitted")
    return None
