"""Folders of attempts that are over, emptied, and used again for the next ones.

Files that are made and removed by the hundred cost more and more: ext4 looks at everything that was removed in the last
seconds before it gives out an inode. What a process that got away might still hold open, the script and the FIFOs it
writes to, is made anew for each attempt all the same.
"""

import os
from itertools import count
from typing import List

PREFIX = ".spare-"
MOST = 64
STREAMS = ("out", "err", "order")
CONTROL = "control"  # held by agent and stepd alone


class Spares:
    """The spare folders in a spool."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._folders: List[str] = [os.path.join(root, name) for name in os.listdir(root) if name.startswith(PREFIX)]
        self._numbers = count()

    def take(self, folder: str) -> bool:
        """Make a spare folder the one of this path. False: there is none. Raises OSError."""
        if not self._folders:
            return False
        os.rename(self._folders.pop(), folder)
        return True

    def put(self, folder: str) -> bool:
        """Empty a folder and keep it. False: it has to be removed."""
        if len(self._folders) >= MOST:
            return False
        spare = os.path.join(self._root, f"{PREFIX}{os.getpid()}-{next(self._numbers)}")
        try:
            for name in os.listdir(folder):
                _empty(folder, name)
            os.rename(folder, spare)
        except OSError:
            return False
        self._folders.append(spare)
        return True


def _empty(folder: str, name: str) -> None:
    path = os.path.join(folder, name)
    if name.endswith(".json"):
        os.rename(path, path[: -len("json")] + "new")  # write_json writes over it
    elif name in STREAMS:
        if os.lstat(path).st_size:
            os.truncate(path, 0)
    elif name != CONTROL and not name.endswith(".new"):
        os.unlink(path)
