"""The process: lock, database, FIFO, loop, idle exit.

    python -m mini_slurm.controller.main STATE_FOLDER

There is one for each state folder: whoever holds the lock on `controller.lock`. It may be killed at any moment.
"""

from __future__ import annotations

from mini_slurm import search_path as search_path  # isort: split

import asyncio
import fcntl
import logging
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from mini_slurm.agent import scope
from mini_slurm.agent.limits import keep_memory
from mini_slurm.controller import autostart
from mini_slurm.controller.logfile import log_to
from mini_slurm.controller.session import Session
from mini_slurm.errors import MiniSlurmError, StateError

LOCK_PATIENCE = 60.0  # seconds to wait for a controller that is ending
STATE_PAUSE = 5.0  # seconds until the state folder is tried again after it failed
FIFO_READ = 4096  # bytes; each ring is one

log = logging.getLogger("mini_slurm.controller")


def main() -> int:
    """Run the controller of the state folder named on the command line, until it has had nothing to do for a while."""
    state = sys.argv[1]
    log_to(state)
    logging.getLogger("asyncssh").setLevel(logging.WARNING)
    lock = acquire_lock(state)
    if lock is None:
        return 0
    os.chdir("/")
    os.umask(0o077)
    _raise_limits()
    keep_memory()
    _outlive_login()
    try:
        asyncio.run(serve(state, lock))
    except MiniSlurmError as error:
        log.error("%s (%s)", error, error.hint)
        return error.exit_code
    finally:
        os.close(lock)
    return 0


def acquire_lock(state: str) -> int | None:
    """The lock's file descriptor; None when another controller runs. One that is just ending is waited for."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(os.path.join(state, autostart.LOCK), flags, 0o600)
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if autostart.ring(state) or time.monotonic() > deadline:
                os.close(lock)
                return None
            time.sleep(0.02)
        else:
            os.ftruncate(lock, 0)
            os.write(lock, f"{os.getpid()}\n".encode())
            return lock


def is_current(state: str, lock: int) -> bool:
    """Is it this lock that others find? Where not, the state folder was removed, and perhaps made anew."""
    try:
        return os.path.samestat(os.fstat(lock), os.stat(os.path.join(state, autostart.LOCK)))
    except OSError:
        return False


def _raise_limits() -> None:
    """The limits of the shell that happened to start the controller are not its own; files take the most of them."""
    for name in ("NOFILE", "FSIZE", "CPU", "AS", "DATA", "NPROC"):
        number = getattr(resource, f"RLIMIT_{name}")
        _, hard = resource.getrlimit(number)
        resource.setrlimit(number, (hard, hard))


def _outlive_login() -> None:
    """Logind may end what a login, or a cron job, leaves behind."""
    try:
        scope.enter("controller")
    except OSError as error:
        log.debug("no scope of its own: %s", error)


async def serve(state: str, lock: int) -> None:
    """Listen, decide, act; until idle, asked to end by SIGTERM or SIGINT, or without state. Raises MiniSlurmError."""
    stop = asyncio.Event()
    bell = Bell(state)
    log.info("controller %d of %s", os.getpid(), state)
    try:
        while is_current(state, lock) and await _run_session(state, lock, stop, bell):
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), STATE_PAUSE)
    finally:
        bell.close()
    log.info("controller %d ends", os.getpid())


async def _run_session(state: str, lock: int, stop: asyncio.Event, bell: Bell) -> bool:
    """One session to its end. True: the disk failed it, and the next one is to go on from what is stored."""
    session = Session(state)
    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, _end, stop, session)
    bell.listen(session.ring)
    try:
        while not stop.is_set():
            await session.turn()
            if not is_current(state, lock):
                log.error("%s is not there any more", state)
                break
            if session.is_idle_for_long:
                # whoever finds the FIFO closed starts the next controller; requests stored before that are still ours
                bell.close()
                if not session.has_requests:
                    break
                bell.listen(session.ring)
    except StateError as error:
        log.error("%s (%s): tried again in %g s", error, error.hint, STATE_PAUSE)
        return True
    finally:
        await session.close()
    return False


def _end(stop: asyncio.Event, session: Session) -> None:
    stop.set()
    session.ring()


class Bell:
    """The FIFO that commands ring."""

    def __init__(self, state: str) -> None:
        self._path = os.path.join(state, autostart.FIFO)
        self._fd: int | None = None

    def listen(self, rung: Callable[[], None]) -> None:
        """Make the FIFO, and call `rung` whenever somebody rings."""
        self.close()
        if not os.path.exists(self._path):
            os.mkfifo(self._path, 0o600)
        self._fd = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        asyncio.get_running_loop().add_reader(self._fd, self._read, rung)

    def _read(self, rung: Callable[[], None]) -> None:
        assert self._fd is not None
        os.read(self._fd, FIFO_READ)
        rung()

    def close(self) -> None:
        """Stop listening; the FIFO stays and tells those who ring that nobody is there."""
        if self._fd is not None:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._fd = None


if __name__ == "__main__":
    sys.exit(main())
