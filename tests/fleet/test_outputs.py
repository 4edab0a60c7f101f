"""Output files on the submit side: written at their offsets, brought to disk, found again after a crash."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from mini_slurm.controller.outputs import Outputs
from mini_slurm.model.job import Job
from mini_slurm.protocol.messages import Acknowledge, Ended, Message, Output
from mini_slurm.scheduler.events import Event, OutputFailed, OutputStored
from mini_slurm.store import database
from tests.waiting import until

ATTEMPT = "5eed.1.1"


class Side:
    """A submit side: its database, its folders, and what it says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.work.mkdir(exist_ok=True)
        self.db = database.open_database(str(folder))
        self.events: list[Event] = []
        self.replies: list[Message] = []
        self.outputs = Outputs(self.db, str(folder / "jobs"), self.events.append)

    def open(self, **request: object) -> None:
        job = Job(job_id=1, attempt=1, work_dir=str(self.work), name="test", **request)
        self.outputs.open(ATTEMPT, job, b"#!/bin/sh\n", self.replies.append)

    def persist(self) -> None:
        with database.transaction(self.db):
            self.outputs.persist(self.db)

    def text(self, name: str) -> str:
        return (self.work / name).read_text()


def out(data: bytes, offset: int = 0, stream: str = "out", merged: int = 0) -> Output:
    return Output(ATTEMPT, stream, offset, merged, data)


def ended(**sizes: int) -> Ended:
    return Ended(ATTEMPT, 0.0, 1.0, "", 0, 0, 0, 0.0, 0.0, sizes, {})


def running(scenario: Callable[[Side], object], side: Side) -> None:
    """Play a scenario while the side's own task runs."""

    async def play() -> None:
        task = asyncio.create_task(side.outputs.run())
        try:
            await scenario(side)  # type: ignore[misc]
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(play())


@pytest.fixture
def side(tmp_path: Path) -> Side:
    return Side(tmp_path)


def test_what_comes_twice_changes_nothing(side: Side):
    side.open(std_out="o.txt")
    for message in (out(b"hello "), out(b"world\n", 6), out(b"hello "), out(b"world\n", 6)):
        side.outputs.take(message)
    assert side.text("o.txt") == "hello world\n"
    assert side.replies[-1] == Acknowledge(ATTEMPT, "out", 12)


def test_a_new_attempt_truncates_what_an_earlier_one_left(side: Side):
    (side.work / "o.txt").write_text("something long and old\n")
    side.open(std_out="o.txt")
    assert side.text("o.txt") == ""


def test_appended_output_begins_where_the_file_ended(side: Side):
    (side.work / "o.txt").write_text("old\n")
    side.open(std_out="o.txt", open_mode="a")
    side.outputs.take(out(b"new\n"))
    assert side.text("o.txt") == "old\nnew\n"


def test_after_a_crash_appended_output_goes_to_the_same_place(side: Side):
    (side.work / "o.txt").write_text("old\n")
    side.open(std_out="o.txt", open_mode="a")
    side.persist()
    side.outputs.take(out(b"new\n"))
    again = Side(side.folder)
    again.open(std_out="o.txt", open_mode="a")
    again.outputs.greet(ATTEMPT)
    assert again.replies == [Acknowledge(ATTEMPT, "out", 0)]
    again.outputs.take(out(b"new\n"))
    assert again.text("o.txt") == "old\nnew\n"


def test_an_attempt_is_stored_when_all_of_it_is_there_and_not_before(side: Side):
    async def scenario(side: Side) -> None:
        side.outputs.ended(ended(out=4))
        await asyncio.sleep(0)
        assert side.events == []
        side.outputs.take(out(b"all\n"))
        await until(lambda: side.events == [OutputStored(ATTEMPT)], "OutputStored")

    side.open(std_out="o.txt")
    running(scenario, side)


def test_an_end_that_is_told_before_the_files_are_open_again_is_remembered(side: Side):
    async def scenario(side: Side) -> None:
        side.outputs.ended(ended(out=0))
        assert side.events == []
        side.open(std_out="o.txt")
        await until(lambda: side.events == [OutputStored(ATTEMPT)], "OutputStored")

    running(scenario, side)


def test_how_far_output_came_is_noted_once_it_is_on_disk(side: Side):
    async def scenario(side: Side) -> None:
        side.outputs.take(out(b"12345"))
        await until(lambda: side.outputs.has_news, "news for the database")

    side.open(std_out="o.txt")
    side.persist()  # that the file was made
    running(scenario, side)
    side.persist()
    again = Side(side.folder)
    again.open(std_out="o.txt")
    again.outputs.greet(ATTEMPT)
    assert again.replies == [Acknowledge(ATTEMPT, "out", 5)]
    assert again.text("o.txt") == "12345"


def test_a_full_disk_is_reported_and_the_bytes_are_kept(side: Side):
    side.open(std_out="/dev/full")
    side.outputs.take(out(b"precious"))
    assert side.events == [OutputFailed(ATTEMPT, False, f"cannot write output: {os.strerror(28)}")]
    assert side.replies == []


