"""srun in a job, with a real agent: what its tasks get, what it prints, how it ends, and what it survives."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mini_slurm.agent import processes, spool
from mini_slurm.agent.backlog import MOST, PART
from mini_slurm.protocol.messages import CancelStep, EndAttempt, LimitAttempt, LimitStep, Message, StepNews, StepNoted
from tests.fleet.agent_client import Client, agent_pid, attempt_of, kill_and_wait, left_in, started, wanted
from tests.waiting import wait_until


def submit(client: Client, script: str, number: int = 1, cpus: int = 2, **changes: object) -> str:
    """Start a job of this machine; its attempt's name."""
    name = attempt_of(number)
    environment = {"PATH": "/usr/bin:/bin", "SLURM_JOB_ID": str(number), "SLURM_JOB_NAME": "job", "USER": "me"}
    given = {"cpus": cpus, "allocation": {"node1": [cpus, 0, "", cpus]}, "environment": environment, "streams": "split"}
    client.send(wanted(name, script, **{**given, **changes}))
    return name


def run(client: Client, script: str, number: int = 1, cpus: int = 2, **changes: object) -> tuple[int, str, str]:
    """A job's exit code and output."""
    ended, out, err = client.finish(submit(client, script, number, cpus, **changes))
    return ended.exit_code, out, err


def news(client: Client, step: str = "0", job: int = 1) -> StepNews:
    """The last word on a step; it is acknowledged."""
    name = f"{attempt_of(job)}-{step}"
    while True:
        heard = client.wait(StepNews, name)
        if heard.end_age >= 0:
            client.send(StepNoted(name, True))
            return heard


def test_a_step_runs_and_its_output_is_the_jobs(client: Client) -> None:
    assert run(client, "srun echo hello; srun sh -c 'echo bad >&2'; echo rc $?") == (0, "hello\nrc 0\n", "bad\n")


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("srun -n2 sh -c 'exit $((SLURM_PROCID * 3))'", 3, "srun: error: node1: task 1: Exited with exit code 3\n"),
        ("srun -n2 sh -c 'exit 9'", 9, "srun: error: node1: tasks 0-1: Exited with exit code 9\n"),
        (
            "srun sh -c 'kill -TERM $$'",
            143,
            "srun: error: node1: task 0: Terminated\nsrun: Force Terminated StepId=1.0\n",
        ),
        ("srun sh -c 'ulimit -c 0; kill -SEGV $$'", 139, "srun: error: node1: task 0: Segmentation fault\n"),
        (
            "srun nosuchcommand",
            2,
            "slurmstepd-node1: error: execve(): nosuchcommand: No such file or directory\n"
            "srun: error: node1: task 0: Exited with exit code 2\n",
        ),
        (
            "srun /tmp",
            13,
            "slurmstepd-node1: error: execve(): /tmp: Permission denied\n"
            "srun: error: node1: task 0: Exited with exit code 13\n",
        ),
        ("srun", 1, "srun: fatal: No command given to execute.\n"),
        ("srun -n abc true", 1, 'srun: error: Invalid numeric value "abc" for --ntasks.\n'),
        ("srun --immediate=x true", 1, 'srun: error: Invalid numeric value "x" for immediate.\n'),
        ("srun --foo true", 255, "srun: unrecognized option '--foo'\nTry \"srun --help\" for more information\n"),
        ("srun --resv-ports true", 1, "srun: error: --resv-ports is not supported yet\n"),
        ("srun --send-libs=x true", 255, "srun: error: Invalid --send-libs specification\n"),
        ("srun --accel-bind=mx true", 255, "srun: error: Invalid --accel-bind specification\n"),
        ("srun --send-libs --send-libs=No --accel-bind=gv --slurmd-debug=1 --interactive true", 0, ""),
        (
            "srun --compress=x true",
            0,
            "srun: error: Compression type 'x' unknown, disabling compression support.\n",
        ),
        (
            "SLURM_MPI_TYPE=pmi2 srun --mpi=none true; srun --mpi=pmix_v4 true",
            1,
            "srun: error: --mpi=pmix_v4 is not supported: start MPI programs with mpirun or mpiexec, which start"
            " their processes through srun\n",
        ),
        ("srun -n1 --mpi=pmi2 true && SLURM_NTASKS=1 srun --mpi=pmix true", 0, ""),  # one task has nobody to find
        (
            "srun --mpi=foo true",
            1,
            "srun: error: Couldn't find the specified plugin name for mpi/foo looking at all files\n"
            "srun: error: cannot find mpi plugin for mpi/foo\n"
            "srun: error: MPI: Cannot create context for mpi/foo\n"
            "srun: error: MPI: Unable to load any plugin\n"
            "srun: error: Invalid MPI type 'foo', --mpi=list for acceptable types\n",
        ),
        (
            "env -u MINI_SLURM_AGENT -u SLURM_JOB_ID srun true",
            1,
            "srun: error: this is no process of a job: there is no agent to ask for a step\n",
        ),
        ("srun -i nofile cat", 1, "srun: error: Could not open stdin file: No such file or directory\n"),
        ("srun -o nodir/x hostname", 1, "srun: error: Could not open stdout file: No such file or directory\n"),
        ("srun -i nofile.%j -o nodir/x cat", 1, "srun: error: Could not open stdin file: No such file or directory\n"),
        ("srun -i no.%t -o nodir/x cat", 1, "srun: error: Could not open stdout file: No such file or directory\n"),
        ("srun -o o.%j -e nodir/x true", 1, "srun: error: Could not open stderr file: No such file or directory\n"),
        ("srun -n1 -o nodir/%t hostname", 0, "srun: error: task 0 launch failed: Slurmd could not connect IO\n"),
        ("srun -n1 -e nodir/%n hostname", 0, "srun: error: task 0 launch failed: Slurmd could not connect IO\n"),
        ("srun -n1 -i nodir/%N hostname", 0, "srun: error: task 0 launch failed: Slurmd could not connect IO\n"),
        (
            "srun -n3 true",
            1,
            "srun: error: Unable to create step for job 1: More processors requested than permitted\n",
        ),
        (
            "srun -w node2 true",
            1,
            "srun: error: Unable to create step for job 1: Requested node configuration is not available\n",
        ),
        (
            "srun --jobid=77 true",
            1,
            "srun: error: Unable to confirm allocation for job 77: Invalid job id specified\n"
            "srun: Check SLURM_JOB_ID environment variable. Expired or invalid job 77\n",
        ),
    ],
)
def test_srun_ends_and_speaks_as_slurms_does(client: Client, command: str, code: int, said: str) -> None:
    assert run(client, f"{command}; exit $?") == (code, "", said)


