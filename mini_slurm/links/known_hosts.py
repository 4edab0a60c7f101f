"""The known_hosts files: which are read, and how a key is added to one."""

from __future__ import annotations

import os
from typing import NamedTuple

from mini_slurm.errors import StateError

GLOBAL_FILES = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
USER_FILES = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")


class HostKey(NamedTuple):
    """A key that a host showed. `state` says how it compares with what the known_hosts files have."""

    state: str  # "new", "known", "changed"
    kind: str  # "ssh-ed25519"
    fingerprint: str  # "SHA256:..."
    line: str  # what known_hosts should have, without line end
    path: str  # the known_hosts file it belongs into


class Files(NamedTuple):
    """The files that one host's key is looked up in; a new key goes into the first."""

    user: tuple[str, ...]
    other: tuple[str, ...]


def files(user: object, other: object) -> Files:
    """The files to read, given ssh_config's UserKnownHostsFile and GlobalKnownHostsFile.

    Keys are always checked, so `none` and /dev/null, which switch the check off in ssh, mean the usual files here.
    """
    return Files(_paths(user, USER_FILES), _paths(other, GLOBAL_FILES))


def _paths(said: object, default: tuple[str, ...]) -> tuple[str, ...]:
    names = [str(name) for name in said if name != os.devnull] if isinstance(said, list | tuple) else []
    return tuple(os.path.expanduser(name) for name in names or default)


def stamp(paths: tuple[str, ...]) -> tuple[tuple[str, int, int], ...]:
    """The files that exist, with time and size: the same stamp means the same content."""
    found = []
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:
            continue
        found.append((path, status.st_mtime_ns, status.st_size))
    return tuple(found)


def host_name(host: str, port: int, alias: str | None) -> str:
    """The name that ssh keeps a host's key under."""
    if alias:
        return alias
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def remember(key: HostKey) -> None:
    """Add the key to its known_hosts file, which is made if need be. Raises StateError."""
    try:
        os.makedirs(os.path.dirname(key.path) or ".", mode=0o700, exist_ok=True)
        file = os.open(key.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, f"{_line_end(file)}{key.line}\n".encode())
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as error:
        raise StateError(f"cannot add a key to {key.path}: {error.strerror}") from error


def _line_end(file: int) -> str:
    """A line end where the file's last line has none."""
    size = os.fstat(file).st_size
    return "\n" if size and os.pread(file, 1, size - 1) != b"\n" else ""
