"""Calls on this machine: child processes. Commands wait for this, so it does without the modules that cost a while."""

from __future__ import annotations

import os
import select
import signal

from mini_slurm.clusters import there
from mini_slurm.clusters.base import Answer, unheard
from mini_slurm.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_slurm.clusters.base import Call, Hear, Script
    from mini_slurm.model.cluster_entry import ClusterEntry

# variables that would have the other system's commands choose a cluster of their own, or wait where we do
DROPPED = ("SBATCH_CLUSTERS", "SLURM_CLUSTERS", "SBATCH_WAIT", "MINI_SLURM_CLUSTER")
FOLDERS = "/tmp"
LOOK = 0.5  # seconds between two looks at what a program that stays has printed


class LocalRunner:
    """Runs a cluster's commands here."""

    remote = False

    def __init__(self, entry: ClusterEntry) -> None:
        self._entry = entry

    def run(self, call: Call, hear: Hear = unheard) -> Answer:
        """Run it to its end, in the folder that we are in. Raises Refused where there is no such program."""
        path = program(self._entry, call.words[0])
        if call.script is None:
            return self._run(path, list(call.words), call, hear)
        folder = os.path.join(FOLDERS, f"mini_slurm-{os.getpid()}-{os.urandom(4).hex()}")
        file = os.path.join(folder, call.script.name)
        os.mkdir(folder, 0o700)
        try:
            _write(file, call.script)
            return self._run(path, [*call.words, file, *call.script.arguments], call, hear)
        finally:
            if os.path.exists(file):
                os.unlink(file)
            os.rmdir(folder)

    def environment(self, call: Call) -> dict[str, str]:
        """The environment that the program gets."""
        kept = {name: value for name, value in os.environ.items() if name not in DROPPED}
        ours = {"PATH": there.path_for_jobs(), **there.calling(call.words[0])}
        return {**kept, **ours, **self._entry.environment, **call.variables}

    def _run(self, path: str, words: list[str], call: Call, hear: Hear) -> Answer:
        # Files in memory instead of pipes: nobody has to read while it runs, and it runs on if we are killed.
        files = [os.memfd_create(name) for name in ("in", "out", "err")]
        try:
            _fill(files[0], call.stdin)
            try:
                pid = os.posix_spawn(
                    path,
                    words,  # its messages begin with the name that it is called by
                    self.environment(call),
                    file_actions=[(os.POSIX_SPAWN_DUP2, file, number) for number, file in enumerate(files)],
                    setsigdef=[signal.SIGPIPE],  # which Python ignores
                )
            except OSError as error:
                raise Refused(f"{path} cannot be run: {error.strerror}") from None
            late = _wait(pid, call.patience, lambda: hear(_content(files[1])))
            _, status = os.waitpid(pid, 0)
            out, err = (_content(file) for file in files[1:])
            if late:
                err += f"{call.words[0]}: no answer within {call.patience:g} seconds\n".encode()
            return Answer(os.waitstatus_to_exitcode(status), out, err)
        finally:
            for file in files:
                os.close(file)


def _wait(pid: int, patience: float | None, look: Callable[[], None]) -> bool:
    """Wait for the process to end, and look now and then if it may stay; True: it took too long, and was killed."""
    end = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(end, select.POLLIN)
        while not poll.poll((LOOK if patience is None else patience) * 1000) and patience is None:
            look()
        if poll.poll(0):
            return False
        os.kill(pid, signal.SIGKILL)
        return True
    finally:
        os.close(end)


def _fill(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
    os.lseek(file, 0, os.SEEK_SET)


def _content(file: int) -> bytes:
    return os.pread(file, os.fstat(file).st_size, 0)


def program(entry: ClusterEntry, command: str) -> str:
    """The path of a cluster's command. Raises Refused."""
    path = there.find(command, entry.folder)
    if path is None:
        where = f"in {entry.folder}" if entry.folder else "on PATH"
        raise Refused(
            f"cluster {entry.name}: there is no {command} {where}",
            hint=f"set folder, or host, in [clusters.{entry.name}] of the fleet file",
        )
    if there.is_called_by_itself(command):
        raise Refused(
            f"cluster {entry.name}: {path} is no {command} of a cluster: it calls mini_slurm's",
            hint=f"take it off PATH, or set folder in [clusters.{entry.name}] of a fleet file to where the real one is",
        )
    return path


def _write(path: str, script: Script) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o700)
    try:
        _fill(file, script.data)
    finally:
        os.close(file)
