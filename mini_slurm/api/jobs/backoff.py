"""Trying again what failed for a reason that passes: a server that does not answer, a connection that broke."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from mini_slurm.errors import MiniSlurmError, Unreachable

T = TypeVar("T")

# What Slurm, PBS and LSF say when they cannot answer now, though they could a moment later
PASSING = (
    *("socket timed out", "unable to contact slurm controller", "temporarily unable to accept job"),
    *("resource temporarily unavailable", "zero bytes were transmitted", "connection refused", "connection timed out"),
    *("connection reset", "cannot connect to", "could not connect", "no route to host", "batch system is not ready"),
    *("lsf is down", "failed in an lsf library call", "server is busy", "end of file", "database is locked"),
)


def is_transient(error: BaseException) -> bool:
    """May trying again help?"""
    if isinstance(error, Unreachable):
        return error.again
    text = str(error).lower()
    return isinstance(error, MiniSlurmError) and any(words in text for words in PASSING)


@dataclass(frozen=True)
class Backoff:
    """How often something is tried, and the pauses between: each twice the one before, up to the longest."""

    tries: int = 5
    first: float = 1.0  # seconds
    longest: float = 60.0  # seconds

    def call(self, act: Callable[[], T]) -> T:
        """What `act` returns. What it raises that may pass is raised when it has happened `tries` times."""
        pause = self.first
        for _ in range(self.tries - 1):
            try:
                return act()
            except Exception as error:
                if not is_transient(error):
                    raise
            time.sleep(pause)
            pause = min(pause * 2, self.longest)
        return act()
