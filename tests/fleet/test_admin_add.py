"""`mini-slurm add` and `stop` against real machines."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mini_slurm.config.fleet import read_fleet
from tests.fleet import jobs, processes
from tests.fleet.machines import Machines
from tests.waiting import wait_until

FLEET = '# ours\n[machines.node1]\n\n[partitions.main]\ndefault = true\nmachines = "node1" # so far\n'
Make = Callable[..., Machines]


@pytest.fixture
def fleet(machines: Make) -> Machines:
    """node1 is in the fleet file; node2 is reachable, its key unknown."""
    fleet = machines(node1={}, node2={"trust": False, "gpus": 2})
    fleet.fleet_file.write_text(FLEET)
    return fleet


def fingerprint(fleet: Machines, name: str) -> str:
    """The host key's, as ssh-keygen prints it."""
    key = fleet.machines[name].host_key.with_suffix(".pub")
    words = ["ssh-keygen", "-l", "-f", str(key)]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[1]


def add(fleet: Machines, *words: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    return fleet.run("mini-slurm", "add", *words, input=answer)


def agents(fleet: Machines, name: str) -> list[processes.Process]:
    spool = str(fleet.machines[name].spool)
    return [p for p in processes.mentioning(Path(spool)) if "agent" in p.command]


def test_a_new_machine_is_asked_for_probed_and_written(fleet: Machines) -> None:
    done = add(fleet, "node2", answer="yes\n")
    assert done.returncode == 0, done.stderr
    assert f"ED25519 key fingerprint is {fingerprint(fleet, 'node2')}.\n" in done.stdout
    assert "Are you sure you want to continue connecting (yes/no/[fingerprint])? " in done.stdout
    machine = read_fleet(str(fleet.fleet_file)).machines["node2"]
    assert machine.cpus == len(os.sched_getaffinity(0))
    assert machine.memory is not None
    assert machine.memory > 0
    assert machine.gpus is not None
    assert sum(machine.gpus.values()) == 2
    assert 'machines = "node[1-2]" # so far\n' in fleet.fleet_file.read_text()
    assert fleet.machines["node2"].known_hosts_line.split()[2] in fleet.known_hosts.read_text()


def test_a_job_runs_on_a_machine_that_was_added(fleet: Machines) -> None:
    assert add(fleet, "node2", answer="yes\n").returncode == 0
    jobs.wrap(fleet, "echo ran on $SLURMD_NODENAME", "--nodelist=node2")
    jobs.wait_over(fleet, 1)
    assert (fleet.work / "slurm-1.out").read_text() == "ran on node2\n"


def test_the_fingerprint_is_an_answer_too(fleet: Machines) -> None:
    done = add(fleet, "node2", answer=f"maybe\n{fingerprint(fleet, 'node2')}\n")
    assert done.returncode == 0, done.stderr
    assert "Please type 'yes', 'no' or the fingerprint: " in done.stdout


def test_a_program_that_answers_for_ever_is_not_heard_for_ever(fleet: Machines) -> None:
    done = add(fleet, "node2", answer="y\n" * 1000)
    assert done.returncode == 1
    assert done.stdout.count("Please type") < 20
    assert done.stderr == "mini-slurm: error: node2: its host key was not accepted\n"


@pytest.mark.parametrize("answer", ["no\n", ""])
def test_a_key_that_is_not_accepted_changes_nothing(fleet: Machines, answer: str) -> None:
    done = add(fleet, "node2", answer=answer)
    assert done.returncode == 1
    assert done.stderr == "mini-slurm: error: node2: its host key was not accepted\n"
    assert fleet.fleet_file.read_text() == FLEET
    assert fleet.machines["node2"].known_hosts_line.split()[2] not in fleet.known_hosts.read_text()


def test_a_script_names_the_fingerprint_and_is_asked_nothing(fleet: Machines) -> None:
    done = add(fleet, "--yes", "--fingerprint", fingerprint(fleet, "node2"), "node2")
    assert done.returncode == 0, done.stderr
    assert "Are you sure" not in done.stdout
    assert "node2" in read_fleet(str(fleet.fleet_file)).machines


def test_another_fingerprint_than_the_named_one_is_refused(fleet: Machines) -> None:
    done = add(fleet, "--yes", "--fingerprint", fingerprint(fleet, "node1"), "node2")
    assert done.returncode == 1
    assert "not the one that --fingerprint names" in done.stderr
    assert fleet.fleet_file.read_text() == FLEET


def test_a_changed_host_key_is_refused(fleet: Machines) -> None:
    fleet.trust(fleet.machines["node2"])
    fleet.machines["node2"].new_host_key()
    fleet.machines["node2"].restart()
    done = add(fleet, "node2", answer="yes\n")
    assert done.returncode == 1
    assert "has another one for it" in done.stderr
    assert fleet.fleet_file.read_text() == FLEET


def test_a_machine_of_the_fleet_is_checked_and_left_as_it_is(fleet: Machines) -> None:
    done = add(fleet, "node1")
    assert done.returncode == 0, done.stderr
    assert f"node1: is in {fleet.fleet_file} already" in done.stdout
    assert fleet.fleet_file.read_text() == FLEET


def test_one_host_that_cannot_be_reached_does_not_keep_the_others_out(fleet: Machines) -> None:
    done = add(fleet, "nowhere.invalid", "node2", answer="yes\n")
    assert done.returncode == 1
    assert done.stderr.count("mini-slurm: error: ") == 1
    assert "nowhere.invalid" in done.stderr
    assert list(read_fleet(str(fleet.fleet_file)).machines) == ["node1", "node2"]


def test_add_leaves_no_agent_behind(fleet: Machines) -> None:
    assert add(fleet, "node1").returncode == 0
    wait_until(lambda: not agents(fleet, "node1"), "the agent to end", logs=fleet.logs)


# --- stop


def test_stop_ends_the_controller_and_jobs_go_on(fleet: Machines) -> None:
    gate = fleet.work / "gate"
    jobs.wrap(fleet, f"echo begun; while [ ! -e {gate} ]; do sleep 0.05; done; echo done")
    output = fleet.work / "slurm-1.out"
    wait_until(lambda: jobs.text(output) == "begun\n", "the job to begin", logs=fleet.logs)
    done = fleet.run("mini-slurm", "stop")
    assert done.returncode == 0, done.stderr
    assert not fleet.controllers()
    assert "no controller is running" in fleet.run("mini-slurm", "stop").stdout
    gate.touch()
    jobs.wrap(fleet, "true")
    jobs.wait_over(fleet, 1)
    assert output.read_text() == "begun\ndone\n"


def test_stop_all_cancels_jobs_and_ends_the_agents(fleet: Machines) -> None:
    jobs.wrap(fleet, "echo begun; sleep 1000")
    output = fleet.work / "slurm-1.out"
    wait_until(lambda: jobs.text(output) == "begun\n", "the job to begin", logs=fleet.logs)
    done = fleet.run("mini-slurm", "stop", "--all")
    assert done.returncode == 0, done.stderr
    assert jobs.job(fleet, 1).state.name == "CANCELLED"
    assert not fleet.controllers()
    wait_until(lambda: not agents(fleet, "node1"), "the agent to end", logs=fleet.logs)
