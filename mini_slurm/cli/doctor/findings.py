"""A finding, and the shape of checks."""

from __future__ import annotations

from typing import NamedTuple

OK, NOTE, WARNING, ERROR = "ok", "note", "warning", "error"
LEVELS = (OK, NOTE, WARNING, ERROR)
GIB = 1 << 30


class Finding(NamedTuple):
    """One thing that was looked at. A warning or an error says in `fix` what to do."""

    level: str  # of LEVELS
    where: str  # a machine, several as a hostlist, or "" for the login node
    check: str  # a word that names it
    text: str
    fix: str = ""


class Said(NamedTuple):
    """A finding of a check, whose name and place its caller knows."""

    level: str
    text: str
    fix: str = ""


def ok(text: str) -> Said:
    """All is well."""
    return Said(OK, text)


def note(text: str, fix: str = "") -> Said:
    """Worth knowing."""
    return Said(NOTE, text, fix)


def warning(text: str, fix: str) -> Said:
    """Works, but not always, or not as well as it could."""
    return Said(WARNING, text, fix)


def error(text: str, fix: str) -> Said:
    """Does not work."""
    return Said(ERROR, text, fix)


def amount(count: float) -> str:
    """Bytes as people say them."""
    for unit, size in (("TiB", 1 << 40), ("GiB", GIB), ("MiB", 1 << 20)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1024:.0f} KiB"
