"""A real Slurm over SSH, with random faults on the way: no job is lost, none is there twice, none vanishes."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.clusters.real_slurm import Slurm
from tests.clusters.test_ssh import LoginNode, controller, login  # noqa: F401 - a fixture
from tests.fleet import processes
from tests.waiting import wait_until

SEEDS = range(int(os.environ.get("MINI_SLURM_SEEDS", "1")))
USERS, JOBS = 3, 4  # who submit at a time, and how many each
# what a job's name has its sbatch do
SBATCH = """\
timeout="sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"
case "$*" in
*slow*) sleep 1.5; exec {real} "$@" ;;
*late*) {real} "$@"; sleep 1.5 ;;
*lost*) {real} "$@" > /dev/null; kill -9 $$ ;;
*timeout*) {real} "$@" > /dev/null; echo "$timeout" >&2; exit 1 ;;
*never*) echo "$timeout" >&2; exit 1 ;;
*) exec {real} "$@" ;;
esac
"""
WAYS = ("plain", "slow", "late", "lost", "timeout", "never")
SQUEUE = """\
fault="slurm_load_jobs error: Unable to contact slurm controller (connect failure)"
[ ! -e {home}/down ] || {{ echo "$fault" >&2; exit 1; }}
exec {real} "$@"
"""
GOOD = {"PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "COMPLETED"}


class Trouble:
    """What breaks, one after the other, until it is told to end."""

    def __init__(self, node: LoginNode, slurm: Slurm, rng: random.Random) -> None:
        self.login = node
        self.slurm = slurm
        self.rng = rng
        self.seen: list[str] = []

    def connection(self) -> None:
        """The connection is cut."""
        processes.kill(self.login.machine.sessions(), signal.SIGKILL)

    def sshd(self) -> None:
        """sshd is away for a while."""
        self.connection()
        self.login.machine.kill_listener()
        time.sleep(self.rng.uniform(0, 2))
        self.login.machine.start()

    def controller(self) -> None:
        """Our controller is killed."""
        processes.kill(controller(self.login.user))

    def squeue(self) -> None:
        """squeue fails."""
        down = self.login.machine.home / "down"
        down.touch()
        time.sleep(self.rng.uniform(0, 4))
        down.unlink()

    def slurmctld(self) -> None:
        """slurmctld is restarted."""
        self.slurm.stop_controller()
        time.sleep(self.rng.uniform(0, 2))
        self.slurm.start_controller()

    def run(self, is_over: threading.Event) -> None:
        """Break something now and then."""
        faults: list[Callable[[], None]] = [self.connection, self.sshd, self.controller, self.squeue, self.slurmctld]
        while not is_over.wait(self.rng.uniform(0.2, 2)):
            fault = self.rng.choice(faults)
            self.seen.append(fault.__name__)
            fault()


@contextmanager
def beside(run: Callable[[threading.Event], None]) -> Iterator[None]:
    """Something goes on meanwhile; what is wrong with it is raised at the end."""
    over, wrong = threading.Event(), []

    def guarded() -> None:
        try:
            run(over)
        except BaseException as error:
            wrong.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    for error in wrong:
        raise error


@pytest.mark.parametrize("seed", SEEDS)
def test_no_job_is_lost_and_none_is_there_twice(login: LoginNode, slurm: Slurm, seed: int) -> None:  # noqa: F811
    rng = random.Random(seed)
    login.fake("sbatch", SBATCH)
    login.fake("squeue", SQUEUE)
    user, trouble = login.user, Trouble(login, slurm, rng)
    run = f"s{random.randrange(10**6)}"  # the real Slurm is one for all
    names = [[f"{run}-{rng.choice(WAYS)}-{who}-{number}" for number in range(JOBS)] for who in range(USERS)]
    said: dict[str, subprocess.CompletedProcess[str]] = {}
    told: dict[str, str] = {}

    def submit(mine: list[str]) -> None:
        for name in mine:
            wrap = "echo $SLURM_JOB_ID >> ran; sleep 1"
            said[name] = user.try_("msbatch", "-M", "far", "-D", str(user.home), "-J", name, "--wrap", wrap)
            if found := re.fullmatch(r"Submitted batch job (\d+)\n", said[name].stdout):
                told[name] = found[1]

    def look(is_over: threading.Event) -> None:
        while not is_over.wait(0.5):
            before = {*told.values()}
            shown = user.try_("msqueue", "-h", "-t", "all", "-o", "%i %T").stdout.split("\n")[:-1]
            states = dict(line.split() for line in shown)
            assert before <= {*states}, f"{before - {*states}} vanished: {states}"
            assert {*states.values()} <= GOOD, states

    workers = [threading.Thread(target=submit, args=(mine,)) for mine in names]
    with beside(look), beside(trouble.run):
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    everything = [name for mine in names for name in mine]
    real = dict(
        line.split()[::-1]
        for line in slurm.run("squeue", "-h", "-t", "all", "-o", "%i %j").splitlines()
        if line.split()[1].startswith(f"{run}-")
    )
    context = f"faults: {trouble.seen}\n" + "\n".join(
        f"{name}: {said[name].stdout}{said[name].stderr}" for name in everything
    )
    assert {*said} == {*everything}
    assert all(real.get(name) == number for name, number in told.items()), f"{told}\n{real}\n{context}"
    for name in everything:
        done = said[name]
        assert done.returncode == (0 if name in told else 1), context
        assert len(done.stderr.splitlines()) in ((0,) if name in told else (1, 2)), context
        assert "never" not in name or name not in real
    assert Counter(slurm.run("squeue", "-h", "-t", "all", "-o", "%j").split()).most_common(1)[0][1] == 1, context

    def all_over() -> bool:
        shown = user.try_("msacct", "-X", "-n", "-P", "-o", "JobID,JobName,State").stdout.split()
        known = {line.split("|")[1]: line.split("|")[0] for line in shown if line.endswith("|COMPLETED")}
        return known == real

    wait_until(all_over, f"all of {real} are known\n{context}", seconds=90)
    assert sorted((user.home / "ran").read_text().split()) == sorted(real.values())
