"""A job on two machines over real sshd: it holds its part on both, whatever is killed, and leaves nothing behind."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from tests.fleet import jobs, processes
from tests.fleet.machines import Machines
from tests.waiting import wait_until

MARKED = "echo start >> {marks}; while [ ! -e {gate} ]; do sleep 0.05; done; echo $SLURM_JOB_NODELIST >> {marks}"


def running_job(fleet: Machines, *words: str) -> tuple[Path, Path]:
    """A job on both machines that marks its start and its end, and ends when its gate is opened."""
    marks, gate = fleet.work / "marks", fleet.work / "gate"
    jobs.wrap(fleet, MARKED.format(marks=marks, gate=gate), "-N", "2", "-n", "3", *words)
    jobs.wait_for(fleet, 1, "RUNNING")
    wait_until(lambda: jobs.text(marks) == "start\n", "the script's first mark", logs=fleet.logs)
    return marks, gate


def held(fleet: Machines) -> dict[str, int]:
    """How many CPUs the claims on each machine hold."""
    return {
        name: sum(
            len(json.loads(claim.read_text())["cpus"])
            for claim in machine.claims.glob("*")
            if ".spare-" not in claim.name
        )
        for name, machine in fleet.machines.items()
    }


def stepds(fleet: Machines, name: str) -> list[processes.Process]:
    """The busy stepds of a machine."""
    return [p for p in processes.mentioning(fleet.machines[name].folder) if "stepd [" in p.command]


def check_ran_once(fleet: Machines, marks: Path) -> None:
    [job] = jobs.wait_over(fleet, 1, seconds=60)
    assert (job.state.name, job.restarts, job.node_list, job.alloc_cpus) == ("COMPLETED", 0, "node[1-2]", 3)
    assert marks.read_text() == "start\nnode[1-2]\n"
    wait_until(lambda: held(fleet) == {"node1": 0, "node2": 0}, "the claims to be given back", logs=fleet.logs)


def test_a_job_holds_its_part_of_each_machine_until_its_end(fleet: Machines):
    marks, gate = running_job(fleet)
    assert held(fleet) == {"node1": 2, "node2": 1}
    gate.touch()
    check_ran_once(fleet, marks)


def test_all_agents_and_the_controller_are_killed_while_it_runs(fleet: Machines):
    marks, gate = running_job(fleet)
    processes.kill([*fleet.controllers(), *fleet.agents()], signal.SIGKILL)
    jobs.wrap(fleet, "true", "-o", "/dev/null", "--hold")  # any command that needs one starts the next controller
    gate.touch()
    wait_until(lambda: jobs.job(fleet, 1).state.is_over, "job 1 to be over", seconds=60, logs=fleet.logs)
    fleet.run("mscancel", "2")
    assert jobs.job(fleet, 1).state.name == "COMPLETED"
    assert marks.read_text() == "start\nnode[1-2]\n"


def test_the_stepd_that_holds_a_part_is_killed(fleet: Machines):
    marks, gate = running_job(fleet)
    [stepd] = stepds(fleet, "node2")
    processes.kill([stepd], signal.SIGKILL)
    wait_until(lambda: len(stepds(fleet, "node2")) == 1, "another stepd to take over", logs=fleet.logs)
    assert held(fleet) == {"node1": 2, "node2": 1}
    gate.touch()
    check_ran_once(fleet, marks)


def test_a_cancelled_job_gives_back_both_parts(fleet: Machines):
    running_job(fleet)
    assert fleet.run("mscancel", "1").returncode == 0
    [job] = jobs.wait_over(fleet, 1)
    assert job.state.name == "CANCELLED"
    wait_until(lambda: held(fleet) == {"node1": 0, "node2": 0}, "the claims to be given back", logs=fleet.logs)


def test_a_part_that_a_stranger_holds_keeps_the_whole_job_waiting(fleet: Machines):
    """The stranger has a state folder of its own: the two meet in the claims of node2 only."""
    gate = fleet.work / "gate"
    stranger = {**fleet.environment, "MINI_SLURM_STATE": str(fleet.folder / "stranger")}
    words = ["-w", "node2", "-c", "2", "-o", "/dev/null", "--wrap", f"while [ ! -e {gate} ]; do sleep 0.05; done"]
    assert fleet.run("msbatch", *words, env=stranger).returncode == 0
    wait_until(lambda: held(fleet) == {"node1": 0, "node2": 2}, "the stranger's job to run", logs=fleet.logs)
    mine = jobs.wrap(fleet, "true", "-N", "2", "-o", "/dev/null")
    wait_until(lambda: is_put_back(fleet, mine), "node2's refusal", logs=fleet.logs)
    wait_until(lambda: held(fleet) == {"node1": 0, "node2": 2}, "the part on node1 to be given back", logs=fleet.logs)
    gate.touch()
    [job] = jobs.wait_over(fleet, mine, seconds=60)
    assert (job.state.name, job.restarts) == ("COMPLETED", 0)


def is_put_back(fleet: Machines, number: int) -> bool:
    """Was the job sent to its machines, and waits again?"""
    job = jobs.job(fleet, number)
    return job.state.name == "PENDING" and job.attempt > 0


def test_the_output_is_whole_though_the_other_machines_are_done_before_it(fleet: Machines) -> None:
    number = jobs.wrap(fleet, "head -c 20000000 /dev/zero", "-N2")
    jobs.wait_over(fleet, number)
    assert (fleet.work / f"slurm-{number}.out").stat().st_size == 20_000_000


def test_a_job_gives_a_machine_back_while_it_runs_and_its_steps_keep_to_what_is_left(fleet: Machines):
    script = "srun sleep 300 & while [ ! -e {gate} ]; do sleep 0.05; done; srun -n 1 hostname > {out}; echo $? >> {out}"
    gate, out = fleet.work / "gate", fleet.work / "out"
    jobs.wrap(fleet, script.format(gate=gate, out=out), "-N", "2", "-n", "3")
    wait_until(lambda: "1.0|" in fleet.run("msqueue", "-s", "-h", "-o", "%i|").stdout, "the step", logs=fleet.logs)
    assert fleet.run("mscontrol", "update", "jobid=1", "NumNodes=1").returncode == 0
    wait_until(lambda: held(fleet) == {"node1": 2, "node2": 0}, "the machine to be given back", logs=fleet.logs)
    wait_until(lambda: not stepds(fleet, "node2"), "the step's end there", logs=fleet.logs)
    gate.touch()
    [job] = jobs.wait_over(fleet, 1, seconds=60)
    assert (job.state.name, job.node_list, job.alloc_cpus) == ("COMPLETED", "node1", 2)
    assert jobs.text(out).splitlines()[-1] == "0"
    rows = fleet.run("msacct", "-n", "-P", "-j", "1", "-o", "jobid,state,nodelist").stdout.splitlines()
    assert rows[:3] == ["1|RESIZING|node[1-2]", "1.batch|RESIZING|node1", "1.0|RESIZING|node[1-2]"]
    assert rows[3:] == ["1|COMPLETED|node1", "1.1|COMPLETED|node1"]
