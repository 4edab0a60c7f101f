"""Notices of jobs' events: written down with the change they tell of, and sent by processes of their own.

What is to be sent is stored in the transaction that stores the change, and goes from there when it was sent: each is
sent at least once, whatever happens to the controller. Nothing of it can keep the loop waiting, or touch a job.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import Callable

from mini_slurm.controller.posting import Outcome, post
from mini_slurm.model import notices as model
from mini_slurm.model.fleet import Fleet
from mini_slurm.model.job import Job
from mini_slurm.model.notices import Before, Wishes, veiled
from mini_slurm.output import notices as forms
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.store import database
from mini_slurm.store import notices as store
from mini_slurm.store.notices import Notice

PAUSES = (10.0, 60.0, 300.0, 1800.0)  # seconds before each further try; after the last one it is given up
AT_ONCE = 4  # processes that send
ARRAY_BEGIN = "ARRAY_BEGIN"  # a task of the array has begun
BATCH = 20  # notices of the same way and target that one of them sends

log = logging.getLogger(__name__)


class Notices:
    """What is to be told, and what is being told."""

    def __init__(self, db: sqlite3.Connection, cluster: Cluster, ring: Callable[[], None]) -> None:
        self._cluster = cluster
        self._ring = ring
        self._waiting = {notice.number: notice for notice in store.load(db)}
        self._new: list[Notice] = []  # stored in the transaction that is under way
        self._summed: set[int] = set()  # arrays whose last tasks have ended in that transaction
        self._under_way: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._done: list[int] = []
        self._put_off: list[Notice] = []
        self._timed = {job.job_id: job for job in cluster.jobs.values() if self._is_timed(job)}

    # --- within the loop's transaction

    def before(self, db: sqlite3.Connection) -> dict[int, Before]:
        """What is stored of those touched jobs of which anybody wants to hear."""
        return store.before(db, [job for job in self._cluster.touched.values() if self._events(job)])

    def note(self, db: sqlite3.Connection, before: dict[int, Before], now: float) -> None:
        """Write down what is to be told of the jobs that were touched, which are stored already."""
        self._new, self._summed = [], set()
        for run in self._cluster.runs:
            if self._events(run):
                self._guarded(run, self._tell_all, db, run, model.run_events(run), now)
        for job in self._cluster.touched.values():
            if self._events(job):
                self._guarded(job, self._note_job, db, job, before.get(job.job_id, model.NEW), now)
        for job in list(self._timed.values()):
            self._guarded(job, self._tell_shares, db, job, model.passed(job, now), now)
        self._persist(db)

    def _guarded(self, job: Job, act: Callable[..., None], *arguments: object) -> None:
        """Whatever is wrong with a notice, the job goes on; the disk's troubles are everybody's."""
        try:
            act(*arguments)
        except sqlite3.Error:
            raise
        except Exception:
            log.exception("no notice is sent of job %d", job.job_id)

    def _note_job(self, db: sqlite3.Connection, job: Job, before: Before, now: float) -> None:
        events = model.changes(before, job)
        self._tell_shares(db, job, [event for event in events if event in model.SHARES], now)
        self._tell_all(db, job, [event for event in events if event not in model.SHARES], now)
        if self._is_timed(job):
            self._timed[job.job_id] = job
        elif self._timed.pop(job.job_id, None) is not None and job.state.is_over:
            store.forget(db, job.job_id, model.SHARES)

    def _tell_shares(self, db: sqlite3.Connection, job: Job, events: list[str], now: float) -> None:
        for event in set(events) & self._events(job):
            if store.note_once(db, job.job_id, event):
                self._tell(db, job, event, now)

    def _tell_all(self, db: sqlite3.Connection, job: Job, events: list[str], now: float) -> None:
        """Of a task of an array whose owner wants one notice for all, what holds for all of it."""
        wishes = model.wishes(job.extra)
        is_alone = job.array_job_id is None or (wishes is not None and model.ARRAY_TASKS in wishes.mail)
        for event in events:
            self._tell(db, job, event, now, mail=is_alone or event == "INVALID_DEPEND")
        if not is_alone and wishes is not None and wishes.mail:
            self._tell_array(db, job, events, wishes, now)

    def _tell_array(self, db: sqlite3.Connection, job: Job, events: list[str], wishes: Wishes, now: float) -> None:
        array = job.array_job_id or 0
        if "BEGIN" in events and "BEGIN" in wishes.mail and store.note_once(db, array, ARRAY_BEGIN):
            self._mail(db, job, "BEGIN", model.subject(job, "BEGIN", now, whole=True), wishes, now)
        if not (job.state.is_over and {"END", "FAIL"} & set(events)) or self._cluster.records_of(array):
            return
        if array in self._summed:
            return
        self._summed.add(array)
        tasks = database.load_jobs(db, "array_job_id = ?", (array,))
        store.forget(db, array, [ARRAY_BEGIN])
        found = model.summary(tasks)
        first = next((task for task in tasks if task.job_id == array), job)  # whose state Slurm shows
        for event in model.summary_events(found):
            if event in wishes.mail:
                self._mail(db, first, event, model.subject(first, event, now, found, whole=True), wishes, now)

    def _tell(self, db: sqlite3.Connection, job: Job, event: str, now: float, *, mail: bool = True) -> None:
        """To all who want to hear of it; of a heterogeneous job, of its first part alone."""
        if job.het_offset:
            return
        wishes, subject = model.wishes(job.extra), model.subject(job, event, now)
        if wishes is not None and mail and event in wishes.mail:
            self._mail(db, job, event, subject, wishes, now)
        if wishes is not None and wishes.target and event in wishes.target_events:
            way = "command" if wishes.target.startswith("/") else "webhook"
            self._add(db, job, event, way, wishes.target, subject, now)
        if self._fleet.notices.command and event in self._hooked:
            self._add(db, job, event, "command", self._fleet.notices.command, subject, now)

    def _mail(self, db: sqlite3.Connection, job: Job, event: str, subject: str, wishes: Wishes, now: float) -> None:
        domain = self._fleet.mail.domain
        address = wishes.mail_user or (f"{job.user}@{domain}" if domain else job.user)
        self._add(db, job, event, "mail", address, subject, now)

    def _add(
        self, db: sqlite3.Connection, job: Job, event: str, way: str, target: str, subject: str, now: float
    ) -> None:
        cluster = self._fleet.name
        body = {
            "subject": subject,
            "text": forms.text(job, subject, cluster, _moment),
            "variables": forms.variables(job, event, cluster),
            "document": forms.document(job, event, subject, cluster, now),
            "time": now,
        }
        self._new.append(store.add(db, job.job_id, event, way, target, json.dumps(body), now))

    def _persist(self, db: sqlite3.Connection) -> None:
        done, self._done = self._done, []
        put_off, self._put_off = self._put_off, []
        store.remove(db, done)
        store.put_off(db, put_off)

    @property
    def _fleet(self) -> Fleet:
        return self._cluster.file

    @property
    def _hooked(self) -> frozenset[str]:
        """The events for which the fleet's program is called."""
        asked = frozenset(self._fleet.notices.events)
        return asked | model.ORDINARY if "ALL" in asked or not asked else asked

    def _events(self, job: Job) -> frozenset[str]:
        """The events of a job that anybody wants to hear of."""
        wishes = model.wishes(job.extra)
        events = wishes.events if wishes is not None else frozenset()
        return events | self._hooked if self._fleet.notices.command else events

    def _is_timed(self, job: Job) -> bool:
        return not job.state.is_over and bool(self._events(job) & model.SHARES.keys())

    def next_moment(self, now: float) -> float | None:
        """When the next share of a running job's time limit is reached of which somebody wants to hear."""
        moments = (model.next_share(job, self._events(job), now) for job in self._timed.values())
        return min((moment for moment in moments if moment is not None), default=None)

    # --- after it

    def look(self) -> None:
        """What was written down is on disk: send what is due."""
        self._waiting |= {notice.number: notice for notice in self._new}
        self._new = []
        now = time.time()
        due: dict[tuple[str, str], list[Notice]] = {}
        for notice in self._waiting.values():
            if notice.due <= now and notice.number not in self._under_way:
                due.setdefault((notice.way, notice.target), []).append(notice)
        for (way, target), notices in due.items():
            if len(self._tasks) < AT_ONCE and not self._is_under_way(way, target):
                task = asyncio.get_running_loop().create_task(self._send(notices[:BATCH]))
                self._under_way |= {notice.number for notice in notices[:BATCH]}
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _is_under_way(self, way: str, target: str) -> bool:
        """One after the other to each: who is slow keeps nobody else waiting."""
        present = (self._waiting[number] for number in self._under_way if number in self._waiting)
        return any((notice.way, notice.target) == (way, target) for notice in present)

    @property
    def is_busy(self) -> bool:
        """Is there anything that is not sent yet?"""
        return bool(self._waiting or self._done)

    async def close(self) -> None:
        """The controller ends: what was not sent for certain is sent by the next one."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self, notices: list[Notice]) -> None:
        outcomes: dict[int, Outcome] = {}
        try:
            outcomes = await post(self._fleet, self._cluster.state_id, notices)
        except OSError as error:
            log.warning("notices cannot be sent: %s", error)
        for notice in notices:
            self._settle(notice, outcomes.get(notice.number, Outcome("again", "no answer in time")))
        asyncio.get_running_loop().call_soon(self._ring)

    def _settle(self, notice: Notice, outcome: Outcome) -> None:
        self._under_way.discard(notice.number)
        what = f"{notice.event} of job {notice.job_id} to {veiled(notice.target)}"
        if outcome.word == "again" and notice.tries < len(PAUSES):
            pause = PAUSES[notice.tries]
            log.warning("%s: %s; tried again in %g s", what, outcome.why, pause)
            later = notice._replace(tries=notice.tries + 1, due=time.time() + pause)
            self._waiting[notice.number] = later
            self._put_off.append(later)
            asyncio.get_running_loop().call_later(pause + 0.01, self._ring)
            return
        if outcome.word != "sent":
            log.error("%s: %s; given up", what, outcome.why)
        del self._waiting[notice.number]
        self._done.append(notice.number)


def _moment(when: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(when))
