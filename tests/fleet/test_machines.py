"""The tests' own machines: what keeps them apart, and that a process left behind is found."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from tests.fleet import processes
from tests.fleet.machines import Machines
from tests.waiting import wait_until

Make = Callable[..., Machines]


def test_each_machine_has_its_own_home_spool_and_path(machines: Make) -> None:
    fleet = machines(node1={}, node2={"gpus": 2})

    def ask(name: str) -> list[str]:
        command = "echo $HOME; echo $MINI_SLURM_SPOOL; nvidia-smi -L | grep -c A100"
        done = fleet.run("ssh", "-F", str(fleet.ssh_config), name, command)
        return done.stdout.split()

    folder = fleet.folder / "machines"
    assert ask("node1")[:2] == [f"{folder}/node1/home", f"{folder}/node1/spool"]
    assert ask("node2") == [f"{folder}/node2/home", f"{folder}/node2/spool", "2"]


def test_a_process_that_was_left_alone_is_found(machines: Make) -> None:
    fleet = machines("node1")
    # A shell starts it and goes, so that it belongs to nobody.
    subprocess.run(["sh", "-c", "sleep 1000 &"], env=fleet.environment, check=True)
    [stray] = wait_until(fleet.strays, "the stray process to be found")
    assert stray.command == "sleep 1000"
    processes.kill([stray])
    wait_until(lambda: not fleet.strays(), "the stray process to be gone")


def test_a_process_of_somebody_elses_test_is_none_of_ours(machines: Make) -> None:
    fleet = machines("node1")
    other = subprocess.Popen(["sleep", "1000"], env={"PATH": "/usr/bin:/bin"})
    try:
        assert other.pid not in {process.pid for process in processes.mentioning(fleet.folder)}
    finally:
        other.kill()
        other.wait()


def test_a_killed_machine_answers_again_after_its_start(machines: Make) -> None:
    fleet = machines("node1")
    node1 = fleet.machines["node1"]
    words = ("ssh", "-F", str(fleet.ssh_config), "node1", "true")
    node1.kill()
    assert fleet.run(*words).returncode == 255
    node1.start()
    assert fleet.run(*words).returncode == 0
