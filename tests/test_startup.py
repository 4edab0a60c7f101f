"""Commands start fast: nothing heavy is imported on their ordinary path."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.store import database

ROOT = Path(__file__).parents[1]
HEAVY = {"asyncio", "asyncssh", "jinja2", "cryptography", "pydantic", "typer", "rich"} | {
    "typing",
    "tomllib",
    "dataclasses",
    "inspect",
    "argparse",
    "subprocess",
    "pathlib",
}
PEOPLE = {"mini-slurm"}  # serves people, with Typer
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
COMMANDS = {name: target for name, target in SCRIPTS.items() if name not in PEOPLE}
# What each command is called with in its ordinary use, and which exit status that has on the store below.
ORDINARY = {
    "msbatch": (["--wrap", "true"], 0),
    "msqueue": ([], 0),
    "msinfo": ([], 0),
    "mscancel": (["1"], 0),
    "msacct": ([], 0),
    "mscontrol": (["show", "job"], 0),
    "msacctmgr": (["show", "user"], 0),
    "msshare": ([], 0),
    "msprio": ([], 0),
    "msreport": (["cluster", "utilization"], 0),
    "mstrigger": (["--get"], 0),
    "msattach": (["1.0"], 1),
    "msbcast": (["a", "b"], 1),
    "msstat": (["-e"], 0),
    "msdiag": ([], 0),
    "msrun": (["-p", "nope", "true"], 1),
    "msalloc": (["-p", "nope", "true"], 1),
}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A state folder with two jobs in it, and nothing of the user's own configuration."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    db = database.open_database(str(state))
    for _ in range(2):
        job = Job(
            user="user", uid=os.getuid(), name="job", partition="local", state=JobState.COMPLETED, submit_time=1.0
        )
        database.submit(db, job, b"#!/bin/sh\n", b"")
    db.close()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "MINI_SLURM_STATE": str(state),
        "MINI_SLURM_SPOOL": str(tmp_path / "spool"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }


def loaded(code: str, environment: dict[str, str]) -> tuple[int, set[str]]:
    """Exit status and every module that was imported, at whatever time."""
    words = [sys.executable, "-X", "importtime", "-c", f"import sys\n{code}"]
    run = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60)
    lines = [line for line in run.stderr.splitlines() if line.startswith("import time:")]
    return run.returncode, {line.rpartition("|")[2].strip() for line in lines}


@pytest.fixture(scope="module")
def always() -> set[str]:
    """What the interpreter itself imports here, with the .pth files of this environment."""
    return loaded("", dict(os.environ))[1]


def test_what_is_heavy_is_seen(environment: dict[str, str]) -> None:
    assert loaded("import asyncssh", environment)[1] >= {"asyncssh", "asyncio", "cryptography"}


def test_every_command_is_tested() -> None:
    assert set(ORDINARY) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_importing_a_command_imports_nothing_heavy(command: str, environment: dict[str, str], always: set[str]) -> None:
    module = COMMANDS[command].partition(":")[0]
    status, modules = loaded(f"import {module}", environment)
    assert status == 0
    assert module in modules
    assert not HEAVY & (modules - always)


@pytest.mark.parametrize("command", COMMANDS)
def test_running_a_command_imports_nothing_heavy(command: str, environment: dict[str, str], always: set[str]) -> None:
    module, _, function = COMMANDS[command].partition(":")
    arguments, expected = ORDINARY[command]
    asleep = "import mini_slurm.controller.autostart as start\nstart.wake = lambda state: None\n"
    code = f"{asleep}sys.argv = {[command, *arguments]!r}\nimport {module}\nsys.exit({module}.{function}())"
    status, modules = loaded(code, environment)
    assert status == expected
    assert not HEAVY & (modules - always)


def test_the_listing_that_loops_call_imports_least(environment: dict[str, str], always: set[str]) -> None:
    code = "sys.argv = ['msqueue']\nimport mini_slurm.cli.msqueue as msqueue\nmsqueue.main()"
    status, modules = loaded(code, {**environment, "PATH": "/"})  # where nothing tells of a cluster
    assert status == 0
    assert not {"typing", "re", "json", "contextlib"} & (modules - always)


def test_the_tabulator_key_waits_for_nothing_heavy(environment: dict[str, str], always: set[str]) -> None:
    words = ["mini-slurm", "--complete", "bash", "msqueue --partition=", "=:"]
    code = f"sys.argv = {words!r}\nimport mini_slurm.cli.admin as admin\nsys.exit(admin.main())"
    status, modules = loaded(code, environment)
    assert status == 0
    assert not {"typer", "rich", "asyncssh", "asyncio"} & (modules - always)


def test_the_package_itself_imports_nothing(environment: dict[str, str], always: set[str]) -> None:
    assert loaded("import mini_slurm", environment)[1] - always == {"mini_slurm"}


def test_each_step_of_a_script_imports_least() -> None:
    """As a job's srun is started: with nothing of the site's, of which `always` would hide what it brings along."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import mini_slurm.steps.srun; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-IS", "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "mini_slurm.steps.srun" in run.stdout.split()
    assert not {"typing", "re", "json", "contextlib", "functools", "collections"} & set(run.stdout.split())
