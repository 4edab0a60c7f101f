"""Whatever a machine says, the controller goes on: it ends the channel, or takes harmless values into the store."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable
from itertools import count
from pathlib import Path

import pytest

from mini_slurm.controller.effects import Hands
from mini_slurm.controller.loop import Loop
from mini_slurm.controller.machines import MachineHand
from mini_slurm.controller.outputs import Outputs
from mini_slurm.model.fleet import Fleet, MachineEntry, Partition
from mini_slurm.model.job import Job
from mini_slurm.model.machine import Machine
from mini_slurm.protocol.framing import LENGTHS
from mini_slurm.scheduler.cluster import make_cluster
from mini_slurm.store import database

FLEET = Fleet(
    "test", "", {"node1": MachineEntry("node1", "node1")}, {"main": Partition("main", ("node1",), default=True)}
)
NAME = "{name}"  # stands for the attempt's
WELCOME = ["Welcome", 1, "boot", "node1", "3.8.18", 1e9, 2, 4000, [], []]
STARTED = ["Started", NAME, 0.5, [0], ["GPU-1"]]
OUTPUT = ["Output", NAME, "out", 0, 0, None]
ENDED = ["Ended", NAME, 0.5, 1.0, "", 0, 0, 100, 0.1, 0.1, {"out": 0, "err": 0}, {}]


class Words:
    """A channel, and the link that opens it: the machine says these bytes, and then hangs up."""

    def __init__(self, chunks: Iterable[bytes], between: Callable[[], Awaitable[None]]) -> None:
        self._chunks = iter(chunks)
        self._between = between  # called before each read

    async def open(self) -> Words:
        return self

    async def read(self) -> bytes:
        await self._between()
        return next(self._chunks, b"")

    def write(self, data: bytes) -> None:
        """Nobody listens."""

    async def close(self) -> None:
        """There is nothing to close."""


def frame(fields: object, data: bytes = b"") -> bytes:
    text = json.dumps(fields).encode()
    return LENGTHS.pack(len(text), len(data)) + text + data


class Side:
    """A controller's parts around one job that was sent to the machine."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.db = database.open_database(str(folder))
        state_id = database.get_setting(self.db, "state_id") or ""
        database.submit(
            self.db, Job(partition="main", work_dir=str(folder), std_out="out", uid=1), b"#!/bin/sh\n", b"{}"
        )
        self.cluster = make_cluster(FLEET, state_id, database.load_jobs(self.db), {})
        self.loop = Loop(self.db, self.cluster, time.time)
        self.outputs = Outputs(self.db, str(folder / "jobs"), self.loop.post)
        self.hands = Hands(self.db, self.cluster, self.outputs, self.loop.post, self.loop.ring, str(folder))

    async def hear(self, chunks: Iterable[bytes]) -> None:
        """One channel from its opening to its end, and what the controller makes of it."""
        words = Words(chunks, lambda: self.loop.turn(self.hands))
        hands, loop = self.hands, self.loop
        machine = Machine(name="node1")
        hand = MachineHand(machine, words, self.cluster.state_id, loop, self.outputs, hands.steps, time.time, 300)
        self.hands.machines["node1"] = hand
        await hand._converse()
        await self.loop.turn(self.hands)


@pytest.fixture
def side(tmp_path: Path) -> Side:
    return Side(tmp_path)


def play(side: Side, *messages: list[object]) -> Job | None:
    """Have the machine say welcome, be sent the job, and say these words; the job, if it is not over."""

    def say() -> Iterable[bytes]:
        yield frame(WELCOME)
        name = side.cluster.attempt_name(side.cluster.jobs[1])
        for message in messages:
            data = b"data" if message[0] == "Output" else b""
            yield frame([name if field == NAME else field for field in message], data)

    asyncio.run(side.hear(say()))
    side.cluster.check()
    return side.cluster.jobs.get(1)


def test_true_words_are_taken(side: Side) -> None:
    job = play(side, STARTED, OUTPUT, [*ENDED[:-1], {"out": 4, "err": 0}])
    assert job is not None
    assert (job.state.name, job.outcome, job.max_rss) == ("COMPLETING", "COMPLETED", 100)


def changed(message: list[object], place: int, value: object) -> list[object]:
    return [*message[:place], value, *message[place + 1 :]]


ODD = [10**30, -(10**30), 2**63, -1, 1e308, True, None, "\ud800", "x" * 100_000, [], {}, {"a": 1}, ["\ud800"], "a\0b"]


@pytest.mark.parametrize("message", [WELCOME, STARTED, OUTPUT, ENDED], ids=lambda message: message[0])
def test_odd_values_never_end_the_controller(tmp_path: Path, message: list[object]) -> None:
    sides = (Side(tmp_path / str(number)) for number in count())
    side = next(sides)
    places = range(1, len(message) - (message is OUTPUT))
    for place in places:
        for value in ODD:
            job = play(side, changed(message, place, value))
            [stored] = database.load_jobs(side.db, "1")
            assert job is None or (job.state, job.node) == (stored.state, stored.node)
            if stored.outcome or stored.state.is_over:
                side.db.close()
                side = next(sides)


def test_a_machine_has_no_say_in_an_attempt_of_another_one(side: Side) -> None:
    play(side)
    side.cluster.jobs[1].node = "node2"
    name = side.cluster.attempt_name(side.cluster.jobs[1])
    for message in ([*ENDED[:-1], {}], OUTPUT):
        asyncio.run(side.hear([frame(WELCOME), frame(changed(message, 1, name), b"x" * (message is OUTPUT))]))
    assert (side.cluster.jobs[1].outcome, (side.folder / "out").read_text()) == (None, "")


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 100,
        LENGTHS.pack(2**32 - 1, 0),
        LENGTHS.pack(3, 0) + b"[]]",
        LENGTHS.pack(4, 0) + b"null",
        frame(["Shutdown"]),
        frame(["Welcome"]),
        frame({"Welcome": 1}),
        frame([["Welcome"]]),
        frame(["StartAttempt", "x"]),
        frame(["Ended", "5eed.²." + "9" * 5000, 0, 0, "", 0, 0, 0, 0, 0, {}]),
        LENGTHS.pack(100_000, 0) + b"[" * 100_000,
        frame(WELCOME)[:20],
    ],
)
def test_what_is_no_message_only_ends_the_channel(side: Side, data: bytes) -> None:
    asyncio.run(side.hear([frame(WELCOME), data]))
    assert side.cluster.jobs[1].state.name == "CONFIGURING"
