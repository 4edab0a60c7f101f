"""A job's steps on its machine, as its stepd finds them in the spool: that needs no agent."""

import os
from contextlib import suppress
from typing import List, Optional

from mini_slurm.agent import spool

MARK = "has_steps"  # a file in the folder of a job that has had any here
ENDED = "steps_ended.json"  # ... and has told them to end


def mark(folder: str) -> None:
    """The job in this folder has steps. Raises OSError."""
    os.close(os.open(f"{folder}/{MARK}", os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))


def has_any(folder: str) -> bool:
    """Has the job in this folder had steps here?"""
    return os.path.lexists(f"{folder}/{MARK}")


def end_all(folder: str, kill_wait: int, why: str) -> None:
    """The job ends: its steps' tasks have `kill_wait` seconds for that. First of all it is noted for the agent."""
    if has_any(folder):
        with suppress(OSError):  # a full disk
            spool.write_json(folder, ENDED, {"kill_wait": kill_wait})
    tell_all(folder, f"end {kill_wait} {why}")


def kill_wait(folder: str) -> Optional[int]:
    """How many seconds the tasks of a job that ends were given; None while it does not. Raises OSError, ValueError."""
    noted = spool.read_json(folder, ENDED)
    return int(noted["kill_wait"]) if noted else None


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
