"""What the controller makes of a machine's words, its refusals and its silence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from mini_slurm.controller.machines import MachineHand
from mini_slurm.errors import Unreachable
from mini_slurm.model.foreign_use import parse_uses
from mini_slurm.model.machine import Machine
from mini_slurm.protocol.framing import encode
from mini_slurm.protocol.messages import VERSION, Ended, Message, Outside, Pong, Refused, Started, Welcome
from mini_slurm.scheduler.events import AttemptEnded, AttemptStarted, Event, MachineConnected, MachineLost, UseSeen
from tests.waiting import until

NOW, DAY = 1_000_000_000.0, 86_400.0
NAME = "5eed.1.1"
STARTED = Started(NAME, 30.0, [0], [])
ENDED = Ended(NAME, 10.0, 20.0, "", 0, 0, 0, 0.0, 0.0, {"out": 0}, {})


def welcome(clock: float = NOW) -> Welcome:
    facts = ("x86_64", "Linux 6.1", 500.0, 60.0, 1.0, 8000)
    return Welcome(VERSION, "boot", "node1", "3.11.2", clock, 4, 1000, [], [], *facts)


class Line:
    """Link and channel in one: the machine says some messages, and nothing after them."""

    def __init__(self, *messages: Message, hangs: bool = False) -> None:
        self._said = [encode(message) for message in messages]
        self._hangs = hangs

    async def open(self) -> Line:
        if self._hangs:
            await asyncio.Event().wait()
        return self

    async def read(self) -> bytes:
        if not self._said:
            await asyncio.Event().wait()
        return self._said.pop(0)

    def write(self, data: bytes) -> None:
        pass

    async def drain(self) -> None:
        pass

    async def close(self) -> None:
        pass


class Fails(Line):
    """A machine that cannot be reached."""

    async def open(self) -> Line:
        raise Unreachable("node1: no answer from 10.0.0.1", again=True)


class Ends(Line):
    """A machine whose agent greets, and ends the channel at what it is told."""

    opened: ClassVar[list[float]] = []

    async def open(self) -> Line:
        self.opened.append(asyncio.get_running_loop().time())
        self._said = [encode(welcome()), b""]
        return self


class Board:
    """Keeps the news; it is also the outputs and the steps, of which there are none."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.states: list[tuple[str, str]] = []
        self.machines: list[Machine] = []

    def post(self, event: Event) -> None:
        self.events.append(event)

    def note_machine(self, machine: Machine) -> None:
        self.states.append((machine.state, machine.reason))
        self.machines.append(machine)

    def note_use(self, machine: Machine) -> None:
        self.note_machine(machine)

    def is_smaller(self, attempt: str) -> bool:
        return False

    def is_elsewhere(self, attempt: str, machine: str) -> bool:
        return False

    def ended(self, message: Ended) -> None:
        pass

    def connected(self, machine: str) -> None:
        pass

    def disconnected(self, machine: str) -> None:
        pass

    def take(self, machine: str, message: object, now: float) -> bool:
        return False

    def saw(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def hear(line: Line, condition: Callable[[Board], object], node_timeout: float = 300) -> Board:
    """Listen to a machine until something is so."""
    board: Any = Board()

    async def scenario() -> None:
        hand = MachineHand(Machine(name="node1"), line, "5eed", board, board, board, lambda: NOW, node_timeout)
        task = asyncio.create_task(hand.run())
        await until(lambda: condition(board), "news of the machine", seconds=5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())
    return board  # type: ignore[no-any-return]


def test_a_channel_that_ends_again_and_again_is_opened_ever_less_often() -> None:
    line = Ends()
    hear(line, lambda board: len(line.opened) == 3)
    assert line.opened[2] - line.opened[1] > 0.5


@pytest.mark.parametrize("off", [DAY, -DAY, 0.0])
def test_start_and_end_are_told_by_the_controllers_clock_however_wrong_the_machines_is(off: float) -> None:
    board = hear(Line(welcome(NOW + off), STARTED, ENDED), lambda board: board.saw(AttemptEnded))
    assert [event.started for event in board.saw(AttemptStarted)] == [NOW - 30]
    assert [event.ended for event in board.saw(AttemptEnded)] == [NOW - 10]
    assert board.states == [("UP", "")]


def test_a_machine_says_what_it_is_and_how_busy() -> None:
    board = hear(Line(welcome(), Pong(0, 2.5, 7000), ENDED), lambda board: board.saw(AttemptEnded))
    first, last = board.machines
    assert (first.architecture, first.system, first.boot_time, first.agent_time) == (
        "x86_64",
        "Linux 6.1",
        NOW - 500,
        NOW - 60,
    )
    assert [(one.load, one.free_memory) for one in (first, last)] == [(1.0, 8000), (2.5, 7000)]


def test_small_changes_of_how_busy_it_is_are_not_stored() -> None:
    board = hear(Line(welcome(), Pong(0, 1.05, 7900), ENDED), lambda board: board.saw(AttemptEnded))
    assert len(board.machines) == 1


def test_a_machine_that_cannot_start_an_attempt_says_why_until_it_starts_one() -> None:
    no = Refused(NAME, False, "no space left")
    board = hear(Line(welcome(), no, STARTED), lambda board: board.saw(AttemptStarted))
    assert board.states == [("UP", ""), ("UP", "node1: no space left"), ("UP", "")]


def test_a_machine_whose_cpus_others_hold_has_no_trouble() -> None:
    board = hear(Line(welcome(), Refused(NAME, True, "busy"), ENDED), lambda board: board.saw(AttemptEnded))
    assert board.states == [("UP", "")]


def test_a_machine_is_lost_in_time_while_a_try_to_connect_hangs() -> None:
    board = hear(Line(hangs=True), lambda board: board.saw(MachineLost), node_timeout=0.05)
    assert board.states == [("DOWN", "Not responding")]


def test_a_machine_that_cannot_be_reached_is_lost_once_and_keeps_its_reason() -> None:
    board = hear(Fails(), lambda board: board.saw(MachineLost), node_timeout=0.05)
    assert {reason for _, reason in board.states} == {"node1: no answer from 10.0.0.1"}
    assert len(board.saw(MachineLost)) == 1


def test_a_machine_that_hangs_is_given_up_in_time_and_lost() -> None:
    board = hear(Line(welcome()), lambda board: board.saw(MachineLost), node_timeout=0.2)
    assert len(board.saw(MachineConnected)) == 1


def test_who_uses_a_machine_besides_jobs_is_kept_and_its_gpus_are_avoided() -> None:
    use = {"pid": 7, "start": 5, "age": 60.0, "owner": "bob", "command": "python", "cpus": 1.0, "memory": 900}
    seen = Outside([{**use, "gpu": "GPU-1", "index": 1, "gpu_memory": 5000}], {"a100": 1}, {NAME: 2400.0})
    board = hear(Line(welcome(), seen), lambda board: board.saw(UseSeen))
    assert board.saw(UseSeen) == [UseSeen("node1", {"a100": 1})]
    [kept] = parse_uses(board.machines[-1].outside)
    assert (kept.owner, kept.since, kept.place, kept.gpu_memory) == ("bob", NOW - 60, 1, 5000)
    assert json.loads(board.machines[-1].idle_gpus) == {"1": NOW - 2400}
