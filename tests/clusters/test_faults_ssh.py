"""A real Slurm, and a PBS, over SSH, with random faults: no job is lost, none is there twice, none vanishes."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import pytest

from tests.clusters import pbs_systems
from tests.clusters.conftest import User
from tests.clusters.pbs_systems import Pbs, jobs
from tests.clusters.real_slurm import Slurm
from tests.clusters.test_pbs_ssh import FLEET
from tests.clusters.test_ssh import LoginNode, controller, login, login_node  # noqa: F401 - a fixture
from tests.fleet import processes
from tests.waiting import wait_until

SEEDS = range(int(os.environ.get("MINI_SLURM_SEEDS", "1")))
USERS, JOBS = 3, 4  # who submit at a time, and how many each
AT_ONCE = 4  # faults until a command has come to its end: a slow machine is to recover between them
# what a job's name has its submission do
SUBMIT = """\
fault={fault!r}
case "$*" in
*slow*) sleep 1.5; exec {{real}} "$@" ;;
*late*) {{real}} "$@"; code=$?; sleep 1.5; exit $code ;;
*lost*) {{real}} "$@" > /dev/null; kill -9 $$ ;;
*timeout*) {{real}} "$@" > /dev/null; echo "$fault" >&2; exit 1 ;;
*never*) echo "$fault" >&2; exit 1 ;;
*) exec {{real}} "$@" ;;
esac
"""
WAYS = ("plain", "slow", "late", "lost", "timeout", "never")
# it fails, or is killed while it speaks
LIST = """\
fault={fault!r}
case "$(cat {{home}}/down 2> /dev/null)" in
fails) echo "$fault" >&2; exit 1 ;;
dies) {{real}} "$@" | head -c 700; kill -9 $$ ;;
*) exec {{real}} "$@" ;;
esac
"""
GOOD = {"PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "COMPLETED"}


class System(Protocol):
    """A system whose login node is reached by a way that breaks."""

    submit: tuple[str, str]  # the program that submits, and its fault when nobody knows what became of it
    listing: tuple[str, str]  # the program that lists jobs, and its fault

    @property
    def faults(self) -> list[Callable[[], None]]:
        """What of itself may break for a while."""

    def jobs(self) -> list[tuple[str, str]]:
        """Names and numbers of all jobs that it took."""


class RealSlurm:
    """A Slurm."""

    submit = ("sbatch", "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation")
    listing = ("squeue", "slurm_load_jobs error: Unable to contact slurm controller (connect failure)")

    def __init__(self, slurm: Slurm, rng: random.Random) -> None:
        self._slurm = slurm
        self._rng = rng

    @property
    def faults(self) -> list[Callable[[], None]]:
        """What of itself may break for a while."""
        return [self.slurmctld]

    def slurmctld(self) -> None:
        """slurmctld is restarted."""
        self._slurm.stop_controller()
        time.sleep(self._rng.uniform(0, 2))
        self._slurm.start_controller()

    def jobs(self) -> list[tuple[str, str]]:
        """Names and numbers of all jobs that it took."""
        lines = self._slurm.run("squeue", "-h", "-t", "all", "-o", "%j %i").splitlines()
        return [(name, number) for name, number in map(str.split, lines)]


class FarPbs:
    """A PBS."""

    submit = ("qsub", "Connection timed out")
    listing = ("qstat", "Connection refused")

    def __init__(self, pbs: Pbs, rng: random.Random) -> None:
        self._pbs = pbs
        self.faults = pbs.faults(rng)

    def jobs(self) -> list[tuple[str, str]]:
        """Names and numbers of all jobs that it took."""
        known = {number: job["Job_Name"] for number, job in jobs(self._pbs).items()}
        known |= dict(line.split() for line in ran(self._pbs.user))  # without a history it forgets what is over
        return [(name, number) for number, name in known.items()]


def ran(user: User) -> list[str]:
    """Number and name of each job that ran, as it said."""
    path = user.home / "ran"
    return path.read_text().splitlines() if path.exists() else []


class Trouble:
    """What breaks, one after the other, until it is told to end."""

    def __init__(self, node: LoginNode, system: System, rng: random.Random) -> None:
        self.login = node
        self.system = system
        self.rng = rng
        self.seen: list[str] = []
        self.unrested = 0

    def rest(self) -> None:
        """A command has come to its end: more may break."""
        self.unrested = 0

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

    def listing(self) -> None:
        """What lists jobs fails, or is killed."""
        down = self.login.machine.home / "down"
        down.write_text(self.rng.choice(["fails", "dies"]))
        time.sleep(self.rng.uniform(0, 4))
        down.unlink()

    def run(self, is_over: threading.Event) -> None:
        """Break something now and then."""
        faults: list[Callable[[], None]] = [
            self.connection,
            self.sshd,
            self.controller,
            self.listing,
            *self.system.faults,
        ]
        while not is_over.wait(self.rng.uniform(0.2, 2)):
            if self.unrested >= AT_ONCE:
                continue
            self.unrested += 1
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
def test_no_job_of_a_slurm_is_lost_and_none_is_there_twice(login: LoginNode, slurm: Slurm, seed: int) -> None:  # noqa: F811
    rng = random.Random(seed)
    submit_and_break(login, RealSlurm(slurm, rng), rng)


@pytest.fixture
def far_pbs(user: User) -> Iterator[tuple[LoginNode, Pbs]]:
    """A login node that has PBS's commands on its PATH, where others can be put in their place."""
    pbs = pbs_systems.make(user)
    fleet = FLEET.replace('folder = "{bin}"\n', "")
    with login_node(user, fleet, programs=pbs.bin, state=pbs.state) as node:
        for program in pbs.bin.glob("[!.]*"):
            (node.machine.bin / program.name).symlink_to(program)
        if pbs_systems.REAL:  # its jobs have the account's own home
            node.machine.environment["HOME"] = str(user.home)
            node.machine.restart()
        yield node, pbs
        pbs.close()


