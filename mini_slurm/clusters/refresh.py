"""What is known of a cluster's jobs, brought up to date: seldom, by one process, never made worse by a failure."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mini_slurm.clusters.states import OPEN, Known
from mini_slurm.errors import MiniSlurmError, Refused
from mini_slurm.store import foreign
from mini_slurm.store.database import transaction
from mini_slurm.store.foreign import FRESH, Contact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.clusters.base import Answer, Call
    from mini_slurm.clusters.protocols import Cluster, Runner

SPAN, CALLS = 5.0, 2  # in so many seconds no more than so many calls
FIRST_PAUSE, LONGEST_PAUSE = 2.5, 60.0  # seconds to leave a cluster alone after a failure
MOST = 10_000  # jobs whose ends are asked for in one call: their numbers have to fit into one word
PATIENCE = 20.0  # seconds to wait for another process that is asking


class TooSoon(Exception):
    """The system was asked often enough for now."""


class Refresh:
    """One process's way to bring a cluster's jobs up to date."""

    def __init__(self, state: str, db: sqlite3.Connection, name: str, cluster: Cluster, runner: Runner) -> None:
        self._lock = os.path.join(state, f"cluster-{name}.lock")
        self._db = db
        self._name = name
        self._cluster = cluster
        self._runner = runner
        self._is_answered = False

    def search(self) -> bool:
        """Look for submissions whose answer was lost, if it is time to; did the system answer? Raises StateError."""
        self._is_answered = False
        self.run(searches=True)
        return self._is_answered

    def run(self, *, everybody: bool = False, searches: bool = False) -> Contact:
        """Ask if it is time to; how the cluster answers. Raises StateError.

        `everybody`: others' jobs, too; `searches`: submissions whose answer was lost come before ends.
        """
        contact = foreign.contact(self._db, self._name)
        if not _is_time(contact, everybody):
            return contact
        with _alone(self._lock) as alone:
            contact = foreign.contact(self._db, self._name)  # somebody else may just have asked
            if alone and _is_time(contact, everybody):
                self._ask(contact, everybody, searches)
        return contact

    def _ask(self, contact: Contact, everybody: bool, searches: bool) -> None:
        try:
            is_whole = self._bring_up_to_date(contact, everybody, searches)
            contact.answered = time.time()
            contact.failures, contact.fault = 0, ""
            # whoever asks often for states would leave no room to ask for ends: both are asked for next
            contact.retry = 0.0 if is_whole else contact.answered + SPAN
            contact.everybody = contact.answered if everybody else contact.everybody
        except TooSoon:
            pass
        except Refused as error:
            contact.fault = error.lines[0]  # it was not asked: whoever has its commands may do so at once
        except MiniSlurmError as error:
            contact.retry = time.time() + min(FIRST_PAUSE * 2**contact.failures, LONGEST_PAUSE)
            contact.failures += 1
            contact.fault = error.lines[0]
        with transaction(self._db):
            foreign.save_contact(self._db, contact)

    def _bring_up_to_date(self, contact: Contact, everybody: bool, searches: bool) -> bool:
        """Ask, and store what was told; False: there was no room left to ask how jobs ended."""
        is_whole = True
        intents = foreign.intents(self._db, self._name)
        jobs = foreign.select(self._db, foreign.of_cluster(self._name, "ours", OPEN))
        known = Known(self._cluster, jobs, intents, time.time())
        call = known.question(everybody, searches or not contact.owes_ends)
        if call is not None:
            known.take_states(self._call(contact, call), everybody)
            self._is_answered = True
        asked = known.ended()[:MOST]
        question = self._cluster.ends(asked) if asked else None
        try:
            known.take_ends(asked, self._call(contact, question) if question else None)
        except TooSoon:
            is_whole = False
        with transaction(self._db):
            known.store(self._db)
        return is_whole

    def _call(self, contact: Contact, call: Call) -> Answer:
        """Make a call if it is not one too many. Raises MiniSlurmError, TooSoon."""
        now = time.time()
        contact.calls = [moment for moment in contact.calls if now - SPAN < moment <= now]
        if len(contact.calls) + call.asks > CALLS:
            raise TooSoon
        contact.calls += [now] * call.asks
        return self._runner.run(call)


def _is_time(contact: Contact, everybody: bool) -> bool:
    """A clock that was set back makes an answer old, not new for long."""
    now = time.time()
    answered = contact.everybody if everybody else contact.answered
    return not 0 <= now - answered < FRESH and not now < contact.retry <= now + LONGEST_PAUSE


@contextmanager
def _alone(path: str) -> Iterator[bool]:
    """Hold the lock; False: another process has held it for too long."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    yield False
                    return
                time.sleep(0.02)
            else:
                yield True
                return
    finally:
        os.close(lock)