def test_one_failed_task_ends_the_others_where_that_is_asked_for(client: Client) -> None:
    script = "srun -K -n2 sh -c '[ $SLURM_PROCID = 0 ] && exit 5; sleep 60; echo not reached'; exit $?"
    code, out, err = run(client, script)
    said = [line for line in err.splitlines() if "***" not in line]
    assert (code, out) == (143, "")
    assert said == [
        "srun: error: node1: task 0: Exited with exit code 5",
        "srun: launch/slurm: _step_signal: Terminating StepId=1.0",
        "srun: error: node1: task 1: Terminated",
        "srun: Force Terminated StepId=1.0",
    ]
    assert "slurmstepd-node1: error: *** STEP 1.0 ON node1 CANCELLED AT " in err


def test_the_others_are_ended_some_time_after_the_first(client: Client) -> None:
    code, _, err = run(client, "srun -W1 -n2 sh -c '[ $SLURM_PROCID = 0 ] || sleep 60'; exit $?")
    assert code == 137
    assert [line for line in err.splitlines() if "***" not in line] == [
        "srun: First task exited 1s ago",
        "srun: StepId=1.0 task 1: running",
        "srun: StepId=1.0 task 0: exited",
        "srun: launch/slurm: _step_signal: Terminating StepId=1.0",
        "srun: Job step aborted: Waiting up to 32 seconds for job step to finish.",
        "srun: error: node1: task 1: Killed",
    ]


def test_tasks_know_who_they_are(client: Client) -> None:
    names = "PROCID LOCALID NODEID STEPID NTASKS STEP_NUM_TASKS STEP_NODELIST GTIDS STEP_TASKS_PER_NODE LABELIO UMASK"
    words = " ".join(f"$SLURM_{name}" for name in names.split())
    script = f"umask 027; srun -l -n2 sh -c 'echo {words}' | sort"
    assert run(client, script)[1] == "0: 0 0 0 0 2 2 node1 0,1 2 1 0027\n1: 1 1 0 0 2 2 node1 0,1 2 1 0027\n"


def test_a_step_keeps_folder_limits_and_environment_of_its_srun(client: Client, tmp_path: Path) -> None:
    script = f"cd {shlex.quote(str(tmp_path))}; ulimit -n 99; export A='a  b'; srun sh -c 'pwd; ulimit -n; echo \"$A\"'"
    assert run(client, script) == (0, f"{tmp_path}\n99\na  b\n", "")


