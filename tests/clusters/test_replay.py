"""The stand-in for PBS answers as an OpenPBS was recorded to, in the cases that are listed, and as a Torque was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.clusters import replay

CASES = replay.cases()
AGREED = replay.AGREED.read_text().split()
OF_TORQUE = replay.TORQUE.cases()
OTHERS = dict(line.split(": ") for line in replay.OTHERS.read_text().splitlines())
# All of them take minutes: one in so many is played, unless $MINI_SLURM_RECORDINGS says "all".
ALL = os.environ.get("MINI_SLURM_RECORDINGS") == "all"
PLAYED = AGREED if ALL else [name for name in AGREED[::6] if name not in replay.SLOW]


@pytest.mark.parametrize("name", PLAYED)
def test_a_recording_comes_out_byte_for_byte(name: str, tmp_path: Path) -> None:
    wanted = replay.recorded(CASES[name])
    for speed in replay.SPEEDS:
        answer = _played(CASES[name], tmp_path / str(speed), speed)
        if answer == wanted:
            break
    assert answer == wanted


@pytest.mark.parametrize("name", OF_TORQUE if ALL else [*OF_TORQUE][::3])
def test_a_recording_of_a_torque_comes_out_byte_for_byte(name: str, tmp_path: Path) -> None:
    wanted = replay.recorded(OF_TORQUE[name])
    for speed in replay.SPEEDS:
        answer = _played(OF_TORQUE[name], tmp_path / str(speed), speed, replay.TORQUE)
        if answer == wanted:
            break
    assert answer == wanted


def _played(
    case: replay.Case, folder: Path, speed: float, of: replay.Recordings = replay.OPENPBS
) -> tuple[str, str, int]:
    folder.mkdir()
    try:
        return replay.play(case, folder, speed, of)
    finally:
        replay.end_jobs(folder)


def test_of_each_recording_that_does_not_agree_it_is_said_why() -> None:
    assert sorted([*AGREED, *OTHERS]) == sorted(CASES)
    assert len(OTHERS) < 2
