"""What a hostile or broken machine says is refused or made harmless before anything is done with it."""

from __future__ import annotations

import pytest

from mini_slurm.controller import trust
from mini_slurm.protocol.framing import ProtocolError
from mini_slurm.protocol.messages import Ended, Measured, Message, Output, Outside, Pong, Started, Welcome

WELCOME = Welcome(1, "boot", "node1", "3.8.18", 1e9, 2, 1000, [{"type": "a100"}], ["5eed.1.1"])
OUTPUT = Output("5eed.1.1", "out", 0, 0, b"x")
ENDED = Ended("5eed.1.1", 0.0, 1.0, "", 0, 0, 0, 0.0, 0.0, {"out": 1, "err": 0}, {})
MEASURED = Measured(
    "5eed.1.1", 3, {"": [[0, 1656, 2920, 0, 0.5, 10, 20]], "0": [[1, 0, 0, 0, 0.0, 0, 0]]}, {"": [7]}, 0, [3072, 87]
)
PART = MEASURED._replace(tasks={"0_1": [[1, 0, 0, 0, 0.0, 0, 0]]})  # in a further part of a job
USE = {
    **{"pid": 7, "start": 1, "age": 100.0, "owner": "bob", "command": "x\udcff", "cpus": 0.5},
    **{"memory": 1, "gpu": "GPU-1", "index": 0, "gpu_memory": 5000},
}
OUTSIDE = Outside([USE], {"a100": 1}, {"5eed.1.1": 3.0})
STARTED = Started("5eed.1.1", 0.0, [0, 1], [])


@pytest.mark.parametrize("message", [WELCOME, OUTPUT, ENDED, STARTED, MEASURED, PART, OUTSIDE, Pong(1)])
def test_what_can_be_true_passes(message: Message) -> None:
    trust.check(message)


@pytest.mark.parametrize(
    "message",
    [
        OUTPUT._replace(offset=-1),
        OUTPUT._replace(merged=-1),
        OUTPUT._replace(stream="../x"),
        ENDED._replace(sizes={"never": 10}),
        STARTED._replace(cpu_ids=[-1]),
        MEASURED._replace(tasks={"0": [[0, 1]]}),
        MEASURED._replace(tasks={"0": [[0, -1, 0, 0, 0, 0, 0]]}),
        MEASURED._replace(tasks={"1; rm": [[0, 1, 0, 0, 0, 0, 0]]}),
        MEASURED._replace(tasks={"1_": [[0, 1, 0, 0, 0, 0, 0]]}),
        MEASURED._replace(tasks={"1" * 5000: [[0, 1, 0, 0, 0, 0, 0]]}),
        MEASURED._replace(tasks={"0": []}),
        MEASURED._replace(frequency=-1),
        MEASURED._replace(gpus=[1]),
        MEASURED._replace(gpus=[1, -1]),
        OUTSIDE._replace(blocked={"a,b:2": 1}),
        OUTSIDE._replace(blocked={"a100": -1}),
        OUTSIDE._replace(idle={"../x": 1.0}),
        OUTSIDE._replace(uses=[{}] * 2000),
        WELCOME._replace(cpus=0),
        WELCOME._replace(memory=-1),
        WELCOME._replace(gpus=[{"type": "a,b:2"}]),
        WELCOME._replace(gpus=[{"type": "\ud800"}]),
    ],
)
def test_what_cannot_be_true_ends_the_channel(message: Message) -> None:
    with pytest.raises(ProtocolError):
        trust.check(message)


def test_half_characters_do_not_reach_the_database() -> None:
    assert trust.text("n\ud800é") == "n?é"


@pytest.mark.parametrize(("age", "moment"), [(2.5, 97.5), (-1e300, 100.0), (1e300, 0.0)])
def test_a_moment_lies_between_the_epoch_and_now(age: float, moment: float) -> None:
    assert trust.moment(100.0, age) == moment


def test_uses_of_a_machine_become_what_can_be_stored() -> None:
    [use] = trust.uses(OUTSIDE, 1000.0)
    assert (use.owner, use.command, use.since, use.gpu_memory) == ("bob", "x?", 900.0, 5000)


@pytest.mark.parametrize("change", [{"pid": "x"}, {"age": None}, {"owner": 3}, {"memory": []}, {"cpus": "much"}])
def test_uses_that_cannot_be_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ProtocolError):
        trust.uses(OUTSIDE._replace(uses=[{**USE, **change}]), 1000.0)


def test_a_use_that_lacks_something_is_refused() -> None:
    with pytest.raises(ProtocolError):
        trust.uses(OUTSIDE._replace(uses=[{"pid": 1}]), 1000.0)
