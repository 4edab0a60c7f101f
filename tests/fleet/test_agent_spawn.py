"""The quick way to a script's process: held until it is written down that it may run, whoever dies meanwhile."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mini_slurm.agent import processes
from tests.fleet.agent_client import Client, kill_and_wait
from tests.waiting import wait_until

# Holds a process for the script, and does as it is told.
HOLDER = """
import os, sys
sys.path.insert(0, sys.argv[1])
from mini_slurm.agent.kit import Kit
from mini_slurm.agent.script import plan
from tests.fleet.agent_client import wanted
notify = os.open(os.devnull, os.O_RDWR)
folder = sys.argv[2]
ready = plan(wanted("s1.1.0", work_dir=folder), folder + "/script", {})
spawner = Kit(0, notify, "boot", "").spawner.hold(ready, (1, 2), folder + "/started")
print(spawner.number, flush=True)
if input() == "release":
    spawner.release()
    print(os.wait()[1], flush=True)
"""
ROOT = str(Path(__file__).parents[2])


@contextmanager
def held(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that holds the script's, and the script's."""
    script = folder / "script"
    script.write_text('#!/bin/sh\n[ "$SLURM_TASK_PID" = $$ ] && touch ran\n')
    script.chmod(0o700)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLDER, ROOT, str(folder)], text=True, **pipes) as holder:  # type: ignore[call-overload]
        assert holder.stdin and holder.stdout
        number = int(holder.stdout.readline())
        assert not (folder / "ran").exists()
        yield holder, number
        holder.stdin.close()


def gone(number: int) -> bool:
    found = processes.look(number)
    return found is None or found.state in "ZX"


def test_it_runs_when_it_is_released(tmp_path: Path) -> None:
    with held(tmp_path) as (holder, _):
        (tmp_path / "started").touch()
        assert holder.communicate("release\n")[0] == "0\n"
    assert (tmp_path / "ran").exists()


def test_it_does_not_run_before_that_is_written_down(tmp_path: Path) -> None:
    with held(tmp_path) as (holder, number):
        holder.communicate("release\n")
        wait_until(lambda: gone(number), "its end")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("is_written", [False, True])
def test_without_its_stepd_it_runs_only_if_that_is_written_down(tmp_path: Path, is_written: bool) -> None:
    with held(tmp_path) as (holder, number):
        if is_written:
            (tmp_path / "started").touch()
        kill_and_wait(holder.pid)
        wait_until(lambda: gone(number), "its end")
    assert (tmp_path / "ran").exists() is is_written


@pytest.mark.parametrize("script", [b"no program", b"#!/bin/sh\nexit 3\n"])
def test_what_cannot_be_done_quickly_is_done_by_fork(client: Client, tmp_path: Path, script: bytes) -> None:
    ended, _, err = client.run("", data=script, work_dir="/no/such")
    assert ended.exit_code == (3 if script.startswith(b"#!") else 8)
    assert "couldn't chdir" in err and ("Exec format error" in err) is (ended.exit_code == 8)
    assert client.run("exit 4", number=2)[0].exit_code == 4
