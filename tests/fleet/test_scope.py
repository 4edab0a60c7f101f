"""agent/scope.py with a real service manager: agent and controller leave the login that they were started from."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mini_slurm.protocol.messages import Ended
from tests.fleet import cgroups
from tests.fleet.agent_client import Client, agent_pid, kill_and_wait
from tests.fleet.test_cgroups import begin, waiting
from tests.fleet.user_manager import UserManager, user_manager  # noqa: F401 - a fixture
from tests.waiting import wait_until

Connect = Callable[..., Client]
WRAPPER = """#!/bin/sh
# busctl, where systemd is {version} and logind has KillUserProcesses={kills}
case "$*" in
--version) echo "systemd {version} ({version}.4-1ubuntu8.17)" ;;
*KillUserProcesses) echo "b {kills}" ;;
*) exec {busctl} "$@" ;;
esac
"""


@pytest.fixture
def log_in(user_manager: UserManager, make_client: Connect) -> Connect:  # noqa: F811
    """Connect as a login does, where the manager is found."""
    return lambda **more: make_client(
        shell=[*user_manager.login, "/bin/sh", "-c"], **{"environment": cgroups.ON, **more}
    )


def cgroup_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cgroup").read_text()


def ended(client: Client, name: str) -> tuple[str, int, int]:
    """How a job ended: why, with which code, by which signal."""
    found = client.wait(Ended, name)
    return found.cause, found.exit_code, found.exit_signal


def log_of(client: Client) -> str:
    return (client.spool / "agent.log").read_text()


def test_an_agent_has_a_scope_of_its_own(log_in: Connect) -> None:
    pid = agent_pid(log_in().spool)
    assert f"/app.slice/mini_slurm-agent-{pid}.scope" in cgroup_of(pid)


def test_a_login_that_is_emptied_takes_no_job_away(
    log_in: Connect,
    user_manager: UserManager,  # noqa: F811
    tmp_path: Path,
) -> None:
    client = log_in()
    name = begin(client, waiting(tmp_path, "echo end"), 0)
    user_manager.end_session()
    (tmp_path / "go").touch()
    assert ended(log_in(), name) == ("", 0, 0)


def test_without_lingering_it_does(log_in: Connect, user_manager: UserManager, tmp_path: Path) -> None:  # noqa: F811
    user_manager.see("/var/lib/systemd/linger/root").unlink()
    client = log_in()
    assert "without lingering the user's service manager ends at logout (loginctl enable-linger)" in log_of(client)
    name = begin(client, waiting(tmp_path, "echo end"), 0)
    user_manager.end_session()
    assert ended(log_in(), name)[0] == "NODE_FAIL"


def test_the_next_agent_has_its_own_and_the_job_keeps_the_first(log_in: Connect, tmp_path: Path) -> None:
    client = log_in()
    name = begin(client, waiting(tmp_path, "echo end"), 0)
    first = agent_pid(client.spool)
    kill_and_wait(first)
    again = log_in()
    second = agent_pid(again.spool)
    assert f"mini_slurm-agent-{second}.scope" in cgroup_of(second)
    (tmp_path / "go").touch()
    assert ended(again, name) == ("", 0, 0)


def test_without_systemd_too(log_in: Connect, user_manager: UserManager) -> None:  # noqa: F811
    user_manager.see("/run/systemd/system").rmdir()
    assert "systemd does not run this machine" in log_of(log_in())


def test_a_manager_that_is_not_reached_is_done_without(log_in: Connect, user_manager: UserManager) -> None:  # noqa: F811
    user_manager.see("/run/user/0/bus").unlink()
    client = log_in()
    assert "mini_slurm-agent" not in cgroup_of(agent_pid(client.spool))
    assert "was not delegated to us; Failed to connect to bus: No such file or directory" in log_of(client)


@pytest.mark.parametrize(("kills", "leaves"), [("false", False), ("true", True)])
def test_a_version_that_forgets_who_lingers(log_in: Connect, tmp_path: Path, kills: str, leaves: bool) -> None:
    """Only where a login is emptied for certain its manager is the safer place."""
    found = subprocess.run(["sh", "-c", "command -v busctl"], capture_output=True, text=True).stdout.strip()
    wrapper = tmp_path / "bin" / "busctl"
    wrapper.parent.mkdir()
    wrapper.write_text(WRAPPER.format(version=255, kills=kills, busctl=found))
    wrapper.chmod(0o755)
    client = log_in(environment={**cgroups.ON, "PATH": f"{wrapper.parent}:{os.environ['PATH']}"})
    assert ("mini_slurm-agent" in cgroup_of(agent_pid(client.spool))) is leaves
    assert ("systemd 255 may end the user's service manager at logout" in log_of(client)) is not leaves


def test_the_controller_leaves_the_login_too(user_manager: UserManager, tmp_path: Path) -> None:  # noqa: F811
    state = tmp_path / "state"
    state.mkdir(0o700)
    words = [*user_manager.login, sys.executable, "-P", "-m", "mini_slurm.controller.main", str(state)]
    with subprocess.Popen(words) as process:
        name = f"mini_slurm-controller-{process.pid}.scope"
        wait_until(lambda: name in cgroup_of(process.pid), "the controller to have a scope")
        process.terminate()


def test_a_login_that_is_over_at_once_leaves_the_controller_that_it_started(
    user_manager: UserManager,  # noqa: F811
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    state.mkdir(0o700)
    start = f"from mini_slurm.controller import autostart; print(autostart.start({str(state)!r}))"
    done = subprocess.run([*user_manager.login, sys.executable, "-c", start], capture_output=True, text=True)
    user_manager.end_session()
    pid = int(done.stdout)
    assert f"mini_slurm-controller-{pid}.scope" in cgroup_of(pid)
    wait_until((state / "controller.wake").exists, "the controller to listen")
    os.kill(pid, signal.SIGTERM)