def test_chosen_variables_alone_travel(client: Client) -> None:
    script = "export A=1 B=2; srun --export=B,C=3 /bin/sh -c 'echo \"<$A$B$C>\" $SLURM_JOB_ID'"
    assert run(client, script)[1] == "<23> 1\n"


def test_test_only_runs_nothing(client: Client, tmp_path: Path) -> None:
    _, out, err = run(
        client, f"mkdir {tmp_path}/in; cd {tmp_path}/in; srun --test-only -n2 touch ran; echo rc $? $(ls)"
    )
    assert out == "rc 0\n"
    assert re.fullmatch(
        r"srun: Job 1 to start at [-0-9T:]{19} using 2 processors on nodes node1 in partition .*\n", err
    )


def test_a_folder_is_meant_from_where_srun_is(client: Client, tmp_path: Path) -> None:
    (tmp_path / "one" / "two").mkdir(parents=True)
    _, out, err = run(client, f"cd {tmp_path}/one; srun -n1 -D two pwd; srun -n1 -D .. pwd")
    assert (out, err) == (f"{tmp_path}/one/two\n{tmp_path}\n", "")


def test_a_job_that_is_no_number_is_refused(client: Client) -> None:
    _, out, err = run(client, "srun --jobid=x -n1 true; echo rc $?")
    assert (out, err) == ("rc 1\n", 'srun: error: Invalid numeric value "x" for --jobid.\n')


def test_a_missing_folder_is_replaced(client: Client) -> None:
    code, out, err = run(client, "srun --chdir=/nonexistent pwd")
    line = (
        "slurmstepd-node1: error: couldn't chdir to `/nonexistent': No such file or directory: going to /tmp instead\n"
    )
    assert (code, out, err) == (0, "/tmp\n", line * 2)


def test_standard_input_goes_to_all_or_one_or_none(client: Client) -> None:
    script = """
    printf 'a\\nb\\n' | srun -n2 -l cat | sort
    printf 'x\\n' | srun -n2 -i 1 -l cat
    printf 'x\\n' | srun -n2 -i none cat
    printf '1\\n2\\n' | while read x; do srun echo $x; done
    srun readlink /proc/self/fd/0 | cut -c1-5
    """
    assert run(client, script)[1] == "0: a\n0: b\n1: a\n1: b\n1: x\n1\npipe:\n"


def test_nothing_begins_without_its_files(client: Client) -> None:
    script = """
    cd $(mktemp -d)
    for files in "-o nodir/x" "-e nodir/x" "-i nodir/x" "-o nodir/%t" "-o out.%t -e nodir/%n" "-i nodir/%t"; do
        srun -n2 $files sh -c 'touch begun; sleep .1' 2> /dev/null; echo $?
    done
    mkdir 0; srun -n2 -o %t/x sh -c 'touch begun; sleep .1'; echo $? # the other task is of the same machine
    ls
    """
    assert run(client, script)[1].split() == ["1", "1", "1", "0", "0", "0", "0", "0", "out.0", "out.1"]


def test_each_task_reads_its_own_file(client: Client) -> None:
    script = """
    cd $(mktemp -d)
    for task in 0 1; do seq $task 10 2000000 > in.$task; echo $task > $task.4.s; done; echo step > 5.s
    srun -n2 -l -i in.%t md5sum | sort; md5sum < in.0; md5sum < in.1
    srun -n2 -i in.%t -o out.%t sh -c 'sleep .$SLURM_PROCID; cat'; cmp in.0 out.0; cmp in.1 out.1
    srun -n2 -l -i in.%t head -1 | sort
    srun -n2 -l -i in.%t sh -c 'read x; echo $x; [ $x = 0 ] || cat > /dev/null' | sort
    srun -n2 -l -i %t.%s.s cat | sort
    srun -n2 -l -i %s.s cat | sort
    """
    lines = run(client, script)[1].splitlines()
    assert lines[:2] == [f"{task}: {lines[2 + task]}" for task in (0, 1)]
    assert lines[4:] == ["0: 0", "1: 1", "0: 0", "1: 1", "0: 0", "1: 1", "0: step", "1: step"]


def test_much_standard_input_arrives_whole(client: Client) -> None:
    script = (
        "head -c 20000000 /dev/urandom > in; md5sum < in; srun md5sum < in; srun -n2 -l sh -c 'sleep .3; wc -c' < in"
    )
    out = run(client, f"cd $(mktemp -d); {script}")[1].splitlines()
    assert out[0] == out[1]
    assert sorted(out[2:]) == ["0: 20000000", "1: 20000000"]


def test_much_output_arrives_whole_and_in_lines(client: Client) -> None:
    script = "srun -n2 sh -c 'seq 200000' | sort -n | uniq -c | awk '$1 != 2' | wc -l"
    assert run(client, script)[1] == "0\n"


