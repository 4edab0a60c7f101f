"""The cgroups of attempts that asked for memory: in them the kernel keeps a job to that, where it lets us make them.

A job has one, and each of its steps has one within it. What the two versions of cgroups call things is in a table;
Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst of Linux.
"""

import os
import re
from contextlib import suppress
from typing import Container, List, NamedTuple

PROCESSES = "cgroup.procs"
OWN_NAME = re.compile(r"/mini_slurm-\d+-[0-9a-f]{8}\.")  # what the folder of a job's group has in its path
COUNTS = 1 << 12  # bytes; more than a file of counts has


class Kind(NamedTuple):
    """A version of cgroups: its files."""

    name: str  # as `msinfo --limits` shows it
    limit: str  # how many bytes the processes may have
    swap: str  # ... and swapped out; not there where the kernel has no swap
    is_sum: bool  # does `swap` count what is not swapped out, too?
    kills: str  # after the word oom_kill: how many processes of this very group were killed
    peak: str  # the most bytes that were counted, files that the kernel keeps for the job included
    script: str  # in a job's group: where its script goes
    control: str  # the file that lets groups within a group have limits; "": they may


# A group of version 2 whose children have limits holds no processes itself.
V2 = Kind(
    *("cgroup v2", "memory.max", "memory.swap.max", False, "memory.events", "memory.peak"),
    script="/batch",
    control="cgroup.subtree_control",
)
V1 = Kind(
    *("cgroup v1", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", True),
    *("memory.oom_control", "memory.max_usage_in_bytes"),
    script="",
    control="",
)


class Group:
    """A cgroup with processes in it. What cannot be read of it counts as nothing."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.kind = kind_of(folder)

    def add(self, pid: int) -> None:
        """Put a process in, and with it all that it will start. Raises OSError."""
        write(f"{self.folder}/{PROCESSES}", str(pid))

    def kills(self) -> int:
        """How many processes the kernel's out-of-memory handler has killed here."""
        with suppress(OSError, ValueError):
            words = read(f"{self.folder}/{self.kind.kills}").split()
            return int(words[words.index("oom_kill") + 1])
        return 0

    def peak(self) -> int:
        """The most memory that was ever counted here, files included; KiB, 0: not told."""
        with suppress(OSError, ValueError):
            return int(read(f"{self.folder}/{self.kind.peak}")) // 1024
        return 0

    def pids(self) -> List[int]:
        """The processes in it, those of other namespaces left out."""
        with suppress(OSError, ValueError):
            return [pid for pid in map(int, read(f"{self.folder}/{PROCESSES}").split()) if pid]
        return []


def kind_of(folder: str) -> Kind:
    """Which version of cgroups this folder is of."""
    return V2 if os.path.exists(f"{folder}/cgroup.controllers") else V1


def make(folder: str, limit: int) -> None:
    """A group whose processes together get `limit` MiB (0: no limit), and no swap besides. Raises OSError."""
    try:
        os.mkdir(folder, 0o755)
    except FileExistsError:  # of a stepd that was lost before it began
        remove(folder)
        os.mkdir(folder, 0o755)
    if limit:
        kind, amount = kind_of(folder), limit << 20
        write(f"{folder}/{kind.limit}", str(amount))
        with suppress(OSError):
            write(f"{folder}/{kind.swap}", str(amount if kind.is_sum else 0))


def make_for_job(folder: str, limit: int) -> None:
    """A job's group, ready for its script and for the groups of its steps. Raises OSError."""
    make(folder, limit)
    kind = kind_of(folder)
    if kind.control:
        write(f"{folder}/{kind.control}", "+memory")
    if kind.script:
        make(folder + kind.script, 0)


def with_processes(folder: str) -> Group:
    """The group that has the processes of a job, or of a step, whose folder this is."""
    script = folder + kind_of(folder).script
    return Group(script if os.path.isdir(script) else folder)


def remove(folder: str) -> None:
    """Give a group back, and those within it. One that has processes stays, for the next agent to remove."""
    try:
        os.rmdir(folder)
    except OSError:  # there are others in it, or it is gone
        with suppress(OSError):
            for place in [entry.path for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]:
                with suppress(OSError):
                    os.rmdir(place)
            os.rmdir(folder)


def tidy(beginning: str, alive: Container[str]) -> None:
    """Remove what attempts have left that nobody saw end. `alive`: those that are not to lose theirs."""
    parent, start = os.path.split(beginning)
    with suppress(OSError):
        for name in os.listdir(parent):
            if name.startswith(start) and name[len(start) :] not in alive:
                remove(f"{parent}/{name}")


def read(path: str) -> str:
    """A file of the kernel's. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return b"".join(iter(lambda: os.read(descriptor, COUNTS), b"")).decode()
    finally:
        os.close(descriptor)


def write(path: str, text: str) -> None:
    """Write to a file of the kernel's at once. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
