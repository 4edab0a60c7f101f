"""steps/front.py: what srun says of a step's components, with an agent that only listens."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from signal import SIGINT, SIGKILL

import pytest

from mini_slurm.protocol import flat
from mini_slurm.steps.front import Front
from mini_slurm.steps.outputs import Names, Outputs
from mini_slurm.steps.settings import Settings
from mini_slurm.steps.signals import Signals
from tests.waiting import wait_until


class Line:
    """In place of a connection to an agent."""

    is_open = True

    def __init__(self) -> None:
        self.said: list[tuple[bytes | str | int, ...]] = []

    def connect(self, patience: float) -> None:
        """It is there."""

    def say(self, *fields: bytes | str | int) -> None:
        self.said.append(fields)


def components(*files: str) -> tuple[list[Front], list[Line]]:
    """Those of one step whose tasks write to these files."""
    lines = [Line() for _ in files]
    fronts = []
    for line, file in zip(lines, files, strict=True):
        outputs = Outputs(file, "", label=False, unbuffered=False, append=True)
        names = Names("1", "", "1", "", "", "")
        fronts.append(Front(Settings(), line, ["launch"], names, outputs))  # type: ignore[arg-type]
    for front in fronts:
        front.mates = fronts
    return fronts, lines


def created(node: str) -> list[bytes]:
    return [b"created", b"0", b"block", b"30", flat.nest([flat.nest([node, "0"])]), b"0", b"2"]


def kinds(line: Line) -> list[str]:
    return [str(fields[0]) for fields in line.said]


def test_components_begin_when_all_have_their_files(tmp_path: Path) -> None:
    fronts, lines = components("", str(tmp_path / "out"))
    fronts[0]._take(created("node1"))
    fronts[0].connect(1.0)  # the connection was lost
    assert kinds(lines[0]) == ["launch"]
    fronts[1]._take(created("node2"))
    assert (kinds(lines[0]), kinds(lines[1])) == (["launch", "begin"], ["begin"])
    fronts[1].connect(1.0)
    assert kinds(lines[1]) == ["begin", "launch", "begin"]


@pytest.mark.parametrize("bad", [0, 1])
def test_none_begins_where_a_file_cannot_be_opened(bad: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    files = [str(tmp_path / "out"), str(tmp_path / "missing" / "out")]
    fronts, lines = components(*(files if bad else files[::-1]))
    for number, front in enumerate(fronts):
        front._take(created(f"node{number}"))
    assert "begin" not in kinds(lines[0]) + kinds(lines[1])
    assert [front.refusal for front in fronts].count(1) == 1
    assert capfd.readouterr().err == "srun: error: Could not open stdout file: No such file or directory\n"


def _is_killed(front: Front, line: Line) -> bool:
    front.watch_time()
    return line.said[-1] == ("signal", SIGKILL)


def test_two_interrupts_tell_and_then_kill_the_tasks_of_all_components(capfd: pytest.CaptureFixture[str]) -> None:
    fronts, lines = components("", "")
    for number, front in enumerate(fronts):
        front._take(created(f"node{number}"))
    signals = Signals(fronts)
    signals._interrupt()
    assert not {"signal", "end"} & set(kinds(lines[0]) + kinds(lines[1]))
    signals._interrupt()
    for front, line in zip(fronts, lines, strict=True):
        assert line.said[-1] == ("signal", SIGINT)
        wait_until(partial(_is_killed, front, line), "SIGKILL")
    said = capfd.readouterr().err.splitlines()
    assert said[3:5] == ["srun: sending Ctrl-C to StepId=1.0", "srun: forcing job termination"]
    os.close(signals.descriptor)
    os.close(signals._writer)
