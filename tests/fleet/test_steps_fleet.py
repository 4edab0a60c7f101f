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
