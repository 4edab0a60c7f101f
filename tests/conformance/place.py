"""Where cases are played: four machines of a testbed and an account, as on the cluster of the recordings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.conformance.cases import HERE, USER
from tests.conformance.install import Install
from tests.conformance.player import Player, Settings
from tests.fleet import accounts, processes, testbed

MACHINES = ("node1", "node2", "node3", "node4")
GPUS = {"node4": 2}
# as on the recorded cluster, every machine has answered before the first case
ALL_UP = "sbatch -W -Q -N{} -D / -o /dev/null --wrap true"
FOLDERS = Path("/var/lib")  # machines do not share /tmp
FOLDER = "mini_slurm-conformance-"  # and the number of the run's process
OTHERS, OTHER_STEM = ("bob",), "cf"  # further users of the recordings; names of the same length
# Numbers of jobs have three digits from now on, as the recorded ones: they are cut at the width of a column. And the
# user has used more of the fleet than others, which his priorities show.
FIRST_JOBS = "sbatch -W -a 1-100 -D / -o /dev/null --wrap true"
FIRST_NET = 60
STOP_LIMIT = 60  # seconds for the controller to end


def missing() -> str:
    """Why nothing can be played here; empty when all is there."""
    return testbed.missing() or accounts.missing()


@contextmanager
def players(count: int, limit: float) -> Iterator[Sequence[Player]]:
    """Several of them, each with an account and machines of its own; `limit` is what a case may take, in seconds."""
    _sweep()
    folder = FOLDERS / f"{FOLDER}{os.getpid()}"
    folder.mkdir(mode=0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        others = {name: accounts.make(OTHER_STEM).pw_name for name in OTHERS}
        for login in others.values():
            stack.callback(accounts.remove, login)
        logins = []
        for _ in range(count):
            logins.append(accounts.make().pw_name)
            stack.callback(accounts.remove, logins[-1])
        install = Install(folder, logins[0])
        yield [
            stack.enter_context(_player(folder / login, {USER: login, **others}, number, install, limit))
            for number, login in enumerate(logins)
        ]


@contextmanager
def _player(folder: Path, users: dict[str, str], number: int, install: Install, limit: float) -> Iterator[Player]:
    """`users`: who stands in for the recorded ones."""
    folder.mkdir()
    login = users[USER]
    home = Path(f"~{login}").expanduser()
    fleet = folder / "fleet.toml"
    settings = (HERE / "fleet.toml").read_text()
    for recorded, our in users.items():
        settings = settings.replace(recorded, our)
    fleet.write_text(settings)
    environment = {"MINI_SLURM_FLEET": str(fleet), "MINI_SLURM_STATE": str(home / "state")}
    bed = _bed(folder, os.getpid(), number)
    try:
        bed.up(MACHINES, gpus=GPUS, users=[login], python=install.python)
        _let_in(login, home, bed.folder / f"ssh_config_{login}")
        player = Player(Settings(str(install.shims), environment, login, users, str(home), login, limit))
        player.small(FIRST_JOBS, login)
        _stop(login, home, environment, install)  # the next controller weighs at once what the user has used
        player.small(ALL_UP.format(len(MACHINES)), login)
        yield player
        _stop(login, home, environment, install)
    finally:
        bed.down()


def _bed(folder: Path, run: int, number: int = 0) -> testbed.Bed:
    """The bed in the folder of an account; networks and bridges of different runs have different names."""
    return testbed.Bed(folder / "bed", f"10.{FIRST_NET + number}.{run % 250}", f"{folder.name}{run % 1000}")


def _sweep() -> None:
    """Take away what a run left that was killed."""
    for folder in FOLDERS.glob(f"{FOLDER}*"):
        run = int(re.findall(r"\d+$", folder.name)[0])
        if not processes.alive(run):
            for place in folder.glob("conf?"):
                _bed(place, run).down()
            shutil.rmtree(folder)


def _let_in(login: str, home: Path, ssh_config: Path) -> None:
    """Give the account what it needs to reach the machines."""
    (home / ".ssh").mkdir(mode=0o700)
    shutil.copy(ssh_config, home / ".ssh" / "config")
    for path in (home / ".ssh", home / ".ssh" / "config"):
        shutil.chown(path, login, login)


def _stop(login: str, home: Path, environment: dict[str, str], install: Install) -> None:
    words = [f"HOME={home}", "PATH=/usr/bin:/bin", *(f"{name}={value}" for name, value in environment.items())]
    words = ["runuser", "-u", login, "--", "env", "-i", *words, str(install.bin / "mini-slurm"), "stop"]
    done = subprocess.run(words, capture_output=True, text=True, cwd="/", timeout=STOP_LIMIT)
    assert done.returncode == 0, done.stdout + done.stderr
