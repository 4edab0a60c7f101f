"""Output files that this machine sees too, as over NFS: the script writes to them itself, and nothing has to travel.

That a path names the same file here as at the submit side is told by the file: the controller, which has just opened
it, has given it a time of change with nanoseconds drawn by lot. A file of that name on a disk of this machine has
another.
"""

import os
import stat
from contextlib import suppress
from typing import Dict, Iterable, Mapping, Tuple

Mark = Tuple[str, int, int]  # path, bytes, time of change in nanoseconds since the epoch
WRITE = os.O_WRONLY | os.O_APPEND | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC


def open_seen(marks: Mapping[str, Mark]) -> Dict[str, int]:
    """Stream -> descriptor, of those whose files are seen here."""
    opened = {}
    for stream, mark in marks.items():
        try:
            opened[stream] = _open_if_same(*mark)
        except OSError:  # there is none, or it is another one: the output travels
            continue
    return opened


def reopen(marks: Mapping[str, Mark], streams: Iterable[str]) -> Dict[str, int]:
    """The same for a stepd that takes over, when they have been written to. Raises OSError."""
    return {stream: os.open(marks[stream][0], WRITE) for stream in streams}


def sync(opened: Mapping[str, int]) -> None:
    """Bring to disk what was written, as the controller does with output that travels."""
    for descriptor in opened.values():
        with suppress(OSError):  # a device, or a disk that is full: the script was told
            os.fdatasync(descriptor)


def _open_if_same(path: str, size: int, changed: int) -> int:
    descriptor = os.open(path, WRITE)
    status = os.fstat(descriptor)
    is_same = stat.S_ISREG(status.st_mode) and (status.st_size, status.st_mtime_ns) == (size, changed)
    if not is_same and path != os.devnull:
        os.close(descriptor)
        raise FileNotFoundError(path)
    return descriptor
