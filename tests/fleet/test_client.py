"""The Python client, with a real controller and real machines."""

from __future__ import annotations

import multiprocessing
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import mini_slurm
from mini_slurm import BadUsage, Client, JobFailed, JobState, Refused, StateError, UnknownJob, WaitTimeout
from tests.fleet import processes
from tests.fleet.login import login_node
from tests.fleet.machines import Machines
from tests.waiting import wait_until

QUICK = {"output": "/dev/null"}


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Two machines of two CPUs; this process is a program on the login node."""
    tables: dict[str, dict[str, object]] = {
        "node1": {"cpus": 2, "memory": "2000M"},
        "node2": {"cpus": 2, "memory": "2000M", "features": ["fast"]},
    }
    with login_node(tmp_path_factory.mktemp("client"), **tables) as made:
        yield made


@pytest.fixture(scope="module")
def client(login: Machines) -> Iterator[Client]:
    with Client() as made:
        yield made
        login.end_controllers()


# --- one job


def test_a_job_from_a_template(client: Client, login: Machines) -> None:
    values = {"command": ["echo", "a  b", "$HOME"], "env": {"COLOUR": "red"}, "name": "t"}
    job = client.submit(template="job", set=values, time="5", output="template.out")
    assert job.wait(timeout=30).name == "t"
    assert job.output() == "a  b $HOME\n"
    for wrong in ({"set": {"a": 1}}, {"template": "chain"}, {"template": "job", "set": values, "wrap": "true"}):
        with pytest.raises(BadUsage) as caught:
            client.submit(**wrong)
        assert caught.value.hint
    with pytest.raises(mini_slurm.MiniSlurmError, match="command is missing"):
        client.submit(template="job")


def test_a_job_from_submission_to_its_output(client: Client, login: Machines) -> None:
    Path(login.work, "job.sh").write_text('#!/bin/sh\n#SBATCH --comment=hello\necho "$1" "$COLOUR" "$2"\necho oh >&2\n')
    before = datetime.now(UTC)
    job = client.submit(
        "job.sh", "a b", 7, time=timedelta(minutes=90), export={"COLOUR": '"red", it\'s\nnot'}, error="%j.err"
    )
    info = job.wait(20)
    assert info.state is job.state is JobState.COMPLETED
    assert (info.id, info.name, info.comment, info.exit_code, info.signal) == (job.id, "job.sh", "hello", 0, None)
    assert info.time_limit == timedelta(minutes=90)
    assert before - timedelta(seconds=1) < info.submit_time <= (info.start_time or before) <= (info.end_time or before)
    assert job.output() == 'a b "red", it\'s\nnot 7\n'
    assert job.output(error=True) == "oh\n"
    assert info.stdout == Path(login.work, f"slurm-{job.id}.out")
    assert info.stderr == Path(login.work, f"{job.id}.err")
    assert info.nodes[0] in ("node1", "node2")


def test_it_is_the_job_that_msbatch_would_have_made(client: Client, login: Machines) -> None:
    options = ["--job-name=same", "--nodes=1-2", "--mem=100M", "--array=1-5:2%2", "--hold", "--constraint=fast"]
    theirs = login.run("msbatch", "--parsable", *options, "--wrap=true")
    mine = client.submit(
        wrap="true", job_name="same", nodes="1-2", mem="100M", array="1-5:2%2", hold=True, constraint="fast"
    )
    assert [task.id for task in mine.tasks] == [f"{mine.id}_{task}" for task in (1, 3, 5)]
    records = [_record(login, number) for number in (theirs.stdout.strip(), mine.id)]
    client.cancel([theirs.stdout.strip(), mine])
    assert records[0] == records[1]


def _record(login: Machines, number: str) -> list[str]:
    """What mscontrol tells of a job, without its numbers and moments."""
    text = re.sub(rf"(JobId=|slurm-){number}(?!\d)", r"\1N", login.run("mscontrol", "show", "job", number).stdout)
    return [line for line in text.splitlines() if not any(word in line for word in ("Time=", "SubmitLine"))]


def test_a_job_that_fails_says_so(client: Client) -> None:
    job = client.submit(script="#!/bin/sh\nexit $1\n", job_name="bad", **QUICK)
    assert job.wait(20).exit_code == 0  # there was no argument
    job = client.submit("3", script="#!/bin/sh\nexit $1\n", job_name="bad", **QUICK)
    with pytest.raises(JobFailed, match=rf"job {job.id} \(bad\) is FAILED, exit code 3 \(see /dev/null\)") as caught:
        job.check(20)
    assert caught.value.info.exit_code == 3


def test_what_sbatch_refuses_is_refused_in_its_words(client: Client) -> None:
    cases: list[tuple[type[Exception], str, dict[str, object]]] = [
        (BadUsage, "unrecognized option '--no-such-option=1'", {"no_such_option": 1}),
        (BadUsage, "Invalid --time specification", {"time": "soon"}),
        (BadUsage, "option '--hold' doesn't allow an argument", {"hold": "yes"}),
        (BadUsage, "takes no wait .call wait", {"wait": True}),
        (Refused, "Invalid partition name specified", {"partition": "nope"}),
        (Refused, "Invalid feature specification", {"constraint": "blue"}),
    ]
    known = {info.id for info in client.jobs(ended=True)}
    for kind, words, options in cases:
        with pytest.raises(kind, match=words):
            client.submit(wrap="true", **options)
    with pytest.raises(Refused, match=r"nowhere/job.sh"):
        client.submit("/nowhere/job.sh")
    with pytest.raises(BadUsage, match="nothing to run"):
        client.submit()
    assert {info.id for info in client.jobs(ended=True)} == known


def test_nothing_is_written_to_the_standard_streams(login: Machines) -> None:
    program = (
        "import mini_slurm\nc = mini_slurm.Client()\n"
        "for options in ({'mem_bind': 'help'}, {'gpus': 'x:y'}, {'partition': 'nope'}, {'nodes': '9-2'}):\n"
        "    try:\n        c.submit(wrap='true', ntasks_per_core='2', **options)\n"
        "    except mini_slurm.MiniSlurmError as error:\n        assert str(error)\n"
        "c.submit(wrap='true', output='/dev/null', cpus_per_task=1, exclusive=False, requeue=False).check(20)\n"
    )
    done = login.run(sys.executable, "-c", program)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_jobs_that_there_are_not(client: Client) -> None:
    with pytest.raises(UnknownJob, match="Invalid job id specified: 999999"):
        client.job(999999)
    with pytest.raises(BadUsage, match="Invalid job id twelve"):
        client.job("twelve")


# --- arrays, dependencies, lists


def test_arrays_and_what_depends_on_them(client: Client) -> None:
    array = client.submit(script="#!/bin/sh\nexit $((SLURM_ARRAY_TASK_ID == 2))\n", array=range(3), **QUICK)
    after = client.submit(wrap="true", dependency={"afterany": array}, **QUICK)
    never = client.submit(wrap="true", dependency={"afterok": [array, after]}, kill_on_invalid_dep="yes", **QUICK)
    ended = {info.id: info.exit_code for info in client.as_completed(array.tasks, 20)}
    assert ended == {f"{array.id}_0": 0, f"{array.id}_1": 0, f"{array.id}_2": 1}
    found = client.wait([array, after, never.id], 20)
    assert found[array.id].state is JobState.FAILED
    assert [task.state.name for task in found[array.id].tasks] == ["COMPLETED", "COMPLETED", "FAILED"]
    assert found[after.id].has_succeeded
    assert found[never.id].state is JobState.CANCELLED
    assert client.job(array.id) == array
    assert [job.id for job in client.job(array.id).tasks] == [job.id for job in array.tasks]
    assert client.job(f"{array.id}_1").state is JobState.COMPLETED


def test_lists_of_jobs(client: Client) -> None:
    held = client.submit(wrap="true", hold=True, job_name="listed", array="3,5", **QUICK)
    ended = client.submit(wrap="true", job_name="listed", **QUICK)
    ended.wait(20)
    tasks = [f"{held.id}_3", f"{held.id}_5"]
    assert [info.id for info in client.jobs(name="listed")] == tasks
    assert [info.id for info in client.jobs(name="listed", ended=True)] == [*tasks, ended.id]
    assert [info.id for info in client.jobs(states="CD", name=["listed", "other"], user=True)] == [ended.id]
    assert [info.id for info in client.jobs(ids=[f"{held.id}_5", 999999], states=[JobState.PENDING])] == tasks[1:]
    assert client.jobs(name="listed", partition="other") == []
    with pytest.raises(BadUsage, match="Invalid job state specified: sleepy"):
        client.jobs(states="sleepy")
    held.cancel()
    assert held.wait(20).state is JobState.CANCELLED


def test_machines_and_partitions(client: Client) -> None:
    first, second = client.nodes()
    assert (first.name, first.cpus, first.memory, first.partitions) == ("node1", 2, 2000, ("main",))
    assert second.features == ("fast",)
    assert first.is_up
    (main,) = client.partitions()
    assert (main.name, main.is_default, main.nodes, main.max_time) == ("main", True, ("node1", "node2"), None)


# --- acting


def test_hold_change_release_suspend_signal_and_cancel(client: Client) -> None:
    script = "#!/bin/sh\ntrap 'echo got; exit 9' USR1\necho ready\nwhile :; do sleep 0.05; done\n"
    job = client.submit(script=script, hold=True)
    assert job.info().priority == 0
    job.update(time_limit=timedelta(hours=2), comment="new", nice=5)
    info = job.info()
    assert (info.time_limit, info.comment) == (timedelta(hours=2), "new")
    with pytest.raises(Refused, match="can not be altered now"):
        job.cancel(signal="USR1")
    job.release()
    wait_until(lambda: job.output() == "ready\n", "the script to run")
    job.suspend()
    assert job.state is JobState.SUSPENDED
    job.resume()
    job.hold()
    job.cancel(signal="USR1")
    assert job.wait(20).exit_code == 9
    assert "got\n" in job.output()  # the shell may say of the sleep that it was signalled, too
    with pytest.raises(Refused, match=f"Job has already finished for job {job.id}"):
        job.hold()
    with pytest.raises(BadUsage, match="Update of this parameter is not supported: colour"):
        job.update(colour="red")
    job.cancel()  # it is over: nothing is said


def test_a_job_can_run_again(client: Client, login: Machines) -> None:
    job = client.submit(script="#!/bin/sh\necho $SLURM_RESTART_COUNT\nsleep 60\n")
    wait_until(lambda: job.state is JobState.RUNNING, "it to run")
    job.requeue()
    wait_until(lambda: job.info().restarts == 1, "it to be requeued")
    assert job.state is JobState.PENDING
    job.cancel()
    assert job.wait(20).state is JobState.CANCELLED


# --- waiting


def test_lines_come_as_they_are_written(client: Client, login: Machines) -> None:
    gate = Path(login.work, "gate")
    job = client.submit(script=f"#!/bin/sh\necho one\nuntil [ -e {gate} ]; do sleep 0.02; done\nprintf 'two\\nlast'\n")
    lines = job.follow()
    assert next(lines) == "one\n"
    assert job.state is JobState.RUNNING
    gate.touch()
    assert list(lines) == ["two\n", "last"]


def test_waiting_ends_when_the_time_is_over(client: Client) -> None:
    job = client.submit(wrap="true", hold=True, **QUICK)
    begin = time.monotonic()
    with pytest.raises(WaitTimeout, match=rf"after 0.2 s not ended: {job.id}"):
        job.wait(0.2)
    assert time.monotonic() - begin < 2
    with pytest.raises(TimeoutError):
        list(client.as_completed([job], 0))
    job.cancel()
    job.wait(20)


def test_many_are_waited_for_without_asking_all_the_time(client: Client) -> None:
    jobs = [client.submit(wrap="true", **QUICK) for _ in range(40)]
    used = time.process_time()
    found = client.wait(jobs, 60)
    late = time.time() - max(info.end_time.timestamp() for info in found.values() if info.end_time)
    assert {info.state for info in found.values()} == {JobState.COMPLETED}
    assert late < 0.5
    assert time.process_time() - used < 1.0


def test_waiting_outlives_the_controller(client: Client, login: Machines) -> None:
    gate = Path(login.work, "gate2")
    job = client.submit(script=f"#!/bin/sh\nuntil [ -e {gate} ]; do sleep 0.02; done\n", **QUICK)
    wait_until(lambda: job.state is JobState.RUNNING, "it to run")
    found: list[JobState] = []
    waiting = threading.Thread(target=lambda: found.append(job.wait(40).state))
    waiting.start()
    processes.kill(login.controllers(), signal.SIGKILL)
    gate.touch()
    waiting.join(40)
    assert found == [JobState.COMPLETED]


def test_msbatch_that_waits_outlives_the_controller(client: Client, login: Machines) -> None:
    gate = Path(login.work, "gate3")
    script = f"until [ -e {gate} ]; do sleep 0.02; done; exit $SLURM_ARRAY_TASK_ID"
    words = ["msbatch", "--wait", "--array=0,5", "--output=/dev/null", "--job-name=gated", "--wrap", script]
    waiting = subprocess.Popen(words, env=login.environment, cwd=login.work, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: len(client.jobs(name="gated", states="RUNNING")) == 2, "both to run")
        processes.kill(login.controllers(), signal.SIGKILL)
        gate.touch()
        assert waiting.wait(40) == 5
    finally:
        waiting.kill()
        waiting.wait()


def test_threads_share_a_client(client: Client) -> None:
    ended: list[bool] = []

    def work() -> None:
        for _ in range(3):
            ended.append(client.submit(wrap="true", **QUICK).check(40).has_succeeded)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ended == [True] * 12


def test_a_client_may_be_used_after_a_fork(client: Client) -> None:
    before = client.submit(wrap="true", hold=True, **QUICK)
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[tuple[str, str]] = context.Queue()
    child = context.Process(target=lambda: answers.put((before.state.name, client.submit(wrap="true", **QUICK).id)))
    child.start()
    state, number = answers.get(timeout=30)
    child.join(30)
    assert (state, child.exitcode) == ("PENDING", 0)
    assert client.job(number).check(20).has_succeeded
    before.cancel()


def test_clients_jobs_and_errors_travel_between_processes(client: Client) -> None:
    job = client.submit(wrap="exit 4", job_name="sent", **QUICK)
    with pytest.raises(JobFailed) as caught:
        job.check(20)
    error = pickle.loads(pickle.dumps(caught.value))
    assert (str(error), error.info.exit_code) == (str(caught.value), 4)
    assert pickle.loads(pickle.dumps(job)) == job


def test_an_interrupted_wait_leaves_everything_usable(login: Machines) -> None:
    program = (
        # what the tests were started by may have SIGINT ignored
        "import mini_slurm, signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "c = mini_slurm.Client()\nj = c.submit(wrap='sleep 60', output='/dev/null')\n"
        "try:\n    print('waiting', flush=True)\n    j.wait()\n"
        "except KeyboardInterrupt:\n    j.cancel()\n    print(j.wait(20).state.name)\n"
    )
    settings = {"env": login.environment, "cwd": login.work, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", program], **settings) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "CANCELLED\n"
    assert process.returncode == 0


# --- places


def test_a_cluster_that_there_is_not(login: Machines) -> None:
    with pytest.raises(BadUsage, match="No cluster 'elsewhere' known by database"):
        Client(cluster="elsewhere")
    assert Client(cluster="test").submit(wrap="true", **QUICK).check(20).has_succeeded


def test_in_a_job_on_a_machine_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINI_SLURM_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("MINI_SLURM_ATTEMPT", "17a22e02.5.1")
    with pytest.raises(StateError, match="this is a job on a machine"):
        Client()
    assert not (tmp_path / "state").exists()


def test_a_job_that_is_where_its_state_folder_is_may_use_it(client: Client, login: Machines) -> None:
    program = "from mini_slurm import *; print(Client().submit(wrap='true', output='/dev/null').check(30).state.name)"
    job = client.submit(wrap=f'{sys.executable} -c "{program}"', output=str(login.work / "inside.out"))
    assert (job.check(60).state.name, job.output()) == ("COMPLETED", "COMPLETED\n")


def test_every_public_name_is_there_and_says_what_it_is() -> None:
    everything: dict[str, object] = {}
    exec("from mini_slurm import *", everything)
    assert set(mini_slurm._NAMES) <= set(everything)  # type: ignore[attr-defined]
    told = Path(mini_slurm.__file__).with_suffix(".pyi").read_text()
    lines = {f"from mini_slurm.{module} import {name} as {name}" for name, module in mini_slurm._NAMES.items()}  # type: ignore[attr-defined]
    assert lines == {line for line in told.splitlines() if line.startswith("from ")}
    for name in mini_slurm._NAMES:  # type: ignore[attr-defined]
        assert getattr(mini_slurm, name).__doc__, name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        mini_slurm.nothing  # type: ignore[attr-defined]  # noqa: B018
