"""The PBS that the tests use: a stand-in, or the real one whose commands are in the folder $MINI_SLURM_PBS.

With a real one the tests are run as root on its server's host, whose nodes share its accounts and /home. It is set up
as the recorded one was: three hosts, pbsn1 to pbsn3, of 4 CPUs and 8 GB, the first two with 2 ngpus; the queues workq
(the default, an hour) and gpu; job history; and login shells find PBS's commands.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tests.clusters import replay
from tests.clusters.conftest import User
from tests.clusters.openpbs.install import install
from tests.waiting import wait_until

REAL = os.environ.get("MINI_SLURM_PBS", "")
LIMIT = 60  # seconds for a command of an operator
Fault = Callable[[], None]


class Pbs(Protocol):
    """A PBS, for one user: `bin` has its commands, which may be replaced; `state` is for the stand-in."""

    user: User
    bin: Path
    state: str

    def operate(self, *words: str) -> None:
        """One of its commands by an operator."""

    def set(self, attribute: str, value: bool) -> None:
        """Have it keep a job `history`, or end what `enforces` mem means, before it has any job."""

    def faults(self, rng: random.Random) -> list[Fault]:
        """What of itself may break for a while."""

    def close(self) -> None:
        """End its jobs, and forget them."""


class StandIn:
    """The stand-in."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.bin, folder = user.home / "pbs-bin", user.home / "pbs"
        self.state = str(folder)
        install(self.bin, str(user.install.python / f"python{sys.version_info.major}.{sys.version_info.minor}"))
        folder.mkdir()
        shutil.chown(folder, user.login)

    def operate(self, *words: str) -> None:
        """One of its commands by an operator."""
        run(self, *words, STAND_IN_USER="root")

    def set(self, attribute: str, value: bool) -> None:
        """Have it keep a job `history`, or end what `enforces` mem means, before it has any job."""
        run(self, "qstat")
        path = Path(self.state) / "state.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), attribute: value}))

    def faults(self, rng: random.Random) -> list[Fault]:
        """What of itself may break for a while."""
        return []

    def close(self) -> None:
        """End its jobs; the user's home goes with all that it knows."""
        replay.end_jobs(Path(self.state))


class OpenPbs:
    """A real OpenPBS."""

    state = ""

    def __init__(self, user: User) -> None:
        self.user = user
        self.bin = user.home / "pbs-bin"
        self.bin.mkdir()
        for program in Path(REAL).iterdir():
            (self.bin / program.name).symlink_to(program)
        self._undo: list[Fault] = []
        self.close()  # what a run left that was killed

    def operate(self, *words: str) -> None:
        """One of its commands by an operator."""
        subprocess.run([f"{REAL}/{words[0]}", *words[1:]], check=True, capture_output=True, timeout=LIMIT)

    def set(self, attribute: str, value: bool) -> None:
        """Have it keep a job `history`, or end what `enforces` mem means, before it has any job."""
        if attribute == "history":
            self.operate("qmgr", "-c", f"set server job_history_enable = {value}")
            self._undo.append(lambda: self.operate("qmgr", "-c", "set server job_history_enable = True"))
        elif value:
            path = self._home / "mom_priv" / "config"
            before = path.read_text()
            self._configure(before + "$enforce mem\n")
            self._undo.append(lambda: self._configure(before))

    @property
    def _home(self) -> Path:
        lines = Path(os.environ.get("PBS_CONF_FILE", "/etc/pbs.conf")).read_text().split()
        return Path(dict(line.partition("=")[::2] for line in lines)["PBS_HOME"])

    def _configure(self, text: str) -> None:
        folder = self._home / "mom_priv"
        (folder / "config").write_text(text)
        os.kill(int((folder / "mom.lock").read_text()), 1)

    def faults(self, rng: random.Random) -> list[Fault]:
        """What of itself may break for a while."""

        def pbs_server() -> None:
            subprocess.run([f"{REAL}/qterm", "-t", "quick"], check=False)
            time.sleep(rng.uniform(0, 3))
            subprocess.run([Path(REAL).parent / "sbin" / "pbs_server"], check=True, capture_output=True)

        return [pbs_server]

    def close(self) -> None:
        """End its jobs, and forget them."""
        for undo in self._undo:
            undo()
        wait_until(self._is_empty, "PBS forgets the jobs", seconds=60)

    def _is_empty(self) -> bool:
        chosen = [f"{REAL}/qselect", "-x", "-u", self.user.login]
        found = subprocess.run(chosen, capture_output=True, text=True, timeout=LIMIT).stdout.split()
        if found:
            subprocess.run([f"{REAL}/qdel", "-x", "-W", "force", *found], capture_output=True, timeout=LIMIT)
        return not found


def make(user: User) -> Pbs:
    """The PBS of this run."""
    return OpenPbs(user) if REAL else StandIn(user)


def run(pbs: Pbs, *words: str, **variables: str) -> str:
    """What one of its own commands prints."""
    return pbs.user.run(f"{pbs.bin}/{words[0]}", *words[1:], STAND_IN_PBS=pbs.state, **variables)


def jobs(pbs: Pbs) -> dict[str, dict[str, str]]:
    """The attributes of the user's jobs that it knows, with the tasks of arrays, by number: `7`, `8[]`, `8[1]`."""
    history = [] if "job_history_enable = True" not in run(pbs, "qstat", "-B", "-f") else ["-x"]
    found: dict[str, dict[str, str]] = {}
    for line in run(pbs, "qstat", *history, "-t", "-f", "-w").splitlines():
        key, _, value = line.strip().partition(" = ")
        if line.startswith("Job Id: "):
            found[line.removeprefix("Job Id: ").partition(".")[0]] = {}
        elif value:
            found[list(found)[-1]][key] = value
    return {name: job for name, job in found.items() if job["Job_Owner"].startswith(f"{pbs.user.login}@")}


def fake(pbs: Pbs, program: str, text: str) -> None:
    """A script in the place of one of its commands; {real} in it is the command that was there."""
    path = pbs.bin / program
    path.rename(real := path.with_name(f"real-{program}"))
    name = str(path.relative_to(pbs.user.home))
    pbs.user.write(name, "#!/bin/bash\n" + text.format(real=real), 0o755)
