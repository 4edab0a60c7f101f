"""Waiting for something to become true, instead of sleeping and hoping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")
PAUSE = 0.02  # seconds between two looks
LOG_LINES = 40


def wait_until(condition: Callable[[], T], what: str = "", *, seconds: float = 20, logs: Iterable[Path] = ()) -> T:
    """The condition's first true value. Fails the test when there is none in time, and then shows the logs' ends."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            pytest.fail(_gave_up(condition, what, seconds, logs))
        time.sleep(PAUSE)
    return value


async def until(condition: Callable[[], T], what: str = "", *, seconds: float = 20, logs: Iterable[Path] = ()) -> T:
    """The same within asyncio."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            pytest.fail(_gave_up(condition, what, seconds, logs))
        await asyncio.sleep(PAUSE)
    return value


def _gave_up(condition: Callable[[], object], what: str, seconds: float, logs: Iterable[Path]) -> str:
    name = what or getattr(condition, "__name__", repr(condition))
    return "\n".join([f"waited {seconds:g} s for: {name}", *map(_tail, _files(logs))])


def _files(logs: Iterable[Path]) -> Iterable[Path]:
    """The logs, and for a folder every log file in it."""
    for path in logs:
        yield from sorted(path.rglob("*.log")) if path.is_dir() else [path]


def _tail(path: Path) -> str:
    try:
        lines = path.read_text(errors="replace").splitlines()[-LOG_LINES:]
    except OSError as error:
        lines = [str(error)]
    return "\n".join([f"--- {path}", *lines])