def test_tasks_wait_for_a_slow_reader_and_the_disk_gets_back_what_it_has(client: Client) -> None:
    """160 MB go through a journal that keeps 64 MiB at most."""
    words = "head -c 160000000 /dev/zero"
    name = submit(client, f"srun {words} | (until [ -e go ]; do sleep .05; done; wc -c)", work_dir=str(client.spool))
    journal = client.spool / "attempts" / f"{name}-0" / "out"
    wait_until(lambda: journal.exists() and journal.stat().st_size >= MOST, "the journal to be full")
    full = journal.stat().st_size
    ended = client.spool / "attempts" / f"{name}-0" / "ended.json"
    assert full < MOST + PART and not ended.exists()
    held = 0

    def is_over() -> bool:
        nonlocal held
        held = max(held, _blocks(journal))
        return ended.exists() or not ended.parent.exists()

    (client.spool / "go").touch()
    wait_until(is_over, "all bytes to be read", seconds=60)
    assert held <= MOST + 3 * PART
    assert client.finish(name)[1] == "160000000\n"


def _blocks(path: Path) -> int:
    """How much of the disk a file takes."""
    try:
        return path.stat().st_blocks * 512
    except FileNotFoundError:
        return 0


def test_a_small_step_after_one_of_many_tasks(client: Client) -> None:
    """Its folder is the former one's, whose files were larger."""
    out = run(client, "srun --overcommit -n200 true; for i in 1 2 3; do srun -n1 echo $i; done")[1]
    assert out == "1\n2\n3\n"
    assert "was lost" not in (client.spool / "agent.log").read_text()


def test_files_of_tasks(client: Client) -> None:
    script = (
        "cd $(mktemp -d); srun -n2 -o 'o-%t-%J.txt' hostname; srun -e err sh -c 'echo out; echo e >&2'; ls; cat err"
    )
    assert run(client, script)[1] == "out\nerr\no-0-1.0.txt\no-1-1.0.txt\ne\n"


def test_programs_by_task(client: Client) -> None:
    script = "cd $(mktemp -d); printf '0 echo zero\\n* echo rest %%t %%o\\n' > mp; srun -n2 -l --multi-prog mp | sort"
    assert run(client, script)[1] == "0: zero\n1: rest 1 1\n"


FORCED = [
    "srun: forcing job termination",
    "srun: Job step aborted: Waiting up to 32 seconds for job step to finish.",
]
ASKED = ["srun: interrupt (one more within 1 sec to abort)", "srun: StepId=1.0 task 0: running"]
SENT = "srun: sending Ctrl-C to StepId=1.0"
KILLED = "srun: error: node1: task 0: Killed"


def signalled(client: Client, options: str, task: str, *signals: str) -> tuple[str, list[str]]:
    """What a job prints whose srun gets a signal and, when it has said how its tasks are, another; what srun says."""
    kills = "; until grep -q running said; do sleep .01; done; ".join(f"kill -{name} $srun" for name in signals)
    script = f"""cd $(mktemp -d)
    srun {options} bash -c '{task}' 2> said & srun=$!
    until [ -e up ]; do sleep .02; done
    {kills}
    wait $srun; echo rc $?; cat said >&2; rm -r "$PWD"
    """
    _, out, err = run(client, script)
    return out, spoken(err)


def spoken(err: str) -> list[str]:
    """What srun says, without the machines' own lines."""
    return [line for line in err.splitlines() if "***" not in line]


STAYS = 'trap "echo told" INT TERM HUP QUIT; touch up; while :; do sleep .05; done'


@pytest.mark.parametrize("name", ["TERM", "HUP", "QUIT"])
def test_a_signal_that_ends_srun_ends_its_tasks_at_once(client: Client, name: str) -> None:
    out, said = signalled(client, "", STAYS, name)
    assert out == "rc 137\n"
    assert said == [*["srun: Quit"] * (name == "QUIT"), *FORCED, KILLED]
    found = news(client)
    assert (found.state, found.exit_signal, found.cancelled_by) == ("CANCELLED", 9, os.geteuid())


