"""A job's own folder on the machine, made of what the cache has; and what the job left there, to be taken home."""

import errno
import fcntl
import fnmatch
import hashlib
import os
import stat
from typing import Dict, Iterator, List, Optional, Set, Tuple

from mini_slurm.agent.stage_cache import BLOCK, NEW, READ, Cache, write_all
from mini_slurm.protocol.staging import FILE, FOLDER, LINK, PERMISSIONS, Entry, kind_of, stamp_of

LARGE = 16 << 20  # bytes: a file of this size is not copied for a job, which may read it only
CLONE = 0x40049409  # the ioctl FICLONE: a copy that shares its blocks until one of the two is written to
CANNOT_CLONE = (errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EPERM)
WRITE_BITS = 0o222
MAGIC = frozenset(b"*?[")


class Builder:
    """Makes the folder of one attempt, under another name until all is in it; `there`: names that are in it already."""

    def __init__(self, cache: Cache, draft: str, there: Set[bytes]) -> None:
        self._cache = cache
        self._draft = os.fsencode(draft)
        self._there = there
        self._can_clone = True
        if not os.path.lexists(draft):
            os.mkdir(draft, 0o700)

    def build(self, entries: Dict[bytes, Entry], seen: Dict[bytes, bytes]) -> None:
        """Folders first and links last, so that nothing is written through a link. Raises OSError.

        `seen`: names in the folder that lead to what the machine sees at its own place.
        """
        folders = sorted(entry.path for entry in entries.values() if entry.kind == FOLDER)
        for path in self._all_folders(folders, [*entries, *seen]):
            if path not in self._there:
                os.mkdir(self._at(path), 0o700)
        for entry in entries.values():
            if entry.kind == FILE and entry.path not in self._there:
                self._put(entry)
        for entry in entries.values():
            if entry.kind == LINK and entry.path not in self._there:
                os.symlink(entry.target, self._at(entry.path))
        for path, source in seen.items():
            os.symlink(source, self._at(path))
        for path in reversed(folders):
            self._finish(entries[path])

    def _all_folders(self, folders: List[bytes], paths: List[bytes]) -> List[bytes]:
        """Those that were named, and those that others lie in."""
        found = set(folders)
        for path in paths:
            parent = path.rpartition(b"/")[0]
            while parent not in found:
                found.add(parent)
                parent = parent.rpartition(b"/")[0]
        return sorted(found - {b""})

    def _at(self, path: bytes) -> bytes:
        return self._draft + b"/" + path if path else self._draft

    def _finish(self, entry: Entry) -> None:
        place = self._at(entry.path)
        os.utime(place, ns=(entry.changed, entry.changed))
        os.chmod(place, entry.mode | 0o700 if entry.path else 0o700)

    def _put(self, entry: Entry) -> None:
        place, source = self._at(entry.path), self._cache.path(entry.digest)
        if entry.size >= LARGE and not self._is_cloned(source, place):
            os.chmod(source, (entry.mode | 0o400) & ~WRITE_BITS)
            os.link(source, place)
            return
        if entry.size < LARGE:
            self._copy(source, place)
        os.chmod(place, entry.mode | 0o400)
        os.utime(place, ns=(entry.changed, entry.changed))

    def _copy(self, source: str, place: bytes) -> None:
        with open(source, "rb", 0) as file:
            target = os.open(place, NEW | os.O_EXCL, 0o600)
            try:
                while data := file.read(BLOCK):
                    write_all(target, data)
            finally:
                os.close(target)

    def _is_cloned(self, source: str, place: bytes) -> bool:
        if not self._can_clone:
            return False
        target = os.open(place, NEW | os.O_EXCL, 0o600)
        try:
            with open(source, "rb", 0) as file:
                fcntl.ioctl(target, CLONE, file.fileno())
        except OSError as error:
            os.unlink(place)
            if error.errno not in CANNOT_CLONE:
                raise
            self._can_clone = False
        finally:
            os.close(target)
        return self._can_clone


def is_seen(entry: Entry) -> bool:
    """Does this machine see the very same file or folder, unchanged, under the same name?"""
    try:
        return stamp_of(os.lstat(entry.source)) == entry.stamp
    except OSError:
        return False


def find(folder: bytes, patterns: List[bytes]) -> Iterator[Tuple[int, Entry]]:
    """What patterns match in a job's folder, each with its pattern's number.

    A folder comes with all that is in it. Links are never followed. Raises OSError.
    """
    for number, pattern in enumerate(patterns):
        known: Set[bytes] = set()  # a folder may match, and what is in it, too
        for path in _expand(folder, b"", [part for part in pattern.split(b"/") if part not in (b"", b".")]):
            for entry in _tree(folder, path):
                if entry.path not in known:
                    known.add(entry.path)
                    yield number, entry


def _expand(folder: bytes, base: bytes, parts: List[bytes]) -> Iterator[bytes]:
    """The paths below `base` that match these parts of a pattern, as a shell has it; `**`: any folders, or none."""
    if not parts:
        yield base
        return
    first, rest = parts[0], parts[1:]
    if first == b"**":
        yield from _expand(folder, base, rest)
    names = os.listdir(os.path.join(folder, base)) if MAGIC.intersection(first) else [first]
    for name in sorted(names):
        if (name.startswith(b".") and not first.startswith(b".")) or not fnmatch.fnmatchcase(name, first):
            continue
        path = os.path.join(base, name)
        if rest or first == b"**":
            if _is_folder(os.path.join(folder, path)):
                yield from _expand(folder, path, parts if first == b"**" else rest)
        elif os.path.lexists(os.path.join(folder, path)):
            yield path


def _is_folder(path: bytes) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _tree(folder: bytes, path: bytes) -> Iterator[Entry]:
    """An entry, and those below it."""
    waiting = [path]
    while waiting:
        entry = describe(folder, waiting.pop())
        if entry is not None:
            yield entry
            if entry.kind == FOLDER:
                place = os.path.join(folder, entry.path)
                if entry.mode & 0o500 != 0o500:
                    os.chmod(place, entry.mode | 0o500)  # the job locked it, and is over
                names = sorted(os.listdir(place), reverse=True)
                waiting += [os.path.join(entry.path, name) for name in names]


def describe(folder: bytes, path: bytes) -> Optional[Entry]:
    """What lies there; None for what does not travel, and for what has gone."""
    place = os.path.join(folder, path) if path else folder
    try:
        status = os.lstat(place)
        kind = kind_of(status.st_mode)
        target = os.readlink(place) if kind == LINK else b""
    except FileNotFoundError:
        return None
    if not kind:
        return None
    size = status.st_size if kind == FILE else 0
    return Entry(kind, path, stat.S_IMODE(status.st_mode) & PERMISSIONS, size, status.st_mtime_ns, "", target)


def read(folder: bytes, path: bytes, offset: int) -> Iterator[bytes]:
    """A file's bytes from there on, in blocks; the last one is the SHA-256 of the whole. Raises OSError."""
    total = hashlib.sha256()
    descriptor = _open_again(os.path.join(folder, path))
    try:
        place = 0
        while True:
            data = os.read(descriptor, min(BLOCK, offset - place) if place < offset else BLOCK)
            if not data:
                break
            total.update(data)
            if place >= offset:
                yield data
            place += len(data)
        yield total.digest()
    finally:
        os.close(descriptor)


def _open_again(place: bytes) -> int:
    """A file of a job that is over, even if the job made it unreadable. Raises OSError."""
    try:
        return os.open(place, READ)
    except PermissionError:
        os.chmod(place, stat.S_IMODE(os.lstat(place).st_mode) | 0o400)
        return os.open(place, READ)
