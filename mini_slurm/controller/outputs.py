"""Output on its way to the submit side: written at its offset, so that what comes twice changes nothing.

A stream is acknowledged when it is written; a job's end is reported when all of it is on disk. What the database
remembers of a stream was on disk before, so that after a crash of the login node nothing is missing.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from mini_slurm.controller.folders import Files, Full, Mark, job_folder, make_folder, open_files
from mini_slurm.controller.scripts import Scripts
from mini_slurm.model.job import Job
from mini_slurm.protocol.messages import Acknowledge, Ended, Message, Output
from mini_slurm.scheduler.events import Event, OutputFailed, OutputStored

CHECKPOINT = 1.0  # seconds between two notes of how far the streams are
RETRY = 5.0  # seconds until a write that failed is tried again


@dataclass
class Flow:
    """The streams of one attempt."""

    files: Files
    reply: Callable[[Message], None]
    written: dict[str, int] = field(default_factory=dict)  # stream -> bytes
    stored: dict[str, int] = field(default_factory=dict)  # stream -> bytes that the database knows to be on disk
    waiting: list[Output] = field(default_factory=list)  # what could not be written yet
    sizes: dict[str, int] | None = None  # known when the attempt has ended
    is_noted: bool = False  # does the database know of it?
    marks: dict[str, Mark] = field(default_factory=dict)  # of files that the machine may write to itself
    full: int | None = None  # the pipe or terminal whose reader is waited for

    @property
    def is_complete(self) -> bool:
        """Has everything been written?"""
        return self.sizes is not None and all(self.written.get(name, 0) >= size for name, size in self.sizes.items())


class Outputs:
    """All attempts' output."""

    def __init__(self, db: sqlite3.Connection, jobs_dir: str, post: Callable[[Event], None]) -> None:
        self._db = db
        self._jobs_dir = jobs_dir
        self._scripts = Scripts()
        self._post = post
        self._flows: dict[str, Flow] = {}
        self._early: dict[str, dict[str, int]] = {}  # sizes of attempts whose files are not open again yet
        self._complete: list[str] = []
        self._news: list[tuple[str, str, int, int]] = []  # attempt, stream, base, stored: for the database
        self._over: list[str] = []
        self._bell = asyncio.Event()

    def open(self, attempt: str, job: Job, script: bytes, reply: Callable[[Message], None]) -> None:
        """Make the job's folder and its output files, or find them again. Raises OSError."""
        if attempt in self._flows:
            self._flows[attempt].reply = reply
            return
        rows = self._db.execute("SELECT stream, base, stored FROM output WHERE attempt = ?", (attempt,)).fetchall()
        bases = {stream: base for stream, base, _ in rows}
        stored = {stream: offset for stream, _, offset in rows}
        folder = job_folder(self._jobs_dir, job)
        make_folder(folder)
        self._scripts.put(os.path.join(folder, "script"), script)
        files = open_files(folder, job, bases if rows else None)
        sizes = self._early.pop(attempt, None)
        flow = Flow(files, reply, dict(stored), stored, sizes=sizes, is_noted=bool(rows))
        self._flows[attempt] = flow
        if not rows:
            flow.marks = files.marks()
        if not rows and (job.open_mode == "a" or flow.marks):
            # where an appended file began must be known before the first byte is written, and that a file which the
            # machine writes to is not to be made anew
            self._news += [(attempt, stream, base, 0) for stream, base in files.bases.items()]
            flow.is_noted = True
        self._note_complete(attempt, flow)

    @property
    def has_news(self) -> bool:
        """Is there something to remember before an attempt may start?"""
        return bool(self._news)

    def mode(self, attempt: str) -> str:
        """How the attempt's streams are kept: StartAttempt.streams."""
        return self._flows[attempt].files.mode

    def marks(self, attempt: str) -> dict[str, Mark]:
        """The files that the machine may write to itself: StartAttempt.targets."""
        return self._flows[attempt].marks

    def greet(self, attempt: str) -> None:
        """Tell the agent, on a new channel, from where on it is to send."""
        flow = self._flows[attempt]
        for stream in flow.files.streams:
            flow.reply(Acknowledge(attempt, stream, flow.written.get(stream, 0)))

    def say(self, attempt: str, line: str) -> None:
        """Write a line of our own behind what the attempt wrote, where its errors go; as far as that can be."""
        flow = self._flows.get(attempt)
        if flow is not None:
            with suppress(OSError):
                flow.files.append(f"{line}\n".encode(errors="backslashreplace"))

    def take(self, message: Output) -> None:
        """Write what came, or keep it until it can be written."""
        flow = self._flows.get(message.attempt)
        if flow is not None:
            flow.waiting.append(message)
            self._write(message.attempt, flow)

    def ended(self, message: Ended) -> None:
        """The attempt is over: this is how much it wrote."""
        flow = self._flows.get(message.attempt)
        if flow is None:
            self._early[message.attempt] = message.sizes
        elif flow.sizes is None:
            flow.sizes = message.sizes
            self._note_complete(message.attempt, flow)

    def drop(self, attempt: str) -> None:
        """The attempt was given up, or its job is over."""
        self._early.pop(attempt, None)
        flow = self._flows.pop(attempt, None)
        if flow is not None:
            self._wait_for_room(attempt, flow, None)
            flow.files.close()
        if flow is None or flow.is_noted:
            self._over.append(attempt)

    def persist(self, db: sqlite3.Connection) -> None:
        """Write what was noted, within the caller's transaction."""
        news, self._news = self._news, []
        over, self._over = self._over, []
        db.executemany("INSERT OR REPLACE INTO output VALUES (?, ?, ?, ?)", news)
        db.executemany("DELETE FROM output WHERE attempt = ?", [(attempt,) for attempt in over])

    def _write(self, attempt: str, flow: Flow) -> None:
        try:
            while flow.waiting:
                message = flow.waiting[0]
                written = flow.written.get(message.stream, 0)
                if message.offset > written:
                    # sent on a new channel before greet() told where to begin: what lies between comes again with it
                    del flow.waiting[0]
                    continue
                flow.files.write(_behind(message, written))
                del flow.waiting[0]
                flow.written[message.stream] = max(written, message.offset + len(message.data))
                flow.reply(Acknowledge(attempt, message.stream, flow.written[message.stream]))
        except Full as error:
            return self._wait_for_room(attempt, flow, error.fd)
        except OSError as error:
            self._post(OutputFailed(attempt, opening=False, why=f"cannot write output: {error.strerror}"))
        self._wait_for_room(attempt, flow, None)
        self._note_complete(attempt, flow)
        return None

    def _wait_for_room(self, attempt: str, flow: Flow, full: int | None) -> None:
        """Write again when this pipe or terminal has room; None: there is nothing to be waited for."""
        if flow.full == full:
            return
        loop = asyncio.get_running_loop()
        if flow.full is not None:
            loop.remove_writer(flow.full)
        if full is not None:
            loop.add_writer(full, self._write, attempt, flow)
        flow.full = full

    def _note_complete(self, attempt: str, flow: Flow) -> None:
        if not flow.is_complete or attempt in self._complete:
            return
        if any(flow.written.values()) or flow.files.is_written:
            self._complete.append(attempt)
            self._bell.set()
        else:  # nothing has to be brought to disk
            self._post(OutputStored(attempt))

    async def run(self) -> None:
        """Bring to disk what is complete at once, and what is under way from time to time; retry what failed."""
        loop = asyncio.get_running_loop()
        checkpoint, retry = loop.time() + CHECKPOINT, loop.time() + RETRY
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._bell.wait(), CHECKPOINT)
            self._bell.clear()
            await self._finish_complete()
            if loop.time() >= checkpoint:
                await self._checkpoint()
                checkpoint = loop.time() + CHECKPOINT
            if loop.time() >= retry:
                self._retry()
                retry = loop.time() + RETRY

    def _retry(self) -> None:
        for attempt, flow in list(self._flows.items()):
            if flow.waiting:
                self._write(attempt, flow)

    async def _finish_complete(self) -> None:
        names, self._complete = self._complete, []
        flows = {name: self._flows[name] for name in names if name in self._flows}
        if not flows:
            return
        dirty = {name: flow.files for name, flow in flows.items() if flow.files.is_written}
        failed = await asyncio.to_thread(_sync_all, dirty) if dirty else {}
        for name in flows:
            if name in failed:
                self._post(OutputFailed(name, opening=False, why=f"cannot write output: {os.strerror(failed[name])}"))
                asyncio.get_running_loop().call_later(RETRY, self._complete.append, name)
            else:
                self._post(OutputStored(name))

    async def _checkpoint(self) -> None:
        behind = {
            name: (flow, dict(flow.written))
            for name, flow in self._flows.items()
            if flow.written != flow.stored and not flow.is_complete
        }
        if not behind:
            return
        failed = await asyncio.to_thread(_sync_all, {name: flow.files for name, (flow, _) in behind.items()})
        for name, (flow, written) in behind.items():
            if name not in failed and name in self._flows:
                flow.stored, flow.is_noted = written, True
                bases = flow.files.bases
                streams = {**dict.fromkeys(bases, 0), **written}
                self._news += [(name, stream, bases.get(stream, 0), at) for stream, at in streams.items()]


def _behind(message: Output, written: int) -> Output:
    """What of a message is not written yet: a pipe or a terminal must not get anything twice."""
    known = written - message.offset
    if known <= 0:
        return message
    return message._replace(offset=written, merged=message.merged + known, data=message.data[known:])


def _sync_all(files: dict[str, Files]) -> dict[str, int]:
    """Bring these files to disk; the error numbers of those where it failed."""
    failed: dict[str, int] = {}
    for name, one in files.items():
        try:
            one.sync()
        except OSError as error:
            failed[name] = error.errno or 0
    return failed
