"""Fixtures of the tests with clusters. Those of a real Slurm are skipped where it is not installed, but not in CI."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters import real_slurm
from tests.clusters.real_slurm import Slurm
from tests.conformance.install import Install
from tests.fleet import accounts, processes
from tests.fleet.conftest import skip_or_fail

LIMIT = 90  # seconds for one command


class User:
    """An ordinary account with the commands on its PATH, a state folder and a fleet file of its own."""

    def __init__(self, login: str, home: Path, install: Install) -> None:
        self.login = login
        self.home = home
        self.install = install
        self.path = [str(install.bin), str(install.python), *real_slurm.PATH.split(":")]
        self.variables: dict[str, str] = {}

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the user's commands."""
        return {
            "PATH": ":".join(self.path),
            "HOME": str(self.home),
            "USER": self.login,
            "LANG": "C.UTF-8",
            "MINI_SLURM_STATE": str(self.home / "state"),
            "MINI_SLURM_SPOOL": str(self.home / "spool"),
            **self.variables,
        }

    def command(self, *words: str, **variables: str) -> list[str]:
        """What runs a command as the user."""
        environment = {**self.environment, **variables}
        values = [f"{name}={value}" for name, value in environment.items()]
        return ["runuser", "-u", self.login, "--", "env", "-i", *values, *words]

    def try_(self, *words: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the user's home."""
        command = self.command(*words, **variables)
        return subprocess.run(command, input=stdin, capture_output=True, text=True, cwd=self.home, timeout=LIMIT)

    def run(self, *words: str, stdin: str = "", **variables: str) -> str:
        """What a command prints that must succeed."""
        done = self.try_(*words, stdin=stdin, **variables)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def write(self, name: str, text: str, mode: int = 0o644) -> Path:
        """A file in the user's home."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        shutil.chown(path, self.login, self.login)
        return path

    def fleet(self, text: str) -> None:
        """Write the user's fleet file."""
        self.write("fleet.toml", text)
        self.variables["MINI_SLURM_FLEET"] = str(self.home / "fleet.toml")

    def close(self) -> None:
        """End the user's controller, and forget everything."""
        left = processes.mentioning(self.home)
        processes.kill(left)
        for path in self.home.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


@pytest.fixture(scope="session")
def account() -> Iterator[tuple[str, Path, Install]]:
    """An account for the run, and an installation that it can use."""
    skip_or_fail(accounts.missing())
    entry = accounts.make("clus")
    folder = Path(tempfile.mkdtemp(prefix="mini_slurm-clusters-", dir="/var/lib"))
    folder.chmod(0o755)
    try:
        yield entry.pw_name, Path(entry.pw_dir), Install(folder, entry.pw_name)
    finally:
        accounts.remove(entry.pw_name)
        shutil.rmtree(folder)


@pytest.fixture
def user(account: tuple[str, Path, Install]) -> Iterator[User]:
    """The account, as it was new."""
    made = User(*account)
    yield made
    made.close()


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    """A real Slurm for the run."""
    skip_or_fail(real_slurm.missing())
    folder = Path(tempfile.mkdtemp(prefix="mini_slurm-slurm-", dir="/var/lib"))
    started = Slurm(folder)
    try:
        started.start()
        yield started
    finally:
        started.close()
        shutil.rmtree(folder)


@pytest.fixture
def with_slurm(user: User, slurm: Slurm) -> User:
    """A user whose fleet file has one machine and the real Slurm, whose partition is `batch`."""
    user.fleet(FLEET.format(configuration=slurm.configuration))
    return user


# a machine and a partition of the fleet itself, beside the clusters that a test adds
HERE = """
[machines.here]
local = true
cpus = 2
[partitions.mine]
machines = "here"
default = true
"""
FLEET = (
    '[fleet]\nname = "lab"'
    + HERE
    + """[clusters.big]
type = "slurm"
partitions = ["batch"]
environment = {{ SLURM_CONF = "{configuration}" }}
"""
)
