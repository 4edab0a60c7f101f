"""msrun outside of jobs, on machines over a real sshd: what it gets, shows and gives back, and what it survives."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Callable

import pytest

from tests.fleet import jobs, processes
from tests.fleet.fronts import COUNT, all_is_given_back, counted, started
from tests.fleet.machines import Machines, Testbed
from tests.fleet.terminals import at_terminal
from tests.waiting import wait_until


def steps(fleet: Machines, number: int = 1) -> list[str]:
    return fleet.run("msacct", "-n", "-P", "-j", str(number), "--format=jobid,jobname,state,exitcode").stdout.split()


def test_it_runs_on_all_machines_of_an_allocation_and_gives_it_back(fleet: Machines):
    done = fleet.run("msrun", "-N2", "-l", "sh", "-c", "echo $SLURMD_NODENAME $SLURM_JOB_NAME; exit $SLURM_PROCID")
    assert sorted(done.stdout.splitlines()) == ["0: node1 sh", "1: node2 sh"]
    assert done.stderr == "msrun: error: node2: task 1: Exited with exit code 1\n"
    assert done.returncode == 1
    assert steps(fleet) == ["1|sh|FAILED|1:0", "1.0|sh|FAILED|1:0"]
    all_is_given_back(fleet)


def test_twice_quiet_says_nothing_of_tasks_that_failed(fleet: Machines):
    done = fleet.run("msrun", "-QQ", "sh", "-c", "exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
    assert fleet.run("msrun", "-Q", "sh", "-c", "exit 3").stderr.endswith("task 0: Exited with exit code 3\n")


def test_standard_input_reaches_the_tasks_whole(fleet: Machines):
    text = "".join(f"{number}\n" for number in range(200_000))
    done = fleet.run("msrun", "-n", "2", "-N", "2", "md5sum", input=text)
    assert len(done.stdout.splitlines()) == 2
    assert len(set(done.stdout.splitlines())) == 1
    assert fleet.run("msrun", "cat", input=text).stdout == text


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("-N9 true", 1, "msrun: error: Unable to allocate resources: More processors requested than permitted\n"),
        ("-p nope true", 1, "msrun: error: Unable to allocate resources: Invalid partition name specified\n"),
        ("-r 1 true", 1, "msrun: fatal: --relative option invalid for job allocation request\n"),
        ("--jobid=77 true", 1, "msrun: error: Unable to confirm allocation for job 77: Invalid job id specified\n"),
        ("--foo true", 255, "msrun: unrecognized option '--foo'\n"),
        ("-n abc true", 1, 'msrun: error: Invalid numeric value "abc" for --ntasks.\n'),
        ("", 1, "msrun: fatal: No command given to execute.\n"),
    ],
)
def test_what_cannot_be_done_is_refused(fleet: Machines, words: str, code: int, said: str):
    done = fleet.run("msrun", *words.split())
    assert done.returncode == code
    assert said in done.stderr


def test_it_waits_its_turn_says_so_and_can_be_told_not_to(fleet: Machines):
    filler = jobs.wrap(fleet, "sleep 300", "-N", "2", "--exclusive", "-o", "/dev/null")
    jobs.wait_for(fleet, filler, "RUNNING")
    done = fleet.run("msrun", "--immediate", "true")
    assert (done.returncode, done.stderr) == (
        1,
        "msrun: error: Unable to allocate resources: Requested nodes are busy\n",
    )
    assert jobs.job(fleet, 2).state.name == "CANCELLED"
    with started(fleet, "msrun", "echo", "at last") as front:
        front.shows("msrun: job 3 queued and waiting for resources\n")
        fleet.run("mscancel", str(filler))
        assert front.end() == 0
        assert front.err.endswith("msrun: job 3 has been allocated resources\n")
        assert front.out == "at last\n"


def test_ctrl_c_while_it_waits_gives_the_job_up(fleet: Machines):
    filler = jobs.wrap(fleet, "sleep 300", "-N", "2", "--exclusive", "-o", "/dev/null")
    jobs.wait_for(fleet, filler, "RUNNING")
    with started(fleet, "msrun", "true") as front:
        front.shows("queued and waiting")
        front.process.send_signal(signal.SIGINT)
        assert front.end() == 1
        assert front.err.endswith("msrun: Job allocation 2 has been revoked\nmsrun: Force Terminated JobId=2\n")
    assert jobs.job(fleet, 2).state.name == "CANCELLED"
    fleet.run("mscancel", str(filler))


def test_a_job_that_is_cancelled_ends_its_step_on_all_machines(fleet: Machines):
    with started(fleet, "msrun", "-N2", "sh", "-c", "echo start; sleep 300") as front:
        wait_until(lambda: front.out == "start\nstart\n", "both tasks", logs=fleet.logs)
        fleet.run("mscancel", "1")
        assert front.end() == 143
        assert "msrun: Job step aborted: Waiting up to 32 seconds for job step to finish.\n" in front.err
        assert front.err.count("slurmstepd-") == 1  # the step's first machine speaks for all
        assert "slurmstepd-node1: error: *** STEP 1.0 ON node1 CANCELLED AT " in front.err
        assert "msrun: error: node1: task 0: Terminated\n" in front.err
    assert jobs.job(fleet, 1).state.name == "CANCELLED"
    all_is_given_back(fleet)


def test_two_quick_interrupts_end_the_step_and_one_does_not(fleet: Machines):
    with started(fleet, "msrun", "sh", "-c", "echo start; sleep 300") as front:
        front.shows("start")
        front.process.send_signal(signal.SIGINT)
        front.shows("msrun: interrupt (one more within 1 sec to abort)\nmsrun: StepId=1.0 task 0: running\n")
        front.process.send_signal(signal.SIGINT)
        front.shows("msrun: sending Ctrl-C to StepId=1.0\n")
        assert front.end() == 130
    all_is_given_back(fleet)


def test_a_step_that_ends_while_there_is_no_controller_has_run_once_and_is_shown_whole(fleet: Machines):
    script = (
        "echo run >> runs; echo start; until [ -e gate ]; do sleep 0.02; done; seq 50000; echo over >> runs; exit 7"
    )
    with started(fleet, "msrun", "-n2", "-N1", "sh", "-c", script) as front:
        wait_until(lambda: front.out == "start\nstart\n", "both tasks", logs=fleet.logs)
        front.process.send_signal(signal.SIGSTOP)  # it would start a controller
        processes.kill(fleet.controllers())
        (fleet.work / "gate").touch()
        runs = fleet.work / "runs"
        wait_until(lambda: runs.read_text().count("over") == 2, "the tasks to end", logs=fleet.logs)
        assert fleet.run("msqueue").returncode == 0  # starts the next one
        wait_until(lambda: steps(fleet)[1:] == ["1.0|sh|FAILED|7:0"], "the step to be booked", logs=fleet.logs)
        front.process.send_signal(signal.SIGCONT)
        assert front.end() == 7
        assert sorted(front.out.splitlines()[2:]) == sorted([*map(str, range(1, 50_001))] * 2)
    assert runs.read_text() == "run\nrun\nover\nover\n"
    all_is_given_back(fleet)


def test_an_msrun_that_is_killed_leaves_nothing_behind(fleet: Machines):
    with started(fleet, "msrun", "-N2", "sh", "-c", "echo start; sleep 300") as front:
        wait_until(lambda: front.out == "start\nstart\n", "both tasks", logs=fleet.logs)
        front.process.kill()
        [job] = jobs.wait_over(fleet, 1)
    assert job.state.name == "CANCELLED"
    all_is_given_back(fleet)


def test_the_controller_is_killed_while_it_runs(fleet: Machines):
    gate = fleet.work / "gate"
    with started(fleet, "msrun", "-N2", "-n1", "-w", "node2", "sh", "-c", COUNT.format(gate=gate)) as front:
        front.shows("\n20\n")
        processes.kill(fleet.controllers(), signal.SIGKILL)
        seen = len(front.out)
        wait_until(lambda: len(front.out) > seen + 200, "more output", seconds=30, logs=fleet.logs)
        gate.touch()
        assert front.end() == 7
        counted(front.out)
    [job] = jobs.wait_over(fleet, 1)
    assert (job.state.name, job.exit_code) == ("FAILED", 7)
    all_is_given_back(fleet)


def test_all_agents_are_killed_while_it_runs(fleet: Machines):
    gate = fleet.work / "gate"
    with started(fleet, "msrun", "sh", "-c", COUNT.format(gate=gate)) as front:
        front.shows("\n20\n")
        processes.kill(fleet.agents(), signal.SIGKILL)
        seen = len(front.out)
        wait_until(lambda: len(front.out) > seen + 200, "more output", seconds=30, logs=fleet.logs)
        gate.touch()
        assert front.end() == 7
        counted(front.out)
    # the claim of an attempt whose agent was lost is known to be dead by its lock
    assert fleet.run("msrun", "-N2", "-n4", "true").returncode == 0


def test_both_are_killed_while_the_msrun_is(fleet: Machines):
    with started(fleet, "msrun", "-N2", "sh", "-c", "echo start; sleep 300") as front:
        wait_until(lambda: front.out == "start\nstart\n", "both tasks", logs=fleet.logs)
        processes.kill(fleet.controllers(), signal.SIGKILL)
        front.process.kill()
        front.process.wait()
    jobs.wrap(fleet, "true", "-o", "/dev/null", "--hold")  # any command that needs one starts the next controller
    wait_until(lambda: jobs.job(fleet, 1).state.name == "CANCELLED", "job 1 to be over", seconds=30, logs=fleet.logs)
    fleet.run("mscancel", "2")
    all_is_given_back(fleet)


def test_a_step_within_a_job_that_runs(fleet: Machines):
    number = jobs.wrap(fleet, "sleep 300", "-N", "2", "-o", "/dev/null")
    jobs.wait_for(fleet, number, "RUNNING")
    done = fleet.run("msrun", f"--jobid={number}", "--overlap", "-l", "sh", "-c", "echo $SLURM_STEP_ID $SLURM_JOB_ID")
    assert sorted(done.stdout.splitlines()) == ["0: 0 1", "1: 0 1"], done.stderr
    inside = {**fleet.environment, "SLURM_JOB_ID": str(number)}
    done = fleet.run("msrun", "--overlap", "-w", "node2", "-N1", "-n1", "printenv", "SLURMD_NODENAME", env=inside)
    assert done.stdout == "node2\n", done.stderr
    assert jobs.job(fleet, number).state.name == "RUNNING"
    fleet.run("mscancel", str(number))
    jobs.wait_over(fleet, number)
    done = fleet.run("msrun", f"--jobid={number}", "true")
    assert done.stderr.startswith("msrun: error: Slurm job 1 has expired\n")
    assert done.returncode == 1


def test_an_msrun_within_a_job_that_is_killed_takes_its_step_along(fleet: Machines):
    number = jobs.wrap(fleet, "sleep 300", "-o", "/dev/null")
    jobs.wait_for(fleet, number, "RUNNING")
    with started(fleet, "msrun", f"--jobid={number}", "--overlap", "sh", "-c", "echo start; sleep 300") as front:
        front.shows("start")
    wait_until(lambda: "1.0|sh|CANCELLED|0:15" in steps(fleet), "the step's end", logs=fleet.logs)
    assert jobs.job(fleet, number).state.name == "RUNNING"
    fleet.run("mscancel", str(number))
    jobs.wait_over(fleet, number)


def test_an_msrun_in_its_tasks_is_found_and_shares_the_allocation(fleet: Machines):
    done = fleet.run("msrun", "-N1", "-w", "node2", "sh", "-c", "srun --overlap printenv SLURM_STEP_ID")
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_a_shell_with_a_terminal_of_its_own(fleet: Machines):
    """Ctrl-C goes to what runs there, and not to msrun."""
    with at_terminal(fleet, "msrun", "--pty", "sh", "-i") as terminal:
        terminal.shows("$ ")
        terminal.type("stty size; tty\n")
        terminal.shows("30 90")
        terminal.shows("/dev/pts/")
        terminal.type("sleep 300\n")
        terminal.shows("sleep 300")
        terminal.type("\x03")
        terminal.type("echo still $((40 + 2)); exit 3\n")
        terminal.shows("still 42")
        assert terminal.end() == 3
    all_is_given_back(fleet)


def test_a_terminal_is_the_first_tasks_and_passes_all_as_it_is(fleet: Machines):
    """As much as is pasted, also to one that is slow to read; and newlines that mean one line down, and no more."""
    pasted = "".join(f"line {number}\n" for number in range(20_000))
    reading = f"stty -echo -icanon; echo re''ady; sleep 0.5; head -c {len(pasted)} | md5sum; stty -onlcr; echo lines"
    with at_terminal(
        fleet, "msrun", "-N2", "--pty", "sh", "-ic", f"[ $SLURM_PROCID = 1 ] || {{ {reading}; exit 3; }}"
    ) as one:
        one.shows("ready")
        one.paste(pasted)
        one.shows(hashlib.md5(pasted.encode()).hexdigest())
        one.shows("\r\nlines\n")
        assert one.end() == 3
        assert one.shown == "msrun: error: node1: task 0: Exited with exit code 3\r\n"
    all_is_given_back(fleet)


def test_a_cut_cable_costs_no_bytes(testbed: Callable[..., Testbed]):
    fleet = testbed(node1={"cpus": 2, "memory": "1000M"}, node2={"cpus": 2, "memory": "1000M"})
    fleet.variables["MINI_SLURM_SSH_KEEPALIVE"] = "1"
    gate = fleet.shared / "gate"
    words = ["msrun", "-w", "node2", "sh", "-c", COUNT.format(gate=gate)]
    with started(fleet, *words) as front:
        front.shows("\n20\n")
        fleet.bed.cut("node2")
        state = ("msinfo", "-h", "-n", "node2", "-o", "%t")
        wait_until(lambda: "*" in fleet.run(*state).stdout, "the cut to be noticed", seconds=60, logs=fleet.logs)
        fleet.bed.heal("node2")
        seen = len(front.out)
        wait_until(lambda: len(front.out) > seen + 400, "more output", seconds=60, logs=fleet.logs)
        gate.touch()
        assert front.end() == 7
        counted(front.out)
