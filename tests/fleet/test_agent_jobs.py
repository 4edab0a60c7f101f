"""Agent and stepd with real processes: start, output, limits, ends."""

from __future__ import annotations

import os
import re
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mini_slurm.agent import processes
from mini_slurm.protocol.messages import (
    EndAttempt,
    Ended,
    Forget,
    LimitAttempt,
    Ping,
    Pong,
    Refused,
    Retire,
    SignalAttempt,
    Started,
    SuspendAttempt,
    Unknown,
)
from tests.fleet.agent_client import Client, agent_pid, attempt_of, left_in, started, wanted
from tests.waiting import wait_until

CANCELLED = r"slurmstepd-node1: error: \*\*\* JOB {} ON node1 CANCELLED AT \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d{} \*\*\*\n"
LOOPS = '(trap "" TERM HUP; echo $BASHPID >> {0}; while :; do sleep 1; done) &'
DAEMON = f"setsid bash -c '{LOOPS}' < /dev/null > /dev/null"
DOUBLE = "({0}) & disown"

Connect = Callable[..., Client]


def pids(path: Path, count: int) -> list[int]:
    """The processes that a script has written down."""
    wait_until(lambda: path.exists() and len(path.read_text().split()) >= count, f"{count} pids in {path}")
    return [int(word) for word in path.read_text().split()]


def gone(numbers: list[int]) -> bool:
    return not any(found and found.state not in "ZX" for found in map(processes.look, numbers))


def test_a_script_gives_its_output_and_exit_code(client: Client) -> None:
    ended, out, err = client.run("echo $1 $2; echo problem >&2; exit 7", arguments=["a b", "ü"])
    assert (ended.exit_code, ended.exit_signal, ended.cause) == (7, 0, "")
    assert (out, err) == ("a b ü\n", "problem\n")
    assert 0 <= ended.elapsed < 30 and 0 <= ended.age < 30


def test_no_signal_is_ignored_or_blocked_in_a_script(client: Client) -> None:
    _, out, _ = client.run("grep -E 'Sig(Ign|Blk)' /proc/self/status")
    assert out.split() == ["SigBlk:", "0" * 16, "SigIgn:", "0" * 16]


def test_a_signal_death_is_told_from_an_exit_code(client: Client) -> None:
    ended, _, _ = client.run("kill -SEGV $$")
    assert (ended.exit_code, ended.exit_signal) == (0, signal.SIGSEGV)


def test_the_script_is_known_by_the_name_that_slurm_gives_it(client: Client) -> None:
    _, out, _ = client.run("echo $0; ps -o comm= -p $$; ps -o args= -p $PPID")
    assert re.fullmatch(r"/\S+/slurm_script\nslurm_script\nmini_slurm stepd \[1\]\n", out)


def test_the_environment_is_the_submitters_on_this_machine(client: Client) -> None:
    given = {"PATH": "/usr/bin:/bin", "HOME": "/login/home", "USER": "login", "A": "x\ny", "SHELL": "/mine"}
    _, out, _ = client.run(
        "echo $HOME $USER $SHELL $TMPDIR $HOSTNAME; echo \"$A\"; test $SLURM_TASK_PID = $$ && echo task; umask",
        environment=given, fixed=["SHELL"], umask=0o027,
    )  # fmt: skip
    home = os.path.expanduser("~")
    assert out == f"{home} {Path(home).owner()} /mine /tmp node1\nx\ny\ntask\n0027\n"


def test_it_runs_in_the_folder_that_was_asked_for(client: Client, tmp_path: Path) -> None:
    assert client.run("pwd", work_dir=str(tmp_path))[1] == f"{tmp_path}\n"


@pytest.mark.parametrize("streams", ["ordered", "split"])
def test_a_missing_folder_falls_back_to_tmp_with_slurms_words(client: Client, streams: str) -> None:
    ended, out, err = client.run("pwd", work_dir="/no/such", streams=streams)
    line = "slurmstepd-node1: error: couldn't chdir to `/no/such': No such file or directory: going to /tmp instead\n"
    assert (ended.exit_code, out, err) == (0, "/tmp\n", line * 2)


def test_a_missing_interpreter_is_named_as_slurm_does(client: Client) -> None:
    ended, out, err = client.run("", data=b"#!/no/such/interp -x\ntrue\n")
    assert (ended.exit_code, out) == (2, "")
    assert err == "slurmstepd-node1: error: execve(): bad interpreter(/no/such/interp): No such file or directory\n"


def test_standard_input_is_a_file_of_the_machine(client: Client, tmp_path: Path) -> None:
    (tmp_path / "input").write_text("from a file\n")
    assert client.run("cat", std_in=str(tmp_path / "input"))[1] == "from a file\n"


