"""Commands run in the test's own process, on a store that the test fills. No controller is started."""

from __future__ import annotations

import importlib
import json
import os
import pwd
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mini_slurm.cli import common, listing
from mini_slurm.model.job import Job
from mini_slurm.model.machine import Machine
from mini_slurm.model.states import JobState
from mini_slurm.store import database

FLEET = """
[fleet]
name = "mini"
[machines."node[1-2]"]
cpus = 2
memory = "4000M"
[partitions.compute]
machines = "node[1-2]"
default = true
max_time = "1-00:00:00"
"""
OWN = pwd.getpwuid(os.getuid()).pw_name


class Shell:
    """Runs a command in this process; `jobs` and `machines` fill its store."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.state = folder / "state"
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self.wake: Callable[[str], None] = lambda state: None
        self.seen: list[tuple[str, str]] = []

    def __call__(self, line: str) -> tuple[int, str, str]:
        """Exit status, output and errors of a command line without quotes."""
        name, *arguments = line.split()
        command = name if name.startswith("ms") else f"m{name}"
        self._monkeypatch.setattr(sys, "argv", [name, *arguments])
        self._monkeypatch.setattr(common, "wake_controller", self.wake)
        body = getattr(importlib.import_module(f"mini_slurm.cli.{command}"), command)
        code = common.run(command, body)
        output, errors = self._capsys.readouterr()
        return code, output, errors

    def fill(self, *jobs: Job, machines: tuple[Machine, ...] = ()) -> None:
        self.state.mkdir(mode=0o700, exist_ok=True)
        db = database.open_database(str(self.state))
        with database.transaction(db):
            database.save_jobs(db, jobs)
            for machine in machines:
                database.save_machine(db, machine)
        db.close()

    def requests(self) -> list[tuple[str, dict[str, object]]]:
        db = database.open_database(str(self.state))
        rows = db.execute("SELECT kind, body FROM request ORDER BY number").fetchall()
        db.close()
        return [(kind, json.loads(body)) for kind, body in rows]

    def drop_requests(self, state: str = "") -> None:
        """What a controller does with them, as far as a command sees."""
        db = database.open_database(str(self.state))
        self.seen = db.execute("SELECT kind, body FROM request ORDER BY number").fetchall()
        db.execute("DELETE FROM request")
        db.close()

    def asked(self) -> list[dict[str, object]]:
        return [{"kind": kind, **json.loads(body)} for kind, body in self.seen]


def prepared(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell with a fleet of two machines, and without the user's own settings."""
    settings = ("SQUEUE_", "SINFO_", "SACCT_", "SLURM_", "SCANCEL_", "SCONTROL_")
    for name in [name for name in os.environ if name.startswith(settings)]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(listing, "revive", lambda state: None)
    (tmp_path / "fleet.toml").write_text(FLEET)
    monkeypatch.setenv("MINI_SLURM_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("MINI_SLURM_FLEET", str(tmp_path / "fleet.toml"))
    return Shell(tmp_path, capsys, monkeypatch)


def job(number: int, name: str = "job", **values: object) -> Job:
    common = {"partition": "compute", "user": OWN, "uid": os.getuid(), "submit_time": time.time(), "time_limit": 600}
    return Job(**{**common, "job_id": number, "name": name, **values})


def array(number: int) -> Job:
    return job(number, array_job_id=number, array_tasks="1-5", array_size=5, reason="JobHeldUser", priority=0)


def running(number: int, name: str = "job", **values: object) -> Job:
    return job(number, name, state=JobState.RUNNING, node="node1", alloc_cpus=1, start_time=time.time(), **values)
