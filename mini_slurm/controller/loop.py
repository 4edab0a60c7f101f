"""The scheduler's role: what happened goes into the core, what it decided onto the disk, and only then to the hands."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Protocol

from mini_slurm.config.cache import OVERRIDES
from mini_slurm.controller.decoding import Decoder
from mini_slurm.controller.notices import Notices
from mini_slurm.model.changed_fleet import to_text
from mini_slurm.model.job import Job
from mini_slurm.model.machine import Machine
from mini_slurm.scheduler.cluster import Cluster, allocation
from mini_slurm.scheduler.core import next_moment, step
from mini_slurm.scheduler.decisions import Answer, Decision
from mini_slurm.scheduler.events import Event
from mini_slurm.store import database

LONGEST_SLEEP = 10.0  # seconds
BREATH = 0.01  # seconds from one turn to the next: what happens meanwhile shares one commit


class Performer(Protocol):
    """The hands, as the loop sees them."""

    def perform(self, decisions: Iterable[Decision]) -> None:
        """Act. What comes of it is posted as events."""

    def announce(self, jobs: Iterable[Job]) -> None:
        """Tell who waits for them that these jobs have changed."""

    def persist(self, db: sqlite3.Connection) -> None:
        """Write what the hands must remember, within the loop's transaction."""


class Loop:
    """The only caller of step() in the controller, and the only one who reads a clock for it."""

    def __init__(self, db: sqlite3.Connection, cluster: Cluster, clock: Callable[[], float]) -> None:
        self.db = db
        self.cluster = cluster
        self.clock = clock
        self._events: list[Event] = []
        self._machines: dict[str, Machine] = {}
        self._used: set[str] = set()  # of these: on which other use than before was seen
        self.alone = asyncio.Lock()  # held while a transaction of this connection is open across a wait
        self._bell = asyncio.Event()
        self._rested_at = 0.0  # by the event loop's clock
        self.notices = Notices(db, cluster, self.ring)

    def post(self, event: Event) -> None:
        """Something happened."""
        self._events.append(event)
        self._bell.set()

    def note_machine(self, machine: Machine) -> None:
        """What is known of a machine changed: it is stored with the next turn."""
        self._machines[machine.name] = machine
        self._bell.set()

    def note_use(self, machine: Machine) -> None:
        """Others than before use a machine besides jobs: that is booked with the next turn."""
        self._used.add(machine.name)
        self.note_machine(machine)

    def is_elsewhere(self, attempt: str, machine: str) -> bool:
        """Is this the present attempt of a job, but on another machine? Then this machine has no say in it."""
        job = self.cluster.job_of(attempt)
        return job is not None and machine not in allocation(job)

    def is_smaller(self, attempt: str) -> bool:
        """Has the job whose present attempt this is given machines back?"""
        job = self.cluster.job_of(attempt)
        return job is not None and job.resize_time is not None

    def ring(self) -> None:
        """A command stored a request."""
        self._bell.set()

    @property
    def is_idle(self) -> bool:
        """Is there no job that is not over, and nothing to be taken in?"""
        return not self.cluster.jobs and not self._events and not self._machines

    async def sleep(self) -> None:
        """Until something happens, or the core has something to do by itself."""
        now = self.clock()
        moments = (now + LONGEST_SLEEP, next_moment(self.cluster, now), self.notices.next_moment(now))
        pause = max(min(moment for moment in moments if moment is not None) - now, 0.0)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._bell.wait(), pause)
        running = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._rested_at - running.time()))
        self._rested_at = running.time() + BREATH
        self._bell.clear()

    async def turn(self, hands: Performer) -> None:
        """Decide upon all that has happened, commit it, then let the hands act. Raises StateError.

        The disk takes its time for the commit; meanwhile the machines are listened to.
        """
        async with self.alone:
            decisions = await self._commit(hands)
        changed = [*self.cluster.touched.values()]
        self.cluster.touched.clear()
        self.cluster.is_overridden = False
        hands.announce(changed)
        hands.perform(decisions)
        self.notices.look()

    async def _commit(self, hands: Performer) -> list[Decision]:
        with database.rolled_back_unless_committed(self.db):
            events, self._events = self._events, []
            requested, last = self._requests()
            decisions = self._decide(events + requested)
            self._save(last, decisions)
            hands.persist(self.db)
            await asyncio.to_thread(self.db.execute, "COMMIT")
        return decisions

    def _requests(self) -> tuple[list[Event], int]:
        rows = self.db.execute("SELECT number, kind, body FROM request ORDER BY number").fetchall()
        decoder = Decoder(self.db, self.clock())
        return [event for row in rows for event in decoder.events(*row)], (rows[-1][0] if rows else 0)

    def _decide(self, events: list[Event]) -> list[Decision]:
        first = int(database.get_setting(self.db, "next_job_id") or "1")
        self.cluster.next_job_id = first
        decisions = step(self.cluster, events, self.clock())
        if self.cluster.next_job_id != first:
            database.set_setting(self.db, "next_job_id", str(self.cluster.next_job_id))
        return decisions

    def _save(self, last_request: int, decisions: list[Decision]) -> None:
        jobs = self.cluster.touched.values()
        before = self.notices.before(self.db)
        database.suspend_steps(self.db, jobs)
        database.save_jobs(self.db, jobs)
        self.notices.note(self.db, before, self.clock())
        database.end_steps(self.db, (job for job in jobs if not job.state.holds_resources), self.clock())
        database.save_runs(self.db, self.cluster.runs)
        self.cluster.runs.clear()
        database.save_sizes(self.db, self.cluster.sizes)
        self.cluster.sizes.clear()
        if self.cluster.is_overridden:
            database.set_setting(self.db, OVERRIDES, to_text(self.cluster.overrides))
        for answer in decisions:
            if isinstance(answer, Answer):
                database.store_answer(self.db, answer.request, answer._asdict())
        for machine in self._machines.values():
            database.save_machine(self.db, machine)
            if machine.name in self._used:
                database.book_foreign_use(self.db, machine, self.clock())
        self._machines.clear()
        self._used.clear()
        if last_request:
            self.db.execute("DELETE FROM request WHERE number <= ?", (last_request,))
