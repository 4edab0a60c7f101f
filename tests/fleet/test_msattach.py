"""msattach: looking at a step that runs on machines over a real sshd, and writing to its tasks."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from tests.fleet import jobs
from tests.fleet.fronts import started
from tests.fleet.machines import Machines
from tests.waiting import wait_until

STEP = (
    "while [ ! -e {gate} ]; do echo out $SLURM_PROCID; echo err $SLURM_PROCID >&2; sleep 0.05; done; exit $SLURM_PROCID"
)


def test_what_a_step_writes_on_all_machines_is_shown_with_how_its_tasks_end(fleet: Machines, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    job = jobs.wrap(fleet, f"srun -N2 -n2 sh -c '{STEP.format(gate=gate)}'", "-N2", "-o", "/dev/null")
    jobs.wait_for(fleet, job, "RUNNING")
    step = f"{job}.0"
    wait_until(lambda: fleet.run("msattach", "--layout", step).returncode == 0, "the step", logs=fleet.logs)
    layout = fleet.run("msattach", "--layout", step).stdout
    assert layout == (
        "Job step layout:\n\t2 tasks, 2 nodes (node[1-2])\n\n"
        "\tNode 0 (node1), 1 task(s): 0 \n\tNode 1 (node2), 1 task(s): 1 \n"
    )
    batch = fleet.run("msattach", "--layout", f"{job}.batch")
    assert batch.stdout == "Job step layout:\n\t1 tasks, 1 nodes (node1)\n\n\tNode 0 (node1), 1 task(s): 0 \n"
    with (
        started(fleet, "msattach", "-l", step) as both,
        started(fleet, "msattach", "--output-filter=1", step) as one,
        started(fleet, "msattach", step) as left,
    ):
        for text in ("0: out 0\n", "1: out 1\n", "0: err 0\n", "1: err 1\n"):
            both.shows(text)
        one.shows("out 1\n")
        left.shows("out 0\n")
        left.process.kill()  # whoever looks on may go: the step goes on
        left.process.wait()
        shown = len(both.out)
        wait_until(lambda: len(both.out) > shown + 100, "more output", logs=fleet.logs)
        gate.touch()
        assert (both.end(), one.end()) == (1, 1)
        assert both.err.endswith("msattach: error: task 1 exited with exit code 1\n")
        assert "out 0" not in one.out
        assert "err 0" not in one.err
    jobs.wait_for(fleet, job, "FAILED")
    gone = fleet.run("msattach", step)
    assert (gone.returncode, gone.stderr) == (
        1,
        "msattach: error: Could not get job step info: Job/step already completing or completed\n",
    )


def test_what_is_wrong_is_said_before_the_usage(fleet: Machines) -> None:
    done = fleet.run("sh", "-c", "msattach 1 2>&1")
    assert (done.returncode, done.stdout) == (
        1,
        "msattach: error: Failed to parse stepid from command line options\nUsage: msattach [options] <jobid.stepid>\n",
    )


def test_components_are_looked_at_together_or_one_by_one(fleet: Machines, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    step = f"sh -c 'while [ ! -e {gate} ]; do echo $0 $SLURM_PROCID; sleep 0.05; done; exit $SLURM_PROCID'"
    job = jobs.wrap(fleet, f"srun -N1 -n1 {step} A : -N1 -n1 {step} B", "-N2", "-n2", "-o", "/dev/null")
    jobs.wait_for(fleet, job, "RUNNING")
    wait_until(lambda: fleet.run("msattach", "--layout", f"{job}.0").returncode == 0, "the step", logs=fleet.logs)
    head = "Job step layout:\n\t{} tasks, {} nodes ({})\n\n"
    first, second = "\tNode 0 (node1), 1 task(s): 0 \n", "\tNode {} (node2), 1 task(s): 0 \n"
    layouts = {
        f"{job}.0": head.format(2, 2, "node[1-2]") + first + second.format(1),
        f"{job}.0+": head.format(1, 1, "node1") + first,
        f"{job}.0+1": head.format(1, 1, "node2") + second.format(0),
        f"{job}+1.0x+1": head.format(1, 1, "node2") + second.format(0),
        f"{job}.0+2": "",
    }
    assert {name: fleet.run("msattach", "--layout", name).stdout for name in layouts} == layouts
    with started(fleet, "msattach", f"{job}.0") as both, started(fleet, "msattach", f"{job}.0+1") as one:
        for text in ("A 0\n", "B 1\n"):
            both.shows(text)
        one.shows("B 1\n")
        gate.touch()
        assert (both.end(), one.end()) == (1, 1)
        assert "A" not in one.out


def test_standard_input_reaches_the_tasks_beside_what_srun_sends(fleet: Machines) -> None:
    with talking(fleet, "msrun", "-N2", "-l", "cat") as run:
        say(run, "one\n")
        assert sorted(heard(run) for _ in range(2)) == ["0: one\n", "1: one\n"]
        with talking(fleet, "msattach", "--input-filter=1", "-v", "1.0") as attached:
            say(attached, "two\n")
            assert heard(run) == "1: two\n"
            attached.stdin.close()  # which ends the input of that task: it is over, and the other one goes on
            seen = [heard(attached) for _ in range(4)]
            assert seen == ["one\n", "one\n", "two\n", "msattach: 1 tasks finished (rc=0)\n"]
            say(run, "three\n")
            assert heard(run) == "0: three\n"
            run.stdin.close()
            assert (run.wait(30), attached.wait(30)) == (0, 0)
            assert attached.stdout.read() == "three\nmsattach: 1 tasks finished (rc=0)\n"


def talking(fleet: Machines, *words: str) -> Any:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        words, env=fleet.environment, cwd=fleet.work, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
    )


def say(process: Any, text: str) -> None:
    process.stdin.write(text)
    process.stdin.flush()


def heard(process: Any) -> str:
    return str(process.stdout.readline())
