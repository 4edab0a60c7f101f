"""Output files that a machine sees too, as over NFS: jobs write to them themselves, and to no others of that name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mini_slurm.agent.targets import open_seen
from mini_slurm.controller.folders import Mark, open_files
from mini_slurm.model.job import Job
from mini_slurm.protocol.messages import EndAttempt, Ended, Started
from tests.fleet import jobs, processes
from tests.fleet.agent_client import Client, agent_pid, attempt_of, kill_and_wait, left_in, started, wanted
from tests.fleet.machines import Machines, Testbed
from tests.waiting import wait_until

Connect = Callable[..., Client]
WAITS = "echo before; while [ ! -e {0}/go ]; do sleep .02; done; echo after; echo error >&2"


def marks(folder: Path, **request: object) -> dict[str, Mark]:
    """What the controller tells a machine of a new job's output files."""
    files = open_files(str(folder), Job(job_id=1, attempt=1, work_dir=str(folder), name="test", **request), None)
    found = files.marks()
    files.close()
    return found


# --- which file it is


def test_the_controllers_mark_is_known_again(tmp_path: Path) -> None:
    opened = open_seen(marks(tmp_path, std_out="o", std_err="e"))
    assert {stream: os.readlink(f"/proc/self/fd/{fd}") for stream, fd in opened.items()} == {
        "out": f"{tmp_path}/o",
        "err": f"{tmp_path}/e",
    }
    for descriptor in opened.values():
        os.close(descriptor)


def test_streams_whose_order_has_to_be_known_have_none(tmp_path: Path) -> None:
    assert marks(tmp_path) == {}


def test_a_file_of_that_name_on_another_disk_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "o").write_text("old\n")
    mark = marks(tmp_path, std_out="o", open_mode="a")["out"]
    assert mark[:2] == (f"{tmp_path}/o", 4)
    (tmp_path / "copy").write_text("old\n")
    before = os.stat(tmp_path / "o").st_mtime_ns
    os.utime(tmp_path / "copy", ns=(before, before - 1))
    os.rename(tmp_path / "copy", tmp_path / "o")
    assert open_seen({"out": mark}) == {}


def test_a_file_that_has_grown_is_not_taken_for_it(tmp_path: Path) -> None:
    mark = marks(tmp_path, std_out="o")["out"]
    (tmp_path / "o").write_text("more\n")
    os.utime(tmp_path / "o", ns=(mark[2], mark[2]))
    assert open_seen({"out": mark}) == {}


def test_a_copy_that_keeps_the_time_of_change_has_not_the_mark(tmp_path: Path) -> None:
    (tmp_path / "o").write_text("old\n")
    copied = os.stat(tmp_path / "o").st_mtime_ns  # what rsync gives a copy on a machine
    assert marks(tmp_path, std_out="o", open_mode="a")["out"][2] != copied


def test_a_pipe_on_the_machine_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "o")
    assert open_seen({"out": (f"{tmp_path}/o", 0, 0)}) == {}


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_file_here_is_not_offered(tmp_path: Path, kind: str) -> None:
    os.mkfifo(tmp_path / "o")
    reader = os.open(tmp_path / "o", os.O_RDONLY | os.O_NONBLOCK)
    assert marks(tmp_path, std_out="o" if kind == "pipe" else "/dev/zero", std_err="e").keys() == {"err"}
    os.close(reader)


def test_dev_null_is_seen_everywhere(client: Client, tmp_path: Path) -> None:
    targets = marks(tmp_path, std_out="/dev/null")
    script = f"echo a; readlink /proc/$$/fd/1 > {tmp_path}/name"
    ended, out, _ = client.run(script, streams="merged", targets=targets)
    assert (ended.sizes, out, (tmp_path / "name").read_text()) == ({"out": 0}, "", "/dev/null\n")


# --- an attempt that writes there


def begin(client: Client, tmp_path: Path, **request: object) -> None:
    targets = marks(tmp_path, std_out="o", **request)
    streams = "split" if "std_err" in request else "merged"
    client.send(wanted(attempt_of(1), WAITS.format(tmp_path), streams=streams, targets=targets))
    client.wait(Started, attempt_of(1))
    wait_until(lambda: (tmp_path / "o").read_text() == "before\n", "the first line in the file")


def test_both_streams_go_straight_to_one_file(client: Client, tmp_path: Path) -> None:
    begin(client, tmp_path)
    (tmp_path / "go").touch()
    ended, out, err = client.finish(attempt_of(1))
    assert (ended.sizes, out, err) == ({"out": 0}, "", "")
    assert (tmp_path / "o").read_text() == "before\nafter\nerror\n"


def test_the_streams_go_straight_to_two_files(client: Client, tmp_path: Path) -> None:
    begin(client, tmp_path, std_err="e")
    (tmp_path / "go").touch()
    ended, out, err = client.finish(attempt_of(1))
    assert (ended.sizes, out, err) == ({"out": 0, "err": 0}, "", "")
    assert [(tmp_path / name).read_text() for name in "oe"] == ["before\nafter\n", "error\n"]


def test_one_stream_may_travel_alone(client: Client, tmp_path: Path) -> None:
    targets = {**marks(tmp_path, std_out="o"), "err": (f"{tmp_path}/elsewhere", 0, 0)}
    ended, out, err = client.run("echo a; echo b >&2", streams="split", targets=targets)
    assert (ended.sizes, out, err) == ({"out": 0, "err": 2}, "", "b\n")
    assert (tmp_path / "o").read_text() == "a\n"


