"""msalloc, on machines over a real sshd: what its command gets, and what becomes of the allocation."""

from __future__ import annotations

import os
import signal

import pytest

from tests.fleet import jobs, processes
from tests.fleet.fronts import all_is_given_back, started
from tests.fleet.machines import Machines
from tests.fleet.terminals import at_terminal
from tests.waiting import wait_until

GRANTED = "msalloc: Granted job allocation 1\n"
RELINQUISHING = "msalloc: Relinquishing job allocation 1\n"


def test_a_command_gets_the_allocation_and_its_exit_status_counts(fleet: Machines):
    script = 'echo "$SLURM_JOB_ID $SLURM_JOB_NODELIST $SLURM_NTASKS $1"; msrun -l hostname | wc -l; exit 5'
    done = fleet.run("msalloc", "-N2", "-n3", "sh", "-c", script, "sh", "an argument")
    assert (done.returncode, done.stdout) == (5, "1 node[1-2] 3 an argument\n3\n")
    assert done.stderr == GRANTED + RELINQUISHING
    columns = "--format=jobid,jobname,state,exitcode"
    lines = fleet.run("msacct", "-n", "-P", "-j", "1", columns).stdout.split()
    assert lines == ["1|interactive|FAILED|5:0", "1.0|hostname|COMPLETED|0:0"]
    all_is_given_back(fleet)


def test_without_a_command_it_is_the_users_shell(fleet: Machines):
    done = fleet.run("msalloc", "-n2", input="echo in $SLURM_NTASKS; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "in 2\n", GRANTED + RELINQUISHING)


def test_files_come_to_its_machines(fleet: Machines):
    source, copy = fleet.folder / "source", fleet.folder / "copy"
    source.write_text("a file\n")
    done = fleet.run(
        "msalloc", "sh", "-c", f"msbcast {source} {copy} && cat {copy}; msbcast nosuch {copy}; msbcast -Y a b"
    )
    assert (done.returncode, done.stdout) == (1, "a file\n")
    assert done.stderr.splitlines()[1:-1] == [
        "msbcast: error: Can't open `nosuch`: No such file or directory",
        "msbcast: invalid option -- 'Y'",
        'Try "msbcast --help" for more information',
    ]
    gone = fleet.run("msbcast", "-j", "1", str(source), str(copy))
    assert (gone.returncode, gone.stderr) == (
        255,
        "msbcast: error: Slurm job 1 lookup error: Invalid job id specified\n",
    )


def test_without_a_shell_it_is_left_to_others(fleet: Machines):
    done = fleet.run("msalloc", "--no-shell", "-w", "node2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", GRANTED)
    done = fleet.run("msrun", "printenv", "SLURMD_NODENAME", env={**fleet.environment, "SLURM_JOB_ID": "1"})
    assert (done.stdout, done.stderr) == ("node2\n", "")
    assert fleet.run("msqueue", "-h", "-o", "%j %T").stdout == "no-shell RUNNING\n"
    fleet.run("mscancel", "1")
    assert jobs.wait_over(fleet, 1)[0].state.name == "CANCELLED"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-p", "nope"], "msalloc: error: Job submit/allocate failed: Invalid partition name specified\n"),
        (["-o", "file"], "msalloc: invalid option -- 'o'\n"),
    ],
)
def test_what_cannot_be_had_is_refused(fleet: Machines, words: list[str], said: str):
    done = fleet.run("msalloc", *words, "true")
    assert done.returncode != 0
    assert said in done.stderr


REVOKED = "msalloc: Job allocation {} has been revoked.\n"
QUEUED = "msalloc: Pending job allocation {0}\nmsalloc: job {0} queued and waiting for resources\n"
TIMED_OUT = "msalloc: error: Unable to allocate resources: Connection timed out\n"


def test_one_that_is_to_start_at_once_and_may_not_is_given_up(fleet: Machines):
    done = fleet.run("msalloc", "--begin=now+1hour", "--immediate", "true")
    dependency = "msalloc: error: Job submit/allocate failed: Job dependency problem\n"
    assert (done.returncode, done.stderr) == (1, REVOKED.format(1) + dependency)
    waited = fleet.run("msalloc", "--begin=now+1hour", "--immediate=2", "true")
    assert (waited.returncode, waited.stderr) == (1, QUEUED.format(2) + REVOKED.format(2) + TIMED_OUT)
    held = fleet.run("msalloc", "--hold", "--immediate=1", "true")
    assert (held.returncode, held.stderr) == (1, dependency + REVOKED.format(3))
    run = fleet.run("msrun", "--hold", "--immediate", "true")
    refused = "msrun: error: Unable to allocate resources: Job dependency problem\n"
    assert (run.returncode, run.stderr) == (1, refused)
    all_is_given_back(fleet)


def test_one_that_others_keep_waiting_is_given_up_when_its_time_is_over(fleet: Machines):
    """The words are of a real 22.05.8, whose line about the revoked allocation is mostly the last."""
    filler = jobs.wrap(fleet, "sleep 300", "-N", "2", "--exclusive", "-o", "/dev/null")
    jobs.wait_for(fleet, filler, "RUNNING")
    busy = "msalloc: error: Unable to allocate resources: Requested nodes are busy\n"
    together = "msalloc: error: Job submit/allocate failed: Job can not start immediately\n"
    for words, said in (
        (("--immediate=1", "true"), busy + REVOKED.format(2)),
        (("-Q", "-I", "true"), busy),
        (("-I2", "true"), QUEUED.format(4) + TIMED_OUT + REVOKED.format(4)),
        (("-I1", ":", "-n1", "true"), together),
    ):
        done = fleet.run("msalloc", *words)
        assert (done.returncode, done.stderr) == (1, said)
    with started(fleet, "msalloc", "--immediate=0", "true") as front:
        front.shows("queued and waiting for resources\n")
        fleet.run("mscancel", str(filler))
        assert front.end() == 0
    all_is_given_back(fleet)


