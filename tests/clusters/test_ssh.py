"""Jobs on a real Slurm whose commands are on another host, reached over SSH."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clusters.conftest import HERE, User
from tests.clusters.real_slurm import Slurm
from tests.clusters.test_slurm import ended, submitted
from tests.fleet import processes, sshd
from tests.fleet.conftest import skip_or_fail
from tests.fleet.sshd import Machine
from tests.waiting import wait_until

FLEET = (
    HERE
    + """[clusters.far]
type = "slurm"
partitions = ["batch"]
host = "127.0.0.1"
port = {port}
user = "{login}"
identity_file = "{key}"
environment = {{ SLURM_CONF = "{configuration}" }}
"""
)


class LoginNode:
    """The host with Slurm's commands, as the user's account has it: another home, another PATH."""

    def __init__(self, machine: Machine, user: User, programs: Path = Path("/usr/bin")) -> None:
        self.machine = machine
        self.user = user
        self._programs = programs

    def fake(self, command: str, text: str) -> None:
        """A script of this name before the real one on that host's PATH; {real} is where that is."""
        path = self.machine.bin / command
        path.unlink(missing_ok=True)  # it may be a link to the real one
        path.write_text("#!/bin/bash\n" + text.format(real=self._programs / command, home=self.machine.home))
        path.chmod(0o755)

    @property
    def logins(self) -> int:
        """How many connections there were."""
        return self.machine.log.read_text().count("Accepted publickey")


def controller(user: User) -> list[processes.Process]:
    """The user's controller, if there is one."""
    lock = user.home / "state" / "controller.lock"
    pid = int(lock.read_text() or 0) if lock.exists() else 0
    return [found for found in processes.everything().values() if found.pid == pid]


@contextmanager
def login_node(user: User, fleet: str, programs: Path = Path("/usr/bin"), **values: object) -> Iterator[LoginNode]:
    """A login node that the user's fleet file names, and whose host key the user knows."""
    skip_or_fail(sshd.missing())
    folder = Path(tempfile.mkdtemp(prefix="login-", dir="/var/lib"))  # a script that names us is taken for ours
    folder.chmod(0o755)
    key = sshd.make_key(folder / "key")
    machine = Machine(folder / "machine", "login", key)
    for path in (machine.home, key):
        shutil.chown(path, user.login)
    try:
        machine.start()
        user.write(".ssh/known_hosts", machine.known_hosts_line)
        user.fleet(fleet.format(port=machine.port, login=user.login, key=key, **values))
        yield LoginNode(machine, user, programs)
    finally:
        processes.kill(processes.mentioning(user.home))
        machine.kill()
        processes.kill(processes.mentioning(folder))
        shutil.rmtree(folder)


@pytest.fixture
def login(user: User, slurm: Slurm) -> Iterator[LoginNode]:
    """A login node with the commands of the real Slurm."""
    with login_node(user, FLEET, configuration=slurm.configuration) as made:
        yield made


def test_a_script_travels_with_its_arguments(login: LoginNode, slurm: Slurm) -> None:
    user = login.user
    user.write("only here.sh", '#!/bin/bash\n#SBATCH -o out-%j\nprintf "%s\\n" "$@" "$SLURM_JOB_NAME" "$PWD"; exit 3\n')
    number = submitted(user.run("msbatch", "-p", "batch", "only here.sh", "a b", "$(id)"))
    assert ended(user, number) == "FAILED"
    output = (user.home / f"out-{number}").read_text().splitlines()  # there is a folder of this name there, too
    assert output == ["a b", "$(id)", "only here.sh", str(user.home)]


def test_all_commands_share_one_connection(login: LoginNode, slurm: Slurm) -> None:
    user = login.user
    number = submitted(user.run("msbatch", "-M", "far", "-H", "-J", "first", "--wrap", "true"))
    assert user.run("msqueue", "-h", "-M", "far", "-j", number, "-o", "%j %T") == "first PENDING\n"
    assert user.run("msinfo", "-M", "far", "-h", "-o", "%P").split() == ["batch*"]
    assert f"JobId={number} " in user.run("mscontrol", "show", "job", number)
    user.run("mscontrol", "update", f"JobId={number}", "TimeLimit=7")
    assert slurm.run("squeue", "-h", "-j", number, "-o", "%l") == "7:00\n"
    user.run("mscancel", number)
    assert ended(user, number).startswith("CANCELLED")
    assert login.logins == 1


def test_what_slurm_refuses_there_is_said_in_its_own_words(login: LoginNode, slurm: Slurm) -> None:
    words = ("-p", "nowhere", "--wrap", "true")
    ours = login.user.try_("msbatch", "-M", "far", *words)
    theirs = login.user.try_("sbatch", *words, SLURM_CONF=str(slurm.configuration))
    assert theirs.returncode != 0
    assert (ours.returncode, ours.stdout, ours.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)


