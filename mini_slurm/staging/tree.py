"""A file or folder of the submit side, as entries for the machines."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from mini_slurm.errors import Refused
from mini_slurm.protocol.staging import FILE, FOLDER, LINK, PERMISSIONS, Entry, kind_of, stamp_of


class Changed(Exception):
    """A file was written to, or went, while it was read: look again."""


def walk(path: bytes, place: bytes, without: Iterable[bytes] = ()) -> list[Entry]:
    """What lies there, to lie at `place` in a job's folder; checksums are left out. Raises OSError, Changed.

    Links below are kept as links, and never followed; pipes, sockets and devices are passed over, and so are the
    folders `without`.
    """
    passed_over = set(without)
    first = describe(os.path.realpath(path), place)
    if first is None:
        raise OSError(0, "is neither file nor folder", path)
    found = []
    waiting = [first]
    while waiting:
        entry = waiting.pop()
        found.append(entry)
        if entry.kind != FOLDER:
            continue
        for name in sorted(os.listdir(entry.source), reverse=True):
            source = os.path.join(entry.source, name)
            below = None if source in passed_over else _described(source, os.path.join(entry.path, name))
            if below is not None:
                waiting.append(below)
    return found


def _described(source: bytes, place: bytes) -> Entry | None:
    try:
        return describe(source, place)
    except FileNotFoundError:
        raise Changed(os.fsdecode(source)) from None


def describe(source: bytes, place: bytes) -> Entry | None:
    """One entry; None for what does not travel. Raises OSError."""
    status = os.lstat(source)
    kind = kind_of(status.st_mode)
    if not kind:
        return None
    return Entry(
        kind,
        place,
        stat.S_IMODE(status.st_mode) & PERMISSIONS,
        status.st_size if kind == FILE else 0,
        status.st_mtime_ns,
        target=os.readlink(source) if kind == LINK else b"",
        source=source,
        stamp=stamp_of(status),
    )


def merge(trees: Iterable[Iterable[Entry]]) -> list[Entry]:
    """Several trees in one folder; what is said later wins. Raises Refused where one needs a folder, another a file."""
    merged: dict[bytes, Entry] = {}
    for tree in trees:
        for entry in tree:
            before = merged.get(entry.path)
            if before is not None and FOLDER in (before.kind, entry.kind) and before.kind != entry.kind:
                raise _conflict(entry.path)
            merged[entry.path] = entry
    for entry in merged.values():
        parent = entry.path
        while parent:
            parent = parent.rpartition(b"/")[0]
            if parent in merged and merged[parent].kind != FOLDER:
                raise _conflict(parent)
    return list(merged.values())


def _conflict(path: bytes) -> Refused:
    return Refused(f"{os.fsdecode(path)} is wanted both as a file and as a folder: give one of them another DEST")
