"""Folders of jobs that are over, kept for the next job with the same files.

To make a thousand files costs a disk more than to look at them. What the job changed is known by the kernel's own time
of change, which nobody can set: `records/ATTEMPT` has that of each file as it was made.
"""

import contextlib
import hashlib
import os
from typing import Dict, Iterable, List, Optional, Set, Tuple

from mini_slurm.agent.stage_cache import READ, clear, make_private
from mini_slurm.protocol import flat
from mini_slurm.protocol.staging import FOLDER, Entry, pack_entries, stamp_of

MOST = 4  # folders that are kept
LARGEST = 1 << 30  # bytes of one that is
RECORD = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


class Spares:
    """The spare folders of a machine's cache."""

    def __init__(self, folder: str) -> None:
        self._spares = f"{folder}/spares"
        self._records = f"{folder}/records"
        for place in (self._spares, self._records):
            make_private(place)

    def take(self, entries: Dict[bytes, Entry], draft: str) -> Set[bytes]:
        """Have a spare folder with these files as `draft`, if there is one; the names in it that are as they were."""
        key = _key(entries.values())
        for name in os.listdir(self._spares):
            record = self._read(name)
            if record is None or record[0] != key:
                continue
            try:
                os.rename(f"{self._spares}/{name}", draft)
                os.unlink(f"{self._records}/{name}")
            except FileNotFoundError:
                continue  # another talk was quicker
            return _unchanged(draft, record[1], _folders(entries))
        return set()

    def note(self, attempt: str, entries: Dict[bytes, Entry], folder: str) -> None:
        """Write down how an attempt's folder was made. Raises OSError."""
        if sum(entry.size for entry in entries.values()) > LARGEST:
            return
        place = os.fsencode(folder)
        fields: List[bytes] = []
        for entry in entries.values():
            if entry.kind != FOLDER:
                fields += [entry.path, stamp_of(os.lstat(os.path.join(place, entry.path))).encode()]
        with open(os.open(f"{self._records}/{attempt}", RECORD, 0o600), "wb") as file:
            file.write(flat.pack(_key(entries.values()), flat.nest(fields)))

    def keep(self, attempt: str, folder: str) -> None:
        """A job is over, and none of its processes is left: its folder may serve another one. Or it goes.

        What the job wrote goes at once: nobody knows how long it would fill the disk.
        """
        record = self._read(attempt)
        if record is not None:
            with contextlib.suppress(OSError):  # what cannot be made ready for another is cleared
                _unchanged(folder, record[1], _parents(record[1]))
                os.rename(folder, f"{self._spares}/{attempt}")
            self.drop(MOST)
        self.forget(attempt)
        clear(folder)

    def forget(self, attempt: str) -> None:
        """An attempt's folder is gone: so is what was written down of it."""
        if os.path.lexists(f"{self._records}/{attempt}") and not os.path.lexists(f"{self._spares}/{attempt}"):
            os.unlink(f"{self._records}/{attempt}")

    def drop(self, most: int) -> None:
        """Remove the oldest, until so many are left."""
        names = sorted(os.listdir(self._spares), key=lambda name: os.lstat(f"{self._spares}/{name}").st_ctime)
        for name in names[: max(len(names) - most, 0)]:
            clear(f"{self._spares}/{name}")
            self.forget(name)

    def _read(self, name: str) -> Optional[Tuple[bytes, Dict[bytes, bytes]]]:
        try:
            with open(os.open(f"{self._records}/{name}", READ), "rb") as file:
                [(key, field)] = flat.Reader().feed(file.read())
        except (FileNotFoundError, ValueError):
            return None  # it was cut off in the middle
        parts = flat.split(field)
        return key, dict(zip(parts[::2], parts[1::2]))


def _key(entries: Iterable[Entry]) -> bytes:
    """Names a set of files with all that is to be true of them."""
    total = hashlib.sha256()
    for field in pack_entries(sorted(entries)):
        total.update(field)
    return total.digest()


def _folders(entries: Dict[bytes, Entry]) -> Set[bytes]:
    """The folders that were named, and those that others lie in."""
    return _parents(path + b"/" if entry.kind == FOLDER else path for path, entry in entries.items())


def _parents(paths: Iterable[bytes]) -> Set[bytes]:
    """The folders that these lie in."""
    found: Set[bytes] = set()
    for path in paths:
        parent = path.rpartition(b"/")[0]
        while parent and parent not in found:
            found.add(parent)
            parent = parent.rpartition(b"/")[0]
    return found


def _unchanged(draft: str, record: Dict[bytes, bytes], folders: Set[bytes]) -> Set[bytes]:
    """The names that are as they were made; all else is removed."""
    root = os.fsencode(draft)
    kept: Set[bytes] = set()
    waiting = [b""]
    for path in waiting:
        place = os.path.join(root, path) if path else root
        os.chmod(place, 0o700)
        for entry in os.scandir(place):
            below = os.path.join(path, entry.name)
            if entry.is_dir(follow_symlinks=False):
                if below in folders:
                    waiting.append(below)
                    kept.add(below)
                else:
                    clear(os.fsdecode(entry.path))
            elif record.get(below) == stamp_of(entry.stat(follow_symlinks=False)).encode():
                kept.add(below)
            else:
                os.unlink(entry.path)
    return kept
