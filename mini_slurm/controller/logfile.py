"""The controller's log: standard error, which is a file in the state folder, begun anew when it has grown large."""

from __future__ import annotations

import logging
import os

from mini_slurm.controller import autostart
from mini_slurm.errors import visible

LARGEST = 8 * 1024 * 1024  # bytes; the log before this one is kept too
OLD = ".1"  # at the end of its name


class _OneLine(logging.Formatter):
    """Names of files, jobs and machines may have anything in them: control characters are made visible."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        return visible(super().formatMessage(record))


class _LogFile(logging.StreamHandler):  # type: ignore[type-arg]  # generic for the checker alone
    """Writes to standard error, and looks at its size."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        super().emit(record)
        turn_over(self._path)


def log_to(state: str) -> None:
    """Have everything logged to the state folder's log, where standard error leads already."""
    handler = _LogFile(os.path.join(os.path.abspath(state), autostart.LOG))
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.INFO)


def turn_over(path: str) -> None:
    """Where the log is too large, keep it under another name, and have both standard streams begin a new one."""
    if os.fstat(2).st_size <= LARGEST:
        return
    try:
        if not os.path.samestat(os.fstat(2), os.lstat(path)):
            return  # it is not the log that was asked for
        os.rename(path, path + OLD)
        log = autostart.open_log(os.path.dirname(path))
    except OSError:
        return  # it goes on in the file that is there
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
