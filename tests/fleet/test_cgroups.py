"""Memory limited by the kernel where cgroups can be made, and watched where not. Real processes that take too much."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mini_slurm.agent import processes
from mini_slurm.protocol.messages import EndAttempt, Ended, Started
from tests.fleet import cgroups, jobs
from tests.fleet.agent_client import (
    OTHER,
    Client,
    agent_pid,
    attempt_of,
    end_everything,
    kill_and_wait,
    started,
    wanted,
)
from tests.fleet.machines import Machines
from tests.fleet.test_steps import submit
from tests.waiting import wait_until

Connect = Callable[..., Client]
SAID = "Detected 1 oom-kill event(s) in StepId={}. Some of your processes may have been killed by the cgroup"
HOLD = """
import os, sys, time
held = bytearray(int(sys.argv[1]) << 20)
open(sys.argv[2], "w").close()
while not os.path.exists(sys.argv[3]):
    time.sleep(0.02)
"""
SHARED = """
import mmap, os
held = mmap.mmap(-1, 60 << 20)
held.write(bytes(60 << 20))
child = os.fork()
sum(held[place] for place in range(0, 60 << 20, 4096))
if child:
    os.waitpid(child, 0)
    print("well")
"""


def grab(mib: int) -> str:
    """A command that takes so much memory at once, and then says so."""
    return f"{sys.executable} -c 'x = bytearray({mib} << 20); print(\"got {mib}\")'"


def waiting(tmp_path: Path, then: str) -> str:
    """A script that waits for a file `go`."""
    return f"echo begun; until [ -e {tmp_path}/go ]; do sleep 0.02; done; {then}"


@pytest.fixture
def connect(enclosure: Path, make_client: Connect) -> Connect:
    """Connect to an agent that has a cgroup to divide."""

    def make() -> Client:
        client = make_client(environment=cgroups.ON)
        assert client.welcome.memory_limit in ("cgroup v1", "cgroup v2"), (client.spool / "agent.log").read_text()
        return client

    return make


@pytest.fixture
def client(connect: Connect) -> Client:
    """A connection to such an agent."""
    return connect()


@pytest.fixture
def none_left(enclosure: Path) -> Iterator[None]:
    """The test leaves no cgroup of a job."""
    yield
    wait_until(lambda: not cgroups.of_jobs(enclosure), "the cgroups to be removed")


def begin(client: Client, script: str, memory: int) -> str:
    """Start a job, and wait until it says `begun`."""
    name = submit(client, script, memory=memory, **allocation(memory))
    client.wait(Started, name)
    client.wait_for_text(name, "begun")
    return name


def allocation(memory: int) -> dict[str, Any]:
    """What a job knows of what it has, for its srun."""
    return {"allocation": {"node1": [2, memory, "", 2]}}


def test_what_takes_too_much_at_once_is_killed_by_the_kernel(client: Client, none_left: None) -> None:
    ended, text, errors = client.run(f"{grab(300)}; echo rc $?", memory=100)
    assert (ended.cause, ended.exit_code, ended.exit_signal) == ("OUT_OF_MEMORY", 0, 125)
    assert text == "rc 137\n"
    assert SAID.format("1.batch") in errors
    assert 90 << 10 < ended.max_rss < 150 << 10, "it was let have more than it asked for"


def test_who_keeps_to_what_he_asked_for_runs(client: Client, none_left: None) -> None:
    ended, text, errors = client.run(grab(60), memory=100)
    assert (ended.cause, ended.exit_code, ended.exit_signal, text, errors) == ("", 0, 0, "got 60\n", "")
    assert 60 << 10 < ended.max_rss < 100 << 10


def test_what_processes_share_counts_once(client: Client) -> None:
    ended, text, _ = client.run(f"{sys.executable} -c '{SHARED}'", memory=100)
    assert (ended.cause, text) == ("", "well\n")


def test_what_is_read_of_files_is_no_use_of_memory(client: Client, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(200 << 20))
    ended, _, _ = client.run(f"cat {tmp_path}/large > /dev/null", memory=100)
    assert (ended.cause, ended.exit_code) == ("", 0)
    assert ended.max_rss < 50 << 10


def test_a_job_without_a_limit_has_no_cgroup(client: Client, enclosure: Path) -> None:
    for number, memory in ((1, 0), (2, 50)):
        client.send(wanted(attempt_of(number), "sleep 1000", memory=memory))
        client.wait(Started, attempt_of(number))
    assert cgroups.of_jobs(enclosure) == [attempt_of(2)]
    for number in (1, 2):
        client.send(EndAttempt(attempt_of(number), 0, ""))
        client.wait(Ended, attempt_of(number))


def test_less_than_a_shell_needs_is_not_enforced(client: Client) -> None:
    ended, text, _ = client.run("echo well | cat", memory=1)
    assert (ended.cause, text) == ("", "well\n")


def test_a_step_that_takes_too_much_is_no_end_of_its_job(client: Client, none_left: None) -> None:
    name = submit(client, f"srun {grab(300)}; echo rc $?", memory=100, **allocation(100))
    ended, text, errors = client.finish(name)
    assert (ended.cause, ended.exit_code, ended.exit_signal) == ("", 0, 0)
    assert text == "rc 1\n"
    assert "srun: error: node1: task 0: Out Of Memory\n" in errors
    assert SAID.format("1.0") in errors


def test_a_step_with_memory_of_its_own_gets_that(client: Client, none_left: None) -> None:
    script = f"srun --mem=50 {grab(100)}; echo rc $?; srun {grab(100)}"
    ended, text, errors = client.finish(submit(client, script, memory=200, **allocation(200)))
    assert (ended.cause, text) == ("", "rc 1\ngot 100\n")
    assert SAID.format("1.0") in errors


def test_script_and_steps_together_get_what_the_job_asked_for(client: Client, tmp_path: Path, none_left: None) -> None:
    """Each for itself would fit. The kernel takes the larger process, and before that has gone maybe the other."""
    (tmp_path / "hold").write_text(HOLD)
    held, go = tmp_path / "held", tmp_path / "go"
    script = f"{sys.executable} {tmp_path}/hold 80 {held} {go} & holder=$!; until [ -e {held} ]; do sleep 0.02; done"
    script = f"{script}; srun --mem=0 {grab(60)}; touch {go}; wait $holder; echo rc $?"
    _, text, errors = client.finish(submit(client, script, memory=120, **allocation(120)))
    assert text != "got 60\nrc 0\n"
    assert "oom-kill event(s) in StepId=1." in errors


def test_who_takes_over_knows_of_the_kernels_kills(connect: Connect, tmp_path: Path, none_left: None) -> None:
    client = connect()
    name = begin(client, waiting(tmp_path, f"{grab(300)}; true"), memory=100)
    kill_and_wait(started(client.spool, name)["stepd"])
    (tmp_path / "go").touch()
    ended, text, errors = client.finish(name)
    assert (ended.cause, ended.exit_signal, text) == ("OUT_OF_MEMORY", 125, "begun\n")
    assert SAID.format("1.batch") in errors


def test_with_agent_and_stepd_lost_the_limit_stays(connect: Connect, tmp_path: Path, none_left: None) -> None:
    first = connect()
    name = begin(first, waiting(tmp_path, f"{grab(300)}; true"), memory=100)
    kill_and_wait(agent_pid(first.spool))
    kill_and_wait(started(first.spool, name)["stepd"])
    second = connect()
    (tmp_path / "go").touch()
    ended, text, _ = second.finish(name)
    assert (ended.cause, text) == ("OUT_OF_MEMORY", "begun\n")


def test_a_step_that_the_next_agent_starts_is_in_its_jobs_cgroup(
    connect: Connect, tmp_path: Path, none_left: None
) -> None:
    first = connect()
    name = begin(first, waiting(tmp_path, f"srun {grab(300)}; echo rc $?"), memory=100)
    kill_and_wait(agent_pid(first.spool))
    second = connect()
    (tmp_path / "go").touch()
    ended, text, errors = second.finish(name)
    assert (ended.cause, text) == ("", "begun\nrc 1\n")
    assert SAID.format("1.0") in errors


def test_who_takes_over_a_step_knows_of_the_kernels_kills(connect: Connect, tmp_path: Path, none_left: None) -> None:
    client = connect()
    (tmp_path / "task").write_text(waiting(tmp_path, f"{grab(300)}; exit 3"))
    name = begin(client, f"srun bash {tmp_path}/task; echo rc $?", memory=100)
    kill_and_wait(started(client.spool, f"{name}-0")["stepd"])
    (tmp_path / "go").touch()
    ended, _, errors = client.finish(name)
    assert ended.cause == ""
    assert SAID.format("1.0") in errors


def test_who_takes_over_finds_what_has_hidden(connect: Connect, tmp_path: Path, none_left: None) -> None:
    """A process without the job's environment, session and parents is still in its cgroup."""
    client = connect()
    hidden = f"(env -i setsid {shutil.which('sh')} -c 'echo $$ > {tmp_path}/pid; exec sleep 1000' &)"
    until = f"until [ -s {tmp_path}/pid ]; do sleep 0.02; done"
    name = begin(client, f"{hidden}; {until}; {waiting(tmp_path, 'exit 5')}", memory=100)
    kill_and_wait(started(client.spool, name)["stepd"])
    pid = int((tmp_path / "pid").read_text())
    assert processes.look(pid)
    (tmp_path / "go").touch()
    ended, _, _ = client.finish(name)
    assert ended.exit_code == 5
    assert not (found := processes.look(pid)) or found.state in "ZX"


