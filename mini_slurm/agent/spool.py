"""What lies on the machine's disk for each attempt, until the submit side has it all.

`attempts/NAME/` is made by the agent, and gets this name with `slurm_script` and `start.json` in it. `started.json` is
written by the stepd before the script runs, `ended.json` when no process is left. A folder is locked (flock) while its
stepd lives.
"""

import errno
import fcntl
import json
import os
from typing import Any, Callable, Dict, Iterator, List, Optional

from mini_slurm.agent.spares import SCRIPT, Spares, clear

NAME_LENGTH = 200
NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
GONE = ".gone-"  # prefix of folders that are being removed
ROOM = 1 << 16  # bytes that must be free for an attempt to start: output would have no place, and its job would hang
RESERVE = 1024  # bytes kept on disk for ended.json, so that a full disk cannot hide an end
OVER = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
ENCODE = json.JSONEncoder(check_circular=False).encode  # our own values hold none of themselves
FULL = (errno.ENOSPC, errno.EDQUOT)


def valid_name(name: str) -> bool:
    """May this name an attempt, and with it a folder?"""
    return 0 < len(name) <= NAME_LENGTH and name[0] not in ".-" and NAME_CHARACTERS.issuperset(name)


def boot_id() -> str:
    """Names the time from one boot of this machine to the next."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def create(root: str, plan: Dict[str, Any], data: bytes, spares: Spares) -> str:
    """An attempt's folder, with all that is kept of it. Raises OSError; then nothing is left behind."""

    def fill(draft: str) -> None:
        _write(f"{draft}/{SCRIPT}", data, 0o700)
        make_fifos(draft, ["control", *fifos(plan["streams"])])
        write_start(draft, plan)

    return make_folder(root, plan["attempt"], spares, fill)


def make_folder(root: str, name: str, spares: Spares, fill: Callable[[str], None]) -> str:
    """A new folder for an attempt, which gets its name after it was filled. Raises OSError."""
    disk = os.statvfs(root)
    if disk.f_bavail * disk.f_frsize < ROOM:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), root)
    draft = spares.take()
    folder = f"{root}/{name}"
    try:
        fill(draft)
        os.rename(draft, folder)
    except OSError:
        clear(draft)
        raise
    return folder


def make_fifos(folder: str, names: List[str]) -> None:
    """Those that a spare folder did not bring along. Raises OSError."""
    for name in names:
        path = f"{folder}/{name}"
        if not os.path.lexists(path):
            os.mkfifo(path, 0o600)


def fifos(streams: str) -> List[str]:
    """Where the script writes to: one FIFO for merged streams, else those of standard output and error."""
    return ["out.fifo"] if streams == "merged" else ["out.fifo", "err.fifo"]


def remove(folder: str, spares: Optional[Spares] = None) -> None:
    """Drop an attempt's folder, or keep it as a spare one: from the first step on it is no attempt any more."""
    root, name = os.path.split(folder)
    gone = f"{root}/{GONE}{name}"
    try:
        if spares is None or not spares.put(folder):
            os.rename(folder, gone)
            clear(gone)
    except FileNotFoundError:
        return


def names(root: str) -> Iterator[str]:
    """The attempts in the spool; half-removed folders are cleared on the way."""
    for name in os.listdir(root):
        if name.startswith(GONE):
            clear(f"{root}/{name}")
        elif valid_name(name):
            yield name


def write_start(draft: str, value: Dict[str, Any]) -> None:
    """Write start.json into a folder that is no attempt yet. Raises OSError."""
    _write_padded(f"{draft}/start.json", value)


def write_json(folder: str, name: str, value: Dict[str, Any]) -> None:
    """Write a file that is seen whole or not at all. Raises OSError."""
    path = f"{folder}/{name}"
    part = path[: -len("json")] + "new"
    _write_padded(part, value)
    os.rename(part, path)


def read_json(folder: str, name: str) -> Optional[Dict[str, Any]]:
    """What write_json wrote; None without it. Raises ValueError for one that a lost disk cache left damaged."""
    try:
        descriptor = os.open(f"{folder}/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        value = json.loads(os.read(descriptor, os.fstat(descriptor).st_size).decode())
    finally:
        os.close(descriptor)
    if not isinstance(value, dict):
        raise ValueError(f"{name} in {folder} is damaged")
    return value


def reserve(folder: str) -> int:
    """An open file with room on disk for the attempt's end. Raises OSError."""
    path = f"{folder}/ended.new"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, RESERVE)
    except OSError as error:
        if error.errno in FULL:
            raise
        os.pwrite(descriptor, bytes(RESERVE), 0)
    return descriptor


def write_end(folder: str, descriptor: int, ended: Dict[str, Any]) -> None:
    """Write ended.json into the room reserved for it. Raises OSError."""
    # a spare folder's file may be longer than what is kept free
    os.pwrite(descriptor, ENCODE(ended).encode().ljust(max(RESERVE, os.fstat(descriptor).st_size)), 0)
    os.rename(f"{folder}/ended.new", f"{folder}/ended.json")


def trouble(error: OSError, root: str) -> str:
    """Why nothing can be started, in one line that says what to do where that is known."""
    if error.errno in FULL:
        return f"no space left for the spool folder {root}: free some there, or set MINI_SLURM_SPOOL"
    return f"{error.filename or root}: {error.strerror}"


def lock(folder: str) -> Optional[int]:
    """The lock that a stepd holds for its whole life; None while one does. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def size(folder: str, name: str) -> int:
    """Bytes of a file; 0 without it."""
    try:
        return os.lstat(f"{folder}/{name}").st_size
    except FileNotFoundError:
        return 0


def _write_padded(path: str, value: Dict[str, Any]) -> None:
    """Write JSON over what is there; spaces at its end cost less than to cut the file."""
    _write(path, ENCODE(value).encode(), 0o600, b" ")


def _write(path: str, data: bytes, mode: int, padding: bytes = b"") -> None:
    """Write a file, or over one; one that is cut first would cost a second trip to the disk's books."""
    descriptor = os.open(path, OVER, mode)
    try:
        length = os.fstat(descriptor).st_size
        view = memoryview(data.ljust(length, padding) if padding else data)
        while view:
            view = view[os.write(descriptor, view) :]
        if length > len(data) and not padding:
            os.ftruncate(descriptor, len(data))
    finally:
        os.close(descriptor)
