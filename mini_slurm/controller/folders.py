"""A job's folder and its output files on the submit side."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import time
from dataclasses import dataclass, field

from mini_slurm.model.job import Job
from mini_slurm.model.patterns import error_path, output_path
from mini_slurm.protocol.messages import Output

Mark = tuple[str, int, int]  # path, bytes, time of change in nanoseconds since the epoch
SECOND = 1_000_000_000  # nanoseconds
STREAMS = {"out": "stdout.txt", "err": "stderr.txt"}  # their names in a job's folder


class Full(OSError):
    """What reads a pipe or terminal is slower than what is written; `fd` will have room."""

    def __init__(self, fd: int) -> None:
        super().__init__(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self.fd = fd


class Unread(OSError):
    """A FIFO that nobody reads."""


@dataclass
class Target:
    """One open file; `base` is where this attempt's bytes begin in it."""

    fd: int
    base: int
    is_regular: bool
    path: str
    is_written: bool = False  # since it was last brought to disk
    begun: tuple[int, int] = (0, 0)  # offset of the piece that a pipe has no room for, and how much of it was written

    def mark(self) -> Mark | None:
        """Change the file's time of change to one by which it is known elsewhere: path, bytes, nanoseconds.

        None where that cannot be: the file is no file or somebody else's, or its file system keeps no such time.
        """
        if self.path == os.devnull:
            return self.path, 0, 0
        changed = int(time.time()) * SECOND + secrets.randbelow(SECOND)
        if not self.is_regular:
            return None
        try:
            os.utime(self.fd, ns=(changed, changed))
        except OSError:
            return None
        status = os.fstat(self.fd)
        return (self.path, status.st_size, changed) if status.st_mtime_ns == changed else None

    def write(self, data: bytes, offset: int) -> None:
        """Write all of it at its place, or in turn where there are no places: a pipe, a terminal. Raises OSError."""
        self.is_written = True
        if not self.is_regular:
            return self._pass_on(data, offset)
        view = memoryview(data)
        while view:
            count = os.pwrite(self.fd, view, self.base + offset)
            view, offset = view[count:], offset + count
        return None

    def _pass_on(self, data: bytes, offset: int) -> None:
        """Write it behind what is there; where that has no room, raise Full, and go on with the rest next time."""
        done = self.begun[1] if self.begun[0] == offset else 0
        try:
            while done < len(data):
                done += os.write(self.fd, memoryview(data)[done:])
        except BlockingIOError:
            self.begun = offset, done
            raise Full(self.fd) from None
        except BrokenPipeError:  # who read it has gone: nobody is left for the rest, as in Slurm
            pass
        self.begun = 0, 0

    def sync(self) -> None:
        """Bring it to disk. Raises OSError."""
        self.is_written = False
        try:
            os.fdatasync(self.fd)
        except OSError:
            self.is_written = True
            raise


