"""msstat over a real sshd: what the script and the steps of running jobs use."""

from __future__ import annotations

from tests.fleet import jobs
from tests.fleet.machines import Machines
from tests.waiting import wait_until

EATER = """\
import sys, time
held = bytearray(int(sys.argv[1]) << 20)
open(sys.argv[2], "w").close()
time.sleep(600)
"""


def seen(fleet: Machines, *marks: str) -> None:
    wait_until(lambda: all((fleet.work / mark).exists() for mark in marks), "the memory", logs=fleet.logs)


def stat(fleet: Machines, *words: str) -> list[list[str]]:
    done = fleet.run("msstat", "-n", "-P", *words)
    assert (done.stderr, done.returncode) == ("", 0)
    return [line.split("|") for line in done.stdout.splitlines()]


def test_the_script_and_each_step_are_measured_where_they_run(fleet: Machines) -> None:
    (fleet.work / "eat.py").write_text(EATER)
    step = "srun -N 2 -n 2 sh -c 'python3 eat.py 60 step$SLURM_PROCID; true' &"
    jobs.wrap(fleet, f"{step}\npython3 eat.py 120 script; true", "-N", "2", "-n", "2")
    seen(fleet, "script", "step0", "step1")
    batch, first = stat(fleet, "-a", "-j", "1", "-o", "jobid,ntasks,maxrss,maxrsstask,nodelist,maxrssnode,pids")
    assert batch[:2] == ["1.batch", "1"] and batch[4:6] == ["node1", "node1"]
    assert first[:2] == ["1.0", "2"] and first[4] == "node[1-2]"
    assert 120 << 10 < int(batch[2].rstrip("K")) < 400 << 10
    assert 60 << 10 < int(first[2].rstrip("K")) < 110 << 10
    assert len(first[6].split(",")) >= 2
    assert stat(fleet, "-j", "1", "-o", "jobid") == [["1.0"]]
    assert stat(fleet, "-j", "1.batch", "-o", "jobid") == [["1.batch"]]
    fleet.run("mscancel", "1")
    jobs.wait_over(fleet, 1)
    done = fleet.run("msstat", "-n", "-j", "1")
    assert (done.stdout, done.stderr, done.returncode) == ("", "msstat: error: No steps running for job 1\n", 1)


def test_jobs_that_are_not_there_are_refused_in_slurms_words(fleet: Machines) -> None:
    done = fleet.run("msstat")
    assert (done.stderr, done.returncode) == ("msstat: error: You didn't give me any jobs to stat.\n", 1)
    jobs.wrap(fleet, "sleep 600", "-H")
    done = fleet.run("msstat", "-n", "-j", "1,77,abc")
    assert (done.stderr, done.returncode) == ("msstat: fatal: Bad job/step specified: abc\n", 1)
    done = fleet.run("msstat", "-n", "-j", "1,77")
    assert done.stderr == "msstat: error: No steps running for job 1\nmsstat: error: couldn't get steps for job 77\n"
    assert done.returncode == 1