def test_a_command_that_is_not_there(fleet: Machines):
    done = fleet.run("msalloc", "nosuchcommand")
    error = 'msalloc: error: _fork_command: Unable to find command "nosuchcommand"\n'
    assert (done.returncode, done.stderr) == (1, GRANTED + error + RELINQUISHING)


def test_the_command_outlives_an_allocation_that_is_cancelled(fleet: Machines):
    gate = fleet.work / "gate"
    with started(fleet, "msalloc", "sh", "-c", f"while [ ! -e {gate} ]; do sleep 0.05; done; echo done") as front:
        front.shows(GRANTED)
        fleet.run("mscancel", "1")
        front.shows("msalloc: Job allocation 1 has been revoked.\n")
        gate.touch()
        assert (front.end(), front.out) == (0, "done\n")
    [job] = jobs.wait_over(fleet, 1)  # it is completing while its machines are given back
    assert job.state.name == "CANCELLED"
    all_is_given_back(fleet)


def test_the_command_gets_a_signal_if_that_was_wished(fleet: Machines):
    command = "trap 'exit 9' USR1; while :; do sleep 0.05; done"
    with started(fleet, "msalloc", "--kill-command=USR1", "sh", "-c", command) as front:
        front.shows(GRANTED)
        fleet.run("mscancel", "1")
        assert front.end() == 9


def test_signals_leave_it_alone_but_for_a_hang_up(fleet: Machines):
    gate = fleet.work / "gate"
    with started(fleet, "msalloc", "sh", "-c", f"echo begun; while [ ! -e {gate} ]; do sleep 0.05; done") as front:
        front.shows("begun\n")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
            front.process.send_signal(number)
        gate.touch()
        assert front.end() == 0
    with started(fleet, "msalloc", "sh", "-c", "echo begun; exec sleep 300") as front:
        front.shows("begun\n")
        front.process.send_signal(signal.SIGHUP)
        assert front.end() == 1
        front.shows("msalloc: Relinquishing job allocation 2\n")
    all_is_given_back(fleet)


def test_it_waits_its_turn_and_ctrl_c_gives_it_up(fleet: Machines):
    filler = jobs.wrap(fleet, "sleep 300", "-N", "2", "--exclusive", "-o", "/dev/null")
    jobs.wait_for(fleet, filler, "RUNNING")
    with started(fleet, "msalloc", "true") as front:
        front.shows("msalloc: Pending job allocation 2\nmsalloc: job 2 queued and waiting for resources\n")
        front.process.send_signal(signal.SIGINT)
        assert front.end() == 1
        front.shows("msalloc: Job allocation 2 has been revoked.\nmsalloc: Job aborted due to signal\n")
    assert jobs.job(fleet, 2).state.name == "CANCELLED"
    fleet.run("mscancel", str(filler))
    jobs.wait_over(fleet, filler)


def test_one_that_is_killed_gives_the_allocation_back(fleet: Machines):
    with started(fleet, "msalloc", "-N2", "sleep", "3") as front:
        front.shows(GRANTED)
        front.process.kill()
        assert jobs.wait_over(fleet, 1)[0].state.name == "CANCELLED"
        wait_until(lambda: not os.listdir(fleet.state / "fronts"), "the lock to be gone", logs=fleet.logs)
    all_is_given_back(fleet)


def test_the_controller_is_killed_while_it_lives(fleet: Machines):
    gate = fleet.work / "gate"
    command = f"while [ ! -e {gate} ]; do sleep 0.05; done; msrun -N2 hostname | wc -l"
    with started(fleet, "msalloc", "-N2", "sh", "-c", command) as front:
        front.shows(GRANTED)
        processes.kill(fleet.controllers(), signal.SIGKILL)
        gate.touch()
        assert (front.end(), front.out) == (0, "2\n")
    assert jobs.job(fleet, 1).state.name == "COMPLETED"
    all_is_given_back(fleet)


def test_a_person_works_in_its_shell_and_leaves(fleet: Machines):
    """The shell has the terminal: Ctrl-C is for what runs in it, and msalloc stays."""
    with at_terminal(fleet, "msalloc", "-N2", "sh", "-i") as terminal:
        terminal.shows("msalloc: Granted job allocation 1")
        terminal.type("msrun sh -c 'touch up$SLURM_PROCID; exec sleep 300'\n")
        wait_until(lambda: all((fleet.work / f"up{task}").exists() for task in (0, 1)), "the step", logs=fleet.logs)
        terminal.type("\x03")
        terminal.shows("msrun: interrupt (one more within 1 sec to abort)")
        terminal.type("\x03")
        terminal.shows("msrun: sending Ctrl-C to StepId=1.0")
        terminal.shows("$ ")
        terminal.type("echo $SLURM_NNODES machines; exit 4\n")
        terminal.shows("2 machines")
        terminal.shows("msalloc: Relinquishing job allocation 1")
        assert terminal.end() == 4
    all_is_given_back(fleet)
