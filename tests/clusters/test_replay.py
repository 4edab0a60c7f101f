"""The stand-in for PBS answers as an OpenPBS was recorded to, in the cases that are listed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.clusters import replay

CASES = replay.cases()
AGREED = replay.AGREED.read_text().split()
# All of them take minutes: one in so many is played, unless $MINI_SLURM_RECORDINGS says "all".
SHARE = 1 if os.environ.get("MINI_SLURM_RECORDINGS") == "all" else 6


@pytest.mark.parametrize("name", AGREED[::SHARE])
def test_a_recording_comes_out_byte_for_byte(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    try:
        out, err, code = replay.play(case, tmp_path)
    finally:
        replay.end_jobs(tmp_path)
    assert (out, err, code) == (replay.alike(str(case["stdout"])), replay.alike(str(case["stderr"])), case["rc"])


def test_most_recordings_agree() -> None:
    assert len(AGREED) > 0.8 * len(CASES)
    assert {*AGREED} <= {*CASES}
