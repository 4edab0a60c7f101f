"""Results of jobs as they are put down on the submit side: below a folder of the user's choice, and through no link."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from typing import NoReturn

from mini_slurm.protocol.staging import Entry

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
PART_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
BLOCK = 1 << 20  # bytes


class Damaged(Exception):
    """What came is not what lay there."""


class Home:
    """Where one attempt's results go. What is only begun has a name that the next try knows again."""

    def __init__(self, attempt: str, umask: int) -> None:
        self._attempt = attempt
        self._umask = umask

    def make_folder(self, folder: str, below: str) -> None:
        """A folder, with those that it lies in. Raises OSError."""
        os.close(self._open(folder, below))

    def has(self, folder: str, below: str, entry: Entry) -> bool:
        """Did an earlier try bring this file already? Raises OSError."""
        place, name = self._place(folder, below)
        try:
            status = os.lstat(name, dir_fd=place)
        except FileNotFoundError:
            return False
        finally:
            os.close(place)
        return stat.S_ISREG(status.st_mode) and (status.st_size, status.st_mtime_ns) == (entry.size, entry.changed)

    def link(self, folder: str, below: str, entry: Entry) -> bool:
        """A link, if it stays in the folder. Raises OSError."""
        target = os.fsdecode(entry.target)
        end = os.path.normpath(os.path.join(os.path.dirname(below), target))
        if os.path.isabs(target) or end == ".." or end.startswith("../"):
            return False
        place, name = self._place(folder, below)
        part = self._part(below)
        try:
            with suppress(FileNotFoundError):
                os.unlink(part, dir_fd=place)
            os.symlink(target, part, dir_fd=place)
            os.rename(part, name, src_dir_fd=place, dst_dir_fd=place)
        finally:
            os.close(place)
        return True

    def begin(self, folder: str, below: str, entry: Entry) -> Arrival:
        """A file that is about to come; what an earlier try got of it is there. Raises OSError."""
        place, name = self._place(folder, below)
        return Arrival(place, self._part(below), name, entry, self._umask)

    def _place(self, folder: str, below: str) -> tuple[int, str]:
        inside, _, name = below.rpartition("/")
        return self._open(folder, inside), name

    def _part(self, below: str) -> str:
        key = f"{self._attempt}/{below}".encode("utf-8", "surrogateescape")
        return f".mini_slurm-{hashlib.sha256(key).hexdigest()[:16]}"

    def _open(self, folder: str, below: str) -> int:
        """A folder, made if need be. The user's own part of the path may have links, what lies below may not."""
        self._make_all(folder)
        place = os.open(folder, FOLDER_FLAGS & ~os.O_NOFOLLOW)
        for name in filter(None, below.split("/")):
            try:
                with suppress(FileExistsError):
                    os.mkdir(name, 0o777 & ~self._umask, dir_fd=place)
                    os.chmod(name, 0o777 & ~self._umask, dir_fd=place)
                inside = os.open(name, FOLDER_FLAGS, dir_fd=place)
            finally:
                os.close(place)
            place = inside
        return place

    def _make_all(self, folder: str) -> None:
        if not os.path.isdir(folder):
            self._make_all(os.path.dirname(folder))
            with suppress(FileExistsError):
                os.mkdir(folder)
                os.chmod(folder, 0o777 & ~self._umask)


class Arrival:
    """One file on its way; `offset` bytes of it are there."""

    def __init__(self, place: int, part: str, name: str, entry: Entry, umask: int) -> None:
        self._place = place
        self._part = part
        self._name = name
        self._entry = entry
        self._umask = umask
        self._file = os.open(part, PART_FLAGS, 0o600, dir_fd=place)
        self._total = hashlib.sha256()
        self.offset = 0
        while data := os.read(self._file, BLOCK):
            self._total.update(data)
            self.offset += len(data)

    def write(self, data: bytes) -> None:
        """What comes next. Raises OSError; Damaged for more than there was."""
        if self.offset + len(data) > self._entry.size:
            self._give_up()
        self._total.update(data)
        view = memoryview(data)
        while view:
            done = os.pwrite(self._file, view, self.offset)
            view, self.offset = view[done:], self.offset + done

    def finish(self, digest: bytes) -> None:
        """All is there: give the file its name. Raises OSError; Damaged, and then the next try begins anew."""
        if self._total.digest() != digest:
            self._give_up()
        os.fchmod(self._file, self._entry.mode & ~self._umask | 0o600)
        os.utime(self._file, ns=(self._entry.changed, self._entry.changed))
        os.rename(self._part, self._name, src_dir_fd=self._place, dst_dir_fd=self._place)

    def _give_up(self) -> NoReturn:
        os.unlink(self._part, dir_fd=self._place)
        raise Damaged(self._name)

    def close(self) -> None:
        """Let go of it; what is there stays for the next try."""
        os.close(self._file)
        os.close(self._place)
