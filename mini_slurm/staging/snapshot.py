"""The code as it was at submission: each content once in the state folder, and a list of names that points there."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from mini_slurm.agent.stage_cache import READ, make_private, write_all
from mini_slurm.errors import Refused
from mini_slurm.protocol import flat
from mini_slurm.protocol.staging import FILE, Entry, pack_entries, unpack_entries
from mini_slurm.staging.digests import Digests, read_same
from mini_slurm.staging.tree import Changed, describe, walk

FOLDER_NAME = "stage"  # in the state folder
TRIES = 3  # while files are written to
KEPT = 14 * 86400  # seconds since it was wanted last, after which a snapshot goes that no waiting job needs
FRESH = 86400.0  # seconds for which it is not written down again that a content was wanted
GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.quotepath=off")


class Snapshots:
    """The snapshots of a state folder. Raises OSError where the disk does."""

    def __init__(self, state: str) -> None:
        self.folder = os.path.join(state, FOLDER_NAME)
        for place in (self.folder, f"{self.folder}/objects", f"{self.folder}/snapshots"):
            make_private(place)
        self._digests = Digests(self.folder)
        self._state = os.fsencode(os.path.realpath(state))

    def take(self, folder: str, kind: str, note: Callable[[int, int], None] = lambda done, of: None) -> tuple[str, str]:
        """Keep a folder's files as they are now; the snapshot's name, and the folder that it is of.

        `kind`: "git", "dir" or "auto"; `note` hears how many files of how many are done. Raises Refused, OSError.
        """
        top = None if kind == "dir" else _repository(folder)
        if kind == "git" and top is None:
            raise Refused("--snapshot=git: this is no git repository", hint="use --snapshot=dir, or git init")
        root = os.path.realpath(folder) if top is None else top
        for _ in range(TRIES):
            with suppress(Changed), self._held():
                return self._write(self._keep_all(self._tree(root, is_git=top is not None), note)), root
        raise Refused(f"--snapshot: files in {root} are written to all the time", hint="submit when they are at rest")

    def _tree(self, root: str, *, is_git: bool) -> list[Entry]:
        if not is_git:
            return walk(os.fsencode(root), b"", [self._state])
        return [entry for name in _git_files(root) if (entry := _described(os.fsencode(root), name)) is not None]

    def path(self, digest: str) -> str:
        """Where a content lies."""
        return f"{self.folder}/objects/{digest[:2]}/{digest[2:]}"

    def _keep_all(self, tree: list[Entry], note: Callable[[int, int], None]) -> list[Entry]:
        """The entries with their checksums, each content being here."""
        known = self._digests.known(tree)
        entries, fresh = [], []
        for number, entry in enumerate(tree):
            if entry.kind == FILE:
                digest = known.get((entry.source, entry.stamp), "")
                if not digest or not self._has(digest, entry.size):
                    digest = self._copy(entry)
                    fresh.append((entry.source, entry.stamp, digest, time.time()))
                entry = entry._replace(digest=digest)
            entries.append(entry)
            note(number + 1, len(tree))
        self._digests.remember(fresh)
        return entries

    def _has(self, digest: str, size: int) -> bool:
        place = self.path(digest)
        with suppress(FileNotFoundError):
            status = os.lstat(place)
            if status.st_size == size:
                if time.time() - status.st_mtime > FRESH:
                    os.utime(place)
                return True
        return False

    def _copy(self, entry: Entry) -> str:
        """Copy a file's content; its checksum. A link would see what is written into the file later."""
        draft = f"{self.folder}/objects/.draft-{os.getpid()}"
        total = hashlib.sha256()
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o400)
        try:
            for data in read_same(entry):
                total.update(data)
                write_all(file, data)
            self._settle(draft, total.hexdigest())
        except BaseException:
            os.unlink(draft)
            raise
        finally:
            os.close(file)
        return total.hexdigest()

    def _settle(self, draft: str, digest: str) -> None:
        try:
            os.rename(draft, self.path(digest))
        except FileNotFoundError:
            make_private(f"{self.folder}/objects/{digest[:2]}")
            os.rename(draft, self.path(digest))

    def _write(self, entries: Iterable[Entry]) -> str:
        plain = [entry._replace(source=b"", stamp="") for entry in entries]
        text = flat.pack(*pack_entries(plain))
        name = hashlib.sha256(text).hexdigest()
        place = f"{self.folder}/snapshots/{name}"
        draft = f"{place}.{os.getpid()}"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(text)
        os.rename(draft, place)
        return name

    def entries(self, name: str) -> list[Entry]:
        """What a snapshot has, with the places of the contents. Raises Refused where it is gone."""
        try:
            with open(os.open(f"{self.folder}/snapshots/{name}", READ), "rb") as file:
                [fields] = flat.Reader().feed(file.read())
            return [self._placed(entry) for field in fields for entry in unpack_entries(field)]
        except (OSError, ValueError):
            raise Refused("the snapshot of this job is gone from the state folder: submit the job again") from None

    def _placed(self, entry: Entry) -> Entry:
        if entry.kind != FILE:
            return entry
        source = self.path(entry.digest)
        status = os.lstat(source)
        if status.st_size != entry.size:
            raise OSError(0, "is damaged", source)
        return entry._replace(source=os.fsencode(source))

    @contextmanager
    def _held(self, how: int = fcntl.LOCK_SH) -> Iterator[None]:
        """Nothing is dropped while somebody takes a snapshot. Raises BlockingIOError."""
        lock = os.open(f"{self.folder}/objects", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, how)
            yield
        finally:
            os.close(lock)

    def tidy(self, wanted: Iterable[str]) -> None:
        """Drop what was not wanted for long, but for these snapshots. Raises OSError."""
        with suppress(BlockingIOError), self._held(fcntl.LOCK_EX | fcntl.LOCK_NB):
            before = time.time() - KEPT
            names = set(wanted)
            kept = {entry.digest for name in names for entry in self._entries_or_none(name)}
            for entry in os.scandir(f"{self.folder}/snapshots"):
                if entry.name not in names and entry.stat().st_mtime < before:
                    os.unlink(entry.path)
            for part in os.scandir(f"{self.folder}/objects"):
                for entry in os.scandir(part.path) if part.is_dir(follow_symlinks=False) else ():
                    if part.name + entry.name not in kept and entry.stat().st_mtime < before:
                        os.unlink(entry.path)

    def _entries_or_none(self, name: str) -> list[Entry]:
        try:
            return self.entries(name)
        except Refused:
            return []


