"""Heterogeneous jobs end to end, over real sshd: one script, several parts, steps in each of them."""

from __future__ import annotations

import signal
from collections.abc import Callable

from mini_slurm.model.environment import HET_GROUP, OLD_GROUP
from tests.fleet import jobs, processes
from tests.fleet.fronts import all_is_given_back, started
from tests.fleet.machines import Machines
from tests.waiting import wait_until

SCRIPT = """#SBATCH -J pair -o {out}
#SBATCH --ntasks=1
#SBATCH hetjob
#SBATCH --ntasks=2 --ntasks-per-node=2
"""
VARIABLES = """env | grep -E '^SLURM_(HET_SIZE|JOB_ID|JOB_NODELIST|NTASKS)(_|=)' | sort"""


def run(fleet: Machines, text: str, *words: str) -> tuple[int, str]:
    """Submit a script of two parts and wait for its end: the job's number and its output."""
    out = fleet.work / "out"
    number = jobs.submit(fleet, *words, jobs.script(fleet, SCRIPT.format(out=out) + text))
    jobs.wait_over(fleet, number, seconds=60)
    return number, out.read_text()


def test_the_script_knows_its_parts(fleet: Machines) -> None:
    number, output = run(fleet, VARIABLES)
    every = dict(line.split("=", 1) for line in output.splitlines())
    lines = {name: value for name, value in every.items() if OLD_GROUP not in name}
    older = {name.replace(OLD_GROUP, HET_GROUP): value for name, value in every.items() if OLD_GROUP in name}
    assert older.items() < lines.items()
    assert len(older) == 6
    first, second = lines.pop("SLURM_JOB_NODELIST_HET_GROUP_0"), lines.pop("SLURM_JOB_NODELIST_HET_GROUP_1")
    assert {first, second} == {"node1", "node2"}
    assert lines == {
        "SLURM_HET_SIZE": "2",
        "SLURM_JOB_ID": str(number),
        "SLURM_JOB_ID_HET_GROUP_0": str(number),
        "SLURM_JOB_ID_HET_GROUP_1": str(number + 1),
        "SLURM_JOB_NODELIST": first,
        "SLURM_NTASKS": "1",
        "SLURM_NTASKS_HET_GROUP_0": "1",
        "SLURM_NTASKS_HET_GROUP_1": "2",
        "SLURM_NTASKS_PER_NODE_HET_GROUP_1": "2",
    }


def test_steps_run_in_the_parts_that_they_name(fleet: Machines) -> None:
    where = "sh -c 'echo $0 $SLURMD_NODENAME $SLURM_JOB_NODELIST $SLURM_PROCID'"
    _, output = run(
        fleet,
        f"srun {where} plain\n"
        f"srun --het-group=1 {where} one | sort\n"
        f"srun --het-group=0,1 {where} both | sort\n"
        f"srun {where} left : -n1 {where} right | sort\n"
        "srun --het-group=2 true; echo $?\n"
        "srun true : false; echo $?\n",
    )
    lines = output.splitlines()
    first, second = lines[0].split()[1], lines[1].split()[1]
    assert {first, second} == {"node1", "node2"}
    assert lines[:8] == [
        f"plain {first} {first} 0",
        f"one {second} {second} 0",
        f"one {second} {second} 1",
        *sorted([f"both {first} node[1-2] 0", f"both {second} node[1-2] 1", f"both {second} node[1-2] 2"]),
        f"left {first} node[1-2] 0",
        f"right {second} node[1-2] 1",
    ]
    assert lines[8:10] == [
        "srun: error: Requested het-group offset exceeds highest hetjob index (2 > 1)",
        "1",
    ]
    assert lines[-1] == "1"