@pytest.mark.parametrize(
    ("options", "task", "signals", "out", "said"),
    [
        ("", "touch up; exec sleep 60", ["INT", "INT"], "rc 130\n", [*ASKED, SENT, *FORCED]),
        ("", STAYS, ["INT", "INT"], "told\nrc 137\n", [*ASKED, SENT, *FORCED]),
        ("--quit-on-interrupt", STAYS, ["INT"], "told\nrc 137\n", [SENT, *FORCED]),
        ("-X", "touch up; exec sleep 60", ["INT"], "rc 130\n", [SENT, "srun: error: node1: task 0: Interrupt"]),
        ("", "touch up; exec sleep 60", ["INT", "TERM"], "rc 137\n", [*ASKED, *FORCED, KILLED]),
    ],
)
def test_ctrl_c_asks_first_and_then_ends_the_tasks(
    client: Client, options: str, task: str, signals: list[str], out: str, said: list[str]
) -> None:
    assert signalled(client, options, task, *signals) == (out, said)


def test_verbose_srun_says_how_tasks_ended_by_ctrl_c(client: Client) -> None:
    said = signalled(client, "-v", "touch up; exec sleep 60", "INT", "INT")[1]
    assert said[-1] == "srun: launch/slurm: _task_finish: node1: task 0: Interrupt"


def test_a_signal_ends_a_task_that_has_not_come_to_its_program_yet(client: Client) -> None:
    script = """cd $(mktemp -d)
    printf '#!/bin/sh\\ntouch begun; exec sleep 300\\n' > pro; chmod +x pro
    srun --quit-on-interrupt --task-prolog=$PWD/pro echo never & srun=$!
    while [ ! -e begun ]; do sleep 0.02; done
    kill -INT $srun; wait $srun; echo rc $?
    """
    code, out, err = run(client, script)
    assert (code, out) == (0, "rc 130\n")
    assert spoken(err) == [SENT, *FORCED]


def test_srun_finds_its_job_by_the_jobs_number_alone(client: Client) -> None:
    script = "for name in $(env | grep -oE '^(MINI_)?SLURM_[A-Z_]*' | grep -v '^SLURM_JOB_ID$'); do unset $name; done\n"
    script += "srun sh -c 'echo $SLURM_JOB_ID $SLURM_STEP_ID $SLURM_NTASKS; srun --overlap -n1 printenv SLURM_STEP_ID'"
    assert run(client, script) == (0, "1 0 1\n1\n", "")


def test_modules_come_from_a_pack_and_a_broken_one_does_no_harm(client: Client) -> None:
    script = """srun echo one
    cd "$(dirname "$(command -v srun)")/../lib"
    ls *.pack
    echo rubbish > srun.pack; srun echo two
    head -c 5000 srun.pack > half; mv half srun.pack; srun echo three
    rm -r mini_slurm/steps/__pycache__ mini_slurm/steps/front.py; srun echo four
    rm srun.pack; srun echo five 2> /dev/null; echo rc $?
    """
    assert run(client, script)[1] == "one\nsrun.pack\ntwo\nthree\nfour\nrc 1\n"


def test_nobody_has_to_read_what_a_command_prints(client: Client) -> None:
    script = """
    scontrol show hostnames 'a[1-60000]' | head -n 1; echo ${PIPESTATUS[0]}
    srun --help | true; srun --help > /dev/full; echo rc $?
    """
    full = "srun: error: the output cannot be written: No space left on device\n"
    assert run(client, script) == (0, "a1\n141\nrc 1\n", full)


def test_prolog_and_epilog_of_tasks(client: Client) -> None:
    script = """
    cd $(mktemp -d)
    printf '#!/bin/sh\\necho export FROM=prolog\\necho print printed\\n' > pro; chmod +x pro
    printf '#!/bin/sh\\necho after $SLURM_PROCID\\n' > epi; chmod +x epi
    srun --task-prolog=$PWD/pro --task-epilog=$PWD/epi sh -c 'echo $FROM'
    srun --task-prolog=pro true
    """
    code, out, err = run(client, script)
    assert (code, out) == (1, "printed\nprolog\nafter 0\n")
    assert "task_prolog is not fully qualified pathname (pro)" in err


def test_exact_steps_run_side_by_side_and_others_wait(client: Client) -> None:
    script = """
    step='touch began$SLURM_STEP_ID; until [ -e go ]; do sleep .05; done; echo $SLURM_STEP_ID'
    for i in 0 1; do srun -n1 --exact sh -c "$step" & until [ -e began$i ]; do sleep .05; done; done
    srun -n1 --exact sh -c "$step" 2> err & until [ -s err ]; do sleep .05; done
    touch go
    wait
    cat err >&2
    """
    code, out, err = run(client, f"cd $(mktemp -d); {script}")
    assert (code, sorted(out.split())) == (0, ["0", "1", "2"])
    assert err == (
        "srun: Job 1 step creation temporarily disabled, retrying (Requested nodes are busy)\n"
        "srun: Step created for job 1\n"
    )