def test_a_missing_input_file_is_a_launch_failure(client: Client) -> None:
    ended, out, _ = client.run("echo ran", std_in="/no/such/input")
    assert (ended.exit_code, ended.exit_signal, out) == (0, 53, "")


def test_soft_limits_are_the_submitters_as_far_as_allowed(client: Client) -> None:
    limits = {"NOFILE": (123, -1), "CORE": (0, 0), "NONSENSE": (1, 1), "STACK": (-1, -1)}
    _, out, err = client.run("ulimit -Sn; ulimit -Sc", limits=limits)
    assert (out, err) == ("123\n0\n", "")


def test_without_limits_a_job_has_the_logins_open_files(client: Client) -> None:
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert client.run("ulimit -Sn")[1] == f"{soft if soft != resource.RLIM_INFINITY else 'unlimited'}\n"


def test_a_job_is_bound_to_its_cpus_and_the_next_one_to_others(client: Client) -> None:
    own = sorted(os.sched_getaffinity(0))
    client.send(wanted(attempt_of(1), "sleep 1000"))
    assert client.wait(Started, attempt_of(1)).cpu_ids == own[:1]
    if len(own) > 1:
        _, out, _ = client.run("taskset -cp $$", number=2)
        assert out.split()[-1] == str(own[1])
    client.send(EndAttempt(attempt_of(1), 0))
    client.finish(attempt_of(1))


def test_a_stepd_binds_each_of_its_jobs_anew(client: Client) -> None:
    own = sorted(os.sched_getaffinity(0))
    for number, cpus in enumerate((min(2, len(own)), 1, min(2, len(own))), start=1):
        _, out, _ = client.run("python3 -c 'import os; print(*sorted(os.sched_getaffinity(0)))'", number, cpus=cpus)
        assert out.split() == [str(cpu) for cpu in own[:cpus]]


def test_usage_counts_all_processes_of_the_job(client: Client) -> None:
    burn = "import time; t = time.process_time()\nwhile time.process_time() < t + .3: pass"
    work = f"python3 -c 'x = bytearray(200 << 20); {burn}'"
    ended, _, err = client.run(f"({work}) & wait")
    assert err == ""
    assert ended.user_seconds + ended.system_seconds > 0.25
    assert ended.max_rss > 200 * 1024


def test_what_a_script_leaves_behind_is_killed(client: Client, tmp_path: Path) -> None:
    marks = tmp_path / "pids"
    marks.touch()  # so that there is something to count from the first look on
    daemon = DAEMON.format(marks)
    ended, _, _ = client.run(
        f"{daemon}; {DOUBLE.format(daemon)}; while [ $(wc -w < {marks}) -lt 2 ]; do sleep .01; done; echo bye"
    )
    assert ended.exit_code == 0
    assert gone(pids(marks, 2))


def test_a_cancelled_job_is_asked_first_and_killed_then(client: Client, tmp_path: Path) -> None:
    marks = tmp_path / "pids"
    client.send(
        wanted(
            attempt_of(1), f"{DAEMON.format(marks)}; trap 'echo got TERM' TERM; echo up; while :; do sleep .05; done"
        )
    )
    client.wait_for_text(attempt_of(1), "up")
    pids(marks, 1)
    client.send(EndAttempt(attempt_of(1), 1))
    ended, out, err = client.finish(attempt_of(1))
    assert (ended.cause, ended.exit_signal) == ("CANCELLED", signal.SIGKILL)
    assert out == "up\ngot TERM\n"
    assert re.match(CANCELLED.format(1, ""), err)
    assert gone(pids(marks, 1))


def test_a_job_that_obeys_is_over_before_kill_wait(client: Client) -> None:
    client.send(wanted(attempt_of(1), "echo up; sleep 1000"))
    client.wait_for_text(attempt_of(1), "up")
    began = time.monotonic()
    client.send(EndAttempt(attempt_of(1), 600))
    ended, _, _ = client.finish(attempt_of(1))
    assert (ended.cause, ended.exit_signal) == ("CANCELLED", signal.SIGTERM)
    assert time.monotonic() - began < 300


def test_the_time_limit_ends_the_whole_process_tree(client: Client, tmp_path: Path) -> None:
    marks = tmp_path / "pids"
    daemon = DAEMON.format(marks)
    client.send(
        wanted(attempt_of(1), f"{daemon}; {DOUBLE.format(daemon)}; sleep 1000", time_limit=1, kill_wait=1, title="1_7")
    )
    ended, _, err = client.finish(attempt_of(1))
    assert (ended.cause, ended.exit_signal) == ("TIMEOUT", signal.SIGTERM)
    assert ended.elapsed >= 1
    assert re.match(CANCELLED.format("1_7", " DUE TO TIME LIMIT"), err)
    assert gone(pids(marks, 2))