@pytest.mark.parametrize("breaks", ["connection", "controller"])
def test_a_way_that_breaks_in_a_submission_leaves_one_job(login: LoginNode, slurm: Slurm, breaks: str) -> None:
    user, started = login.user, login.machine.home / "started"
    login.fake("sbatch", 'touch {home}/started; sleep 2; exec {real} "$@"\n')
    user.run("msqueue", "-M", "far")
    answers: list[str] = []
    name = f"once-{breaks}"
    command = threading.Thread(
        target=lambda: answers.append(user.run("msbatch", "-M", "far", "-H", "-J", name, "--wrap", "true"))
    )
    command.start()
    wait_until(started.exists, "sbatch runs")
    if breaks == "connection":
        login.machine.kill_sessions()
    else:
        processes.kill(controller(user))  # the command itself starts the next one
    command.join()
    number = submitted(answers[0])
    assert slurm.run("squeue", "-h", "-n", name, "-o", "%i").split() == [number]


def test_a_way_that_stays_broken_in_a_submission_leaves_one_job_and_says_that_it_may(
    login: LoginNode, slurm: Slurm
) -> None:
    user, started = login.user, login.machine.home / "started"
    login.fake("sbatch", 'touch {home}/started; sleep 1; exec {real} "$@"\n')
    answers: list[subprocess.CompletedProcess[str]] = []
    words = ("msbatch", "-M", "far", "-H", "-J", "unsure", "--wrap", "true")
    command = threading.Thread(target=lambda: answers.append(user.try_(*words)))
    command.start()
    wait_until(started.exists, "sbatch runs")
    login.machine.kill_listener()
    processes.kill(controller(user))
    login.machine.kill_sessions()
    command.join()
    assert (answers[0].returncode, answers[0].stdout) == (1, "")
    assert answers[0].stderr.splitlines()[0] == "msbatch: error: cluster far does not say whether the job was submitted"
    login.machine.start()
    (number,) = slurm.run("squeue", "-h", "-n", "unsure", "-o", "%i").split()
    wait_until(lambda: user.run("msqueue", "-h", "-o", "%i %j") == f"{number} unsure\n", "it is known", seconds=90)


def test_shims_on_that_host_are_passed_over(login: LoginNode) -> None:
    for shim in login.user.install.shims.iterdir():
        (login.machine.bin / shim.name).symlink_to(shim)
    number = submitted(login.user.run("msbatch", "-M", "far", "-o", "out", "--wrap", "command -v srun"))
    assert ended(login.user, number) == "COMPLETED"
    assert (login.user.home / "out").read_text() == "/usr/bin/srun\n"


@pytest.mark.parametrize("fault", ["host key", "another host key", "login", "sshd", "sbatch"])
def test_a_login_node_that_cannot_be_used_is_one_line(login: LoginNode, fault: str) -> None:
    user = login.user
    if fault == "host key":
        user.write(".ssh/known_hosts", "")
        expected = f"cluster far: the host key of 127.0.0.1 port {login.machine.port} is not known yet"
    elif fault == "another host key":
        other = sshd.make_key(login.machine.home / "other").with_suffix(".pub").read_text()
        user.write(".ssh/known_hosts", f"[127.0.0.1]:{login.machine.port} {other}")
        expected = f"cluster far: THE HOST KEY OF 127.0.0.1 port {login.machine.port} HAS CHANGED"
    elif fault == "login":
        sshd.make_key(user.home / "other")
        shutil.chown(user.home / "other", user.login)
        user.fleet(re.sub('identity_file = ".*"', 'identity_file = "~/other"', (user.home / "fleet.toml").read_text()))
        expected = f"cluster far: login as {user.login} refused by 127.0.0.1 port {login.machine.port}"
    elif fault == "sshd":
        login.machine.kill_listener()
        expected = f"cluster far: connection refused by 127.0.0.1 port {login.machine.port}"
    else:
        user.fleet((user.home / "fleet.toml").read_text() + 'folder = "/opt/no-slurm"\n')
        expected = "cluster far: there is no sbatch in /opt/no-slurm of 127.0.0.1"
    refused = user.try_("msbatch", "-M", "far", "--wrap", "true")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"msbatch: error: {expected}"), refused.stderr
    assert len(refused.stderr.splitlines()) <= 2
    waiting = (
        "import sqlite3; print(sqlite3.connect('state/state.sqlite3').execute('SELECT * FROM submission').fetchall())"
    )
    assert user.run("python3", "-c", waiting) == "[]\n"
