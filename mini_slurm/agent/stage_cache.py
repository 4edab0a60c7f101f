"""Contents of files that came for jobs, kept on the machine by their checksums, so that the next job need not wait.

`objects/ab/cdef...` is a whole file, checked; its time of change is always the same, so one that somebody wrote to is
known and dropped; its time of access is when a job last wanted it. `partial/STATE-DIGEST` is the beginning of one.
"""

import errno
import fcntl
import hashlib
import os
import stat
import time
from typing import Iterator, List, Set, Tuple

from mini_slurm.agent.spool import FULL

SETTLED = 1_000_000_000  # nanoseconds since the epoch: the time of change of each object
NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
BLOCK = 1 << 20  # bytes
FRESH = 60.0  # seconds for which it is not written down again that a content was wanted
OLD_PARTIAL = 7 * 86400  # seconds after which the beginning of a file is given up


class Cache:
    """The machine's cache; `state` names the state folder whose jobs are served."""

    def __init__(self, folder: str, state: str, limit: int) -> None:
        self.folder = folder
        self._state = state
        self._limit = limit
        self._used: Set[str] = set()  # digests that this session needs
        self._has_grown = False
        for place in (folder, f"{folder}/objects", f"{folder}/partial"):
            make_private(place)
        # while somebody holds it in common, nobody takes away what a job is about to get
        self._lock = os.open(os.path.join(folder, "objects"), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_SH)
        self._boot = _boot_time()

    def path(self, digest: str) -> str:
        """Where an object lies."""
        return f"{self.folder}/objects/{digest[:2]}/{digest[2:]}"

    def has(self, digest: str, size: int) -> bool:
        """Is the whole content here, as it came? One that is not as it should be is dropped."""
        self._used.add(digest)
        path = self.path(digest)
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            return False
        is_whole = stat.S_ISREG(status.st_mode) and status.st_size == size and status.st_mtime_ns == SETTLED
        if is_whole and status.st_atime < self._boot:
            is_whole = digest_of(path) == digest  # a machine that lost its power may not have written all of it
        if not is_whole:
            os.unlink(path)
            return False
        if time.time() - status.st_atime > FRESH:
            os.utime(path, ns=(time.time_ns(), SETTLED))
        return True

    def begun(self, digest: str) -> int:
        """How many bytes of a content are here already."""
        try:
            return os.lstat(self._partial(digest)).st_size
        except FileNotFoundError:
            return 0

    def add(self, digest: str, offset: int, data: bytes, size: int) -> bool:
        """Take a piece of a content of `size` bytes; False: with it the content is damaged, and dropped.

        Raises OSError, ENOSPC when there is no room even without all that no job needs.
        """
        try:
            return self._add(digest, offset, data, size)
        except OSError as error:
            if error.errno not in FULL or not self.make_room():
                raise
        return self._add(digest, offset, data, size)

    def _add(self, digest: str, offset: int, data: bytes, size: int) -> bool:
        self._has_grown = True
        path = self._partial(digest)
        flags = NEW if not offset else NEW & ~os.O_TRUNC
        descriptor = os.open(path, flags, 0o600)
        try:
            if os.fstat(descriptor).st_size < offset:
                return False
            os.lseek(descriptor, offset, os.SEEK_SET)
            write_all(descriptor, data)
        finally:
            os.close(descriptor)
        if offset + len(data) < size:
            return True
        found = hashlib.sha256(data).hexdigest() if not offset else digest_of(path)
        if found != digest:
            os.unlink(path)
            return False
        self._settle(path, digest)
        return True

    def adopt(self, path: str, digest: str) -> bool:
        """Take a file of this disk for an object, if it has this content. Raises OSError."""
        self._has_grown = True
        if digest_of(path) != digest:
            return False
        self._settle(path, digest)
        return True

    def _settle(self, path: str, digest: str) -> None:
        os.utime(path, ns=(time.time_ns(), SETTLED))
        place = self.path(digest)
        try:
            os.rename(path, place)
        except FileNotFoundError:
            make_private(os.path.dirname(place))
            os.rename(path, place)

    def _partial(self, digest: str) -> str:
        return f"{self.folder}/partial/{self._state}-{digest}"

    def close(self) -> None:
        """The session is over: keep to the limit, as far as nobody else is at it."""
        if self._has_grown:
            self.make_room(self._limit)
        os.close(self._lock)

    def make_room(self, limit: int = 0) -> bool:
        """Drop what was wanted longest ago until so many bytes are left; was there something to drop?"""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        try:
            return self._drop_oldest(limit) + self._drop_partial() > 0
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_SH)

    def _drop_oldest(self, limit: int) -> int:
        found = sorted(self._objects())
        total, dropped = sum(size for _, size, _ in found), 0
        for _, size, path in found:
            if total <= limit:
                break
            if path[-65:].replace("/", "") not in self._used:
                os.unlink(path)
                total -= size
                dropped += 1
        return dropped

    def _drop_partial(self) -> int:
        """Beginnings of files that nobody went on with."""
        dropped = 0
        for entry in os.scandir(f"{self.folder}/partial"):
            is_wanted = entry.name.rpartition("-")[2] in self._used
            if not is_wanted and entry.stat(follow_symlinks=False).st_mtime < time.time() - OLD_PARTIAL:
                os.unlink(entry.path)
                dropped += 1
        return dropped

    def _objects(self) -> Iterator[Tuple[float, int, str]]:
        """When it was wanted last, its size, and its path; not what a job has as its own by a second name."""
        for part in os.scandir(f"{self.folder}/objects"):
            for entry in os.scandir(part.path):
                status = entry.stat(follow_symlinks=False)
                if status.st_nlink == 1:
                    yield status.st_atime, status.st_size, entry.path


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it, where the file stands. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def digest_of(path: str) -> str:
    """The SHA-256 of a file in hexadecimal. Raises OSError."""
    total = hashlib.sha256()
    descriptor = os.open(path, READ)
    try:
        while True:
            data = os.read(descriptor, BLOCK)
            if not data:
                return total.hexdigest()
            total.update(data)
    finally:
        os.close(descriptor)


def make_private(folder: str) -> None:
    """A folder for its owner alone, which is no link. Raises OSError."""
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            raise OSError(errno.ENOTDIR, "is a link or no folder: remove it", folder) from None


def clear(folder: str) -> None:
    """Remove a folder with all that is in it, whatever permissions a job left there; what is gone already is fine."""
    waiting: List[str] = [folder]
    for one in waiting:
        try:
            os.chmod(one, 0o700)
            entries = list(os.scandir(one))
        except (FileNotFoundError, PermissionError):
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            else:
                os.unlink(entry.path)
    for one in reversed(waiting):
        try:
            os.rmdir(one)
        except OSError:
            continue  # something of another account lies in it


def _boot_time() -> float:
    with open("/proc/stat") as file:
        for line in file:
            if line.startswith("btime "):
                return float(line.split()[1])
    return 0.0