def test_a_file_that_cannot_be_made_is_an_error_at_opening(side: Side):
    with pytest.raises(FileNotFoundError):
        side.open(std_out="nowhere/o.txt")


def test_output_files_get_the_submitters_umask(side: Side):
    old = os.umask(0o077)
    try:
        side.open(std_out="o.txt", umask=0o027)
    finally:
        os.umask(old)
    assert (side.work / "o.txt").stat().st_mode & 0o777 == 0o640


def test_streams_lie_apart_and_together_when_nothing_was_said(side: Side):
    side.open()
    side.outputs.take(out(b"o1 ", 0, "out", 0))
    side.outputs.take(out(b"e1 ", 0, "err", 3))
    side.outputs.take(out(b"o2 ", 3, "out", 6))
    assert side.text("slurm-1.out") == "o1 e1 o2 "
    folder = side.folder / "jobs" / "1"
    assert [(folder / name).read_text() for name in ("stdout.txt", "stderr.txt")] == ["o1 o2 ", "e1 "]


def test_after_a_crash_output_that_was_appended_to_a_new_file_is_not_there_twice(side: Side):
    side.open(std_out="o.txt", open_mode="a")
    assert side.outputs.has_news
    side.persist()
    side.outputs.take(out(b"first\n"))
    again = Side(side.folder)
    again.open(std_out="o.txt", open_mode="a")
    again.outputs.take(out(b"first\n"))
    assert again.text("o.txt") == "first\n"


def test_of_an_attempt_that_was_dropped_nothing_is_written_any_more(side: Side):
    side.open(std_out="o.txt")
    side.outputs.drop(ATTEMPT)
    side.outputs.take(out(b"late\n"))
    assert (side.text("o.txt"), side.replies) == ("", [])


def test_a_pipe_gets_nothing_twice(side: Side):
    os.mkfifo(side.work / "pipe")
    reader = os.open(side.work / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    side.open(std_out="pipe")
    for message in (out(b"hello "), out(b"hello world\n")):
        side.outputs.take(message)
    assert os.read(reader, 100) == b"hello world\n"
    os.close(reader)


def test_a_pipe_that_nobody_reads_is_not_waited_for(side: Side):
    os.mkfifo(side.work / "pipe")
    with pytest.raises(OSError, match="nobody reads"):
        side.open(std_out="pipe")


def test_a_pipe_whose_reader_is_slow_gets_all_of_it_and_holds_nobody_up(side: Side):
    os.mkfifo(side.work / "pipe")
    reader = os.open(side.work / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    pieces = [bytes([number]) * 100_000 for number in range(3)]

    async def scenario(side: Side) -> None:
        side.open(std_out="pipe")
        for number, piece in enumerate(pieces):
            side.outputs.take(out(piece, 100_000 * number))
        side.outputs.ended(ended(out=300_000))
        assert side.replies == []
        read = b""
        while len(read) < 300_000:
            await until(lambda: unread(reader) > 0, "bytes in the pipe")
            read += os.read(reader, 1 << 20)
        await until(lambda: OutputStored(ATTEMPT) in side.events, "the end")
        assert read == b"".join(pieces)
        side.outputs.drop(ATTEMPT)

    running(scenario, side)
    os.close(reader)


def test_a_pipe_whose_reader_goes_is_no_hindrance(side: Side):
    os.mkfifo(side.work / "pipe")
    reader = os.open(side.work / "pipe", os.O_RDONLY | os.O_NONBLOCK)

    async def scenario(side: Side) -> None:
        side.open(std_out="pipe")
        side.outputs.take(out(b"x" * 100_000))
        os.close(reader)
        side.outputs.take(out(b"more", 100_000))
        side.outputs.ended(ended(out=100_004))
        await until(lambda: OutputStored(ATTEMPT) in side.events, "the end")

    running(scenario, side)


def test_a_pipe_whose_reader_left_during_a_crash_is_no_hindrance(side: Side):
    os.mkfifo(side.work / "pipe")
    reader = os.open(side.work / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    side.open(std_out="pipe", open_mode="a")
    side.persist()
    os.close(reader)
    again = Side(side.folder)
    again.open(std_out="pipe", open_mode="a")
    again.outputs.take(out(b"more"))
    assert again.replies == [Acknowledge(ATTEMPT, "out", 4)]


def unread(reader: int) -> int:
    """Bytes that a pipe holds."""
    return struct.unpack("i", fcntl.ioctl(reader, termios.FIONREAD, b"\0" * 4))[0]


def test_nothing_is_remembered_of_an_attempt_that_is_over(side: Side):
    side.open(std_out="o.txt", open_mode="a")
    side.persist()
    side.outputs.drop(ATTEMPT)
    side.persist()
    assert side.db.execute("SELECT count(*) FROM output").fetchone() == (0,)
