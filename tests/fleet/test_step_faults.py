"""Faults while a step runs on four machines: none costs output or an exit status, and nothing stays behind."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fleet import jobs, processes
from tests.fleet.machines import Testbed
from tests.waiting import wait_until

NODES = ("node1", "node2", "node3", "node4")
# each task prints numbers until there is a file `gate`; the step's exit status is the last task's, 3
COUNTING = "n=0; until [ -e gate ]; do echo $n; n=$((n + 1)); sleep 0.02; done; echo end; exit $SLURM_PROCID"
STEP = f"srun -N4 -n4 -l sh -c '{COUNTING}' > counted 2> said; echo srun ended with $?"


@pytest.fixture
def four(testbed: Callable[..., Testbed]) -> Testbed:
    """Four machines, whose loss is noticed within seconds."""
    fleet = testbed(**{name: {"cpus": 2, "memory": "1000M"} for name in NODES})
    fleet.variables["MINI_SLURM_SSH_KEEPALIVE"] = "1"
    fleet.write_fleet(node_timeout=6, kill_wait=1)
    return fleet


def begin(fleet: Testbed, script: str, *words: str) -> int:
    """A job on all machines whose four tasks count."""
    number = jobs.wrap(fleet, script, "-N4", "-n4", "-o", "out", "-D", str(fleet.shared), *words)
    wait_until(lambda: all_count(fleet, 5), "the tasks to count", seconds=60, logs=fleet.logs)
    return number


def all_count(fleet: Testbed, more_than: int) -> bool:
    """Has the output of all tasks come so far?"""
    text = jobs.text(fleet.shared / "counted")
    return all(f"{task}: {more_than}\n" in text for task in range(4))


def highest(fleet: Testbed) -> int:
    """The last number that came."""
    return max(int(line.split(": ")[1]) for line in jobs.text(fleet.shared / "counted").splitlines())


def finish(fleet: Testbed, number: int) -> None:
    """Let the tasks end: every number of each must have come once and in order, and the step's exit status be right."""
    last = highest(fleet)
    wait_until(lambda: all_count(fleet, last + 5), "the output to go on", seconds=60, logs=fleet.logs)
    (fleet.shared / "gate").touch()
    [job] = jobs.wait_over(fleet, number, seconds=60)
    assert (job.state.name, job.restarts) == ("COMPLETED", 0)
    assert (fleet.shared / "out").read_text() == "srun ended with 3\n"
    lines = (fleet.shared / "counted").read_text().splitlines()
    for task in range(4):
        *numbers, end = [line[3:] for line in lines if line.startswith(f"{task}: ")]
        assert (numbers, end) == ([str(number) for number in range(len(numbers))], "end")
    assert_nothing_is_left(fleet)


def tasks(fleet: Testbed) -> list[processes.Process]:
    """The tasks that run."""
    found = [
        p for name in NODES for p in fleet.on_machine(name) if p.command.partition(" -c n=0; until")[0].endswith("/sh")
    ]
    shells = {p.pid for p in found}
    return [p for p in found if p.parent not in shells]  # and not what a shell has just forked


def assert_nothing_is_left(fleet: Testbed) -> None:
    """No task, no watcher that is busy, no step's folder."""
    wait_until(lambda: not tasks(fleet), "the tasks to be gone", seconds=60, logs=fleet.logs)
    wait_until(lambda: not [p for name in NODES for p in fleet.stepds(name)], "stepds to be free", logs=fleet.logs)
    wait_until(lambda: not parts(fleet), "the spools to be empty", seconds=60, logs=fleet.logs)


def parts(fleet: Testbed) -> list[Path]:
    """Attempts that a spool still has."""
    found = [path for name in NODES for path in (fleet.bed.folder / name / "vartmp").glob("mini_slurm-*/attempts/*")]
    return [path for path in found if not path.name.startswith(".")]


def test_a_machine_loses_power(four: Testbed) -> None:
    number = begin(four, STEP, "--no-requeue")
    four.bed.crash("node3")
    [job] = jobs.wait_over(four, number, seconds=60)
    assert job.state.name == "NODE_FAIL"
    left = [name for name in NODES if name != "node3"]
    wait_until(lambda: not tasks(four), "the other machines' tasks to be gone", logs=four.logs)
    wait_until(lambda: not any(four.stepds(name) for name in left), "stepds to be free", logs=four.logs)


def test_a_job_is_requeued_when_a_machine_lost_power(four: Testbed) -> None:
    number = begin(four, f"echo run $SLURM_RESTART_COUNT >> runs; {STEP}", "--requeue")
    four.bed.crash("node3")
    wait_until(lambda: jobs.job(four, number).restarts == 1, "the requeue", seconds=60, logs=four.logs)
    wait_until(lambda: not tasks(four), "the first run's tasks to be gone", seconds=60, logs=four.logs)
    (four.shared / "gate").touch()
    four.bed.boot("node3")
    [job] = jobs.wait_over(four, number, seconds=200)
    assert (job.state.name, job.restarts) == ("COMPLETED", 1)
    assert (four.shared / "runs").read_text() == "run\nrun 1\n"
    assert_nothing_is_left(four)


def test_the_controller_is_killed(four: Testbed) -> None:
    number = begin(four, STEP)
    processes.kill(four.controllers(), signal.SIGKILL)
    before = len(tasks(four))
    assert four.run("msqueue").returncode == 0  # which starts the next one
    assert before == len(tasks(four)) == 4
    finish(four, number)


@pytest.mark.parametrize("name", ["node1", "node3"])
def test_a_cable_is_cut_for_a_while(four: Testbed, name: str) -> None:
    four.write_fleet(node_timeout=120, kill_wait=1)
    number = begin(four, STEP)
    four.bed.cut(name)
    state = ("msinfo", "-h", "-n", name, "-o", "%t")
    wait_until(lambda: "*" in four.run(*state).stdout, "the cut to be noticed", seconds=60, logs=four.logs)
    assert len(tasks(four)) == 4
    four.bed.heal(name)
    finish(four, number)


@pytest.mark.parametrize("name", ["node1", "node3"])
def test_an_agent_is_killed(four: Testbed, name: str) -> None:
    number = begin(four, STEP)
    agents = four.agents(name)
    processes.kill(agents, signal.SIGKILL)
    assert len(agents) == 1
    finish(four, number)


def test_srun_is_killed(four: Testbed) -> None:
    number = begin(four, STEP)
    processes.kill([p for p in four.on_machine("node1") if "/bin/srun -N4" in p.command], signal.SIGKILL)
    [job] = jobs.wait_over(four, number, seconds=60)
    assert (job.state.name, (four.shared / "out").read_text()) == ("COMPLETED", "srun ended with 137\n")
    assert_nothing_is_left(four)


def test_a_stepd_is_killed(four: Testbed) -> None:
    number = begin(four, STEP)
    processes.kill([p for p in four.stepds("node2") if f"[{number}.0]" in p.command], signal.SIGKILL)
    finish(four, number)