@dataclass
class Files:
    """The open files of an attempt: those of each stream, and the one that has both in order of arrival."""

    mode: str  # StartAttempt.streams
    streams: dict[str, list[Target]] = field(default_factory=dict)
    merged: Target | None = None

    @property
    def bases(self) -> dict[str, int]:
        """Where this attempt's bytes begin in each file that is appended to."""
        bases = {name: targets[0].base for name, targets in self.streams.items() if targets}
        return bases if self.merged is None else {**bases, "merged": self.merged.base}

    def marks(self) -> dict[str, Mark]:
        """Stream -> its file, as StartAttempt.targets: none where the order of both streams must be known."""
        if self.merged is not None:
            return {}
        marks = {stream: targets[0].mark() for stream, targets in self.streams.items() if targets}
        return {stream: mark for stream, mark in marks.items() if mark is not None}

    def write(self, message: Output) -> None:
        """Put the bytes of a message where they belong. Raises OSError."""
        for target in self.streams.get(message.stream, []):
            target.write(message.data, message.offset)
        if self.merged is not None:
            self.merged.write(message.data, message.merged)

    def append(self, line: bytes) -> None:
        """Put a line at the end of standard error, and of what has both streams. Raises OSError."""
        targets = self.streams.get("err") or self.streams.get("out", [])
        for target in targets + ([self.merged] if self.merged else []):
            size = os.fstat(target.fd).st_size if target.is_regular else 0
            target.write(line, max(size - target.base, 0))

    @property
    def is_written(self) -> bool:
        """Is there something that is not known to be on disk?"""
        return any(target.is_regular and target.is_written for target in self._targets())

    def sync(self) -> None:
        """Bring everything to disk. Raises OSError."""
        for target in self._targets():
            if target.is_regular and target.is_written:
                target.sync()

    def close(self) -> None:
        """Close all files."""
        for target in self._targets():
            os.close(target.fd)

    def _targets(self) -> list[Target]:
        targets = [target for targets in self.streams.values() for target in targets]
        return targets + ([self.merged] if self.merged else [])


def job_folder(jobs_dir: str, job: Job) -> str:
    """Where a job's script and streams lie: `jobs/12`, or `jobs/12_3` for an array task."""
    return os.path.join(jobs_dir, job.display_id)


def open_files(folder: str, job: Job, bases: dict[str, int] | None) -> Files:
    """Open a job's files, in its folder and elsewhere; `bases` is given when they were open before. Raises OSError.

    They are made with the submitter's umask.
    """
    out = output_path(job)
    err = error_path(job) if job.std_err else out
    files = Files(stream_mode(job, out, err))
    own = os.umask(job.umask)
    try:
        if files.mode == "ordered":
            files.merged = _open(job, out, "merged", bases)
            for stream, name in STREAMS.items():
                files.streams[stream] = [_open(job, f"{folder}/{name}", stream, bases)]
        else:
            files.streams["out"] = [_open(job, out, "out", bases)]
            if files.mode == "split":
                files.streams["err"] = [_open(job, err, "err", bases)]
            os.symlink(out, os.path.join(folder, STREAMS["out"]))
            os.symlink(err, os.path.join(folder, STREAMS["err"]))
    except OSError:
        files.close()
        raise
    finally:
        os.umask(own)
    return files


def make_folder(folder: str) -> None:
    """A job's folder, where links of an earlier attempt do not get in the way. Raises OSError."""
    try:
        os.mkdir(folder, 0o700)
    except FileNotFoundError:
        os.makedirs(folder, 0o700)
    except FileExistsError:
        for name in STREAMS.values():
            if os.path.islink(os.path.join(folder, name)):
                os.unlink(os.path.join(folder, name))


def stream_mode(job: Job, out: str, err: str) -> str:
    """StartAttempt.streams: both in one file, in two, or, where nothing was said, in two and their order as well."""
    if job.std_out is None and job.std_err is None:
        return "ordered"
    return "merged" if out == err else "split"


def _open(job: Job, path: str, stream: str, bases: dict[str, int] | None) -> Target:
    """Open one output file as Slurm does: truncated unless it is to be appended to, made with the present umask.

    Nothing is waited for: a FIFO that nobody reads raises Unread.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    if job.open_mode != "a" and bases is None:
        flags |= os.O_TRUNC
    try:
        fd = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno != errno.ENXIO or not stat.S_ISFIFO(os.stat(path).st_mode):
            raise
        if bases is None:
            raise Unread(error.errno, "nobody reads this FIFO", path) from None
        fd = os.open(os.devnull, flags)  # who read it has gone since: see _pass_on
    status = os.fstat(fd)
    is_regular = stat.S_ISREG(status.st_mode)
    if bases is not None:
        return Target(fd, bases.get(stream, 0), is_regular, path)
    return Target(fd, status.st_size if is_regular and job.open_mode == "a" else 0, is_regular, path)
