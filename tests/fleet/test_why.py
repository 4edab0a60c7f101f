"""msqueue --why, the whole way."""

from __future__ import annotations

import subprocess
import time

from tests.fleet import jobs
from tests.fleet.machines import Machines
from tests.waiting import wait_until


def test_it_is_told_in_plain_words_what_a_job_waits_for(fleet: Machines) -> None:
    first = jobs.wrap(fleet, "sleep 100", "--exclusive", "--nodelist=node1", "--time=10")
    jobs.wait_for(fleet, first, "RUNNING")
    second = jobs.wrap(fleet, "true", "--nodelist=node1", "--job-name=next")
    wait_until(lambda: jobs.job(fleet, second).reason == "Resources")
    done = fleet.run("msqueue", "--why", str(second))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"Job {second} (next, ")
    assert any(line.startswith("  node1 lacks ") and " at the latest" in line for line in lines)
    assert any(line.startswith(f"    job {first} of ") for line in lines)
    assert lines[-1].startswith("Expected to start at ")
    end = (jobs.job(fleet, first).start_time or 0) + 600
    expected = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(end))
    assert fleet.run("msqueue", "--start", "-h", "-o", "%i %S %Y").stdout == f"{second} {expected} node1\n"
    assert f"StartTime={expected} " in fleet.run("mscontrol", "show", "job", str(second)).stdout
    assert fleet.run("mscancel", str(first)).returncode == 0
    jobs.wait_over(fleet, first, second)


def test_the_parts_of_a_heterogeneous_job_are_told_of_together(fleet: Machines) -> None:
    first = jobs.wrap(fleet, "sleep 100", "--exclusive", "--nodelist=node2", "--time=10")
    jobs.wait_for(fleet, first, "RUNNING")
    script = jobs.script(fleet, "#SBATCH -n2 -t1\n#SBATCH hetjob\n#SBATCH -n2\ntrue\n")
    both = jobs.submit(fleet, script)
    wait_until(lambda: jobs.job(fleet, both + 1).reason == "Resources")
    whole = fleet.run("msqueue", "--why", str(both)).stdout.splitlines()
    assert [line.split(" waits")[0].split(" (")[0] for line in whole if line.startswith("Job ")] == [
        f"Job {both}+0",
        f"Job {both}+1",
    ]
    end = (jobs.job(fleet, first).start_time or 0) + 600
    expected = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(end))
    assert [line.split(" on ")[0] for line in whole if line.startswith("Expected")] == [
        f"Expected to start at {expected}"
    ] * 2
    one = fleet.run("msqueue", "--why", f"{both}+1").stdout.splitlines()
    assert one == whole[len(whole) // 2 :]
    listed = fleet.run("msqueue", "--start", "-h", "-o", "%i %S").stdout.splitlines()
    assert listed == [f"{both}+0 {expected}", f"{both}+1 {expected}"]
    assert fleet.run("mscancel", str(first)).returncode == 0
    jobs.wait_over(fleet, first, both)


def end_node1(fleet: Machines) -> str:
    """Have it be down, and known to be; why."""
    fleet.machines["node1"].kill()
    why = f"node1: connection refused by 127.0.0.1 port {fleet.machines['node1'].port} "
    jobs.wrap(fleet, "true", "--nodelist=node2")  # a controller finds it out
    wait_until(lambda: why in fleet.run("msinfo", "-h", "-N", "-o", "%E").stdout, "the fault", logs=fleet.logs)
    return why


def test_who_waits_for_a_machine_that_is_down_is_told_why_it_cannot_be_reached(fleet: Machines) -> None:
    why = end_node1(fleet)
    hurried = fleet.run("msrun", "--immediate=3", "--nodelist=node1", "true")
    assert f"\nmsrun: hint: {why}" in hurried.stderr
    number = jobs.wrap(fleet, "true", "--nodelist=node1")
    wait_until(lambda: jobs.job(fleet, number).reason.startswith("ReqNodeNotAvail"), "the reason")
    lines = fleet.run("msqueue", "--why", str(number)).stdout.splitlines()
    assert [line.startswith(f"  node1 is not reached: {why.removeprefix('node1: ')}") for line in lines].count(
        True
    ) == 1
    assert [line for line in lines if "free now" in line or line.startswith("Not reached")] == []
    waiting = ["msbatch", "--wait", "--nodelist=node1", "--wrap", "true"]
    with subprocess.Popen(waiting, env=fleet.environment, cwd=fleet.work, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(f"msbatch: hint: {why}")
        process.terminate()
    assert fleet.run("mscancel", "--me").returncode == 0


def test_slurms_own_names_say_nothing_that_slurm_would_not(fleet: Machines) -> None:
    end_node1(fleet)
    assert fleet.run("mini-slurm", "shims", str(fleet.folder / "shims")).returncode == 0
    srun = str(fleet.folder / "shims" / "srun")
    done = fleet.run(srun, "--immediate=6", "--nodelist=node1", "true")
    assert "Required node not available" in done.stderr
    assert "hint" not in done.stderr


def test_a_job_that_there_is_not_is_refused(fleet: Machines) -> None:
    done = fleet.run("msqueue", "--why=999")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0] == "msqueue: error: Invalid job id specified: 999"
    assert fleet.run("msqueue", "--why=x;y").stderr.startswith("msqueue: error: Invalid job id: x;y")