def test_what_a_crash_has_left_the_next_agent_removes(
    connect: Connect,
    tmp_path: Path,
    enclosure: Path,
    none_left: None,
) -> None:
    first = connect()
    name = begin(first, waiting(tmp_path, "true"), memory=100)
    found = started(first.spool, name)
    for pid in (agent_pid(first.spool), found["stepd"], found["script"]):
        kill_and_wait(pid)
    shutil.rmtree(first.spool / "attempts" / name)
    assert cgroups.of_jobs(enclosure) == [name]
    connect()


def test_where_no_cgroup_is_wanted_memory_is_watched(make_client: Connect, enclosure: Path) -> None:
    client = make_client(environment={"MINI_SLURM_CGROUPS": "off"})
    assert client.welcome.memory_limit == "watched"
    client.send(wanted(attempt_of(1), "sleep 1000", memory=50))
    client.wait(Started, attempt_of(1))
    assert cgroups.of_jobs(enclosure) == []
    client.send(EndAttempt(attempt_of(1), 0, ""))
    client.wait(Ended, attempt_of(1))


def test_an_agent_that_a_job_has_started_makes_none(client: Client, make_client: Connect, tmp_path: Path) -> None:
    name = begin(client, waiting(tmp_path, "true"), memory=200)
    own, other = cgroups.of_process(), tmp_path / "other"
    cgroups.enter(cgroups.of_process(started(client.spool, name)["script"]))
    try:
        nested = make_client(OTHER, environment={**cgroups.ON, "MINI_SLURM_SPOOL": str(other)})
        assert nested.welcome.memory_limit == "watched"
    finally:
        cgroups.enter(own)
        end_everything(other)
    (tmp_path / "go").touch()
    assert client.finish(name)[0].cause == ""


