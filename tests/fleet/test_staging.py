"""Files that jobs take along to machines with a disk of their own, and bring home."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet import jobs, testbed
from tests.fleet.conftest import skip_or_fail
from tests.fleet.machines import Testbed
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def fleet() -> Iterator[Testbed]:
    """Two machines that do not see this one's files in /tmp."""
    skip_or_fail(testbed.missing())
    with (
        tempfile.TemporaryDirectory() as home,
        tempfile.TemporaryDirectory("", "mini_slurm-testbed-", "/var/lib") as bed,
    ):
        number = os.getpid() % 250
        made = Testbed(Path(home) / "fleet", testbed.Bed(Path(bed), f"10.77.{number}", f"ms{number}"))
        try:
            made.up(node1={"cpus": 2, "memory": "1000M"}, node2={"cpus": 2, "memory": "1000M"})
            yield made
        finally:
            made.close()


@pytest.fixture
def work(fleet: Testbed, tmp_path: Path) -> Path:
    """A folder on the login node that no machine sees."""
    return tmp_path


def submit(fleet: Testbed, work: Path, command: str, *words: str) -> int:
    """Submit a command line from a folder; the job's number."""
    done = fleet.run("msbatch", "--parsable", *words, "--wrap", command, cwd=work)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def output(fleet: Testbed, work: Path, number: int, state: str = "COMPLETED") -> str:
    """What a job wrote, once it is over."""
    [job] = jobs.wait_over(fleet, number)
    text = jobs.text(work / f"slurm-{number}.out")
    assert job.state.name == state, f"{job.reason}\n{text}"
    return text


def test_a_job_runs_in_a_folder_with_its_data(fleet: Testbed, work: Path) -> None:
    (work / "data").mkdir()
    (work / "data" / "one").write_text("1\n")
    (work / "tool").write_text("#!/bin/sh\necho tool\n")
    (work / "tool").chmod(0o755)
    number = submit(fleet, work, "./tool; cat data/one; pwd", "--stage-in=data", "--stage-in=tool")
    tool, one, place = output(fleet, work, number).splitlines()
    assert (tool, one) == ("tool", "1")
    assert "/stage/jobs/" in place


def test_names_links_and_permissions_come_as_they_are(fleet: Testbed, work: Path) -> None:
    tree = os.fsencode(work / "in")
    os.mkdir(tree)
    for name in (b"new\nline", b"latin\xe9", b"-rf"):
        Path(os.fsdecode(os.path.join(tree, name))).write_bytes(name)
    os.symlink("-rf", tree + b"/inside")
    os.symlink("/etc/hostname", tree + b"/outside")
    os.mkfifo(tree + b"/pipe")
    os.chmod(tree + b"/-rf", 0o750)
    script = "import os; print(sorted(os.listdir(b'in')), os.readlink('in/outside'), oct(os.stat('in/-rf').st_mode))"
    number = submit(fleet, work, f'python3 -c "{script}"', "--stage-in=in")
    expected = sorted([b"new\nline", b"latin\xe9", b"-rf", b"inside", b"outside"])
    assert output(fleet, work, number) == f"{expected} /etc/hostname 0o100750\n"


def test_where_the_machine_sees_the_folder_nothing_is_copied(fleet: Testbed, work: Path) -> None:
    data = fleet.shared / "data"
    data.mkdir()
    (data / "one").write_text("1\n")
    number = submit(fleet, work, "readlink in/data; cat in/data/one", f"--stage-in={data}:in/")
    assert output(fleet, work, number) == f"{data}\n1\n"
    (data / "one").write_text("2\n")
    os.utime(data / "one", (1, 1))
    number = submit(fleet, work, "cat in/one; echo x > in/two", f"--stage-in={data}/one:in/")
    assert output(fleet, work, number) == "2\n"


def test_a_snapshot_is_the_code_as_it_was(fleet: Testbed, work: Path) -> None:
    for words in (["init", "-q"], ["config", "user.email", "a@b"], ["config", "user.name", "a"]):
        assert fleet.run("git", *words, cwd=work).returncode == 0
    (work / ".gitignore").write_text("*.big\nslurm-*\n")
    (work / "large.big").write_text("not wanted")
    (work / "sub").mkdir()
    (work / "sub" / "code.py").write_text("print('before')\n")
    number = submit(fleet, work / "sub", "ls -a ..; python3 code.py; pwd; cd ..; pwd", "--snapshot", "--hold")
    (work / "sub" / "code.py").write_text("print('after')\n")
    assert fleet.run("mscontrol", "release", str(number)).returncode == 0
    lines = output(fleet, work / "sub", number).splitlines()
    assert lines[:5] == [".", "..", ".gitignore", "sub", "before"]
    assert lines[5] == f"{lines[6]}/sub"


def test_tasks_of_an_array_have_a_folder_each(fleet: Testbed, work: Path) -> None:
    (work / "one").write_text("1\n")
    number = submit(fleet, work, "cat one; echo $SLURM_ARRAY_TASK_ID >> one; cat one", "--snapshot=dir", "-a", "0-3")
    wait_until(lambda: len([job for job in jobs.all_jobs(fleet).values() if job.array_job_id == number]) == 4)
    jobs.wait_over(fleet)
    texts = [jobs.text(work / f"slurm-{number}_{task}.out") for task in range(4)]
    assert texts == [f"1\n1\n{task}\n" for task in range(4)]


def test_a_file_that_is_gone_at_the_start_fails_the_job_with_one_line(fleet: Testbed, work: Path) -> None:
    (work / "one").write_text("1\n")
    number = submit(fleet, work, "cat one", "--stage-in=one", "--hold")
    (work / "one").unlink()
    assert fleet.run("mscontrol", "release", str(number)).returncode == 0
    said = output(fleet, work, number, "FAILED")
    assert said == f"mini_slurm: error: stage-in: {work}/one: No such file or directory\n"
    assert jobs.job(fleet, number).reason == f"stage-in: {work}/one: No such file or directory"


def test_all_machines_of_a_job_have_its_data_and_none_keeps_the_folder(fleet: Testbed, work: Path) -> None:
    (work / "one").write_text("1\n")
    number = submit(fleet, work, "srun sh -c 'cat one; hostname'", "--stage-in=one", "-N2")
    lines = output(fleet, work, number).splitlines()
    assert lines.count("1") == 2
    spools = [fleet.bed.folder / name / "vartmp" / f"mini_slurm-{os.getuid()}" for name in fleet.tables]
    wait_until(lambda: not any(list((spool / "stage" / "jobs").iterdir()) for spool in spools), "the folders to go")
