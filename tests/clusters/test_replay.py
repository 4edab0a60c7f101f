"""The stand-in for PBS answers as an OpenPBS was recorded to, in the cases that are listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clusters import replay

CASES = replay.cases()


@pytest.mark.parametrize("name", replay.AGREED.read_text().split())
def test_a_recording_comes_out_byte_for_byte(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    try:
        out, err, code = replay.play(case, tmp_path)
    finally:
        replay.end_jobs(tmp_path)
    assert (out, err, code) == (replay.alike(str(case["stdout"])), replay.alike(str(case["stderr"])), case["rc"])
