"""A job's steps on its machine, as its stepd finds them in the spool: that needs no agent."""

import os
from contextlib import suppress
from typing import List

from mini_slurm.agent import spool

MARK = "has_steps"  # a file in the folder of a job that has had any here


def mark(folder: str) -> None:
    """The job in this folder has steps. Raises OSError."""
    os.close(os.open(f"{folder}/{MARK}", os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))


def has_any(folder: str) -> bool:
    """Has the job in this folder had steps here?"""
    return os.path.lexists(f"{folder}/{MARK}")


def tell_all(folder: str, line: str) -> None:
    """Say something to the stepds of all steps."""
    for step in _folders(folder):
        with suppress(OSError):  # it is over
            control = os.open(f"{step}/control", os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.write(control, line.encode() + b"\n")
            finally:
                os.close(control)


def are_running(folder: str) -> bool:
    """Has any step a stepd that lives?"""
    return any(_is_locked(step) for step in _folders(folder))


def _is_locked(folder: str) -> bool:
    try:
        lock = spool.lock(folder)
    except OSError:  # it was forgotten meanwhile
        return False
    if lock is not None:
        os.close(lock)
    return lock is None


def _folders(folder: str) -> List[str]:
    if not has_any(folder):
        return []
    root, name = os.path.split(folder)
    return [f"{root}/{other}" for other in os.listdir(root) if other.startswith(f"{name}-")]
