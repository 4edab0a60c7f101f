"""A submission to a cluster, exactly once: intent, call, answer; and what to do when there is no clear answer."""

from __future__ import annotations

import time

from mini_slurm.clusters.base import Answer, Lost, NotMade, Unanswered
from mini_slurm.errors import MiniSlurmError, Refused
from mini_slurm.model.foreign import ZERO
from mini_slurm.store import foreign
from mini_slurm.store.database import keep, transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from mini_slurm.clusters.base import Order
    from mini_slurm.clusters.protocols import Cluster, Runner
    from mini_slurm.model.foreign import ForeignJob

LOOKS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before each look for a job whose answer was lost
KILLED = -9  # what an answer is taken for that got lost
SURE = 2  # answers without the job until it counts as not submitted


class Submitted:
    """What came of it: the answer to show, and the job if there is one; `found`: only its tag told of it."""

    def __init__(self, answer: Answer, job: ForeignJob | None, *, found: bool = False) -> None:
        self.answer = answer
        self.job = job
        self.found = found


def submit(db: sqlite3.Connection, cluster: Cluster, runner: Runner, order: Order) -> Submitted:
    """Submit the job, and store it when it was taken. Raises MiniSlurmError."""
    call = cluster.submission(order, remote=runner.remote)
    with transaction(db):
        order.job.script = keep(db, order.source)
        foreign.intend(db, order.job)
    try:
        answer = runner.run(call)
    except (Refused, NotMade):
        _forget(db, order.job)
        raise
    except Lost:
        answer = Answer(KILLED, b"", b"")
    name = cluster.read_submission(answer)
    if name is not None:
        return _taken(db, order.job, name, answer)
    if not cluster.is_unclear(answer):
        _forget(db, order.job)
        return Submitted(answer, None)
    try:
        name = _look(cluster, runner, order.job)
    except Unanswered as error:
        if answer.err:
            return Submitted(answer, None)  # the intent stays: a refresh may find the job
        raise Unanswered(*error.lines, hint="msqueue shows it, if it was, as soon as the cluster answers") from None
    if name is not None:
        return _taken(db, order.job, name, answer, found=True)
    _forget(db, order.job)
    return Submitted(answer, None)


def _taken(db: sqlite3.Connection, job: ForeignJob, name: str, answer: Answer, *, found: bool = False) -> Submitted:
    with transaction(db):
        take(db, job, name)
        foreign.outdate(db, job.cluster)
    return Submitted(answer, job, found=found)


def _forget(db: sqlite3.Connection, job: ForeignJob) -> None:
    with transaction(db):
        foreign.end_intent(db, job.tag)


def take(db: sqlite3.Connection, job: ForeignJob, name: str) -> None:
    """The job was taken under this name; call it within a transaction."""
    job.foreign_id = name
    job.job_id = number_of(name)
    if job.array_tasks is not None:
        job.array_job_id = job.job_id
    foreign.save(db, [job])
    foreign.end_intent(db, job.tag)


def number_of(name: str) -> int:
    """The number for what a system calls a job: 123 for `123`, `123.server`, `123[].server`."""
    digits = name[: len(name) - len(name.lstrip("0123456789"))]
    return (int(digits) or ZERO) if digits else 0


def _look(cluster: Cluster, runner: Runner, job: ForeignJob) -> str | None:
    """The name of the job with this tag, if the system knows it. Raises Unanswered when it does not say."""
    sure = 0
    for pause in LOOKS:
        time.sleep(pause)
        try:
            known = cluster.read_states(runner.run(cluster.find(job)), [])
        except MiniSlurmError:
            continue
        for other in known:
            if other.tag == job.tag:
                return cluster.name(other)
        sure += 1
        if sure == SURE:
            return None
    raise Unanswered(f"cluster {job.cluster} does not say whether the job was submitted")
