"""A real service manager of root's, as systemd starts one for whoever lingers: `systemd --user` with its D-Bus.

It has a mount namespace of its own, in which systemd seems to run the machine; what is to find it enters that.
"""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet.cgroups import MOUNTED, folders, kill_all
from tests.fleet.conftest import skip_or_fail
from tests.waiting import wait_until

SYSTEMD, BUS = Path("/usr/lib/systemd/systemd"), Path("/usr/lib/systemd/user/dbus.socket")
BEGIN = """
for folder in "$@"; do echo $$ > "$folder/cgroup.procs" || exit; done
mount -t tmpfs none /run && mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR" && chmod 700 "$XDG_RUNTIME_DIR" || exit
mount -t tmpfs none /var/lib/systemd && mkdir /var/lib/systemd/linger && touch /var/lib/systemd/linger/root || exit
exec "$SYSTEMD" --user --log-target=console
"""
LOG_IN = """
manager=$1 tree=$2 systemd=$3; shift 3
echo $$ > "$tree/cgroup.procs" && echo $$ > "$systemd/cgroup.procs" && exec nsenter -m -t "$manager" "$@"
"""


def missing() -> str:
    """Why there can be none here; nothing if there can."""
    if os.geteuid():
        return "needs root: a service manager is started in a mount namespace"
    if not SYSTEMD.exists() or not BUS.exists():
        return "systemd with a user's D-Bus is not installed (Debian: apt install systemd dbus-user-session)"
    return "" if _hierarchies() else "no cgroups can be made here"


def _hierarchies() -> list[Path]:
    """Where cgroups can be made in the trees that systemd looks at: version 2, and its own of version 1."""
    places = (MOUNTED, MOUNTED / "unified", MOUNTED / "systemd")
    return [place for place in places if (place / "cgroup.procs").exists() and os.access(place, os.W_OK)]


class UserManager:
    """Such a manager, and its cgroups."""

    def __init__(self, log: Path) -> None:
        tops = [place / f"test-{uuid.uuid4().hex}" for place in _hierarchies()]
        self.folders = [top / "user@0.service" for top in tops]
        self.session = [top / "session-1.scope" for top in tops]
        for folder in (*tops, *self.folders, *self.session):
            folder.mkdir()
        environment = {**os.environ, "XDG_RUNTIME_DIR": "/run/user/0", "SYSTEMD": str(SYSTEMD), "HOME": "/root"}
        environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
        words = ["unshare", "-m", "sh", "-c", BEGIN, "sh", *map(str, self.folders)]
        with log.open("w") as said:
            self.process = subprocess.Popen(words, env=environment, stdout=said, stderr=said)
        wait_until(self._serves, f"the service manager: see {log}", seconds=30.0)

    @property
    def login(self) -> list[str]:
        """What begins the command line of a login: it finds the manager, and is in a session's cgroup."""
        return ["sh", "-c", LOG_IN, "sh", str(self.process.pid), str(self.session[0]), str(self.session[-1])]

    def end_session(self) -> None:
        """As logind ends one with KillUserProcesses=yes."""
        for folder in self.session:
            wait_until(lambda place=folder: not kill_all(place), "the login to be empty")

    def see(self, path: str) -> Path:
        """A path as it is in there."""
        return Path(f"/proc/{self.process.pid}/root{path}")

    def _serves(self) -> bool:
        assert self.process.poll() is None, "it has ended"
        return self.see("/run/user/0/bus").exists()

    def close(self) -> None:
        """End it, and all that it has in its cgroups."""
        self.process.kill()
        self.process.wait()
        for folder in self.folders:
            for path in sorted(folders(folder.parent), reverse=True):  # the innermost first
                wait_until(lambda place=path: not kill_all(place), f"{path} to be empty")
                path.rmdir()


@pytest.fixture
def user_manager(tmp_path: Path) -> Iterator[UserManager]:
    """A service manager that lasts for a test."""
    skip_or_fail(missing())
    manager = UserManager(tmp_path / "manager.log")
    yield manager
    manager.close()
