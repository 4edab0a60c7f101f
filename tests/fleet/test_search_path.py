"""Modules of others in PYTHONPATH, as a cluster's `module load` leaves them there, do not meet ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fleet import jobs
from tests.fleet.machines import Machines

# What commands and controller import themselves, and what they import by others.
STRANGERS = ("asyncio", "asyncssh", "cryptography", "datetime", "json", "sqlite3", "tomllib", "typer")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of modules that are there under known names, and of no use."""
    place = tmp_path / "strangers"
    place.mkdir()
    for name in STRANGERS:
        (place / f"{name}.py").write_text(f"raise SystemExit('a strange {name}')\n")
    return place


def test_a_job_runs_beside_strange_modules(fleet: Machines, folder: Path):
    strange = {**fleet.environment, "PYTHONPATH": str(folder)}
    run = fleet.run("msbatch", "-o", "out", "--wrap", "echo $PYTHONPATH; msqueue -h -o %i", env=strange)
    assert (run.returncode, run.stderr) == (0, "")
    [job] = jobs.wait_over(fleet, 1, seconds=60)
    assert job.state.name == "COMPLETED"
    assert (fleet.work / "out").read_text().splitlines()[0] == str(folder)  # the job has it as it was


@pytest.mark.parametrize(
    "words", [["msqueue"], ["msinfo", "--json"], ["mscontrol", "show", "job"], ["mini-slurm", "--help"]]
)
def test_a_command_works_beside_strange_modules(fleet: Machines, folder: Path, words: list[str]):
    run = fleet.run(*words, env={**fleet.environment, "PYTHONPATH": str(folder)})
    assert (run.returncode, run.stderr) == (0, "")