def _described(root: bytes, name: bytes) -> Entry | None:
    """One file that git names; a tracked file that was removed is none."""
    try:
        return describe(os.path.join(root, name), name)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _repository(folder: str) -> str | None:
    """The top of the repository that a folder lies in. None outside of one."""
    try:
        found = _git(folder, "rev-parse", "--show-toplevel")
    except subprocess.CalledProcessError as error:
        if b"dubious ownership" in error.stderr:
            line = os.fsdecode(error.stderr.splitlines()[0])
            raise Refused(f"--snapshot: git says: {line}", hint="see git help config, safe.directory") from None
        return None
    except FileNotFoundError:
        return None
    return os.path.realpath(os.fsdecode(found.rstrip(b"\n")))


def _git_files(root: str) -> list[bytes]:
    """The names of files that are tracked, or neither tracked nor ignored; those of submodules too. Raises Refused."""
    try:
        listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    except subprocess.CalledProcessError as error:
        raise Refused(f"--snapshot: git ls-files: {os.fsdecode(error.stderr.strip())}") from None
    names: dict[bytes, None] = {}
    for name in filter(None, listed.split(b"\0")):
        place = os.path.join(os.fsencode(root), name)
        if os.path.isdir(place) and not os.path.islink(place):
            inside = _git_files(os.fsdecode(place)) if os.path.lexists(os.path.join(place, b".git")) else []
            names.update(dict.fromkeys(os.path.join(name, one) for one in inside))
        else:
            names[name] = None
    return list(names)


def _git(folder: str, *words: str) -> bytes:
    return subprocess.run([*GIT, *words], cwd=folder, capture_output=True, check=True, stdin=subprocess.DEVNULL).stdout
