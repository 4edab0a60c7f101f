"""msbatch as a command: what it stores, prints and answers. No controller is started, and no machine is needed."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mini_slurm.cli import common, msbatch
from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.store import database

FLEET = """
[fleet]
name = "mini"
default_memory_per_cpu = "500M"
[machines.node1]
cpus = 2
memory = "4000M"
gpus = 0
[partitions.compute]
machines = "node1"
default = true
default_time = "1:00:00"
max_time = "1-00:00:00"
"""


class Submitter:
    """Runs msbatch in this process, as `sbatch` or by its own name, in a folder of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.capsys = capsys
        self.monkeypatch = monkeypatch
        self.woken: list[str] = []

    def __call__(self, *arguments: str, name: str = "sbatch") -> tuple[int, str, str]:
        """Exit status, output and errors."""
        self.monkeypatch.setattr(sys, "argv", [name, *arguments])
        code = common.run("msbatch", msbatch.msbatch)
        output, errors = self.capsys.readouterr()
        return code, output, errors

    def store(self) -> sqlite3.Connection:
        return database.open_database(str(self.folder / "state"))

    def jobs(self) -> list[Job]:
        db = self.store()
        found = database.load_jobs(db, "1")
        db.close()
        return found


@pytest.fixture
def sbatch(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Submitter]:
    submitter = Submitter(tmp_path, capsys, monkeypatch)
    (tmp_path / "fleet.toml").write_text(FLEET)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for name in [name for name in os.environ if name.startswith(("SBATCH_", "SLURM_", "MINI_SLURM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PWD", str(tmp_path / "work"))
    monkeypatch.setenv("MINI_SLURM_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("MINI_SLURM_FLEET", str(tmp_path / "fleet.toml"))
    monkeypatch.setattr(common, "wake_controller", submitter.woken.append)
    yield submitter


def write(name: str, text: str) -> str:
    Path(name).write_text(text)
    return name


def test_a_script_is_stored_and_its_number_printed(sbatch: Submitter) -> None:
    write("job.sh", "#!/bin/bash\n#SBATCH -c 2\necho hi\n")
    assert sbatch("job.sh", "a", "b c", "--time=99") == (0, "Submitted batch job 1\n", "")
    [job] = sbatch.jobs()
    assert (job.name, job.cpus_per_task, json.loads(job.arguments)) == ("job.sh", 2, ["a", "b c", "--time=99"])
    assert (job.command, job.work_dir) == (str(sbatch.folder / "work" / "job.sh"), str(sbatch.folder / "work"))
    assert (job.uid, job.state, job.time_limit) == (os.getuid(), JobState.PENDING, 3600)
    assert sbatch.woken == [str(sbatch.folder / "state")]


def test_a_wrapped_command_becomes_slurms_script(sbatch: Submitter) -> None:
    assert sbatch("--parsable", "--wrap", "echo hi") == (0, "1\n", "")
    [job] = sbatch.jobs()
    script = database.content(sbatch.store(), job.script)
    assert script == b"#!/bin/sh\n# This script was created by sbatch --wrap.\n\necho hi\n"
    assert (job.name, job.command) == ("wrap", None)


def test_a_script_comes_from_standard_input(sbatch: Submitter, monkeypatch: pytest.MonkeyPatch) -> None:
    with open(write("in.sh", "#!/bin/bash\necho piped\n")) as script:
        monkeypatch.setattr(sys, "stdin", script)
        assert sbatch() == (0, "Submitted batch job 1\n", "")
    assert sbatch.jobs()[0].name == "sbatch"


def test_quiet_prints_nothing(sbatch: Submitter) -> None:
    assert sbatch("-Q", "--wrap", "true") == (0, "", "")


def test_the_environment_travels_without_what_is_the_machines_own(
    sbatch: Submitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AAA", "1")
    monkeypatch.setenv("HOME", "/home/alice")
    Path("sub").mkdir()
    sbatch("-D", "sub", "--ntasks-per-node=2", "--wrap", "true")
    [job] = sbatch.jobs()
    variables = json.loads(database.content(sbatch.store(), job.environment))
    assert (variables["AAA"], "HOME" in variables) == ("1", False)
    assert (variables["SLURM_SUBMIT_DIR"], variables["SLURM_NTASKS_PER_NODE"]) == (str(Path.cwd()), "2")
    assert job.work_dir == str(Path.cwd() / "sub")


def test_an_array_is_stored_as_one_record(sbatch: Submitter) -> None:
    sbatch("-a", "1-100%3", "--wrap", "true")
    [job] = sbatch.jobs()
    assert (job.array_tasks, job.array_job_id, job.array_size) == ("1-100%3", 1, 100)


def test_umask_and_limits_are_kept(sbatch: Submitter) -> None:
    before = os.umask(0o027)
    try:
        sbatch("--wrap", "true")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    [job] = sbatch.jobs()
    assert job.umask == 0o027
    assert len(json.loads(job.limits)["NOFILE"]) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nofile.sh"], "Unable to open file nofile.sh"),
        (["-"], "Unable to open file -"),
        (["."], "Batch script is empty!"),
        (["empty.sh"], "Batch script is empty!"),
        (["--wrap", "true", "empty.sh"], "Script arguments not permitted with --wrap option"),
        (["--mem=9000", "--wrap", "true"], "Memory specification can not be satisfied"),
        (["-p", "nope", "--wrap", "true"], "invalid partition specified: nope"),
    ],
)
def test_a_refusal_stores_nothing_and_wakes_nobody(sbatch: Submitter, arguments: list[str], said: str) -> None:
    write("empty.sh", "")
    code, output, errors = sbatch(*arguments)
    assert (code, output, errors.splitlines()[0]) == (1, "", f"sbatch: error: {said}")
    assert (sbatch.jobs(), sbatch.woken) == ([], []) if (sbatch.folder / "state").exists() else True


def test_a_bad_moment_is_said_as_slurm_says_it(sbatch: Submitter) -> None:
    assert sbatch("--begin=foo", "--wrap", "true") == (
        255, "", "Invalid time specification (pos=0): foo\nsbatch: error: Invalid --begin specification\n",
    )  # fmt: skip
    assert sbatch("--begin=", "--wrap", "true")[2] == "sbatch: error: Invalid --begin specification\n"


def test_hints_are_only_for_those_who_call_it_by_its_own_name(sbatch: Submitter) -> None:
    assert sbatch("-t", "soon", "--wrap", "true")[2] == "sbatch: error: Invalid --time specification\n"
    code, _, errors = sbatch("-t", "soon", "--wrap", "true", name="msbatch")
    assert (code, errors.splitlines()) == (
        255,
        ["msbatch: error: Invalid --time specification", "msbatch: hint: write for example --time=2-12:00:00"],
    )


def test_too_many_cpus_wait_for_sbatch_and_are_refused_by_msbatch(sbatch: Submitter) -> None:
    assert sbatch("-c", "64", "--wrap", "true")[0] == 0
    code, _, errors = sbatch("-c", "64", "--wrap", "true", name="msbatch")
    assert (code, "node1, has 2 CPUs, 4000M of memory" in errors) == (1, True)


def test_the_version_is_slurms_under_slurms_name(sbatch: Submitter) -> None:
    assert sbatch("--version") == (0, "slurm-wlm 22.05.8\n", "")
    assert sbatch("-V", name="msbatch")[1].startswith("mini_slurm ")


def test_help_shows_the_options(sbatch: Submitter) -> None:
    code, output, _ = sbatch("--help", name="msbatch")
    assert code == 0
    assert "--cpus-per-task" in output and "--fleet" in output
    assert "[--mem=SIZE]" in sbatch("--usage")[1]


def test_test_only_says_why_not_in_sbatchs_words_for_a_forecast(sbatch: Submitter) -> None:
    assert sbatch("--test-only", "--mem=999G", "--wrap", "true")[2].splitlines() == [
        "sbatch: error: Memory specification can not be satisfied",
        "allocation failure: Requested node configuration is not available",
    ]
    assert sbatch("--test-only", "-p", "nope", "--wrap", "true")[0] == 1


def test_test_only_tells_and_leaves_nothing(sbatch: Submitter) -> None:
    code, output, errors = sbatch("--test-only", "-c", "2", "--wrap", "true")
    assert (code, output) == (0, "")
    assert errors.startswith("sbatch: Job 1 to start at 20")
    assert errors.endswith(" using 2 processors on nodes node1 in partition compute\n")
    assert (sbatch.jobs(), sbatch.woken) == ([], [])
    code, _, errors = sbatch("--test-only", "-c", "3", "--wrap", "true")
    assert (code, errors) == (1, "allocation failure: Requested node configuration is not available\n")


@pytest.mark.parametrize(
    ("ends", "seconds", "status"),
    [
        ([("COMPLETED", 0, 0)], 1, 0),
        ([("FAILED", 3, 0)], 1, 3),
        ([("FAILED", 0, 9)], 1, 1),
        ([("CANCELLED", 0, 15)], 2, 0),
        ([("CANCELLED", 0, 15)], 4, 1),
        ([("CANCELLED", 0, 0)], 4, 0),
        ([("NODE_FAIL", 0, 0)], 1, 1),
        ([("FAILED", 1, 0), ("FAILED", 3, 0), ("COMPLETED", 0, 0)], 1, 3),
    ],
)
def test_wait_gives_the_highest_exit_status(
    sbatch: Submitter, ends: list[tuple[str, int, int]], seconds: int, status: int
) -> None:
    def end_all(state: str) -> None:
        """What the controller would do: give every task a record, and end it."""
        db = sbatch.store()
        [record] = database.load_jobs(db)
        for number, (name, code, signal) in enumerate(ends, start=1):
            values = {**record.__dict__, "job_id": number, "array_job_id": 1, "array_tasks": None}
            job = Job(**values, array_task_id=number) if "array_task_id" not in values else Job(**values)
            job.state, job.exit_code, job.exit_signal = JobState[name], code, signal
            job.end_time = job.submit_time + seconds
            with database.transaction(db):
                database.save_jobs(db, [job])
        db.close()

    sbatch.monkeypatch.setattr(common, "wake_controller", end_all)
    code, output, errors = sbatch("-W", "--array", f"1-{len(ends)}", "--wrap", "true")
    assert (code, output, errors) == (status, "Submitted batch job 1\n", "")


def test_another_fleet_file_is_taken_for_one_command(sbatch: Submitter) -> None:
    text = FLEET.replace("compute", "other")
    path = write("other.toml", text)
    assert sbatch("--fleet", path, "--wrap", "true", name="msbatch")[0] == 0
    assert sbatch.jobs()[0].partition == "other"
    assert sbatch("--fleet=missing.toml", "--wrap", "true", name="msbatch")[2] == (
        "msbatch: error: missing.toml: no such fleet file\n"
    )


# --- what common.run makes of other ends


def failing(error: BaseException) -> Callable[[str, list[str]], int]:
    def body(program: str, arguments: list[str]) -> int:
        raise error

    return body


def test_a_fault_of_ours_is_one_line_and_a_private_report(sbatch: Submitter) -> None:
    assert common.run("msbatch", failing(ZeroDivisionError("oh"))) == 1
    _, errors = sbatch.capsys.readouterr()
    [report] = (sbatch.folder / "state").glob("crash-*.txt")
    assert errors.count("\n") == 1 and str(report) in errors and "Traceback" not in errors
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert "ZeroDivisionError: oh" in report.read_text()


def test_an_interrupted_command_ends_quietly(sbatch: Submitter) -> None:
    assert common.run("msbatch", failing(KeyboardInterrupt())) == 130
    assert sbatch.capsys.readouterr() == ("", "")


def test_control_characters_in_an_error_are_made_visible(sbatch: Submitter) -> None:
    code, _, errors = sbatch("-p", "a\x1b[31mb", "--wrap", "true")
    assert (code, errors.splitlines()[0]) == (1, r"sbatch: error: invalid partition specified: a\x1b[31mb")