def test_appended_output_stands_behind_what_was_there(client: Client, tmp_path: Path) -> None:
    (tmp_path / "o").write_text("old\n")
    client.run("echo new", streams="merged", targets=marks(tmp_path, std_out="o", open_mode="a"))
    assert (tmp_path / "o").read_text() == "old\nnew\n"


def test_a_lost_stepd_and_agent_cost_none_of_it(make_client: Connect, tmp_path: Path) -> None:
    first = make_client()
    begin(first, tmp_path)
    stepd = started(first.spool, attempt_of(1))["stepd"]
    kill_and_wait(agent_pid(first.spool))
    kill_and_wait(stepd)
    second = make_client()
    second.send(EndAttempt(attempt_of(1), 1))
    second.wait(Ended, attempt_of(1))
    first_line, message = (tmp_path / "o").read_text().splitlines()
    assert first_line == "before"
    assert message.startswith("slurmstepd-node1: error: *** JOB 1 ON node1 CANCELLED AT ")


def test_the_attempt_leaves_no_spool_behind(client: Client, tmp_path: Path) -> None:
    client.run("echo a", streams="merged", targets=marks(tmp_path, std_out="o"))
    wait_until(lambda: not left_in(client.spool / "attempts"), "the attempt to be forgotten")


# --- the whole way


def test_a_shared_file_grows_while_no_controller_is_there(fleet: Machines) -> None:
    number = jobs.wrap(fleet, WAITS.format(fleet.work), "-o", "o", "-e", "e")
    wait_until(lambda: jobs.text(fleet.work / "o") == "before\n", "the first line", logs=fleet.logs)
    jobs.wait_for(fleet, number, "RUNNING")
    processes.kill(fleet.controllers())
    (fleet.work / "go").touch()
    wait_until(lambda: jobs.text(fleet.work / "e") == "error\n", "the last line", logs=fleet.logs)
    assert not fleet.controllers()
    assert fleet.run("msqueue").returncode == 0  # starts the next one
    jobs.wait_over(fleet, number)
    assert jobs.job(fleet, number).state.name == "COMPLETED"
    assert [jobs.text(fleet.work / name) for name in "oe"] == ["before\nafter\n", "error\n"]


def test_a_requeued_job_begins_its_shared_file_anew(fleet: Machines) -> None:
    number = jobs.wrap(fleet, f"echo run ${{SLURM_RESTART_COUNT:-0}}; {WAITS.format(fleet.work)}", "-o", "o")
    wait_until(lambda: jobs.text(fleet.work / "o") == "run 0\nbefore\n", "the first line", logs=fleet.logs)
    jobs.wait_for(fleet, number, "RUNNING")
    assert fleet.run("mscontrol", "requeue", str(number)).returncode == 0
    jobs.wait_for(fleet, number, "PENDING")
    (fleet.work / "go").touch()
    assert fleet.run("mscontrol", "update", f"jobid={number}", "starttime=now").returncode == 0
    jobs.wait_over(fleet, number)
    assert jobs.text(fleet.work / "o") == "run 1\nbefore\nafter\nerror\n"


def test_a_file_of_the_same_name_on_the_machine_is_left_alone(testbed: Callable[..., Testbed], tmp_path: Path) -> None:
    fleet = testbed(node1={"cpus": 2, "memory": "1000M"})  # with a /tmp of its own, while the others' files are shared
    output = tmp_path / "o"
    there = jobs.wrap(fleet, f"mkdir -p {tmp_path}; echo mine > {output}", "-D", "/", "-o", "/dev/null")
    jobs.wait_over(fleet, there)
    far = jobs.wrap(fleet, f"cat {output}; readlink /proc/$$/fd/1", "-D", "/", "-o", str(output))
    near = jobs.wrap(fleet, "readlink /proc/$$/fd/1", "-D", "/", "-o", str(fleet.shared / "o"))
    jobs.wait_over(fleet, far, near)
    mine, fifo = output.read_text().splitlines()
    assert mine == "mine" and fifo.endswith("out.fifo")
    assert jobs.text(fleet.shared / "o") == f"{fleet.shared}/o\n"


def test_the_folder_of_the_output_may_be_made_when_the_jobs_number_is_known(fleet: Machines) -> None:
    jobs.wait_over(fleet, jobs.wrap(fleet, "true", "-o", "/dev/null"))  # the machines have answered
    number = jobs.wrap(fleet, "echo here", "-o", "%j/out", "-e", "%j/err")
    (fleet.work / str(number)).mkdir()
    [job] = jobs.wait_over(fleet, number)
    assert (job.state.name, (fleet.work / str(number) / "out").read_text()) == ("COMPLETED", "here\n")


def test_a_job_whose_output_still_has_no_folder_fails_and_one_that_is_cancelled_does_not_start(fleet: Machines) -> None:
    missing, cancelled = (jobs.wrap(fleet, "touch ran", "-o", "%j/out") for _ in range(2))
    fleet.run("mscancel", str(cancelled))
    ends = jobs.wait_over(fleet, missing, cancelled)
    assert [job.state.name for job in ends] == ["FAILED", "CANCELLED"]
    assert not (fleet.work / "ran").exists()
