"""SIGKILL for agent and stepd at bad moments: nothing lost, nothing run twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from mini_slurm.agent import processes, spool
from mini_slurm.protocol.messages import EndAttempt, Ended, Started
from tests.fleet.agent_client import Client, agent_pid, attempt_of, kill_and_wait, left_in, started, wanted
from tests.waiting import wait_until

WAITS = "echo x >> {0}/runs; echo before; while [ ! -e {0}/go ]; do sleep .02; done; echo after; exit 5"

Connect = Callable[..., Client]


def stepd_of(folder: Path, attempt: str) -> int:
    number: int = started(folder, attempt)["stepd"]
    return number


def watcher_of(folder: Path, attempt: str) -> int:
    """The process that holds the attempt's lock now; 0 without one."""
    lock = os.stat(folder / "attempts" / attempt).st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        words = line.split()
        if words[1] == "FLOCK" and words[5].endswith(f":{lock}"):
            return int(words[4])
    return 0


def begin(client: Client, tmp_path: Path, **changes: object) -> None:
    client.send(wanted(attempt_of(1), WAITS.format(tmp_path), **changes))
    client.wait(Started, attempt_of(1))
    client.wait_for_text(attempt_of(1), "before")


def test_a_job_outlives_its_agent(make_client: Connect, tmp_path: Path) -> None:
    first = make_client()
    begin(first, tmp_path)
    kill_and_wait(agent_pid(first.spool))
    second = make_client()
    assert second.welcome.attempts == [attempt_of(1)]
    assert second.wait(Started, attempt_of(1)).cpu_ids == started(first.spool, attempt_of(1))["cpus"]
    second.send(wanted(attempt_of(1), "never"))
    (tmp_path / "go").touch()
    ended, out, err = second.finish(attempt_of(1))
    assert (ended.exit_code, ended.cause, out, err) == (5, "", "before\nafter\n", "")
    assert (tmp_path / "runs").read_text() == "x\n"


def test_a_job_that_ended_without_an_agent_is_reported_by_the_next(make_client: Connect, tmp_path: Path) -> None:
    first = make_client()
    begin(first, tmp_path)
    kill_and_wait(agent_pid(first.spool))
    (tmp_path / "go").touch()
    wait_until(lambda: (first.spool / "attempts" / attempt_of(1) / "ended.json").exists(), "ended.json")
    ended, out, _ = make_client().finish(attempt_of(1))
    assert (ended.exit_code, out) == (5, "before\nafter\n")


def test_a_lost_stepd_costs_nothing_but_itself(make_client: Connect, tmp_path: Path) -> None:
    client = make_client()
    begin(client, tmp_path)
    kill_and_wait(stepd_of(client.spool, attempt_of(1)))
    (tmp_path / "go").touch()
    ended, out, err = client.finish(attempt_of(1))
    assert (ended.exit_code, ended.exit_signal, ended.cause, out, err) == (5, 0, "", "before\nafter\n", "")
    assert (tmp_path / "runs").read_text() == "x\n"


def test_a_script_that_ends_while_its_stepd_dies_keeps_its_exit_code(make_client: Connect, tmp_path: Path) -> None:
    client = make_client()
    begin(client, tmp_path)
    stepd, script = stepd_of(client.spool, attempt_of(1)), started(client.spool, attempt_of(1))["script"]
    os.kill(stepd, signal.SIGSTOP)
    (tmp_path / "go").touch()
    wait_until(lambda: (found := processes.look(script)) and found.state == "Z", "a script that waits to be reaped")
    kill_and_wait(stepd)
    ended, out, _ = client.finish(attempt_of(1))
    assert (ended.exit_code, ended.cause, out) == (5, "", "before\nafter\n")


def test_who_takes_over_watches_the_time_limit(make_client: Connect, tmp_path: Path) -> None:
    client = make_client()
    begin(client, tmp_path, time_limit=3, kill_wait=1)
    kill_and_wait(stepd_of(client.spool, attempt_of(1)))
    ended, _, err = client.finish(attempt_of(1))
    assert (ended.cause, ended.exit_signal) == ("TIMEOUT", signal.SIGTERM)
    assert "DUE TO TIME LIMIT" in err


def test_who_takes_over_ends_daemons_too(make_client: Connect, tmp_path: Path) -> None:
    client = make_client()
    daemon = f"setsid bash -c '(trap \"\" TERM; echo $BASHPID > {tmp_path}/pid; while :; do sleep 1; done) &'"
    client.send(wanted(attempt_of(1), f"{daemon}; {WAITS.format(tmp_path)}"))
    client.wait_for_text(attempt_of(1), "before")
    pid = int(wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "the daemon"))
    kill_and_wait(stepd_of(client.spool, attempt_of(1)))
    (tmp_path / "go").touch()
    ended, _, _ = client.finish(attempt_of(1))
    assert ended.exit_code == 5
    assert not (found := processes.look(pid)) or found.state in "ZX"