def test_parts_are_listed_and_ended_together(machines: Callable[..., Machines]) -> None:
    fleet = machines(node1={"cpus": 2}, node2={"cpus": 2})
    number = jobs.submit(fleet, "-c2", ":", "-n2", "-J", "other", "--wrap", "srun --het-group=1 sleep 300")
    second = number + 1
    jobs.wait_for(fleet, second, "RUNNING")
    steps = [f"{number}.batch", f"{second}.0"]
    wait_until(
        lambda: sorted(fleet.run("msqueue", "-h", "-s", "-o", "%i").stdout.split()) == steps, "steps", logs=fleet.logs
    )
    queue = fleet.run("msqueue", "-h", "-S", "i", "-o", "%i|%j|%C|%T", "-j", str(number)).stdout
    assert queue == f"{number}+0|other|2|RUNNING\n{number}+1|other|2|RUNNING\n"
    parts = fleet.run("msqueue", "-h", "-o", "%i", "-j", f"{number}+1").stdout.split()  # Slurm reads the number alone
    assert sorted(parts) == [f"{number}+0", f"{number}+1"]
    shown = fleet.run("mscontrol", "show", "job", str(number)).stdout
    assert f"JobId={number} HetJobId={number} HetJobOffset=0 JobName=other\n   HetJobIdSet={number}-{second}\n" in shown
    assert f"JobId={second} HetJobId={number} HetJobOffset=1 JobName=other" in shown
    part = fleet.run("mscancel", f"{number}+1")
    assert part.returncode == 60
    assert "Operation not permitted on individual component of heterogeneous job" in part.stderr
    fleet.run("mscancel", str(number))
    jobs.wait_over(fleet, number, second)
    accounts = fleet.run("msacct", "-n", "-P", "-o", "JobID,State,AllocCPUS", "-j", str(number)).stdout
    assert accounts.splitlines()[0].startswith(f"{number}+0|CANCELLED by")
    assert [line.split("|")[0] for line in accounts.splitlines() if "." not in line] == [f"{number}+0", f"{number}+1"]


def test_accounting_shows_the_parts_that_are_meant(fleet: Machines) -> None:
    number = jobs.submit(fleet, "-n1", ":", "-n1", "-H", "--wrap", "true")
    jobs.wait_for(fleet, number + 1, "PENDING")

    def shown(*words: str) -> list[str]:
        return fleet.run("msacct", "-n", "-X", "-P", "-o", "JobID", *words).stdout.split()

    both = [f"{number}+0", f"{number}+1"]
    assert shown("-j", str(number)) == both
    assert shown("-j", f"{number}+1") == shown("-j", str(number + 1)) == both[1:]
    assert shown("-j", str(number), "--whole-hetjob=no") == both[:1]
    assert shown("-j", f"{number}+1", "--whole-hetjob=yes") == both
    fleet.run("mscancel", str(number))
    jobs.wait_over(fleet, number, number + 1)


def test_the_loss_of_controller_and_agents_costs_nothing(fleet: Machines) -> None:
    gate, out = fleet.work / "gate", fleet.work / "out"
    waits = f"while [ ! -e {gate} ]; do sleep 0.05; done; srun --het-group=0,1 echo done"
    number = jobs.wrap(fleet, waits, "-o", str(out), "-n1", ":", "-n2")
    jobs.wait_for(fleet, number + 1, "RUNNING")
    processes.kill([*fleet.controllers(), *fleet.agents()], signal.SIGKILL)
    jobs.wrap(fleet, "true", "-o", "/dev/null", "--hold")  # any command that needs one starts the next controller
    gate.touch()
    wait_until(lambda: jobs.job(fleet, number + 1).state.is_over, "the job to be over", seconds=90, logs=fleet.logs)
    fleet.run("mscancel", str(number + 2))
    parts = [jobs.job(fleet, number + n) for n in range(2)]
    assert [(part.state.name, part.restarts) for part in parts] == [("COMPLETED", 0)] * 2, out.read_text()
    assert out.read_text() == "done\n" * 3


def test_what_cannot_be_is_refused(fleet: Machines) -> None:
    array = fleet.run("msbatch", "-n1", ":", "-n1", "-a", "1-2", "--wrap", "true")
    assert array.returncode == 1
    assert "Invalid job array specification" in array.stderr
    held = jobs.submit(fleet, "-n1", ":", "-n1", "-H", "--wrap", "true")
    assert {jobs.wait_for(fleet, held + n, "PENDING").reason for n in range(2)} == {"JobHeldUser"}
    assert fleet.run("mscontrol", "release", f"{held}+1").returncode == 0  # which is all of it, as in Slurm
    jobs.wait_over(fleet, held, held + 1)