@pytest.mark.parametrize("history", [True, False], ids=["history", "no history"])
@pytest.mark.parametrize("seed", SEEDS)
def test_no_job_of_a_pbs_is_lost_and_none_is_there_twice(
    far_pbs: tuple[LoginNode, Pbs], seed: int, history: bool
) -> None:
    node, pbs = far_pbs
    rng = random.Random(seed)
    pbs.set("history", history)
    submit_and_break(node, FarPbs(pbs, rng), rng)


def submit_and_break(node: LoginNode, system: System, rng: random.Random) -> None:
    """Submit from several places while things break, and compare what was told with what there is."""
    for (program, fault), text in ((system.submit, SUBMIT), (system.listing, LIST)):
        node.fake(program, text.format(fault=fault))
    user, trouble = node.user, Trouble(node, system, rng)
    run = f"s{random.randrange(10**6)}"  # the real Slurm is one for all
    names = [[f"{run}-{rng.choice(WAYS)}-{who}-{number}" for number in range(JOBS)] for who in range(USERS)]
    said: dict[str, subprocess.CompletedProcess[str]] = {}
    told: dict[str, str] = {}

    def submit(mine: list[str]) -> None:
        for name in mine:
            wrap = "echo $SLURM_JOB_ID $SLURM_JOB_NAME >> ran; sleep 1"
            said[name] = user.try_("msbatch", "-M", "far", "-D", str(user.home), "-J", name, "--wrap", wrap)
            trouble.rest()
            if found := re.fullmatch(r"Submitted batch job (\d+)\n", said[name].stdout):
                told[name] = found[1]

    def look(is_over: threading.Event) -> None:
        while not is_over.wait(0.5):
            before = {*told.values()}
            shown = user.try_("msqueue", "-h", "-t", "all", "-o", "%i %T").stdout.split("\n")[:-1]
            trouble.rest()
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
    taken = [(name, number) for name, number in system.jobs() if name.startswith(f"{run}-")]
    real = dict(taken)
    context = f"faults: {trouble.seen}\n" + "\n".join(
        f"{name}: {said[name].stdout}{said[name].stderr}" for name in everything
    )
    assert {*said} == {*everything}
    assert all(real.get(name) == number for name, number in told.items()), f"{told}\n{real}\n{context}"
    for name in everything:
        done = said[name]
        assert (done.returncode == 0) is (name in told), context
        assert len(done.stderr.splitlines()) in ((0,) if name in told else range(1, 5)), context
        assert "never" not in name or name not in real
    assert len(taken) == len(real), f"{taken}\n{context}"

    def all_over() -> bool:
        shown = user.try_("msacct", "-X", "-n", "-P", "-o", "JobID,JobName,State").stdout.split()
        known = {line.split("|")[1]: line.split("|")[0] for line in shown if line.endswith("|COMPLETED")}
        return known == real

    wait_until(all_over, f"all of {real} are known\n{context}", seconds=90)
    assert sorted(ran(user)) == sorted(f"{number} {name}" for name, number in real.items())
