"""Errors as Python programs meet them: what commands print becomes exceptions of the one hierarchy in `errors`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mini_slurm.errors import BadOption, BadUsage, Fatal, MiniSlurmError
from mini_slurm.store.schema import state_error

if TYPE_CHECKING:
    from mini_slurm.api.info import JobInfo

PROGRAM = "msbatch"  # whose part the client plays where a text names a program
PREFIXES = tuple(f"{PROGRAM}: {word}" for word in ("error: ", "fatal: ", ""))
ADVICE = "Try "  # begins getopt's last line, which speaks of --help


class UnknownJob(MiniSlurmError):
    """There is no job of this number: none was ever submitted here, or it is not on the chosen cluster."""


class JobFailed(MiniSlurmError):
    """A job has not ended well. `info`: what became of it."""

    def __init__(self, *lines: str, info: JobInfo, hint: str = "") -> None:
        super().__init__(*lines, hint=hint)
        self.info = info

    def __reduce__(self) -> tuple[Any, ...]:
        """It may travel between processes, as from a worker of a pool."""
        return _failed, (self.lines, self.hint, self.info)


class WaitTimeout(MiniSlurmError, TimeoutError):
    """The time for waiting is over. The jobs go on, and can be waited for again."""


@contextmanager
def spoken() -> Iterator[None]:
    """What goes wrong within is raised so that its text says what happened, and what to do."""
    try:
        yield
    except MiniSlurmError as error:
        raise _told(error) from None
    except sqlite3.Error as error:
        raise _told(state_error("the state folder's database", error)) from error


def _told(error: MiniSlurmError) -> MiniSlurmError:
    lines = _bare(error.lines)
    if isinstance(error, BadOption | Fatal) or type(error) is BadUsage:
        error = BadUsage(*lines, hint=error.hint)
    error.lines = tuple(lines)
    error.args = ("\n".join(lines) + (f" ({error.hint})" if error.hint else ""),)
    return error


def _failed(lines: tuple[str, ...], hint: str, info: JobInfo) -> MiniSlurmError:
    return _told(JobFailed(*lines, info=info, hint=hint))


def _bare(lines: tuple[str, ...]) -> list[str]:
    """The lines without the name of a command that nobody called."""
    return [_without(line) for line in lines if not line.startswith(ADVICE)]


def _without(line: str) -> str:
    return next((line.removeprefix(prefix) for prefix in PREFIXES if line.startswith(prefix)), line)
