"""Bad input: one clear line that says what to do, an exit status, nothing stored, and never a traceback."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mini_slurm.model.machine import Machine
from mini_slurm.store import database, queries
from tests.fleet import jobs, processes
from tests.fleet.machines import LoginNode, Machines
from tests.waiting import wait_until

FLEET = """
[fleet]
name = "mini"
default_memory_per_cpu = "500M"
[machines."node[1-2]"]
cpus = 2
memory = "4000M"
gpus = 0
features = ["ib", "skylake"]
[machines.node4]
cpus = 4
memory = "8000M"
gpus = 2
features = ["haswell", "a100"]
[partitions.compute]
machines = "node[1-2],node4"
default = true
default_time = "1:00:00"
max_time = "1-00:00:00"
[partitions.debug]
machines = "node1"
default_time = "10:00"
max_time = "30:00"
"""
LARGEST = "the largest machine of partition compute, node4, has 4 CPUs, 8000M of memory and GPUs: 2"
REFUSED = "error: Batch job submission failed: "
UNAVAILABLE = REFUSED + "Requested node configuration is not available"
NO_SCRIPT = [
    "error: This does not look like a batch script.  The first",
    "error: line must start with #! followed by the path to an interpreter.",
    "error: For instance: #!/bin/sh",
]
NO_NODE = "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions"
DOS = ["error: Batch script contains DOS line breaks (\\r\\n)", "error: instead of expected UNIX line breaks (\\n)."]


@pytest.fixture
def login(tmp_path: Path) -> Iterator[LoginNode]:
    """A login node with a fleet file, whose machines nobody ever reaches, and with shims."""
    node = LoginNode(tmp_path / "login")
    node.fleet_file.write_text(FLEET)
    (node.folder / "shims").mkdir()
    (node.folder / "shims" / "sbatch").symlink_to(Path(sys.executable).parent / "msbatch")
    yield node
    node.close()


def call(node: LoginNode, *words: str, seconds: float = 60) -> tuple[int, list[str]]:
    """Exit status and errors of a command, or of one of the shims; its output has to be empty."""
    program, *rest = words
    if (node.folder / "shims" / program).exists():
        program = str(node.folder / "shims" / program)
    done = node.run(program, *rest, seconds=seconds)
    assert (done.stdout, "Traceback" in done.stderr) == ("", False)
    return done.returncode, done.stderr.splitlines()


def nothing_was_stored(node: LoginNode) -> bool:
    """Neither a job nor a request, and nobody was started for it."""
    path = node.state / "state.sqlite3"
    if not path.exists():
        return not node.controllers()
    with closing(sqlite3.connect(path)) as db:
        counts = [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("job", "request", "content")]
    return counts == [0, 0, 0] and not node.controllers()


# --- scripts and options, as a real sbatch was recorded to answer


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, ["error: Unable to open file job.sh"]),
        (b"", ["error: Batch script is empty!"]),
        (b"\n \n", ["error: Batch script contains only whitespace!"]),
        (b"echo hi\n", NO_SCRIPT),
        (b"\x7fELF\x02\x01\x00\x00abc\x00\n", NO_SCRIPT),
        (b"#!/bin/bash\necho hi\r\n", DOS),
        (b"#!/bin/bash\n#SBATCH --mem=1\0G\n",
         ["error: The Slurm controller does not allow scripts that", "error: contain a NULL character '\\0'."]),
        (b"#!/bin/bash\n" + b"#" * 5_000_000,
         [REFUSED + "Pathname of a file, directory or other parameter too long"]),
    ],
    ids=["missing", "empty", "blank", "no interpreter", "binary", "DOS", "NUL", "huge"],
)  # fmt: skip
def test_what_is_no_batch_script_is_refused_in_sbatchs_words(
    login: LoginNode, content: bytes | None, said: list[str]
) -> None:
    if content is not None:
        (login.work / "job.sh").write_bytes(content)
    assert call(login, "sbatch", "job.sh") == (1, [f"sbatch: {line}" for line in said])
    assert nothing_was_stored(login)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["-Y"], 255, ["invalid option -- 'Y'", "advice"]),
        (["--bogus"], 255, ["unrecognized option '--bogus'", "advice"]),
        (["-t"], 255, ["option requires an argument -- 't'", "advice"]),
        (["--mem"], 255, ["option '--mem' requires an argument", "advice"]),
        (["--parsable=x"], 255, ["option '--parsable' doesn't allow an argument", "advice"]),
        (["-n", "0"], 1, ['error: Invalid numeric value "0" for --ntasks.']),
        (["-t", "1h"], 255, ["error: Invalid --time specification"]),
        (["--dependency=foo:1"], 1, [REFUSED + "Job dependency problem"]),
        (["--licenses=x"], 1, [REFUSED + "Invalid license specification"]),
        (["--reservation=x"], 1, [REFUSED + "Requested reservation is invalid"]),
        (["--signal=FOO"], 255, ["error: Invalid --signal specification"]),
        (["--ntasks-per-gpu=1", "--gpus-per-task=1"], 1,
         ["fatal: --gpus-per-task is mutually exclusive with --ntasks-per-gpu and SLURM_NTASKS_PER_GPU"]),
        (["-M", "other"], 1, ["error: No cluster 'other' known by database.",
                              "error: 'other' can't be reached now, or it is an invalid entry for --cluster.  "
                              "Use 'sacctmgr list clusters' to see available clusters."]),
        (["-p", "nope"], 1, ["error: invalid partition specified: nope",
                             REFUSED + "Invalid partition name specified"]),
        (["--mem=999G"], 1, ["error: Memory specification can not be satisfied", UNAVAILABLE]),
        (["--mem-per-cpu=99G"], 1, ["error: Memory specification can not be satisfied", UNAVAILABLE]),
        (["--gres=gpu:9"], 1, [UNAVAILABLE]),
        (["--gres=gpu:²"], 1, [UNAVAILABLE]),
        (["--gpus=-1"], 1, [UNAVAILABLE]),
        (["--gres=tape:1"], 1, ["error: Invalid generic resource (gres) specification"]),
        (["-C", "nope"], 1, [REFUSED + "Invalid feature specification"]),
        (["-C", "skylake&a100"], 1, [UNAVAILABLE]),
        (["-x", "nodeX"], 1, [REFUSED + "Invalid node name specified"]),
        (["-w", "node[1-"], 1, [REFUSED + "Invalid node name specified"]),
        (["-p", "debug", "-w", "node2"], 1, [UNAVAILABLE]),
        (["-a", "0-10000"], 1, [REFUSED + "Invalid job array specification"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_a_request_that_cannot_be_met_is_refused_in_sbatchs_words(
    login: LoginNode, words: list[str], code: int, said: list[str]
) -> None:
    lines = ['Try "sbatch --help" for more information' if line == "advice" else f"sbatch: {line}" for line in said]
    more = [] if "advice" in said else ["--wrap", "true"]
    assert call(login, "sbatch", *more, *words) == (code, lines)
    assert nothing_was_stored(login)


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["-c", "64"], [REFUSED + "More processors requested than permitted"], LARGEST),
        (["--mem=999G"], ["error: Memory specification can not be satisfied", UNAVAILABLE], LARGEST),
        (["--gres=gpu:9"], [UNAVAILABLE], LARGEST),
        (["-N", "2", "-p", "debug"], [REFUSED + "Node count specification invalid"],
         "a job of partition debug has up to 1 machine"),
        (["-p", "debug", "-c", "4"], [REFUSED + "More processors requested than permitted"],
         "the largest machine of partition debug, node1, has 2 CPUs, 4000M of memory and GPUs: none"),
        (["-C", "ib&a100"], [UNAVAILABLE],
         "no machine of partition compute has what --exclude and --constraint ask for"),
        (["-p", "nope"], ["error: invalid partition specified: nope", REFUSED + "Invalid partition name specified"],
         "partitions here: compute, debug"),
        (["-t", "soon"], ["error: Invalid --time specification"], "write for example --time=2-12:00:00"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_msbatch_says_what_there_is(login: LoginNode, words: list[str], said: list[str], hint: str) -> None:
    code, lines = call(login, "msbatch", "--wrap", "true", *words)
    assert code != 0
    assert lines == [*(f"msbatch: {line}" for line in said), f"msbatch: hint: {hint}"]
    assert nothing_was_stored(login)


def test_too_many_cpus_and_too_long_a_time_pend_with_slurms_reasons_under_slurms_name(fleet: Machines) -> None:
    text = fleet.fleet_file.read_text().replace("default = true", 'default = true\nmax_time = "30:00"')
    fleet.fleet_file.write_text(text)
    made = fleet.run("mini-slurm", "shims", str(fleet.folder / "shims"))
    assert made.returncode == 0, made.stderr
    sbatch = str(fleet.folder / "shims" / "sbatch")
    for words in (["-c", "64"], ["-t", "31"]):
        assert fleet.run(sbatch, *words, "--wrap", "true").returncode == 0
    reasons = ["PartitionConfig", "PartitionTimeLimit"]
    wait_until(lambda: [job.reason for job in jobs.all_jobs(fleet).values()] == reasons, logs=fleet.logs)
    shown = fleet.run("msqueue", "-h", "-S", "i", "-o", "%i %t %R").stdout
    assert shown == "1 PD (PartitionConfig)\n2 PD (PartitionTimeLimit)\n"


def test_too_long_a_time_is_refused_where_the_fleet_file_says_so(login: LoginNode) -> None:
    login.fleet_file.write_text(FLEET.replace('name = "mini"', 'name = "mini"\nenforce_limits = true'))
    assert call(login, "sbatch", "-t", "2-0", "--wrap", "true") == (
        1, ["sbatch: " + REFUSED + "Requested time limit is invalid (missing or exceeds some limit)"],
    )  # fmt: skip
    assert nothing_was_stored(login)


@pytest.mark.parametrize("words", [["-J", "a\udcffb"], ["--comment", "a\udcffb"], ["-o", "a\udcffb"]])
def test_what_is_no_text_is_refused(login: LoginNode, words: list[str]) -> None:
    code, lines = call(login, "msbatch", *words, "--wrap", "true")
    assert (code, lines[0].endswith(r"is not text in UTF-8: a\udcffb")) == (1, True)
    assert nothing_was_stored(login)


@pytest.mark.parametrize("moment", ["now+99999999999days", "now+99999999999999999999days"])
def test_a_moment_that_no_clock_shows_is_refused(login: LoginNode, moment: str) -> None:
    assert call(login, "msbatch", "--begin", moment, "--wrap", "true") == (
        255, [f"Invalid time specification (pos={len(moment)}): {moment}",
              "msbatch: error: Invalid --begin specification"],
    )  # fmt: skip


@pytest.mark.parametrize("number", ["0", "NOPE"])
def test_a_signal_that_is_none_is_refused(login: LoginNode, number: str) -> None:
    assert call(login, "mscancel", "-s", number, "1") == (1, [f"Unknown job signal: {number}"])


@pytest.mark.parametrize("words", ["msbatch --wrap true", "msbatch ../job.sh", "env MINI_SLURM_STATE=x msqueue"])
def test_a_folder_that_is_gone_is_said(login: LoginNode, words: str) -> None:
    gone = login.folder / "gone"
    gone.mkdir()
    (login.folder / "job.sh").write_text("#!/bin/sh\n")
    name = "msqueue" if "msqueue" in words else "msbatch"
    line = f'cd "{gone}"; rmdir "{gone}"; exec {words}'
    assert call(login, "bash", "-c", line) == (
        255,
        [f"{name}: error: getcwd failed: No such file or directory", f"{name}: hint: cd to another folder"],
    )


# --- streams that are closed or full


@pytest.mark.parametrize("command", ["msqueue", "msinfo", "msacct", "mscancel 7", "msbatch --test-only --wrap true"])
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_fault(login: LoginNode, command: str, closed: str) -> None:
    done = login.run("bash", "-c", f"PATH={login.environment['PATH']}; {command} {closed}")
    assert (done.returncode, "fault" in done.stderr, "Traceback" in done.stderr) == (0, False, False)


def test_a_job_whose_number_cannot_be_printed_is_started_all_the_same(fleet: Machines) -> None:
    done = fleet.run("bash", "-c", "msbatch -o out --wrap 'echo done' > /dev/full")
    said = "msbatch: error: batch job 1 is submitted, but the output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, said)
    fleet.run("bash", "-c", "msbatch -o out2 --wrap 'echo done' >&-")
    jobs.wait_over(fleet, 1, 2)
    assert [jobs.text(fleet.work / name) for name in ("out", "out2")] == ["done\n", "done\n"]


@pytest.mark.parametrize("command", ["msqueue", "msinfo", "msacct"])
def test_a_full_disk_under_the_output_is_one_line(login: LoginNode, command: str) -> None:
    done = login.run("bash", "-c", f"{command} > /dev/full")
    assert (done.returncode, done.stderr) == (
        1, f"{command}: error: the output cannot be written: No space left on device\n",
    )  # fmt: skip


READERLESS = ["msqueue --json", "msinfo", "msacct", "mscontrol show hostnames a", "msbatch --help"]


@pytest.mark.parametrize("command", [*READERLESS, "msalloc --version", "msdiag --help"])
def test_a_command_whose_reader_has_gone_ends_by_sigpipe(login: LoginNode, command: str) -> None:
    """As a real Slurm 22.05.8's do: 141 in bash's PIPESTATUS."""
    reader, writer = os.pipe()
    os.close(reader)
    words = command.split()
    done = subprocess.run(words, env=login.environment, stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")


# --- the fleet file


def test_all_faults_of_a_fleet_file_are_shown_at_once(login: LoginNode) -> None:
    login.fleet_file.write_text(
        FLEET.replace("cpus = 4", 'cpus = "many"').replace("memory", "memmory", 1)
        + '[partitions.big]\nmachines = "node9"\n'
    )
    code, lines = call(login, "msbatch", "--wrap", "true")
    faults = [line for line in lines if line.startswith("msbatch: error: ")]
    assert (code, len(faults)) == (1, 3)
    assert all(str(login.fleet_file) in line for line in faults)
    assert ["memmory" in faults[0], "did you mean" in faults[0]] == [True, True]
    assert nothing_was_stored(login)


def test_a_fleet_file_that_cannot_be_read_is_named(login: LoginNode) -> None:
    login.fleet_file.unlink()
    login.fleet_file.mkdir()
    for command in (["msbatch", "--wrap", "true"], ["msinfo"]):
        code, lines = call(login, *command)
        assert (code, len([line for line in lines if "error" in line])) == (1, 1)
        assert str(login.fleet_file) in lines[0]


def test_a_broken_fleet_file_changes_nothing_for_a_controller_that_runs(fleet: Machines) -> None:
    first = jobs.wrap(fleet, "while [ ! -e gate ]; do sleep 0.05; done; echo done", "-o", "out")
    jobs.wait_for(fleet, first, "RUNNING")
    good = fleet.fleet_file.read_text()
    fleet.fleet_file.write_text(good + "\n[machines.node3\n")
    done = fleet.run("msbatch", "--wrap", "true")
    assert (done.returncode, str(fleet.fleet_file) in done.stderr) == (1, True)
    (fleet.work / "gate").touch()
    [job] = jobs.wait_over(fleet, first)
    assert (job.state.name, jobs.text(fleet.work / "out")) == ("COMPLETED", "done\n")
    assert "the changed fleet file is not used" in (fleet.state / "controller.log").read_text()
    fleet.fleet_file.write_text(good)
    jobs.wait_over(fleet, jobs.wrap(fleet, "true", "-o", "/dev/null"))


# --- the state folder


def test_a_state_folder_that_is_a_link_is_refused(login: LoginNode, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    login.state.symlink_to(tmp_path / "real")
    for command in (["msbatch", "--wrap", "true"], ["msqueue"], ["mscancel", "1"]):
        assert call(login, *command) == (1, [
            f"{command[0]}: error: the state folder {login.state} is a link, which is not followed",
            f"{command[0]}: hint: export MINI_SLURM_STATE={tmp_path}/real",
        ])  # fmt: skip
    assert list((tmp_path / "real").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_state_folder_of_somebody_else_is_refused(login: LoginNode) -> None:
    login.state.mkdir(mode=0o777)
    os.chown(login.state, 12345, 12345)
    for command in (["msbatch", "--wrap", "true"], ["msqueue"]):
        code, lines = call(login, *command)
        assert (code, len(lines), "belongs to another user (uid 12345)" in lines[0]) == (1, 2, True)
    assert list(login.state.iterdir()) == []


def test_a_state_folder_that_cannot_be_made_is_refused(login: LoginNode) -> None:
    login.state.parent.joinpath("file").write_text("")
    login.variables["MINI_SLURM_STATE"] = str(login.folder / "file" / "state")
    code, lines = call(login, "msbatch", "--wrap", "true")
    assert (code, lines[-1]) == (
        1, "msbatch: hint: export MINI_SLURM_STATE=FOLDER with a folder that you may write to",
    )  # fmt: skip


@pytest.mark.parametrize("content", [os.urandom(65536), b"SQLite format 3\0" + bytes(5000)], ids=["random", "zeros"])
def test_a_damaged_database_is_said_and_left_as_it_is(login: LoginNode, content: bytes) -> None:
    login.state.mkdir(mode=0o700)
    path = login.state / "state.sqlite3"
    path.write_bytes(content)
    for command in (["msbatch", "--wrap", "true"], ["msqueue"], ["msacct"], ["mscancel", "1"], ["mini-slurm", "stop"]):
        code, lines = call(login, *command)
        assert (code, len(lines)) == (1, 2)
        assert lines[0].startswith(f"{command[0]}: error: {path}: ")
        assert "damaged" in lines[1]
    assert path.read_bytes() == content


@pytest.mark.parametrize("is_there", [True, False])
def test_a_database_that_is_empty_beside_folders_of_jobs_is_refused(login: LoginNode, is_there: bool) -> None:
    make(login.state).joinpath("jobs", "7").mkdir(parents=True)
    path = login.state / "state.sqlite3"
    for command in (["msbatch", "--wrap", "true"], ["msqueue"], ["mscancel", "1"], ["mscontrol", "show", "job"]):
        path.unlink(missing_ok=True)
        if is_there:
            path.touch()
        code, lines = call(login, *command)
        assert (code, len(lines)) == (1, 2)
        assert lines[0].startswith(
            f"{command[0]}: error: {path} is empty or gone, and {login.state / 'jobs'} has folders"
        )
        assert not path.exists() or path.stat().st_size == 0
    (login.state / "jobs" / "7").rmdir()
    assert login.run("msqueue").returncode == 0


def test_the_database_is_for_its_owner_alone(login: LoginNode) -> None:
    database.open_database(str(make(login.state))).close()
    assert (login.state / "state.sqlite3").stat().st_mode & 0o777 == 0o600


def make(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


# --- machines that cannot be used: said by msinfo, while the job waits


def _no_login(fleet: Machines) -> None:
    (fleet.machines["node1"].folder / "authorized_keys").write_text("")


def _no_host_key(fleet: Machines) -> None:
    fleet.known_hosts.write_text("")


def _other_host_key(fleet: Machines) -> None:
    fleet.machines["node1"].new_host_key()
    fleet.machines["node1"].restart()


def _no_python(fleet: Machines) -> None:
    fleet.machines["node1"].environment["PATH"] = str(fleet.machines["node1"].bin)
    fleet.machines["node1"].restart()


def _old_python(fleet: Machines) -> None:
    old = fleet.machines["node1"].bin / "python3"
    old.write_text(f"#!{sys.executable}\nimport sys\nsys.version_info = (3, 6, 9)\nexec(sys.argv[-1])\n")
    old.chmod(0o755)


def _no_spool(fleet: Machines) -> None:
    fleet.machines["node1"].spool.symlink_to(fleet.work)


@pytest.mark.parametrize(
    ("spoil", "said", "advice"),
    [
        (lambda fleet: fleet.machines["node1"].kill(), "connection refused", "does sshd run there?"),
        (_no_host_key, "is not known yet", "mini-slurm add node1"),
        (_other_host_key, "HAS CHANGED", "known_hosts"),
        (_no_login, "login as", "ssh-copy-id"),
        (_no_python, "no python3", "Python 3.8"),
        (_old_python, "Python 3.6.9", "3.8 or newer"),
        (_no_spool, "is a link", ""),
    ],
    ids=["unreachable", "unknown host key", "wrong host key", "login refused", "no python3", "old python3", "spool"],
)
def test_why_a_machine_cannot_be_used_is_seen_while_the_job_waits(
    machines: Callable[..., Machines], spoil: Callable[[Machines], None], said: str, advice: str
) -> None:
    fleet = machines(node1={"cpus": 1, "memory": "1000M"})
    spoil(fleet)
    jobs.wrap(fleet, "true", "-o", "/dev/null")
    wait_until(lambda: known(fleet).state == "DOWN", "the machine to be down", logs=fleet.logs)
    done = fleet.run("msinfo", "-h", "-R", "-o", "%E")
    assert (said in done.stdout, advice in done.stdout, done.stdout.count("\n")) == (True, True, 1), done.stdout
    wait_until(lambda: jobs.job(fleet, 1).reason == NO_NODE, logs=fleet.logs)
    assert jobs.job(fleet, 1).state.name == "PENDING"
    assert "Traceback" not in (fleet.state / "controller.log").read_text()


def known(fleet: Machines) -> Machine:
    """What the store knows of node1."""
    with closing(sqlite3.connect(fleet.state / "state.sqlite3")) as db:
        return queries.load_machines(db).get("node1") or Machine(name="node1")


# --- a controller that meets what nobody meant it to meet


def test_names_cannot_write_lines_of_their_own_into_the_log(fleet: Machines) -> None:
    jobs.wrap(fleet, "true", "-o", "nowhere/a\nERROR forged\x1b[2J")
    jobs.wait_over(fleet, 1)
    log = (fleet.state / "controller.log").read_text()
    assert (r"a\nERROR forged\x1b[2J" in log, "\x1b" in log) == (True, False)


def test_few_open_files_are_enough(fleet: Machines) -> None:
    words = ["bash", "-c", "ulimit -Sn 32; exec msbatch -a 1-40 -o '%a.out' --wrap 'echo $SLURM_ARRAY_TASK_ID'"]
    assert subprocess.run(words, env=fleet.environment, cwd=fleet.work, capture_output=True).returncode == 0
    jobs.wait_over(fleet, seconds=60)
    assert [jobs.text(fleet.work / f"{task}.out") for task in range(1, 41)] == [f"{task}\n" for task in range(1, 41)]
    assert processes.alive(fleet.controllers()[0].pid)
