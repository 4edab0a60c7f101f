"""Checksums of files, remembered as long as nobody writes to them: a large file is read once and not for each job."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress

from mini_slurm.protocol.staging import FILE, Entry, stamp_of
from mini_slurm.staging.tree import Changed

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
BLOCK = 1 << 20  # bytes
YOUNG = 2.0  # seconds: a file that was written to so lately may be again, and show the same time
BATCH = 500  # names in one question
KEPT = 90 * 86400  # seconds after which a checksum that nobody asked for is forgotten
PATIENCE = 10.0  # seconds to wait for another writer
LARGE = 8 * 1024 * 1024  # bytes of a file from which on its older contents are remembered
OLDER = 4  # contents of a file that are remembered
FIND_OLDER = """\
SELECT digest FROM version WHERE source IN (SELECT source FROM version WHERE digest = ?) AND digest != ?
GROUP BY digest ORDER BY max(moment) DESC"""
FORGET_OLDEST = """\
DELETE FROM version WHERE source = ? AND rowid NOT IN
(SELECT rowid FROM version WHERE source = ? ORDER BY moment DESC LIMIT ?)"""


class Digests:
    """The memory of checksums in the state folder. A memory that is damaged is begun anew."""

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, "digests.sqlite3")

    def fill(self, entries: Sequence[Entry], note: Callable[[int], None] = lambda size: None) -> list[Entry]:
        """The entries with the checksums of all files; `note` hears of bytes read. Raises OSError, Changed."""
        known = self.known([entry for entry in entries if entry.kind == FILE and not entry.digest])
        fresh, filled = [], []
        for entry in entries:
            if entry.kind == FILE and not entry.digest:
                digest = known.get((entry.source, entry.stamp))
                if digest is None:
                    digest = _read_digest(entry, note)
                    fresh.append((entry.source, entry.stamp, digest, time.time()))
                entry = entry._replace(digest=digest)
            filled.append(entry)
        self.remember(fresh)
        return filled

    def known(self, entries: Sequence[Entry]) -> dict[tuple[bytes, str], str]:
        """The checksums that are remembered of files as they are now, by source and stamp."""
        found: dict[tuple[bytes, str], str] = {}
        try:
            with closing(self._open()) as db:
                for begin in range(0, len(entries), BATCH):
                    names = [entry.source for entry in entries[begin : begin + BATCH]]
                    marks = ",".join("?" * len(names))
                    rows = db.execute(f"SELECT source, stamp, digest FROM digest WHERE source IN ({marks})", names)
                    found |= {(source, stamp): digest for source, stamp, digest in rows}
        except sqlite3.Error:
            self._begin_anew()
        return found

    def remember(self, rows: Sequence[tuple[bytes, str, str, float]]) -> None:
        """Keep checksums: source, stamp, checksum, moment; not of files that were written to just now."""
        old = [row for row in rows if _changed(row[1]) < row[3] - YOUNG]
        versions = [(source, moment, digest) for source, stamp, digest, moment in rows if _size(stamp) >= LARGE]
        if not old and not versions:
            return
        try:
            with closing(self._open()) as db, db:
                db.executemany("INSERT OR REPLACE INTO digest VALUES (?, ?, ?, ?)", old)
                db.executemany("INSERT OR REPLACE INTO version VALUES (?, ?, ?)", versions)
                for source, _, _ in versions:
                    db.execute(FORGET_OLDEST, (source, source, OLDER))
                for table in ("digest", "version"):
                    db.execute(f"DELETE FROM {table} WHERE moment < ?", (time.time() - KEPT,))
        except sqlite3.Error:
            self._begin_anew()

    def older(self, digest: str) -> list[str]:
        """The contents that the files of this content had before, the latest first."""
        try:
            with closing(self._open()) as db:
                return [found for (found,) in db.execute(FIND_OLDER, (digest, digest))]
        except sqlite3.Error:
            self._begin_anew()
            return []

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=PATIENCE)
        db.execute("PRAGMA synchronous = OFF")
        db.execute(
            "CREATE TABLE IF NOT EXISTS digest (source BLOB PRIMARY KEY, stamp TEXT, digest TEXT, moment REAL)"
            " WITHOUT ROWID"
        )
        db.execute(
            "CREATE TABLE IF NOT EXISTS version (source BLOB, moment REAL, digest TEXT, PRIMARY KEY (source, digest))"
        )
        db.execute("CREATE INDEX IF NOT EXISTS version_digest ON version (digest)")
        return db

    def _begin_anew(self) -> None:
        with suppress(OSError):
            os.unlink(self._path)


def _size(stamp: str) -> int:
    return int(stamp.split(".")[1])


def _changed(stamp: str) -> float:
    """When the kernel saw the last change of a file, seconds since the epoch."""
    return int(stamp.split(".")[3]) / 1e9


def _read_digest(entry: Entry, note: Callable[[int], None]) -> str:
    total = hashlib.sha256()
    for data in read_same(entry):
        total.update(data)
        note(len(data))
    return total.hexdigest()


def read_same(entry: Entry, offset: int = 0) -> Iterator[bytes]:
    """A file's bytes in blocks, as long as it is the one that was described. Raises OSError, Changed.

    One without a stamp is never written to.
    """
    try:
        descriptor = os.open(entry.source, READ)
    except FileNotFoundError:
        raise Changed(os.fsdecode(entry.source)) from None
    try:
        if entry.stamp and stamp_of(os.fstat(descriptor)) != entry.stamp:
            raise Changed(os.fsdecode(entry.source))
        left = entry.size - offset
        while left:
            data = os.pread(descriptor, min(BLOCK, left), entry.size - left)
            if not data:
                raise Changed(os.fsdecode(entry.source))
            left -= len(data)
            yield data
        if entry.stamp and stamp_of(os.fstat(descriptor)) != entry.stamp:
            raise Changed(os.fsdecode(entry.source))
    finally:
        os.close(descriptor)
