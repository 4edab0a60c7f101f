"""Jobs on a PBS whose commands are on another host, reached over SSH: the stand-in or a real one, and a real sshd."""

from __future__ import annotations

import select
import subprocess
from collections.abc import Iterator

import pytest

from tests.clusters import pbs_systems
from tests.clusters.conftest import HERE, User
from tests.clusters.pbs_systems import Pbs, jobs
from tests.clusters.test_slurm import ended, submitted
from tests.clusters.test_ssh import LoginNode, controller, login_node
from tests.fleet import processes
from tests.waiting import wait_until

FLEET = (
    HERE
    + """[clusters.far]
type = "pbs"
host = "127.0.0.1"
port = {port}
user = "{login}"
identity_file = "{key}"
folder = "{bin}"
environment = {{ STAND_IN_PBS = "{state}" }}
"""
)
STAYS = "#!/bin/bash\n#PBS -N theirs\n#PBS -W block=true\nuntil [ -e {home}/go ]; do sleep 0.1; done; exit 6\n"


@pytest.fixture
def pbs(user: User) -> Iterator[Pbs]:
    """The stand-in, or a real one."""
    made = pbs_systems.make(user)
    yield made
    made.close()


@pytest.fixture
def login(pbs: Pbs) -> Iterator[LoginNode]:
    """A login node with PBS's commands."""
    with login_node(pbs.user, FLEET, bin=pbs.bin, state=pbs.state) as made:
        yield made


def begin(user: User, *words: str) -> tuple[subprocess.Popen[str], str]:
    """A command that stays until its job is over, and the job's number, which it prints at once."""
    process = subprocess.Popen(user.command(*words), stdout=subprocess.PIPE, cwd=user.home, text=True)
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], 60)
    if not ready:
        process.kill()
    return process, submitted(process.stdout.readline())


def end(process: subprocess.Popen[str]) -> None:
    """Kill it, and do not wait for what it started: that would keep its output open."""
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_a_qsub_that_stays_far_away_ends_as_its_job_does_whatever_breaks_meanwhile(login: LoginNode, pbs: Pbs) -> None:
    user = pbs.user
    user.write("job.pbs", STAYS.format(home=user.home))
    process, number = begin(user, "msbatch", "-M", "far", "job.pbs")
    try:
        wait_until(lambda: user.run("msqueue", "-h", "-o", "%i %j %T") == f"{number} theirs RUNNING\n", "it is known")
        processes.kill(controller(user))
        login.machine.kill_sessions()
        login.machine.kill_listener()
        refused = user.try_("msinfo", "-M", "far")
        assert "connection refused" in refused.stderr
        login.machine.start()
        user.write("go", "")
        assert process.wait(60) == 6
    finally:
        end(process)
    assert ended(user, number) == "FAILED"
    assert list(jobs(pbs)) == [number]


def test_a_qsub_that_is_killed_far_away_leaves_the_end_to_the_job(login: LoginNode, pbs: Pbs) -> None:
    user = pbs.user
    user.write("job.pbs", STAYS.format(home=user.home))
    process, number = begin(user, "msbatch", "-M", "far", "job.pbs")
    try:
        processes.kill(processes.mentioning(pbs.bin / "qsub"))
        user.write("go", "")
        assert process.wait(60) == 6
    finally:
        end(process)
    assert list(jobs(pbs)) == [number]


def test_a_job_far_away_is_waited_for(login: LoginNode, pbs: Pbs) -> None:
    done = pbs.user.try_("msbatch", "-M", "far", "--wait", "--wrap", "exit 7")
    assert (done.returncode, done.stderr) == (7, "")
    submitted(done.stdout)
