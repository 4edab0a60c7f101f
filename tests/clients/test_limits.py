"""Jobs over their limit, as each client sees their end. Their programs have begun with the first of all tests."""

from __future__ import annotations

import subprocess

import pytest

from tests.clients.conftest import TIMED
from tests.clients.lab import findings

SEEN = {
    "aiida": [None, 320, "The job ran out of walltime."],
    "parsl": "TIMEOUT",
    "psij": ["FAILED", None, "The job exhausted its time limit."],
    "qtoolkit": ["FAILED", "TIMEOUT"],
    "radical_saga": ["Canceled", "0"],
    "simple_slurm": [["TIMEOUT", "0:0"]],
    "snakemake": [1, "TIMEOUT"],
    "submitit": "TIMEOUT",
}


@pytest.mark.parametrize("client", TIMED)
def test_a_job_over_its_limit_is_reported_so(client: str, limits: dict[str, subprocess.Popen[str]]):
    program = limits[client]
    out, err = program.communicate(timeout=120)
    assert findings(subprocess.CompletedProcess(client, program.returncode, out, err)) == SEEN[client]
