"""Wake the controller of a state folder, or start it. Commands load this: it imports only os, sys and errno.

The controller listens on a FIFO: opening it for writing tells at once whether somebody reads, and costs a command
neither the socket module nor a limit on the length of the path.
"""

from __future__ import annotations

import errno
import os
import sys

# in the state folder
FIFO = "controller.wake"
LOCK = "controller.lock"  # held by the controller, whose pid is written into it
LOG = "controller.log"


def wake(state: str) -> None:
    """See to it that a controller looks at the requests that were just stored."""
    if not ring(state):
        start(state)


def revive(state: str) -> int | None:
    """Start a controller where one is needed and none runs; its pid then. One that runs is left in peace."""
    fifo = _open_fifo(state)
    if fifo is None:
        return start(state)
    os.close(fifo)
    return None


def ring(state: str) -> bool:
    """Tell a running controller that there is something to do; False when none runs."""
    fifo = _open_fifo(state)
    if fifo is None:
        return False
    try:
        os.write(fifo, b".")
    except BlockingIOError:
        pass  # full: it has been rung often enough
    except BrokenPipeError:
        return False
    finally:
        os.close(fifo)
    return True


def _open_fifo(state: str) -> int | None:
    """The FIFO, open for writing; None when no controller reads it."""
    try:
        return os.open(os.path.join(state, FIFO), os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENOENT):
            return None
        raise


def open_log(state: str) -> int:
    """The log's descriptor, to write at its end. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(os.path.join(state, LOG), flags, 0o600)


def start(state: str) -> int:
    """Start a controller, detached from this process; two started at once settle it by the lock. Its pid."""
    log = open_log(state)
    try:
        pid = os.posix_spawn(
            sys.executable,
            # -P: a file called mini_slurm.py in the user's folder is not ours
            [sys.executable, "-P", "-m", "mini_slurm.controller.main", state],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
        )
    finally:
        os.close(log)
    if os.path.isdir("/run/systemd/system"):
        _let_outlive_login(pid)
    return pid


def _let_outlive_login(pid: int) -> None:
    """The login may be over, and emptied, before the controller can see to that itself."""
    from contextlib import suppress

    from mini_slurm.agent import scope

    with suppress(OSError):  # it tries again, and has a log for what stands against it
        scope.enter("controller", pid)