def test_a_step_waits_for_one_that_has_everything(client: Client) -> None:
    script = """
    cd $(mktemp -d)
    srun -n1 sh -c 'touch begun; until [ -e go ]; do sleep .05; done' &
    until [ -e begun ]; do sleep .05; done
    srun -n1 echo second 2> err & until grep -q temporarily err; do sleep .05; done
    touch go; wait; cat err
    """
    _, out, _ = run(client, script)
    assert (out[:7], out.count("temporarily disabled")) == ("second\n", 1)


def test_a_step_waits_no_longer_than_it_is_allowed_to(client: Client) -> None:
    script = """
    cd $(mktemp -d)
    srun -n1 sh -c 'touch begun; until [ -e go ]; do sleep .05; done' &
    until [ -e begun ]; do sleep .05; done
    srun -I true; echo $?; srun --immediate=2 true; echo $?
    touch go; wait; srun -I echo third
    """
    busy = "srun: error: Unable to create step for job 1: Requested nodes are busy\n"
    assert run(client, script) == (0, "1\n1\nthird\n", busy * 2)


def test_a_step_may_overlap(client: Client) -> None:
    assert run(client, "srun sleep 1 & sleep .5; srun --overlap echo $SLURM_JOB_ID; wait") == (0, "1\n", "")


def test_a_step_within_a_step(client: Client) -> None:
    assert run(client, "srun -n1 srun -n1 --overlap sh -c 'echo $SLURM_STEP_ID'") == (0, "1\n", "")


def test_scripts_ask_scontrol_for_names(client: Client) -> None:
    script = """
    export SLURM_NODELIST='node[1-2]'
    scontrol show hostnames; scontrol show hostname 'a[08-10]' | tail -1; scontrol show hostlist b2,b1,b3
    scontrol show hostnames 'n[3-1]'
    """
    _, out, err = run(client, script)
    assert out.split("\n") == ["node1", "node2", "a10", "b[2,1,3]", ""]
    assert "Invalid hostlist: n[3-1]\n" in err


IMPATIENT = """
import os, subprocess
reader, writer = os.pipe()
os.set_blocking(writer, False)
srun = subprocess.Popen(["srun", "-n1", "seq", "100000"], stdout=writer)
os.close(writer)
lines = open(reader).read().split()
print(lines == [str(number) for number in range(1, 100001)], srun.wait())
"""


def test_output_that_cannot_be_written_is_said_once_and_the_tasks_go_on(client: Client) -> None:
    script = """
    cd $(mktemp -d)
    srun -n1 sh -c 'seq 9; sleep .3; seq 30000; touch one' > /dev/full; echo rc $?
    srun -n1 -o /dev/full sh -c 'seq 9; sleep .3; seq 9; touch two; exit 3'; echo rc $?
    ls
    """
    _, out, err = run(client, script)
    assert out.split("\n") == ["rc 1", "rc 3", "one", "two", ""]
    full = "srun: error: the output cannot be written: No space left on device\n"
    assert err == f"{full}{full}srun: error: node1: task 0: Exited with exit code 3\n"


def test_tasks_go_on_where_nobody_reads_their_output_any_more(client: Client) -> None:
    script = """
    cd $(mktemp -d)
    srun -n2 sh -c 'seq 9; sleep .3; seq 30000; touch one; exit 3' | head -1; echo rc ${PIPESTATUS[0]}
    srun -n1 -l sh -c 'seq 9; sleep .3; seq 30000; touch two' | head -1; echo rc ${PIPESTATUS[0]}
    ls
    """
    _, out, err = run(client, script)
    assert out.split("\n") == ["1", "rc 3", "0: 1", "rc 0", "one", "two", ""]
    assert err == "srun: error: node1: tasks 0-1: Exited with exit code 3\n"


def test_a_pipe_that_its_owner_does_not_wait_for_gets_everything(client: Client) -> None:
    _, out, err = run(client, f"{sys.executable} -c {shlex.quote(IMPATIENT)}")
    assert (out, err) == ("True 0\n", "")


def test_tasks_may_have_a_terminal(client: Client) -> None:
    step = ["srun", "--pty", "sh", "-c", "tty; stty size; exit 3"]
    script = f"import os, pty; print('rc', os.waitstatus_to_exitcode(pty.spawn({step!r})))"
    _, out, _ = run(client, f"{sys.executable} -u -c {shlex.quote(script)}")
    terminal, size, *said = out.split()
    assert (terminal[:9], [size, said[0]]) == ("/dev/pts/", ["24", "80"])
    assert " ".join(said[1:]) == "srun: error: node1: task 0: Exited with exit code 3 rc 3"