def test_a_colon_after_the_script_is_the_scripts(fleet: Machines) -> None:
    out = fleet.work / "out"
    number = jobs.submit(fleet, "-o", str(out), jobs.script(fleet, 'echo "$@"\n'), "a", ":", "b")
    jobs.wait_over(fleet, number)
    assert out.read_text() == "a : b\n"


def test_msrun_runs_in_all_parts_of_an_allocation_of_its_own(fleet: Machines) -> None:
    where = ("sh", "-c", "echo $0 $SLURMD_NODENAME $SLURM_JOB_NODELIST $SLURM_PROCID $SLURM_JOB_ID; exit $1")
    done = fleet.run("msrun", "-w", "node2", *where, "left", "0", ":", "-n2", "-w", "node1", *where, "right", "3")
    assert sorted(done.stdout.splitlines()) == [
        "left node2 node[1-2] 0 1",
        "right node1 node[1-2] 1 1",
        "right node1 node[1-2] 2 1",
    ]
    assert done.returncode == 3
    assert "tasks 0-1: Exited with exit code 3" in done.stderr
    columns = "--format=jobid,state,exitcode"
    lines = fleet.run("msacct", "-n", "-P", "-j", "1", columns).stdout.split()
    assert lines[0] == "1+0|FAILED|3:0"
    assert [line.split("|")[0] for line in lines] == ["1+0", "1+0.0", "1+1", "1+1.0"]
    all_is_given_back(fleet)


def test_one_interrupt_asks_and_two_end_all_components(fleet: Machines) -> None:
    waits = ("sh", "-c", "echo start; exec sleep 300")
    with started(fleet, "msrun", "-n1", *waits, ":", "-n1", *waits) as front:
        wait_until(lambda: front.out == "start\nstart\n", "both tasks", logs=fleet.logs)
        front.process.send_signal(signal.SIGINT)
        asked = "srun: interrupt (one more within 1 sec to abort)\nsrun: StepId=1.0 task 0: running\n"
        asked = f"{asked}srun: StepId=2.0 task 0: running\n".replace("srun:", "msrun:")
        wait_until(lambda: asked in front.err, "the question", logs=fleet.logs)
        front.process.send_signal(signal.SIGINT)
        assert front.end() == 130, front.err
        assert front.err.count("sending Ctrl-C to StepId=1.0") == front.err.count("forcing job termination") == 1
    all_is_given_back(fleet)


def test_msallocs_command_uses_the_parts_that_it_names(fleet: Machines) -> None:
    where = "msrun {} sh -c 'echo $0 $SLURMD_NODENAME $SLURM_JOB_NODELIST' {}"
    script = "; ".join(
        [
            'echo "$SLURM_HET_SIZE $SLURM_JOB_NODELIST_HET_GROUP_0 $SLURM_JOB_NODELIST_HET_GROUP_1"',
            where.format("", "plain"),
            where.format("--het-group=1", "one"),
            where.format("-n1", "left : -n1 sh -c 'echo $0 $SLURMD_NODENAME' right") + " | sort",
            "msrun --het-group=2 true",
        ]
    )
    done = fleet.run("msalloc", "-w", "node2", ":", "-w", "node1", "sh", "-c", script)
    assert done.stdout.splitlines() == [
        *("2 node2 node1", "plain node2 node2", "one node1 node1", "left node2 node[1-2]", "right node1"),
    ]
    refused = "Requested het-group offset exceeds highest hetjob index (2 > 1)"
    assert done.stderr.splitlines() == [
        *("msalloc: Granted job allocation 1", f"msrun: error: {refused}", "msalloc: Relinquishing job allocation 1"),
    ]
    assert done.returncode == 1
    all_is_given_back(fleet)