def test_signals_reach_the_batch_script_alone_or_everyone(client: Client) -> None:
    child = "trap 'echo child; exit' USR1; echo up; while :; do sleep .05; done"
    script = f"trap 'echo shell' USR1; bash -c \"{child}\" & wait; wait; wait"
    client.send(wanted(attempt_of(1), script))
    client.wait_for_text(attempt_of(1), "up")
    client.send(SignalAttempt(attempt_of(1), signal.SIGUSR1, False))
    client.wait_for_text(attempt_of(1), "shell")
    assert "child" not in client.text(attempt_of(1), "out")
    client.send(SignalAttempt(attempt_of(1), signal.SIGUSR1, True))
    ended, out, _ = client.finish(attempt_of(1))
    assert ended.cause == ""
    assert out.splitlines().count("child") == 1


def test_a_stopped_job_can_be_cancelled(client: Client) -> None:
    client.send(wanted(attempt_of(1), "trap 'echo end; exit 0' TERM; echo up; while :; do sleep .05; done"))
    client.wait_for_text(attempt_of(1), "up")
    client.send(SignalAttempt(attempt_of(1), signal.SIGSTOP, True))
    script = started(client.spool, attempt_of(1))["script"]
    wait_until(lambda: (found := processes.look(script)) and found.state == "T", "a stopped script")
    client.send(EndAttempt(attempt_of(1), 60))
    assert client.finish(attempt_of(1))[1] == "up\nend\n"


def test_the_same_attempt_never_starts_twice(client: Client, tmp_path: Path) -> None:
    start = wanted(attempt_of(1), f"echo x >> {tmp_path}/runs")
    client.send(start, start)
    client.wait(Ended, attempt_of(1))
    client.send(start)
    client.wait(Ended, attempt_of(1))
    assert (tmp_path / "runs").read_text() == "x\n"


def test_a_forgotten_attempt_leaves_nothing(client: Client) -> None:
    client.run("echo a")
    client.send(SignalAttempt(attempt_of(1), 15, True))
    client.wait(Unknown, attempt_of(1))
    wait_until(lambda: not left_in(client.spool / "attempts"), "an empty spool")
    assert left_in(client.spool.parent / "claims") == []


def test_a_running_attempt_is_not_forgotten(client: Client) -> None:
    client.send(wanted(attempt_of(1), "echo up; sleep 1000"))
    client.wait_for_text(attempt_of(1), "up")
    client.send(Forget(attempt_of(1)), EndAttempt(attempt_of(1), 0))
    assert client.finish(attempt_of(1))[0].cause == "CANCELLED"


def test_a_ping_is_answered(client: Client) -> None:
    client.send(Ping(42))
    pong = client.wait(Pong)
    assert pong.number == 42
    assert 0 < pong.free_memory <= client.welcome.memory
    assert pong.load >= 0


def test_an_agent_says_what_its_machine_is(client: Client) -> None:
    welcome = client.welcome
    assert welcome.architecture == os.uname().machine
    assert welcome.system.startswith(os.uname().sysname + " ")
    assert welcome.boot_age > welcome.agent_age >= 0


def test_gpus_that_are_not_there_are_refused_for_good(client: Client) -> None:
    client.send(wanted(attempt_of(1), gpus={"a100": 1}))
    refused = client.wait(Refused, attempt_of(1))
    assert not refused.busy and "a100" in refused.why
    wait_until(lambda: not left_in(client.spool / "attempts"), "an empty spool")