def test_without_a_terminal_here_the_tasks_get_none(client: Client) -> None:
    _, out, err = run(client, "srun --pty sh -c 'tty; exit 3'; echo rc $?")
    assert out == "not a tty\nrc 3\n"
    assert err.splitlines() == [
        "srun: error: ioctl(TIOCGWINSZ): Inappropriate ioctl for device",
        "srun: error: Not using a pseudo-terminal, disregarding --pty option",
        "srun: error: node1: task 0: Exited with exit code 3",
    ]


# --- what becomes of it


@pytest.mark.parametrize("end", [lambda name: EndAttempt(name, 30), lambda name: LimitAttempt(name, 1)])
def test_tasks_of_a_job_that_is_ended_have_their_time(client: Client, end: Callable[[str], Message]) -> None:
    """srun hears of it as well as they do, and what it then wants of them counts for nothing."""
    attempt = submit(
        client, "srun bash -c 'trap \"sleep 1; echo late; exit\" TERM; echo up; while :; do sleep .05; done'"
    )
    client.wait_for_text(attempt, "up")
    client.send(end(attempt))
    _, out, err = client.finish(attempt)
    assert out == "up\nlate\n"
    assert "srun: forcing job termination" in err


def test_the_submit_side_hears_what_became_of_steps(client: Client) -> None:
    name = submit(client, "srun -n2 --exact sh -c 'exit 4'; srun -J named -n1 sleep 0; srun sh -c 'kill $$'")
    heard = [news(client, step) for step in "012"]
    assert [(one.name, one.state, one.exit_code, one.exit_signal, one.tasks, one.cpus) for one in heard] == [
        ("sh", "FAILED", 4, 0, 2, 2),
        ("named", "COMPLETED", 0, 0, 1, 2),
        ("sh", "CANCELLED", 0, 15, 1, 2),
    ]
    assert heard[0].submit_line == "srun -n2 --exact sh -c exit 4"
    client.finish(name)
    wait_until(lambda: left_in(client.spool / "attempts") == [], "an empty spool")


def test_an_exit_code_counts_for_more_than_a_signal_in_accounting(client: Client) -> None:
    name = submit(client, "srun -n2 sh -c '[ $SLURM_PROCID = 0 ] && exit 3; kill -9 $$'; echo rc $?")
    found = news(client)
    assert (found.state, found.exit_code, found.exit_signal) == ("FAILED", 3, 0)
    assert client.finish(name)[1] == "rc 137\n"


def test_a_step_that_is_told_to_end_and_does_so_well_is_completed(client: Client) -> None:
    name = submit(client, "srun bash -c 'trap \"exit 0\" TERM; echo runs; while :; do sleep .05; done'")
    client.wait_for_text(name, "runs")
    client.send(CancelStep(f"{name}-0", 15, 1001))
    assert news(client).state == "COMPLETED"
    client.finish(name)


def test_a_step_is_cancelled(client: Client) -> None:
    name = submit(client, "srun sh -c 'echo runs; sleep 60'; echo rc $?; sleep .1")
    client.wait_for_text(name, "runs")
    client.send(CancelStep(f"{name}-0", 9, 1001))
    found = news(client)
    assert (found.state, found.exit_signal, found.cancelled_by) == ("CANCELLED", 9, 1001)
    _, out, err = client.finish(name)
    assert out == "runs\nrc 137\n"
    said = [line for line in err.splitlines() if "***" not in line]
    assert said == [
        "srun: Job step aborted: Waiting up to 32 seconds for job step to finish.",
        "srun: error: node1: task 0: Killed",
    ]


def test_a_step_gets_another_time_limit(client: Client) -> None:
    name = submit(client, "srun -t 60 sh -c 'echo runs; sleep 60'; echo rc $?")
    client.wait_for_text(name, "runs")
    client.send(LimitStep(f"{name}-0", None))
    wait_until(lambda: client.wait(StepNews, f"{name}-0").time_limit == -1, "news of a step without a limit")
    client.send(LimitStep(f"{name}-0", 1))
    found = news(client)
    assert (found.state, found.time_limit) == ("TIMEOUT", 1)
    _, out, err = client.finish(name)
    assert out == "runs\nrc 143\n"
    assert "*** STEP 1.0 ON node1 CANCELLED AT" in err and "DUE TO TIME LIMIT ***" in err


def test_the_end_of_the_job_is_the_end_of_its_steps(client: Client) -> None:
    name = submit(
        client, "cd $(mktemp -d); srun sh -c 'touch began; sleep 60' & until [ -e began ]; do sleep .05; done"
    )
    assert news(client).state == "CANCELLED"
    ended, _, _ = client.finish(name)
    assert ended.exit_code == 0
    wait_until(lambda: left_in(client.spool / "attempts") == [], "an empty spool")


