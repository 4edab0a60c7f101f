"""The scripts in the jobs' folders: as submitted, to be read and not to be changed."""

from __future__ import annotations

import os
from contextlib import suppress

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Scripts:
    """Writes them. The tasks of an array share one file: a new one costs some file systems more than all else here."""

    def __init__(self) -> None:
        self._latest = ("", b"")  # the path and the content of the last one that was written
        self._stamp = (0, 0, 0)

    def put(self, path: str, script: bytes) -> None:
        """The script of a job at its place, where an earlier attempt may have left it. Raises OSError."""
        latest, content = self._latest
        with suppress(OSError):  # removed, on another disk, too many names, or none allowed
            if script == content and _stamp(latest) == self._stamp:
                os.link(latest, path, follow_symlinks=False)
                return
        with suppress(FileExistsError):
            with open(os.open(path, NEW, 0o400), "wb") as file:
                file.write(script)
            self._latest, self._stamp = (path, script), _stamp(path)


def _stamp(path: str) -> tuple[int, int, int]:
    """What tells that a file is the one that was written, and was not written to since."""
    status = os.lstat(path)
    return status.st_ino, status.st_size, status.st_mtime_ns
