"""Steps of several components, as real Slurm has them: one step over the parts of a job, or over parts of its own."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.fleet import jobs, processes
from tests.fleet.fronts import all_is_given_back, started
from tests.fleet.machines import Machines
from tests.waiting import wait_until

SCRIPT = """#SBATCH -o {out} -n1 -w node1
#SBATCH hetjob
#SBATCH -n2 -N1 -w node2
"""
TASK = "sh -c 'echo $0 $SLURM_PROCID $SLURM_NODEID $SLURM_LOCALID $SLURM_GTIDS'"


def run(fleet: Machines, text: str, head: str = SCRIPT) -> tuple[int, list[str]]:
    """The number of a job with this script, and the lines that it has written."""
    out = fleet.work / "out"
    number = jobs.submit(fleet, jobs.script(fleet, head.format(out=out) + text))
    jobs.wait_over(fleet, number, seconds=60)
    return number, out.read_text().splitlines()


def test_tasks_are_counted_through_all_components(fleet: Machines) -> None:
    number, lines = run(
        fleet,
        f"srun -l {TASK} left : -n2 {TASK} right | sort\n"
        f"srun -l --het-group=1 {TASK} right : --het-group=0 {TASK} left | sort\n"
        "srun -n1 env : -n2 env | grep -E '^SLURM_(JOB_ID|JOB_NODELIST|JOB_NUM_NODES|JOB_CPUS_PER_NODE|NNODES|NTASKS|"
        "STEP_ID|STEP_NODELIST|STEP_NUM_NODES|STEP_NUM_TASKS|STEP_TASKS_PER_NODE|TASKS_PER_NODE)=' | sort | uniq -c\n",
    )
    assert lines[:3] == lines[3:6] == ["0: left 0 0 0 0", "1: right 1 1 0 1,2", "2: right 2 1 1 1,2"]
    assert [line.split(None, 1) for line in lines[6:]] == [
        ["3", told]
        for told in (
            *("SLURM_JOB_CPUS_PER_NODE=1,2", f"SLURM_JOB_ID={number}", "SLURM_JOB_NODELIST=node[1-2]"),
            *("SLURM_JOB_NUM_NODES=2", "SLURM_NNODES=2", "SLURM_NTASKS=3", "SLURM_STEP_ID=2"),
            *("SLURM_STEP_NODELIST=node[1-2]", "SLURM_STEP_NUM_NODES=2", "SLURM_STEP_NUM_TASKS=3"),
            *("SLURM_STEP_TASKS_PER_NODE=1,2", "SLURM_TASKS_PER_NODE=1,2"),
        )
    ]


def test_all_components_read_and_write_as_it_was_said_once(fleet: Machines) -> None:
    number, lines = run(
        fleet,
        "echo hello | srun -l cat : -n2 cat | sort\n"
        "srun -o a.%t.%n.%N.%s.%j.%J echo : -n2 echo; ls a.*\n"
        "srun -o same echo one : -n2 echo two; sort same\n",
    )
    files = [
        f"a.0.0.node1.1.{number}.{number}.1",
        *(f"a.{task}.0.node2.1.{number + 1}.{number + 1}.1" for task in (2, 3)),
    ]
    assert lines == ["0: hello", "1: hello", "2: hello", *files, "one", "two", "two"]


def test_how_components_end(fleet: Machines) -> None:
    number, lines = run(
        fleet,
        "srun sh -c 'exit 5' : -n2 sh -c 'exit 4'; echo rc $?\n"
        "srun sh -c 'exit 5' : -n1 sh -c 'kill -9 $$'; echo rc $?\n"
        "srun -K sleep 300 : -n2 sh -c 'exit 3'; echo rc $?\n"
        "srun -W1 true : -n1 sleep 300; echo rc $?\n",
    )
    said = sorted(line for line in lines if "rc " not in line and "CANCELLED AT" not in line)
    assert [line for line in lines if "rc " in line] == ["rc 5", "rc 137", "rc 143", "rc 137"]
    assert said == sorted(
        [
            *["srun: error: node1: task 0: Exited with exit code 5"] * 2,
            "srun: error: node2: tasks 0-1: Exited with exit code 4",
            "srun: error: node2: task 0: Killed",
            f"srun: Force Terminated StepId={number + 1}.1",
            "srun: error: node2: tasks 0-1: Exited with exit code 3",
            *(f"srun: launch/slurm: _step_signal: Terminating StepId={part}.2" for part in (number, number + 1)),
            "srun: error: node1: task 0: Terminated",
            f"srun: Force Terminated StepId={number}.2",
            "srun: First task exited 1s ago",
            f"srun: StepId={number}.3 task 0: exited",
            f"srun: StepId={number + 1}.3 task 0: running",
            *(f"srun: launch/slurm: _step_signal: Terminating StepId={part}.3" for part in (number, number + 1)),
            "srun: Job step aborted: Waiting up to 32 seconds for job step to finish.",
            "srun: error: node2: task 0: Killed",
        ]
    )
    assert len([line for line in lines if "*** STEP" in line]) == 2


@pytest.mark.parametrize("part", [0, 1])
def test_the_step_is_seen_and_ended_by_its_parts(fleet: Machines, part: int) -> None:
    out = fleet.work / "out"
    text = SCRIPT.format(out=out) + "srun sleep 300 : -n2 sleep 300; echo rc $?\n"
    number = jobs.submit(fleet, jobs.script(fleet, text))

    def shown() -> list[str]:
        return fleet.run("msqueue", "-h", "-s", "-S", "i", "-o", "%i %A %N").stdout.splitlines()

    steps = [f"{number}.0 1 node1", f"{number}.batch 1 node1", f"{number + 1}.0 2 node2"]
    wait_until(lambda: shown() == steps, "both components", logs=fleet.logs)
    record = fleet.run("mscontrol", "show", "step", f"{number + 1}.0").stdout
    assert record.startswith(f"StepId={number + 1}.0 ")
    assert " NodeList=node2\n" in record
    assert "SrunHost:Pid=node1:" in record
    layout = fleet.run("msattach", "--layout", f"{number + 1}.0").stdout
    assert layout == "Job step layout:\n\t2 tasks, 1 nodes (node2)\n\n\tNode 0 (node2), 2 task(s): 0 1 \n"
    measured = fleet.run("msstat", "-n", "-P", "-o", "JobID,NTasks", "-j", f"{number + part}.0")
    assert (measured.stdout, measured.stderr) == (f"{number + part}.0|{part + 1}\n", "")
    assert fleet.run("mscancel", f"{number + part}.0").returncode == 0
    if part:  # the other component goes on
        wait_until(lambda: shown() == steps[:2], "one component to end", logs=fleet.logs)
        fleet.run("mscancel", f"{number}+1.0")  # as in Slurm that is the whole step
    jobs.wait_over(fleet, number)
    lines = out.read_text().splitlines()
    assert lines[-1] == "rc 137"
    ends = [line.partition(" CANCELLED")[0] for line in lines if "*** STEP" in line]
    assert sorted(ends) == [
        f"slurmstepd-{node}: error: *** STEP {number + one}.0 ON {node}" for one, node in enumerate(("node1", "node2"))
    ]
    accounts = fleet.run("msacct", "-n", "-P", "-o", "JobID,State,NTasks,NodeList,ExitCode", "-j", str(number)).stdout
    uid = fleet.run("id", "-u").stdout.strip()
    assert [line for line in accounts.splitlines() if ".0|" in line] == [
        f"{number}+0.0|CANCELLED by {uid}|1|node1|0:9",
        f"{number}+1.0|CANCELLED by {uid}|2|node2|0:9",
    ]


def test_components_in_a_job_without_parts(machines: Callable[..., Machines]) -> None:
    fleet = machines(node1={"cpus": 2}, node2={"cpus": 2})
    where = "sh -c 'echo $SLURM_PROCID $SLURMD_NODENAME $SLURM_STEP_NODELIST'"
    number, lines = run(
        fleet,
        f"srun -n1 {where} : -n1 {where} | sort\n"
        "srun -n1 sh -c 'exit 3' : -n1 sh -c 'kill -9 $$' 2>&1 | sort\n"
        "srun -n1 --het-group=0,1 -l echo | sort\n"
        "srun --het-group=0 true\n"
        "srun -n1 -w node2 true : -n1 -w node2 true\n"
        "srun -N2 true : -N1 true\n",
        "#SBATCH -o {out} -N2 -n2\n",
    )
    assert lines == [
        *("0 node1 node[1-2]", "1 node2 node[1-2]"),
        "srun: Force Terminated StepId=1.1+1",
        "srun: error: node1: task 0: Exited with exit code 3",
        "srun: error: node2: task 0: Killed",
        *("0: ", "1: "),
        "srun: error: No directives to start application on any available hetjob components",
        "srun: error: Requested nodelist node2 overlaps with excluded node2.",
        "srun: error: Job not submitted.",
        "srun: error: Allocation failure of 1 nodes: job size of 2, already allocated 2 nodes to previous components.",
    ]
    accounts = fleet.run("msacct", "-n", "-P", "-o", "JobID,NodeList", "-j", str(number)).stdout.split()
    assert accounts[2:] == ["1.0+0|node1", "1.0+1|node2", "1.1+0|node1", "1.1+1|node2", "1.2+0|node1", "1.2+1|node2"]


WAITS = "sh -c 'echo begun; while [ ! -e {gate} ]; do sleep 0.05; done; echo done $SLURM_PROCID'"


def test_what_is_lost_meanwhile_costs_no_component(fleet: Machines) -> None:
    out, gate = fleet.work / "out", fleet.work / "gate"
    waits = WAITS.format(gate=gate)
    text = f"{SCRIPT.format(out=out)}srun {waits} : -n2 {waits} > written; echo rc $?; sort written\n"
    number = jobs.submit(fleet, jobs.script(fleet, text))
    steps = [f"{number}.0", f"{number}.batch", f"{number + 1}.0"]
    wait_until(
        lambda: fleet.run("msqueue", "-h", "-s", "-S", "i", "-o", "%i").stdout.split() == steps,
        "steps",
        logs=fleet.logs,
    )
    processes.kill([*fleet.controllers(), *fleet.agents()], signal.SIGKILL)
    held = jobs.wrap(
        fleet, "true", "-o", "/dev/null", "--hold"
    )  # any command that needs one starts the next controller
    gate.touch()
    wait_until(lambda: jobs.job(fleet, number).state.is_over, "the job to be over", seconds=90, logs=fleet.logs)
    fleet.run("mscancel", str(held))
    assert out.read_text().splitlines() == ["rc 0", *["begun"] * 3, "done 0", "done 1", "done 2"]


def test_the_end_of_srun_ends_all_components(fleet: Machines) -> None:
    with started(fleet, "msrun", "-n1", "sleep", "300", ":", "-n1", "sleep", "300") as front:
        wait_until(
            lambda: fleet.run("msqueue", "-h", "-s", "-S", "i", "-o", "%i").stdout.split() == ["1.0", "2.0"],
            "both components",
            logs=fleet.logs,
        )
        front.process.kill()
    all_is_given_back(fleet)


PTY = """import os, pty, sys
print("rc", os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
"""
SHOWS = "sh -c 'echo $SLURM_PROCID $SLURMD_NODENAME $(tty | cut -c1-8); exit $SLURM_PROCID'"


def test_the_first_task_of_each_component_has_a_terminal(fleet: Machines) -> None:
    (fleet.work / "at_pty.py").write_text(PTY)
    _, lines = run(fleet, f"python3 -u at_pty.py srun --pty {SHOWS} : -n2 {SHOWS} | tr -d '\\r' | sort\n")
    failed = (f"srun: error: node2: task {task}: Exited with exit code {task + 1}" for task in range(2))
    assert lines == ["0 node1 /dev/pts", "1 node2 /dev/pts", "rc 2", *failed]


THREE = """#SBATCH -o {out} -n1 -w node1
#SBATCH hetjob
#SBATCH -n2 -N2 -w node[2-3]
"""


def test_components_on_machines_that_are_not_the_jobs_first(machines: Callable[..., Machines]) -> None:
    fleet = machines(node1={"cpus": 2}, node2={"cpus": 2}, node3={"cpus": 2})
    gate = fleet.work / "gate"
    where = "sh -c 'echo $SLURM_PROCID $SLURMD_NODENAME $0'"
    text = (
        f"echo in | srun -l --het-group=1 sh -c 'cat; echo $SLURMD_NODENAME; exit $((4 + SLURM_PROCID))' | sort\n"
        f"srun {where} one : -N1 -n1 -w node3 {where} two | sort\n"
        "cp /bin/echo ./own; srun --bcast=$PWD/b.1 ./own 1 : --bcast=$PWD/b.2 ./own 2 | sort\n"
        "mkdir -p half/0 half/1; srun -o half/%t/o true : true; echo rc $?; ls half/*\n"
        f"srun sh -c 'until [ -e {gate} ]; do sleep .05; done' : "
        f"sh -c 'echo first $SLURM_PROCID; until [ -e {gate} ]; do sleep .05; done; exit 6'; echo rc $?\n"
    )
    out = fleet.work / "out"
    number = jobs.submit(fleet, jobs.script(fleet, THREE.format(out=out) + text))
    wait_until(lambda: out.exists() and out.read_text().count("first") == 2, "the last step", logs=fleet.logs)
    layouts = {name: fleet.run("msattach", "--layout", f"{name}.4").stdout for name in (number, number + 1)}
    assert "\tNode 0 (node1), 1 task(s): 0 \n" in layouts[number]
    assert "\tNode 0 (node2), 1 task(s): 0 \n\tNode 1 (node3), 1 task(s): 1 \n" in layouts[number + 1]
    by_first = fleet.run("msattach", "--layout", f"{number}+1.4")
    assert (by_first.stdout, by_first.returncode) == (layouts[number], 0)  # as in Slurm, which reads no further
    with started(fleet, "msattach", f"{number + 1}.4") as sattach:
        sattach.shows("first 2")
        gate.touch()
        assert sattach.end() == 6
    jobs.wait_over(fleet, number)
    lines = out.read_text().splitlines()
    failed = [f"srun: error: node{2 + task}: task {task}: Exited with exit code {{}}" for task in range(2)]
    assert sorted(lines[:2]) == [failed[0].format(4), failed[1].format(5)]
    assert lines[2:12] == [
        *("0: in", "0: node2", "1: in", "1: node3", "0 node1 one", "1 node3 two", "1", "2", "2"),
        "srun: error: task 0 launch failed: Slurmd could not connect IO",
    ]
    assert lines[12:18] == [
        "srun: error: task 1 launch failed: Slurmd could not connect IO",
        *("rc 0", "half/0:", "o", "", "half/1:"),
    ]
    assert sorted(lines[18:-1]) == ["first 1", "first 2", *(line.format(6) for line in failed)]
    assert lines[-1] == "rc 6"