def test_a_cancel_reaches_who_takes_over(make_client: Connect, tmp_path: Path) -> None:
    client = make_client()
    begin(client, tmp_path)
    os.kill(stepd_of(client.spool, attempt_of(1)), signal.SIGKILL)
    client.send(EndAttempt(attempt_of(1), 1))
    ended, _, _ = client.finish(attempt_of(1))
    assert (ended.cause, ended.exit_signal) == ("CANCELLED", signal.SIGTERM)


def test_with_agent_and_stepd_lost_the_job_goes_on_and_its_end_is_seen(make_client: Connect, tmp_path: Path) -> None:
    first = make_client()
    begin(first, tmp_path)
    stepd = stepd_of(first.spool, attempt_of(1))
    kill_and_wait(agent_pid(first.spool))
    kill_and_wait(stepd)
    second = make_client()
    assert second.welcome.attempts == [attempt_of(1)]
    wait_until(lambda: watcher_of(first.spool, attempt_of(1)), "another stepd", logs=[first.spool])
    (tmp_path / "go").touch()
    ended, out, _ = second.finish(attempt_of(1))
    assert (ended.cause, out) == ("NODE_FAIL", "before\nafter\n")
    assert (tmp_path / "runs").read_text() == "x\n"
    assert left_in(first.spool.parent / "claims") == []


def test_a_reboot_is_a_node_fail(make_client: Connect, tmp_path: Path) -> None:
    first = make_client()
    begin(first, tmp_path)
    script, stepd = started(first.spool, attempt_of(1))["script"], stepd_of(first.spool, attempt_of(1))
    kill_and_wait(agent_pid(first.spool))
    kill_and_wait(stepd)
    kill_and_wait(script)
    path = first.spool / "attempts" / attempt_of(1) / "started.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "boot_id": "another"}))
    second = make_client()
    ended, out, _ = second.finish(attempt_of(1))
    assert (ended.cause, out) == ("NODE_FAIL", "before\n")


def test_an_attempt_that_was_not_begun_is_unknown(make_client: Connect) -> None:
    first = make_client()
    first.run("true")
    wait_until(lambda: not left_in(first.spool / "attempts"), "the first attempt to be forgotten")
    kill_and_wait(agent_pid(first.spool))
    folder = first.spool / "attempts" / attempt_of(5)
    folder.mkdir(mode=0o700)
    (folder / "slurm_script").write_text("#!/bin/sh\n")
    (first.spool / "attempts" / f"{spool.GONE}{attempt_of(6)}").mkdir()
    second = make_client()
    assert second.welcome.attempts == []
    assert second.run("echo new", number=5)[1] == "new\n"
    wait_until(lambda: not left_in(first.spool / "attempts"), "an empty spool")


def test_a_lost_idle_stepd_is_replaced(client: Client) -> None:
    client.run("true")
    for pid in processes.descendants([agent_pid(client.spool)]):
        kill_and_wait(pid)
    assert client.run("echo again", number=2)[1] == "again\n"


def test_what_a_lost_stepd_had_not_begun_another_begins(client: Client, tmp_path: Path) -> None:
    client.run("true")
    (idle,) = processes.descendants([agent_pid(client.spool)])
    os.kill(idle, signal.SIGSTOP)
    client.send(wanted(attempt_of(2), f"echo x >> {tmp_path}/runs"))
    wait_until(lambda: (client.spool / "attempts" / attempt_of(2) / "start.json").exists(), "start.json")
    kill_and_wait(idle)
    assert client.finish(attempt_of(2))[0].exit_code == 0
    assert (tmp_path / "runs").read_text() == "x\n"


def test_stepds_end_with_their_agent(client: Client) -> None:
    client.run("true")
    idle = processes.descendants([agent_pid(client.spool)])
    assert idle
    kill_and_wait(agent_pid(client.spool))
    wait_until(lambda: not any((found := processes.look(pid)) and found.state not in "ZX" for pid in idle), "their end")


def test_ended_is_said_on_every_connection_until_it_is_forgotten(make_client: Connect) -> None:
    make_client().send(wanted(attempt_of(1), "exit 4"))
    for _ in range(2):
        client = make_client()
        assert client.wait(Ended, attempt_of(1)).exit_code == 4


def test_an_agent_whose_log_has_no_room_goes_on() -> None:
    script = "from mini_slurm.agent.log import log; log('lost'); print('goes on')"
    with open("/dev/full", "wb") as full:
        done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=full)
    assert (done.returncode, done.stdout) == (0, b"goes on\n")
