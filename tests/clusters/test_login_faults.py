"""A login node of a PBS that cannot be used as it is: one line that says why, or no difference at all."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters import pbs_systems
from tests.clusters.conftest import User
from tests.clusters.pbs_systems import Pbs, jobs
from tests.clusters.test_pbs_ssh import FLEET
from tests.clusters.test_slurm import ended, submitted
from tests.clusters.test_ssh import LoginNode, login_node
from tests.fleet.conftest import skip_or_fail
from tests.waiting import wait_until

ON_PATH = FLEET.replace('folder = "{bin}"\n', "")
NOTHING_LEFT = (
    "import sqlite3; print(sqlite3.connect('state/state.sqlite3').execute('SELECT * FROM submission').fetchall())"
)


@pytest.fixture
def pbs(user: User) -> Iterator[Pbs]:
    """The stand-in, or a real one."""
    made = pbs_systems.make(user)
    yield made
    made.close()


@pytest.fixture
def login(pbs: Pbs) -> Iterator[LoginNode]:
    """A login node that has PBS's commands on its PATH."""
    with login_node(pbs.user, ON_PATH, state=pbs.state) as made:
        for program in pbs.bin.glob("[!.]*"):
            (made.machine.bin / program.name).symlink_to(program)
        yield made


def refused(login: LoginNode, pbs: Pbs, *, code: int = 1) -> str:
    """What is said of a submission that fails: one line, and perhaps what to do. Nothing was submitted."""
    done = login.user.try_("msbatch", "-M", "far", "--wrap", "true")
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert len(done.stderr.splitlines()) <= 2, done.stderr
    assert jobs(pbs) == {}
    assert login.user.run("python3", "-c", NOTHING_LEFT) == "[]\n"
    return done.stderr


def runs(login: LoginNode) -> None:
    """A job goes there as it always does, and its output is what it prints."""
    number = submitted(login.user.run("msbatch", "-M", "far", "-o", "out", "--wrap", "echo $SLURM_JOB_ID"))
    assert ended(login.user, number) == "COMPLETED"
    assert (login.user.home / "out").read_text() == f"{number}\n"


def test_a_key_that_has_expired(login: LoginNode, pbs: Pbs) -> None:
    keys = login.machine.folder / "authorized_keys"
    keys.write_text('expiry-time="20200101" ' + keys.read_text())
    said = refused(login, pbs)
    assert said.startswith(f"msbatch: error: cluster far: login as {login.user.login} refused by 127.0.0.1 port ")


@pytest.fixture
def account_of(user: User) -> Iterator[User]:
    """A user whose account may be changed: it is as it was afterwards."""
    yield user
    for words in (["chage", "-E", "-1"], ["usermod", "-s", "/bin/bash"]):
        subprocess.run([*words, user.login], check=True, capture_output=True)


def test_an_account_that_has_expired(account_of: User, login: LoginNode, pbs: Pbs) -> None:
    subprocess.run(["chage", "-E", "2020-01-01", account_of.login], check=True)
    said = refused(login, pbs)
    assert said.startswith(f"msbatch: error: cluster far: login as {account_of.login} refused by 127.0.0.1 port ")


def test_an_account_without_a_shell(account_of: User, login: LoginNode, pbs: Pbs) -> None:
    subprocess.run(["usermod", "-s", "/usr/sbin/nologin", account_of.login], check=True)
    said = refused(login, pbs)
    line = "msbatch: error: cluster far: python3 does not run on 127.0.0.1: This account is currently not available."
    assert said.splitlines()[0] == line


@pytest.mark.parametrize("shell", ["csh", "tcsh", "zsh", "fish", "dash"])
def test_a_login_shell_of_another_kind(account_of: User, login: LoginNode, shell: str) -> None:
    path = shutil.which(shell)
    skip_or_fail("" if path else f"{shell} is not installed")
    subprocess.run(["usermod", "-s", path, account_of.login], check=True, capture_output=True)
    runs(login)


@pytest.mark.parametrize(
    "text", ["echo Welcome; echo '{\"status\": 1}'", "printf Welcome"], ids=["lines", "no line end"]
)
def test_a_login_shell_that_greets_its_users(login: LoginNode, text: str) -> None:
    (login.machine.home / ".bashrc").write_text(f"{text}\n")
    runs(login)


def test_an_sshd_that_shows_a_banner(login: LoginNode) -> None:
    banner = login.machine.folder / "banner"
    banner.write_text("Authorised use only.\n")
    login.machine.restart(Banner=str(banner))
    runs(login)


def test_a_login_shell_that_ends_at_once(login: LoginNode, pbs: Pbs) -> None:
    (login.machine.home / ".bashrc").write_text("echo Down for maintenance; exit 0\n")
    said = refused(login, pbs)
    line = "msbatch: error: cluster far: the login shell of 127.0.0.1 ran no python3, but said: Down for maintenance"
    assert said.splitlines()[0] == line


def test_a_python_that_is_too_old(login: LoginNode, pbs: Pbs) -> None:
    old = "import sys; sys.version_info = (3, 6, 9); exec(sys.argv[-1])"
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    login.fake("python3", f"exec {python} -c '{old}' \"$@\"\n")
    line = "msbatch: error: cluster far: python3 is Python 3.6.9 there, and 3.8 or newer is needed"
    assert refused(login, pbs).splitlines()[0] == line


def test_no_qsub_on_the_path_of_logins(login: LoginNode, pbs: Pbs) -> None:
    (login.machine.bin / "qsub").unlink()
    assert refused(login, pbs).splitlines()[0] == (
        "msbatch: error: cluster far: there is no qsub on the PATH of logins without a terminal of 127.0.0.1"
    )


def test_a_path_that_a_module_would_have_set(login: LoginNode, pbs: Pbs) -> None:
    (login.machine.home / ".bashrc").write_text("PATH=/opt/no-such-module/bin:/usr/bin:/bin\n")
    assert refused(login, pbs).splitlines()[0] == (
        "msbatch: error: cluster far: there is no qsub on the PATH of logins without a terminal of 127.0.0.1"
    )
    (login.machine.home / ".bashrc").write_text(f"PATH={login.machine.bin}:/usr/bin:/bin\n")
    runs(login)


def test_a_qsub_that_lacks_a_library_is_shown_in_its_own_words(login: LoginNode, pbs: Pbs) -> None:
    words = "qsub: error while loading shared libraries: libpbs.so.0: cannot open shared object file"
    login.fake("qsub", f"echo '{words}' >&2; exit 127\n")
    assert refused(login, pbs, code=127) == f"{words}\n"


@pytest.fixture
def full_home(login: LoginNode) -> Iterator[Path]:
    """The login node's home, without room."""
    home = login.machine.home
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", home], capture_output=True)
    skip_or_fail("this root may not mount" if mounted.returncode else "")
    shutil.chown(home, login.user.login)
    with (home / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))
    yield home
    login.machine.kill()
    umount = ["umount", str(home)]
    wait_until(lambda: subprocess.run(umount, capture_output=True).returncode == 0, "nobody uses that home")


def test_a_home_that_is_full(full_home: Path, login: LoginNode, pbs: Pbs) -> None:
    said = refused(login, pbs)
    assert said.startswith(f"msbatch: error: cluster far: {full_home}/.cache")
    assert "No space left on device" in said
    assert (
        login.user.run("msinfo", "-M", "far", "-h", "-p", "workq", "-o", "%D") == "3\n"
    )  # a question needs no room there
    (full_home / "filler").unlink()
    runs(login)
