"""Steps of jobs on real machines over a real sshd: on several at once, booked, and cancelled."""

from __future__ import annotations

from tests.fleet import jobs
from tests.fleet.machines import Machines
from tests.waiting import wait_until

SCRIPT = """
srun -l sh -c 'echo on $SLURMD_NODENAME; exit $SLURM_PROCID' | sort
srun -w node2 -N1 -n1 sh -c 'cat; hostname > where' < numbers | tail -1
srun -n1 -N1 sh -c 'touch runs; sleep 300'
echo rc $?
"""


def accounted(fleet: Machines, columns: str) -> list[str]:
    return fleet.run("msacct", "-n", "-P", "-j", "1", f"--format={columns}").stdout.splitlines()


def test_steps_on_several_machines_are_booked_and_one_is_cancelled(fleet: Machines):
    (fleet.work / "numbers").write_text("".join(f"{number}\n" for number in range(300_000)))
    jobs.wrap(fleet, SCRIPT, "-N", "2", "-n", "2", "-o", "out", "-e", "err")
    wait_until(lambda: (fleet.work / "runs").exists(), "the third step", logs=fleet.logs)
    done = fleet.run("mscancel", "1.2")
    assert (done.stderr, done.returncode) == ("", 0)
    jobs.wait_over(fleet, 1)
    assert (fleet.work / "out").read_text() == "0: on node1\n1: on node2\n299999\nrc 137\n"
    errors = (fleet.work / "err").read_text()
    assert "srun: error: node2: task 1: Exited with exit code 1\n" in errors
    assert "srun: error: node1: task 0: Killed\n" in errors
    found = accounted(fleet, "jobid,alloccpus,nodelist,ntasks,exitcode,derivedexitcode")
    assert found == [
        "1|2|node[1-2]||0:0|1:0",
        "1.batch|1|node1|1|0:0|",
        "1.0|2|node[1-2]|2|1:0|",
        "1.1|1|node2|1|0:0|",
        "1.2|1|node1|1|0:9|",
    ]
    states = accounted(fleet, "jobid,state")
    assert states[2:4] == ["1.0|FAILED", "1.1|COMPLETED"]
    assert states[4].startswith("1.2|CANCELLED by ")


FILES = """
mkdir -p half/0; echo a > in.node1; echo b > in.node2
srun -l -i in.%N cat | sort
srun -o half/%t/out sh -c 'touch begun.$SLURM_PROCID; echo $SLURM_PROCID; exit 3'; echo rc $?
cat half/*/out; ls begun.*
rm in.node2
srun -l -K -i in.%N sh -c 'cat; echo $SLURM_PROCID'; echo rc $?
srun -o nodir/out true; echo rc $?
"""


def test_machines_whose_tasks_lack_a_file_leave_the_others_alone(fleet: Machines):
    jobs.wrap(fleet, FILES, "-N", "2", "-n", "2", "-o", "out", "-e", "err")
    jobs.wait_over(fleet, 1)
    words = (fleet.work / "out").read_text().splitlines()
    assert words == ["0: a", "1: b", "rc 3", "0", "begun.0", "0: a", "0: 0", "rc 0", "rc 1"]
    assert (fleet.work / "err").read_text().splitlines() == [
        "srun: error: task 1 launch failed: Slurmd could not connect IO",
        "srun: error: node1: task 0: Exited with exit code 3",
        "srun: error: task 1 launch failed: Slurmd could not connect IO",
        "srun: error: Could not open stdout file: No such file or directory",
    ]
    found = accounted(fleet, "jobid,state,exitcode")
    assert found[2:5] == ["1.0|COMPLETED|0:0", "1.1|CANCELLED|0:53", "1.2|CANCELLED|0:53"]


ELSEWHERE = """
echo in | srun --overlap -N2 -n2 -l sh -c 'cat; echo $SLURMD_NODENAME $SLURM_STEP_ID; exit $((SLURM_PROCID * 4))' | sort
srun --overlap -N1 -n1 -w node1 sh -c 'kill $$'; echo rc $?
sbcast -f numbers copied; echo rc $?; ls copied
squeue -h -o %i
srun --overlap -N1 -n1 -w node1 sh -c 'until [ -e gate ]; do sleep .02; done; seq 30000; exit 5' > /dev/null &
until sattach --layout $SLURM_JOB_ID.3 > /dev/null 2>&1; do sleep .05; done
(sleep .5; touch gate) & sattach -l $SLURM_JOB_ID.3 | tail -1
"""


def test_a_task_on_another_machine_than_the_first_has_all_commands_as_well(fleet: Machines):
    (fleet.work / "numbers").write_text("1\n")
    (fleet.work / "there").write_text(ELSEWHERE)
    jobs.wrap(fleet, "srun -w node2 -N1 -n1 bash there", "-N", "2", "-n", "2", "-o", "out", "-e", "err")
    jobs.wait_over(fleet, 1)
    assert (fleet.work / "out").read_text().splitlines() == [
        *("0: in", "0: node1 1", "1: in", "1: node2 1", "rc 143", "rc 0", "copied", "1", "0: 30000"),
    ], (fleet.work / "err").read_text()
    assert "srun: error: node2: task 1: Exited with exit code 4\n" in (fleet.work / "err").read_text()
    assert "sattach: error: task 0 exited with exit code 5\n" in (fleet.work / "err").read_text()


HOSTS = """
printf 'node2*2\\nnode1\\nnode2\\n' > hosts
srun true
SLURM_HOSTFILE=hosts srun -n3 -l sh -c 'echo $SLURMD_NODENAME' | sort
SLURM_HOSTFILE=hosts srun -m arbitrary -l sh -c 'echo $SLURMD_NODENAME $SLURM_NTASKS $SLURM_STEP_TASKS_PER_NODE' | sort
srun -w ./hosts -m arbitrary -n2 -l sh -c 'echo $SLURMD_NODENAME' | sort
SLURM_HOSTFILE=missing srun true; echo rc $?
"""


def test_a_file_says_where_each_task_runs(fleet: Machines):
    jobs.wrap(fleet, HOSTS, "-N", "2", "-n", "2", "-O", "-o", "out", "-e", "err")
    jobs.wait_over(fleet, 1)
    assert (fleet.work / "out").read_text().splitlines() == [
        *["0: node2", "1: node2", "2: node1"],
        *[f"{task}: {node} 4 1,3" for task, node in enumerate(("node2", "node2", "node1", "node2"))],
        *["0: node2", "1: node2"],
        "rc 1",
    ]
    assert (fleet.work / "err").read_text().splitlines() == [
        "srun: error: slurm_allocate_resources error opening file ./missing, No such file or directory",
        "srun: error: Failure getting NodeNames from hostfile",
    ]
