"""When a job that has ended is to run again: exit codes, retries, and the pauses before them.

`--requeue-exit=85-87,limit@30`, `--retries=3@60`, and Slurm's RequeueExit (`85-87,99`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

MOST_CODE = 255
LIMIT = "limit"  # the word for jobs that were warned of their time limit, or reached it
LONGEST_PAUSE = 3600  # seconds to which pauses grow, unless the first is longer


class Ends(NamedTuple):
    """The ends after which a job runs again."""

    codes: frozenset[int]
    at_limit: bool  # also those that come after the signal of --signal, or with the time limit
    pause: int | None  # seconds until it may start; None: the fleet's requeue_delay


class Retries(NamedTuple):
    """How often a job that failed runs again."""

    most: int
    pause: int | None  # seconds before the first retry, doubled with each; None: the fleet's requeue_delay


@lru_cache(maxsize=64)
def parse_codes(text: str) -> frozenset[int]:
    """Exit codes as of RequeueExit: `85-87,99`. Raises ValueError."""
    return frozenset(code for part in filter(None, text.split(",")) for code in _span(part))


def _span(part: str) -> range:
    first, dash, last = part.partition("-")
    span = range(_number(first, MOST_CODE), _number(last if dash else first, MOST_CODE) + 1)
    if not span:
        raise ValueError(part)
    return span


@lru_cache(maxsize=64)
def parse_ends(text: str) -> Ends:
    """The value of --requeue-exit. Raises ValueError."""
    said, pause = _with_pause(text)
    words = [word.strip().lower() for word in said.split(",")]
    codes = parse_codes(",".join(word for word in words if word != LIMIT))
    if not codes and LIMIT not in words:
        raise ValueError(text)
    return Ends(codes, LIMIT in words, pause)


@lru_cache(maxsize=64)
def parse_retries(text: str) -> Retries:
    """The value of --retries. Raises ValueError."""
    said, pause = _with_pause(text)
    return Retries(_number(said, 2**31 - 1), pause)


def longer(pause: int, times: int) -> int:
    """A pause that was doubled so many times, up to an hour."""
    return min(pause << min(times, 32), max(pause, LONGEST_PAUSE))


def _with_pause(text: str) -> tuple[str, int | None]:
    said, at, pause = text.partition("@")
    return said, _number(pause, 2**31 - 1) if at else None


def _number(text: str, most: int) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit()) or int(text) > most:
        raise ValueError(text)
    return int(text)