def test_gpus_are_handed_out_by_uuid(make_client: Connect, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "nvidia-smi"
    program.write_text(
        '#!/bin/sh\nfor i in 0 1; do case $1 in\n-L) echo "GPU $i: NVIDIA A100 (UUID: GPU-$i)";;\n'
        '*) echo "$i, GPU-$i, NVIDIA A100-SXM4-80GB, 81920";; esac; done\n'
    )
    program.chmod(0o755)
    client = make_client(environment={"PATH": f"{folder}:{os.environ['PATH']}"})
    assert [gpu["type"] for gpu in client.welcome.gpus] == ["a100", "a100"]
    client.send(wanted(attempt_of(1), "sleep 1000", gpus={"a100": 1}))
    assert client.wait(Started, attempt_of(1)).gpu_ids == ["GPU-0"]
    assert client.run("echo $CUDA_VISIBLE_DEVICES", number=2, gpus={"": 1})[1] == "GPU-1\n"
    assert client.run("echo [$CUDA_VISIBLE_DEVICES]", number=3)[1] == "[]\n"
    client.send(wanted(attempt_of(4), gpus={"": 2}))
    assert client.wait(Refused, attempt_of(4)).busy
    client.send(EndAttempt(attempt_of(1), 0))
    client.finish(attempt_of(1))


def test_a_hanging_gpu_program_does_not_break_the_welcome(make_client: Connect, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "nvidia-smi").write_text("#!/bin/sh\necho 'Failed to initialize NVML' ; exit 9\n")
    (folder / "nvidia-smi").chmod(0o755)
    client = make_client(environment={"PATH": f"{folder}:{os.environ['PATH']}"})
    assert client.welcome.gpus == []
    assert "Failed to initialize NVML" in (client.spool / "agent.log").read_text()


def test_a_retired_agent_ends_at_once(client: Client) -> None:
    client.run("true")
    assert agent_pid(client.spool)
    client.send(Retire())
    wait_until(lambda: not agent_pid(client.spool), "the agent's end")


def test_an_agent_with_nothing_to_do_ends(make_client: Connect) -> None:
    client = make_client(environment={"MINI_SLURM_AGENT_IDLE": "0.2"})
    assert agent_pid(client.spool)
    client.close()
    wait_until(lambda: not agent_pid(client.spool), "the agent's end")


# --- time: limits that are changed, suspension, warnings


def begin(client: Client, script: str, **changes: object) -> str:
    """Start an attempt; its name."""
    client.send(wanted(attempt_of(1), script, **changes))
    client.wait(Started, attempt_of(1))
    return attempt_of(1)


def test_a_time_limit_is_changed_while_the_script_runs(client: Client) -> None:
    name = begin(client, "sleep 60")
    client.send(LimitAttempt(name, 1))
    assert client.finish(name)[0].cause == "TIMEOUT"


def test_a_suspended_script_stands_still_with_its_children_and_so_does_its_clock(
    client: Client, tmp_path: Path
) -> None:
    ticker = f"(while :; do echo $BASHPID >> {tmp_path}/ticks; sleep 0.05; done) &"
    name = begin(client, f"echo $$ > {tmp_path}/script; {ticker} wait", time_limit=30)
    script, child = pids(tmp_path / "script", 1)[0], pids(tmp_path / "ticks", 1)[0]
    client.send(SuspendAttempt(name, resume=False), LimitAttempt(name, 2))
    wait_until(lambda: {state_of(script), state_of(child)} == {"T"}, "both processes to be stopped")
    before = (tmp_path / "ticks").read_text()
    assert not client.receive(2.5)  # longer than the limit
    assert (tmp_path / "ticks").read_text() == before
    client.send(SuspendAttempt(name, resume=True))
    ended, _, _ = client.finish(name)
    assert (ended.cause, ended.elapsed > 4) == ("TIMEOUT", True)
    assert len((tmp_path / "ticks").read_text()) > len(before)


def state_of(pid: int) -> str:
    found = processes.look(pid)
    return found.state if found else ""


def test_what_is_not_suspended_hears_nothing_of_being_resumed(client: Client) -> None:
    waits = "until [ $over ]; do sleep 0.05; done; sleep 0.1"
    name = begin(client, f"trap 'echo continued' CONT; trap over=1 USR1; echo ready; {waits}; echo over")
    client.wait_for_text(name, "ready")
    client.send(SuspendAttempt(name, resume=True))
    client.send(SignalAttempt(name, signal.SIGUSR1, False))
    assert client.finish(name)[1] == "ready\nover\n"


def test_a_suspended_script_can_be_ended_and_is_not_asked_to_end(client: Client) -> None:
    name = begin(client, "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done")
    client.wait_for_text(name, "ready")
    client.send(SuspendAttempt(name, resume=False), EndAttempt(name, 30))
    ended = client.finish(name)[0]
    assert (ended.exit_code, ended.exit_signal) == (0, signal.SIGKILL)


def test_a_script_is_warned_once_before_its_time_is_up(client: Client) -> None:
    loop = "while :; do sleep 0.05; done"
    ended, out, _ = client.run(f"trap 'echo warned' USR1; {loop}", time_limit=3, warning=[signal.SIGUSR1, 1, 1])
    assert (out, ended.cause) == ("warned\n", "TIMEOUT")


def test_a_requeue_is_said_in_the_output(client: Client) -> None:
    name = begin(client, "sleep 60", streams="merged")
    client.send(EndAttempt(name, 30, "JOB REQUEUE"))
    assert re.fullmatch(CANCELLED.format("1", " DUE TO JOB REQUEUE"), client.finish(name)[1])
