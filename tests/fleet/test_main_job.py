"""The main job, over a real sshd: a script goes in, its output comes back, and it is booked."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from tests.fleet import jobs, processes
from tests.fleet.machines import Machines
from tests.waiting import wait_until


def test_a_script_runs_and_its_output_lies_in_the_submit_folder(fleet: Machines):
    name = jobs.script(fleet, 'echo "hello from $SLURM_JOB_NAME on $SLURMD_NODENAME with $1"\n')
    done = fleet.run("msbatch", name, "an argument")
    assert (done.stdout, done.stderr, done.returncode) == ("Submitted batch job 1\n", "", 0)
    [job] = jobs.wait_over(fleet, 1)
    assert job.state.name == "COMPLETED"
    assert (fleet.work / "slurm-1.out").read_text() == f"hello from job.sh on {job.node} with an argument\n"


def test_both_streams_lie_apart_in_the_jobs_folder_and_together_in_order(fleet: Machines):
    jobs.wrap(fleet, "for i in 1 2 3; do echo out $i; echo err $i >&2; done")
    jobs.wait_over(fleet, 1)
    folder = fleet.state / "jobs" / "1"
    assert (folder / "stdout.txt").read_text() == "out 1\nout 2\nout 3\n"
    assert (folder / "stderr.txt").read_text() == "err 1\nerr 2\nerr 3\n"
    assert (fleet.work / "slurm-1.out").read_text() == "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n"
    assert "for i in 1 2 3" in (folder / "script").read_text()


def test_named_output_goes_to_one_file_and_the_folder_links_to_it(fleet: Machines):
    jobs.wrap(fleet, "echo out; echo err >&2", "-o", "log-%j.txt")
    jobs.wait_over(fleet, 1)
    assert (fleet.work / "log-1.txt").read_text() == "out\nerr\n"
    assert os.readlink(fleet.state / "jobs" / "1" / "stdout.txt") == str(fleet.work / "log-1.txt")
    assert os.readlink(fleet.state / "jobs" / "1" / "stderr.txt") == str(fleet.work / "log-1.txt")


def test_output_and_error_go_to_two_files(fleet: Machines):
    jobs.wrap(fleet, "echo out; echo err >&2", "-o", "o.txt", "-e", "e.txt")
    jobs.wait_over(fleet, 1)
    assert [(fleet.work / name).read_text() for name in ("o.txt", "e.txt")] == ["out\n", "err\n"]


def test_output_is_seen_while_the_job_runs(fleet: Machines):
    gate = fleet.work / "gate"
    jobs.wrap(fleet, f"echo first; while [ ! -e {gate} ]; do sleep 0.05; done; echo second")
    output = fleet.work / "slurm-1.out"
    wait_until(lambda: jobs.text(output) == "first\n", "the first line", logs=fleet.logs)
    jobs.wait_for(fleet, 1, "RUNNING")  # which is noted after the first line as easily as before it
    gate.touch()
    jobs.wait_over(fleet, 1)
    assert output.read_text() == "first\nsecond\n"


def test_five_megabytes_arrive_whole(fleet: Machines):
    jobs.wrap(fleet, "seq 1 800000", "-o", "numbers")
    jobs.wait_over(fleet, 1)
    assert (fleet.work / "numbers").read_text() == "".join(f"{number}\n" for number in range(1, 800_001))


def test_an_exit_code_is_booked(fleet: Machines):
    jobs.wrap(fleet, "exit 3")
    jobs.wait_over(fleet, 1)
    done = fleet.run("msacct", "-X", "-n", "-P", "--format=jobid,state,exitcode", "-j", "1")
    assert done.stdout == "1|FAILED|3:0\n"


def test_a_signal_is_booked(fleet: Machines):
    jobs.wrap(fleet, "kill -9 $$")
    [job] = jobs.wait_over(fleet, 1)
    assert (job.state.name, job.exit_code, job.exit_signal) == ("FAILED", 0, 9)


def test_an_array_runs_each_task_once_with_its_own_output(fleet: Machines):
    jobs.wrap(fleet, "echo task $SLURM_ARRAY_TASK_ID", "--array=1-5")
    ended = jobs.wait_over(fleet)
    assert sorted(job.array_task_id or 0 for job in ended) == [1, 2, 3, 4, 5]
    for task in range(1, 6):
        assert (fleet.work / f"slurm-1_{task}.out").read_text() == f"task {task}\n"
        assert (fleet.state / "jobs" / f"1_{task}" / "stdout.txt").read_text() == f"task {task}\n"


def test_the_users_environment_travels_but_the_machines_own_stays(fleet: Machines):
    environment = {**fleet.environment, "FLAVOUR": "sweet; echo $(id) 'x'", "TMPDIR": "/nowhere"}
    words = ["--parsable", "-o", "env", "--wrap", 'echo "$FLAVOUR"; echo "$TMPDIR"; echo "$SLURM_SUBMIT_DIR"']
    fleet.run("msbatch", *words, env=environment)
    jobs.wait_over(fleet, 1)
    flavour, folder, submitted = (fleet.work / "env").read_text().splitlines()
    assert (flavour, submitted) == (environment["FLAVOUR"], str(fleet.work))
    assert folder != "/nowhere"


def test_gpus_are_handed_out_by_uuid_and_hidden_from_others(machines):
    fleet = machines(node1={"cpus": 4, "memory": "1000M", "gpus": 2})
    gate = fleet.work / "gate"
    wait = f"echo $CUDA_VISIBLE_DEVICES; while [ ! -e {gate} ]; do sleep 0.05; done"
    for number in (1, 2):
        jobs.wrap(fleet, wait, "--gres=gpu:1", "-o", f"gpu-{number}")
    jobs.wrap(fleet, 'echo "none:${CUDA_VISIBLE_DEVICES-unset}"', "-o", "cpu")
    jobs.wait_over(fleet, 3)
    wait_until(lambda: jobs.text(fleet.work / "gpu-1") and jobs.text(fleet.work / "gpu-2"), logs=fleet.logs)
    gate.touch()
    jobs.wait_over(fleet)
    uuids = {(fleet.work / f"gpu-{number}").read_text().strip() for number in (1, 2)}
    assert len(uuids) == 2 and all(uuid.startswith("GPU-") for uuid in uuids)
    assert (fleet.work / "cpu").read_text() == "none:\n"


def test_cancelling_ends_every_process_wherever_it_went(fleet: Machines):
    pid_file = fleet.work / "pids"
    hidden = f"setsid sh -c '(sleep 300 & echo $! >> {pid_file}) & sleep 300 & echo $! >> {pid_file}; wait' &"
    name = jobs.script(fleet, f"echo $$ >> {pid_file}\n{hidden}\nsleep 300\n")
    jobs.submit(fleet, name)
    wait_until(lambda: len(jobs.text(pid_file).splitlines()) == 3, logs=fleet.logs)
    pids = [int(line) for line in pid_file.read_text().splitlines()]
    assert all(processes.alive(pid) for pid in pids)
    done = fleet.run("mscancel", "1")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    [job] = jobs.wait_over(fleet, 1, seconds=45)
    assert job.state.name == "CANCELLED"
    assert not any(processes.alive(pid) for pid in pids)


def test_a_working_folder_that_is_not_there_is_said_in_the_output(fleet: Machines):
    jobs.wrap(fleet, "pwd", "-D", "/no/such/folder", "-o", str(fleet.work / "out"))
    jobs.wait_over(fleet, 1)
    complaint = "couldn't chdir to `/no/such/folder': No such file or directory: going to /tmp instead"
    lines = (fleet.work / "out").read_text().splitlines()
    assert complaint in lines[0] and lines[-1] == "/tmp"


def test_output_that_cannot_be_opened_fails_the_job(fleet: Machines):
    jobs.wrap(fleet, "true", "-o", "/no/such/folder/out")
    [job] = jobs.wait_over(fleet, 1)
    assert (job.state.name, job.exit_code, job.exit_signal) == ("FAILED", 0, 53)


def test_a_fifo_that_nobody_reads_yet_holds_up_its_own_job_only(fleet: Machines):
    for name in ("read", "unread"):
        os.mkfifo(fleet.work / name)
        jobs.wrap(fleet, f"echo {name}", "-o", name)
    wait_until(lambda: "nobody reads this FIFO" in jobs.job(fleet, 2).reason, "why it waits", logs=fleet.logs)
    assert fleet.run("mscancel", "2").returncode == 0
    jobs.wrap(fleet, "true", "-o", "/dev/null")
    jobs.wait_over(fleet, 2, 3)
    assert (fleet.work / "read").read_text() == "read\n"
    states = [jobs.wait_over(fleet, number)[0].state.name for number in (1, 2, 3)]
    assert states == ["COMPLETED", "CANCELLED", "COMPLETED"]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_reaches_the_script(fleet: Machines, number: signal.Signals):
    name = jobs.script(fleet, f"trap 'echo caught; exit 0' {number.name}\necho ready\nsleep 100 & wait\n")
    jobs.submit(fleet, "-o", "out", name)
    wait_until(lambda: jobs.text(fleet.work / "out") == "ready\n", logs=fleet.logs)
    assert fleet.run("mscancel", "--batch", f"--signal={number.name}", "1").returncode == 0
    [job] = jobs.wait_over(fleet, 1)
    assert (fleet.work / "out").read_text() == "ready\ncaught\n"
    assert job.state.name == "COMPLETED"


def test_a_process_that_takes_more_memory_than_its_job_asked_for_is_killed(fleet):
    code = "x = bytearray(150 << 20); print(1, flush=True); import time; time.sleep(60)"
    number = jobs.wrap(fleet, f"{sys.executable} -c '{code}'; echo rc $?", "--mem=50M", "-o", "out")
    [job] = jobs.wait_over(fleet, number)
    assert (job.state.name, job.reason, job.exit_code, job.exit_signal) == ("OUT_OF_MEMORY", "OutOfMemory", 0, 125)
    assert job.max_rss > 50 << 10
    first, *killed, said = (fleet.work / "out").read_text().splitlines()
    assert (first, killed[-1]) == ("1", "rc 137")
    assert said == (
        f"slurmstepd-{job.node}: error: Detected 1 oom-kill event(s) in StepId={number}.batch."
        " Some of your processes may have been killed by the cgroup out-of-memory handler."
    )


def test_a_script_that_asked_for_a_signal_gets_it_before_its_limit(fleet):
    name = jobs.script(fleet, "trap 'echo got USR1; exit 7' USR1; while :; do sleep 0.1; done\n")
    number = jobs.submit(fleet, "--time=1", "--signal=B:USR1@59", "-o", "out", name)
    [job] = jobs.wait_over(fleet, number)
    assert (job.state.name, job.exit_code, (fleet.work / "out").read_text()) == ("FAILED", 7, "got USR1\n")
