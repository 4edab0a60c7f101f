"""A part's journal and a task that writes much: it is read less often, and nothing is lost or out of order for it."""

from __future__ import annotations

import math
import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from mini_slurm.agent import spool
from mini_slurm.agent.feed import Feed
from mini_slurm.agent.journal import FILE, MUCH, Journal, fifos
from mini_slurm.steps import records
from tests.waiting import wait_until

TASKS = [4, 5]
SOON = 0.5  # seconds, much more than a rest


class Watched:
    """A journal as its stepd has it, with the tasks' ends of its FIFOs."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        spool.make_fifos(str(folder), fifos(len(TASKS)))
        self.journal = Journal(str(folder), TASKS, Feed(str(folder)))
        self.poll = select.epoll()
        self.journal.watch(self.poll)
        self.outputs = [self.journal.handles(index)[0] for index in range(len(TASKS))]

    def turn(self, seconds: float = 0.0) -> int:
        """What a stepd does in one; how many descriptors were reported within these seconds."""
        reported = self.poll.poll(seconds)
        for descriptor, _ in reported:
            self.journal.take(descriptor)
        self.journal.settle()
        return len(reported)

    def noted(self) -> list[tuple[int, bytes]]:
        """What tasks have written, in the order of the journal."""
        return [(task, data) for _, task, data in records.Reader().feed(self._file.read_bytes())]

    def flood(self) -> None:
        """The first task has written much."""
        os.write(self.outputs[0], b"x" * MUCH)
        self.turn(SOON)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.journal.close()
    made.poll.close()
    for descriptor in made.outputs:
        os.close(descriptor)


def test_a_task_that_writes_much_is_let_go_on_for_a_moment(watched: Watched) -> None:
    watched.flood()
    assert watched.noted() == [(4, b"x" * MUCH)]
    assert watched.journal.rest() < SOON
    os.write(watched.outputs[0], b"one")
    assert watched.poll.poll(0) == []
    os.write(watched.outputs[0], b"two")
    wait_until(lambda: watched.turn(max(0.0, min(SOON, watched.journal.rest()))) and len(watched.noted()) > 1)
    assert watched.noted()[1:] == [(4, b"onetwo")]
    assert watched.journal.rest() == math.inf


def test_one_that_writes_little_is_heard_at_once(watched: Watched) -> None:
    os.write(watched.outputs[0], b"x" * (MUCH - 1))
    watched.turn(SOON)
    assert watched.journal.rest() == math.inf
    os.write(watched.outputs[0], b"one")
    assert watched.turn() == 1
    assert watched.noted()[-1] == (4, b"one")


def test_what_it_wrote_meanwhile_is_noted_before_what_another_writes_later(watched: Watched) -> None:
    watched.flood()
    os.write(watched.outputs[0], b"earlier")
    os.write(watched.outputs[1], b"later")
    watched.turn(SOON)
    assert watched.noted()[1:] == [(4, b"earlier"), (5, b"later")]


def test_all_of_it_is_there_at_the_end(watched: Watched) -> None:
    watched.flood()
    os.write(watched.outputs[0], b"last")
    assert watched.journal.finish()
    assert watched.noted()[-1] == (4, b"last")