def test_a_cancelled_job_ends_its_steps(client: Client) -> None:
    name = submit(client, "srun -l sh -c 'echo runs; sleep 60'")
    client.wait_for_text(name, "0: runs")
    client.send(EndAttempt(name, 30))
    ended, _, err = client.finish(name)
    assert ended.cause == "CANCELLED"
    assert "slurmstepd-node1: error: *** JOB 1 ON node1 CANCELLED AT " in err
    wait_until(lambda: not (client.spool / "attempts" / f"{name}-0").exists(), "the step to be gone")


def test_a_step_has_its_own_time_limit(client: Client) -> None:
    name = submit(client, "srun -t 1 sleep 300; echo rc $?", kill_wait=1)
    step = f"{name}-0"
    started(client.spool, step)
    assert spool.read_json(str(client.spool / "attempts" / step), "start.json")["time_limit"] == 60  # type: ignore[index]
    client.send(EndAttempt(name, 0))
    client.finish(name)


# --- faults


def test_the_loss_of_srun_ends_its_step(client: Client) -> None:
    name = submit(client, "srun sleep 60 & wait $!; echo rc $?")
    started(client.spool, f"{name}-0")
    (task,) = spool.read_json(str(client.spool / "attempts" / f"{name}-0"), "started.json")["tasks"]  # type: ignore[index]
    mark = f"MINI_SLURM_ATTEMPT={name}\0".encode()
    (srun,) = [one.pid for one in processes.everything() if _is_srun(one.pid, mark)]
    os.kill(srun, 9)
    assert news(client).state == "CANCELLED"
    assert not processes.look(task)
    assert "rc 137" in client.finish(name)[1]


def _is_srun(pid: int, mark: bytes) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return any(word.endswith(b"/bin/srun") for word in words) and mark in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


TICKS = "srun -n2 -l sh -c 'for i in $(seq 40); do echo $i; sleep .1; done; exit 3'; echo rc $?"
ALL_TICKS = [f"{task}: {tick}" for task in (0, 1) for tick in range(1, 41)]


def test_the_loss_of_the_agent_costs_a_step_nothing(make_client: Callable[..., Client]) -> None:
    first = make_client()
    name = submit(first, TICKS)
    first.wait_for_text(name, "1: 5")
    kill_and_wait(agent_pid(first.spool))
    second = make_client()
    assert news(second).state == "FAILED"
    code, out, err = second.finish(name)
    lines = out.splitlines()
    assert (code.exit_code, lines[-1]) == (0, "rc 3")
    assert sorted(lines[:-1], key=_by_task) == ALL_TICKS
    one_by_one = "".join(f"srun: error: node1: task {task}: Exited with exit code 3\n" for task in (0, 1))
    assert err in ("srun: error: node1: tasks 0-1: Exited with exit code 3\n", one_by_one)


def test_a_step_that_ended_before_its_agent_did_is_not_forgotten(make_client: Callable[..., Client]) -> None:
    """What it has written lies there until its srun, which had not read it yet, has come back."""
    first = make_client()
    step = "srun sh -c 'echo begun; until [ -e go ]; do sleep .02; done; seq 50000; exit 3'"
    name = submit(first, f"{step} & echo $! > pid; wait $!; echo rc $?", work_dir=str(first.spool))
    first.wait_for_text(name, "begun")
    srun = int((first.spool / "pid").read_text())
    os.kill(srun, signal.SIGSTOP)
    (first.spool / "go").touch()
    assert news(first).state == "FAILED"
    kill_and_wait(agent_pid(first.spool))
    second = make_client()
    os.kill(srun, signal.SIGCONT)
    _, out, err = second.finish(name)
    assert out.splitlines() == ["begun", *map(str, range(1, 50_001)), "rc 3"]
    assert err == "srun: got SIGCONT\nsrun: error: node1: task 0: Exited with exit code 3\n"
    wait_until(lambda: not left_in(second.spool / "attempts"), "the spool to be empty")


def test_the_loss_of_the_stepd_costs_a_step_nothing(client: Client) -> None:
    name = submit(client, TICKS)
    client.wait_for_text(name, "1: 5")
    kill_and_wait(started(client.spool, f"{name}-0")["stepd"])
    assert news(client).state == "FAILED"
    _, out, _ = client.finish(name)
    assert sorted(out.splitlines()[:-1], key=_by_task) == ALL_TICKS
    assert out.endswith("rc 3\n")


def _by_task(line: str) -> tuple[int, int]:
    task, tick = line.split(": ")
    return int(task), int(tick)
