"""What a group service knows of its groups, on disk: a restarted service goes on where the last one ended."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mini_slurm.errors import MiniSlurmError, Refused, StateError

MOST_CLIENTS = 4  # times the group's size: clients of a requeued job have other addresses
SPARE_CLIENTS = 16


class UnknownGroup(MiniSlurmError):
    """There is no group of this number."""


class GroupExists(Refused):
    """There is a group of this number already."""


@dataclass
class Group:
    """A group of clients: what was asked for, its job, and who has registered. time_limit: minutes."""

    benchmark_id: int
    num_clients: int
    time_limit: int
    job_id: str = ""  # "" while it is being submitted
    clients: list[str] = field(default_factory=list)
    created_at: float = field(default_factory=time.time)

    def register(self, address: str) -> None:
        """Add a client, if it is a new one. Raises Refused when there are far more than were asked for."""
        if address in self.clients:
            return
        if len(self.clients) >= MOST_CLIENTS * self.num_clients + SPARE_CLIENTS:
            raise Refused(f"{len(self.clients)} clients have registered for a group of {self.num_clients}")
        self.clients.append(address)


class GroupBook:
    """All groups of a service, each a file in a folder that one service has at a time."""

    def __init__(self, folder: Path) -> None:
        """Raises StateError where another service has the folder, or where it cannot be used."""
        self._folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            hint = "end it first, or export MINI_SLURM_STATE=FOLDER for a second one"
            raise StateError(f"another group service uses {folder}", hint=hint) from None
        except OSError as error:
            raise StateError(f"{folder} cannot be used: {error.strerror}") from error
        self._groups = {group.benchmark_id: group for group in map(_load, folder.glob("[0-9]*.json"))}

    def __iter__(self) -> Iterator[Group]:
        return iter(list(self._groups.values()))

    def close(self) -> None:
        """Let another service have the folder."""
        os.close(self._lock)

    def get(self, benchmark_id: int) -> Group:
        """Raises UnknownGroup."""
        if benchmark_id not in self._groups:
            raise UnknownGroup(f"Unknown benchmark id {benchmark_id}")
        return self._groups[benchmark_id]

    def add(self, group: Group) -> None:
        """Raises GroupExists."""
        if group.benchmark_id in self._groups:
            raise GroupExists("Group already exists")
        self.save(group)
        self._groups[group.benchmark_id] = group

    def save(self, group: Group) -> None:
        """Write it down, whole or not at all."""
        path = self._path(group.benchmark_id)
        new = path.with_suffix(".new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(group), file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)

    def remove(self, benchmark_id: int) -> None:
        """Forget it."""
        self._path(benchmark_id).unlink(missing_ok=True)
        del self._groups[benchmark_id]

    def _path(self, benchmark_id: int) -> Path:
        return self._folder / f"{benchmark_id}.json"


def _load(path: Path) -> Group:
    try:
        return Group(**json.loads(path.read_bytes()))
    except (ValueError, TypeError) as error:
        raise StateError(f"{path} is damaged: {error}", hint="remove the file: its group is forgotten") from error