def test_a_fleet_may_let_jobs_take_more(enclosure: Path, machines: Callable[..., Machines]) -> None:
    fleet = machines(node1={"cpus": 2, "memory": "2000M", "environment": cgroups.ON})
    fleet.write_fleet(constrain_memory=False)
    number = jobs.wrap(fleet, f"{grab(300)}; srun {grab(301)}", "--mem=100M", "-o", "out")
    [job] = jobs.wait_over(fleet, number)
    assert (job.state.name, (fleet.work / "out").read_text()) == ("COMPLETED", "got 300\ngot 301\n")


def test_jobs_of_a_fleet_are_kept_to_their_memory(
    enclosure: Path,
    machines: Callable[..., Machines],
) -> None:
    settings = {"cpus": 2, "memory": "2000M", "environment": cgroups.ON}
    fleet = machines(node1=settings, node2=settings)
    first = jobs.wrap(fleet, f"{grab(300)}; echo rc $?", "--mem=100M", "-o", "first")
    step = f"srun -N1 -n1 -w node2 {grab(300)}; echo rc $?"
    second = jobs.wrap(fleet, step, "-N2", "-n2", "--mem=100M", "-o", "second")
    jobs.wait_over(fleet, first, second)
    job = jobs.job(fleet, first)
    assert (job.state.name, job.reason, job.exit_code, job.exit_signal) == ("OUT_OF_MEMORY", "OutOfMemory", 0, 125)
    assert 90 << 10 < job.max_rss < 150 << 10
    *killed, said = (fleet.work / "first").read_text().splitlines()
    assert killed[-1] == "rc 137" and SAID.format(f"{first}.batch") in said
    text = (fleet.work / "second").read_text()
    assert "srun: error: node2: task 0: Out Of Memory\n" in text and "rc 1\n" in text
    assert SAID.format(f"{second}.0") in text
    third = fleet.run("msrun", "--mem=100M", "sh", "-c", grab(300))
    assert "srun: error: node1: task 0: Out Of Memory\n" in third.stderr.replace("msrun:", "srun:")
    assert (third.stdout, third.returncode) == ("", 1) and "oom-kill event(s) in StepId=3.0" in third.stderr
    told = [line.split() for line in fleet.run("msinfo", "--limits").stdout.splitlines()[1:]]
    assert [(words[0], words[1], words[2]) for words in told] == [(f"node{n}", "memory", "cgroup") for n in (1, 2)]
    wait_until(lambda: not cgroups.of_jobs(enclosure), "the cgroups to be removed", logs=fleet.logs)
