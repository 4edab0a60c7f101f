"""Folders of attempts that are over, emptied, and used again for the next ones.

Files that are made and removed by the hundred cost more and more: ext4 looks at everything that was removed in the last
seconds before it gives out an inode. With the folders used again, an attempt makes and removes none. What a process
that got away still holds open is not used again: nothing it writes may come up in another job's output.
"""

import fcntl
import os
from itertools import count
from typing import List

PREFIX = ".spare-"
MOST = 64
STREAMS = ("out", "err", "order")
SCRIPT = "slurm_script"
STAY = ("control", "start.json", "started.new", "ended.new")


class Spares:
    """The spare folders in a spool."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._folders: List[str] = []
        found = [name[len(PREFIX) :] for name in os.listdir(root) if name.startswith(PREFIX)]
        self._numbers = count(max((int(number) for number in found if number.isdigit()), default=0) + 1)
        for number in found:
            self._keep(f"{root}/{PREFIX}{number}")  # a former agent may have been lost before it was emptied

    def take(self) -> str:
        """A spare folder, or a new one. Raises OSError."""
        if self._folders:
            return self._folders.pop()
        folder = self._next()
        os.mkdir(folder, 0o700)
        return folder

    def put(self, folder: str) -> bool:
        """Keep a folder under another name, emptied. False: there are enough. Raises OSError."""
        if len(self._folders) >= MOST:
            return False
        spare = self._next()
        os.rename(folder, spare)
        self._keep(spare)
        return True

    def _next(self) -> str:
        return f"{self._root}/{PREFIX}{next(self._numbers)}"

    def _keep(self, folder: str) -> None:
        try:
            for name in os.listdir(folder):
                if name not in STAY:
                    _empty(f"{folder}/{name}", name)
        except OSError:
            clear(folder)
        else:
            self._folders.append(folder)


def clear(folder: str) -> None:
    """Remove a folder that is no attempt; what a failure leaves is removed at the agent's next start."""
    try:
        for entry in os.listdir(folder):
            os.unlink(f"{folder}/{entry}")
        os.rmdir(folder)
    except OSError:
        return


def _empty(path: str, name: str) -> None:
    if name in STREAMS:
        if os.lstat(path).st_size:
            os.truncate(path, 0)
    elif name.endswith(".json"):
        os.rename(path, path[: -len("json")] + "new")  # write_json writes over it
    elif name == SCRIPT:
        if _is_open(path):
            os.unlink(path)
    elif name.endswith(".fifo"):
        if _has_readers(path) or _has_writers(path):
            os.unlink(path)
    elif not name.endswith(".new"):
        os.unlink(path)


def _is_open(path: str) -> bool:
    """Has any process this file open? The kernel gives a lease to write on one that nobody has."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _has_readers(path: str) -> bool:
    """Has any process this FIFO open for reading? One with nobody to read cannot be opened for writing."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _has_writers(path: str) -> bool:
    """Has any process this FIFO open for writing? One with nobody to write is at its end at once."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 1) != b""
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
