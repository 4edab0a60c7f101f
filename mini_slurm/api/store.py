"""The state folder as one process uses it: from several threads, and after a fork."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from mini_slurm.api.faults import spoken
from mini_slurm.config.paths import DATABASE, state_folder
from mini_slurm.controller import autostart
from mini_slurm.errors import StateError
from mini_slurm.store.database import open_database

ALL: weakref.WeakSet[Store] = weakref.WeakSet()
BREATH = 0.03  # seconds from one waking of the controller to the next
IN_JOB = "MINI_SLURM_ATTEMPT"  # the variable that jobs have
INHERITED: list[sqlite3.Connection] = []  # a child process must neither use nor close what its parent has opened


class Store:
    """The database, opened when it is needed; one thread at a time has it."""

    def __init__(self) -> None:
        self.state = _folder()
        self._db: sqlite3.Connection | None = None
        self._lock = threading.RLock()
        self._started: list[int] = []  # controllers that this process has started
        self._rung = 0.0  # when the controller was woken last, by the monotonic clock
        self._timer: threading.Timer | None = None  # runs until it is woken again
        ALL.add(self)

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone. Raises MiniSlurmError."""
        with self._lock, spoken():
            if self._db is None:
                self._db = open_database(self.state)
            elif self._db.in_transaction:  # Ctrl-C came in between
                self._db.execute("ROLLBACK")
            yield self._db

    @contextmanager
    def apart(self) -> Iterator[sqlite3.Connection]:
        """A connection for something that may take long, while other threads have the usual one."""
        with spoken(), closing(open_database(self.state)) as db:
            yield db

    def wake(self) -> None:
        """See to it that a controller looks at what was just stored: now, or with what else is stored in a moment.

        Whoever submits a thousand jobs would otherwise compete with the controller for the database all the time.
        """
        with self._lock:
            if self._timer is not None:
                return
            pause = self._rung + BREATH - time.monotonic()
            if pause > 0:
                self._timer = threading.Timer(pause, self._wake_late)
                self._timer.daemon = False  # a program's end waits for it, that of a process of multiprocessing too
                self._timer.start()
                return
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            self._timer = None
            self._rung = time.monotonic()
            self._reap()
            if not autostart.ring(self.state):
                self._started.append(autostart.start(self.state))

    def _wake_late(self) -> None:
        with suppress(OSError):  # whoever looks at the state folder next says what is wrong with it
            self._wake()

    def finish(self) -> None:
        """Wake the controller now, if that was still to be done."""
        if self._timer is not None:
            self._timer.cancel()
            self._wake()

    def revive(self) -> None:
        """Start a controller where none runs."""
        with self._lock:
            self._reap()
            pid = autostart.revive(self.state)
            if pid is not None:
                self._started.append(pid)

    def _reap(self) -> None:
        """A controller that has ended leaves no dead child behind."""
        for pid in list(self._started):
            with suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG)[0] == 0:
                    continue
            with suppress(ValueError):
                self._started.remove(pid)

    def close(self) -> None:
        """Close the database; it is opened again when it is needed."""
        with self._lock:
            self.finish()
            self._reap()
            if self._db is not None:
                self._db.close()
                self._db = None

    def forget(self) -> None:
        """This process is a child of the one that opened it."""
        if self._db is not None:
            INHERITED.append(self._db)
        self._db, self._lock, self._started, self._timer = None, threading.RLock(), [], None
        self._rung = 0.0


def _folder() -> str:
    """The state folder, made if it is not there; but not in a job, where it is on another host. Raises StateError."""
    folder = state_folder(create=False)
    if os.environ.get(IN_JOB) and not os.path.exists(os.path.join(folder, DATABASE)):
        raise StateError(
            f"this is a job on a machine, and the state folder {folder} is not here",
            hint=f"use sbatch, squeue and the others in jobs; without {IN_JOB} this host gets one of its own",
        )
    return state_folder()


def _in_child() -> None:
    for store in list(ALL):
        store.forget()


os.register_at_fork(after_in_child=_in_child)
