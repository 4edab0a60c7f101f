"""What each crash leaves: every job ran exactly once, and nothing of its output is missing."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from pathlib import Path

from tests.fleet import jobs, processes
from tests.fleet.machines import Machines
from tests.waiting import wait_until

MARKED = "echo start >> {marks}; echo first; while [ ! -e {gate} ]; do sleep 0.05; done; echo last; echo end >> {marks}"


def marked_job(fleet: Machines) -> tuple[Path, Path]:
    """A running job that marks its start and its end, and ends when its gate is opened."""
    marks, gate = fleet.work / "marks", fleet.work / "gate"
    jobs.wrap(fleet, MARKED.format(marks=marks, gate=gate), "-o", "out")
    wait_until(lambda: jobs.text(fleet.work / "out") == "first\n", "the job's first line", logs=fleet.logs)
    return marks, gate


def check_ran_once(fleet: Machines, marks: Path) -> None:
    [job] = jobs.wait_over(fleet, 1, seconds=60)
    assert (job.state.name, job.exit_code, job.restarts) == ("COMPLETED", 0, 0)
    assert (fleet.work / "out").read_text() == "first\nlast\n"
    assert marks.read_text() == "start\nend\n"


def test_the_controller_is_killed_while_a_job_runs(fleet: Machines):
    marks, gate = marked_job(fleet)
    processes.kill(fleet.controllers(), signal.SIGKILL)
    gate.touch()
    jobs.wrap(fleet, "true", "-o", "/dev/null")  # any command that needs one starts the next controller
    check_ran_once(fleet, marks)


def test_the_agent_is_killed_while_a_job_runs(fleet: Machines):
    marks, gate = marked_job(fleet)
    processes.kill(fleet.agents(), signal.SIGKILL)
    gate.touch()
    check_ran_once(fleet, marks)


def test_agent_and_controller_are_killed_while_a_job_runs(fleet: Machines):
    marks, gate = marked_job(fleet)
    processes.kill([*fleet.controllers(), *fleet.agents()], signal.SIGKILL)
    gate.touch()
    jobs.wrap(fleet, "true", "-o", "/dev/null")
    check_ran_once(fleet, marks)


def test_sshd_is_killed_while_a_job_runs(fleet: Machines):
    marks, gate = marked_job(fleet)
    machine = fleet.machines[jobs.job(fleet, 1).node or ""]
    machine.kill()
    gate.touch()
    machine.start()
    check_ran_once(fleet, marks)


def test_a_job_that_ended_while_no_controller_was_there_is_booked(fleet: Machines):
    marks, gate = marked_job(fleet)
    processes.kill(fleet.controllers(), signal.SIGKILL)
    gate.touch()
    wait_until(lambda: jobs.text(marks) == "start\nend\n", "the job's end", logs=fleet.logs)
    jobs.wrap(fleet, "true", "-o", "/dev/null")
    check_ran_once(fleet, marks)


def test_two_controllers_started_at_once_leave_one(fleet: Machines):
    marks, gate = marked_job(fleet)
    python = os.path.join(fleet.environment["PATH"].split(":")[0], "python")
    words = [python, "-P", "-m", "mini_slurm.controller.main", str(fleet.state)]
    others = [subprocess.Popen(words, env=fleet.environment, stderr=subprocess.DEVNULL) for _ in range(3)]
    assert [other.wait(timeout=30) for other in others] == [0, 0, 0]
    assert len(fleet.controllers()) == 1
    gate.touch()
    check_ran_once(fleet, marks)


def test_a_submission_is_kept_when_no_controller_can_be_started(fleet: Machines):
    name = jobs.script(fleet, "echo done\n")
    (fleet.state).mkdir(mode=0o700, exist_ok=True)
    (fleet.state / "controller.lock").touch(mode=0o600)
    with open(fleet.state / "controller.lock", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        jobs.submit(fleet, "-o", "out", name)
        assert jobs.job(fleet, 1).state.name == "PENDING"
    [job] = jobs.wait_over(fleet, 1)
    assert (job.state.name, jobs.text(fleet.work / "out")) == ("COMPLETED", "done\n")


def test_an_unreachable_machine_leaves_the_job_waiting_with_a_reason(machines):
    fleet = machines(node1={"cpus": 1, "memory": "1000M"})
    fleet.machines["node1"].kill()
    jobs.wrap(fleet, "true", "-o", "/dev/null")
    wait_until(lambda: jobs.job(fleet, 1).reason != "None", "a reason", logs=fleet.logs)
    assert jobs.job(fleet, 1).state.name == "PENDING"
    fleet.machines["node1"].start()
    [job] = jobs.wait_over(fleet, 1, seconds=60)
    assert job.state.name == "COMPLETED"


def test_looking_at_the_queue_starts_a_controller_that_died(fleet: Machines):
    marks, gate = marked_job(fleet)
    processes.kill(fleet.controllers(), signal.SIGKILL)
    gate.touch()
    assert fleet.run("msqueue").returncode == 0
    check_ran_once(fleet, marks)


def test_another_fleet_file_is_refused_while_jobs_are_under_way(fleet: Machines):
    marks, gate = marked_job(fleet)
    other = fleet.folder / "other.toml"
    other.write_text(fleet.fleet_file.read_text())
    environment = {**fleet.environment, "MINI_SLURM_FLEET": str(other)}
    done = fleet.run("msbatch", "--wrap", "true", env=environment)
    assert done.returncode == 1 and str(fleet.fleet_file) in done.stderr and "hint" in done.stderr
    gate.touch()
    check_ran_once(fleet, marks)
    assert fleet.run("msbatch", "-o", "/dev/null", "--wrap", "true", env=environment).returncode == 0
    [job] = jobs.wait_over(fleet, 2)
    assert job.state.name == "COMPLETED"


def test_a_step_waits_until_a_new_agent_knows_its_gpus(machines):
    fleet = machines(node1={"cpus": 2, "memory": "2000M", "gpus": 1})
    begun, gate = fleet.work / "begun", fleet.work / "gate"
    command = f"touch {begun}; until [ -e {gate} ]; do sleep 0.05; done; srun sh -c 'echo $CUDA_VISIBLE_DEVICES'"
    jobs.wrap(fleet, command, "--gres=gpu:1", "-o", "out")
    wait_until(begun.exists, "the job", logs=fleet.logs)
    program = fleet.machines["node1"].bin / "nvidia-smi"
    program.write_text(program.read_text().replace("import os\n", "import os\nimport time\n\ntime.sleep(1)\n", 1))
    processes.kill(fleet.agents(), signal.SIGKILL)
    gate.touch()
    [job] = jobs.wait_over(fleet, 1, seconds=60)
    assert job.state.name == "COMPLETED"
    assert (fleet.work / "out").read_text() == "GPU-00000000-0000-0000-0000-000000000000\n"
