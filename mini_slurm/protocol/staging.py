"""What is said of files that travel between the submit side and a machine: frames of protocol/flat.py.

The submit side asks, the machine's stager answers; see docs/design/staging.md for the words.
"""

import stat
from typing import Iterable, Iterator, List, NamedTuple

from mini_slurm.protocol import flat

FILE, FOLDER, LINK = "f", "d", "l"
ENTRIES = 2000  # in one frame
BLOCK = 1 << 19  # bytes of files in one frame, about
DIGEST_LENGTH = 64  # of a SHA-256 in hexadecimal
PERMISSIONS = 0o777


class Entry(NamedTuple):
    """One file, folder or symbolic link of a tree."""

    kind: str  # FILE, FOLDER, LINK
    path: bytes  # relative to the job's folder, without "." and ".."; b"": the folder itself
    mode: int  # permission bits
    size: int  # bytes; 0 but for files
    changed: int  # time of its last change, nanoseconds since the epoch
    digest: str = ""  # of a file: SHA-256 of its content in hexadecimal, where that is known
    target: bytes = b""  # of a link: where it leads to
    source: bytes = b""  # where it lies on the submit side, an absolute path
    stamp: str = ""  # what tells there that it is this file and was not written to since


def stamp_of(status: "object") -> str:
    """What tells that a file is the same, and was not written to: its number, and the kernel's own time of change."""
    fields = (getattr(status, name) for name in ("st_ino", "st_size", "st_mtime_ns", "st_ctime_ns", "st_mode"))
    return ".".join(map(str, fields))


def pack_entries(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Fields for frames, each with at most ENTRIES of them; none for none."""
    batch: List[bytes] = []
    for entry in entries:
        batch += [value if isinstance(value, bytes) else str(value).encode() for value in entry]
        if len(batch) >= ENTRIES * len(Entry._fields):
            yield flat.nest(batch)
            batch = []
    if batch:
        yield flat.nest(batch)


def unpack_entries(field: bytes) -> Iterator[Entry]:
    """What pack_entries made of them. Raises BadFrame for what cannot be one."""
    parts = flat.split(field)
    width = len(Entry._fields)
    if len(parts) % width:
        raise flat.BadFrame("half an entry")
    for begin in range(0, len(parts), width):
        kind, path, mode, size, changed, digest, target, source, stamp = parts[begin : begin + width]
        entry = Entry(
            flat.text(kind), path, flat.number(mode) & PERMISSIONS, flat.number(size), flat.number(changed),
            flat.text(digest), target, source, flat.text(stamp),
        )  # fmt: skip
        check(entry)
        yield entry


def check(entry: Entry) -> None:
    """Raises BadFrame for an entry that would lead out of the folder, or that is none."""
    if entry.kind not in (FILE, FOLDER, LINK) or entry.size < 0 or not is_inside(entry.path):
        raise flat.BadFrame(f"no entry: {entry.kind} {entry.path!r}")
    if entry.digest and not is_digest(entry.digest):
        raise flat.BadFrame(f"no digest: {entry.digest[:80]!r}")
    if entry.kind == LINK and (not entry.target or b"\0" in entry.target):
        raise flat.BadFrame(f"no link: {entry.path!r}")


def is_inside(path: bytes) -> bool:
    """Does this relative path stay in its folder?"""
    if not path:
        return True
    return b"\0" not in path and not {b"", b".", b".."} & set(path.split(b"/"))


def is_digest(text: str) -> bool:
    """Can this be a SHA-256?"""
    return len(text) == DIGEST_LENGTH and set(text) <= set("0123456789abcdef")


def kind_of(mode: int) -> str:
    """FILE, FOLDER, LINK of a file's mode; "" for pipes, sockets and devices, which do not travel."""
    if stat.S_ISREG(mode):
        return FILE
    if stat.S_ISDIR(mode):
        return FOLDER
    return LINK if stat.S_ISLNK(mode) else ""
