"""Files that jobs take along to machines with a disk of their own, and bring home."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mini_slurm.staging import digests
from tests.fleet import jobs, processes, testbed
from tests.fleet.conftest import skip_or_fail
from tests.fleet.machines import Testbed
from tests.fleet.terminals import at_terminal
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
            made.variables["MINI_SLURM_SSH_KEEPALIVE"] = "1"  # seconds: a cut cable is noticed after three
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
    name = os.fsdecode(b"no\xe9\n")
    (work / name).write_text("1\n")
    number = submit(fleet, work, "true", f"--stage-in={name}", "--hold")
    (work / name).unlink()
    assert fleet.run("mscontrol", "release", str(number)).returncode == 0
    said = output(fleet, work, number, "FAILED")
    assert said == f"mini_slurm: error: stage-in: {work}/no\\udce9\\n: No such file or directory\n"
    assert jobs.job(fleet, number).reason == f"stage-in: {work}/no\\udce9\\n: No such file or directory"


def test_all_machines_of_a_job_have_its_data_and_none_keeps_the_folder(fleet: Testbed, work: Path) -> None:
    (work / "one").write_text("1\n")
    number = submit(fleet, work, "srun sh -c 'cat one; hostname'", "--stage-in=one", "-N2")
    lines = output(fleet, work, number).splitlines()
    assert lines.count("1") == 2
    spools = [fleet.bed.folder / name / "vartmp" / f"mini_slurm-{os.getuid()}" for name in fleet.tables]
    wait_until(lambda: not any(list((spool / "stage" / "jobs").iterdir()) for spool in spools), "the folders to go")


# --- results


def submit_parts(fleet: Testbed, work: Path, text: str, *words: str) -> int:
    """Submit a script of which each part takes a whole machine; the job's number."""
    (work / "parts.sh").write_text("#!/bin/bash\n" + text)
    done = fleet.run("msbatch", "--parsable", "-oslurm-%j.out", *words, "parts.sh", cwd=work)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_each_part_of_a_job_has_the_data_and_gives_the_results_that_its_options_say(fleet: Testbed, work: Path) -> None:
    for name in ("one", "two"):
        (work / name).write_text(f"{name}\n")
    text = 'for part in 0 1; do srun --het-group=$part sh -c "ls; cat ./* > made; cat ./* > both"; done\n'
    first = ["-c2", "--stage-in=one", "--stage-out=made:first/", "--stage-out=both"]
    number = submit_parts(fleet, work, text, *first, ":", "-c2", "--stage-in=two", "--stage-out=made:second/")
    jobs.wait_over(fleet, number)
    assert jobs.text(work / f"slurm-{number}.out") == "one\ntwo\n"
    assert (work / "first" / "made").read_text() == "one\n"
    assert (work / "second" / "made").read_text() == "two\n"
    assert (work / "both").read_text() == "one\none\n"
    assert not list(work.glob("both.*")) and not list(work.glob("first/made.*"))


def test_a_part_without_such_options_has_an_empty_folder_beside_the_others(fleet: Testbed, work: Path) -> None:
    (work / "code.py").write_text("print('code')\n")
    text = "python3 code.py; srun --het-group=1 sh -c 'pwd; ls'\n"
    number = submit_parts(fleet, work, text, "-c2", "--snapshot=dir", ":", "-c2")
    jobs.wait_over(fleet, number)
    code, place = jobs.text(work / f"slurm-{number}.out").splitlines()
    assert code == "code" and "/stage/jobs/" in place


def test_parts_cannot_have_snapshots_of_two_kinds(fleet: Testbed, work: Path) -> None:
    done = fleet.run("msbatch", "--snapshot=git", ":", "--snapshot=dir", "--wrap", "true", cwd=work)
    assert done.returncode == 1
    assert done.stderr == (
        "msbatch: error: --snapshot: the parts of a job have one folder: name the same for all, git or dir\n"
    )


def test_a_step_with_machines_of_its_own_has_its_data_and_brings_its_results(fleet: Testbed, work: Path) -> None:
    (work / "one").write_text("1\n")
    (work / "sub").mkdir()
    words = ("--stage-in=one", "--stage-out=made", "--stage-out=sub/none", "-N2", "-c2")
    done = fleet.run("msrun", *words, "sh", "-c", "cat one; cp one made; pwd", cwd=work)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines.count("1") == 2 and sum("/stage/jobs/" in line for line in lines) == 2
    assert sorted(path.name for path in work.glob("made*")) == ["made", "made.node2"]
    assert (work / "made").read_text() == "1\n"
    assert done.stderr == "msrun: stage-out: nothing matches sub/none\n"


def test_the_results_of_a_step_that_failed_come_too(fleet: Testbed, work: Path) -> None:
    done = fleet.run("msrun", "--stage-out=made", "sh", "-c", "echo 1 > made; exit 3", cwd=work)
    assert done.returncode == 3, done.stderr
    assert (work / "made").read_text() == "1\n"


def test_a_step_has_the_code_as_it_was_in_the_folder_that_it_was_called_in(fleet: Testbed, work: Path) -> None:
    (work / "sub").mkdir()
    (work / "sub" / "code.py").write_text("print('code')\n")
    done = fleet.run("msrun", "--snapshot=dir", "python3", "sub/code.py", cwd=work)
    assert (done.returncode, done.stdout) == (0, "code\n"), done.stderr


def test_what_cannot_be_brought_to_a_step_is_said_in_one_line(fleet: Testbed, work: Path) -> None:
    (work / "secret").write_text("x")
    done = fleet.run("msrun", "--stage-in=none", "true", cwd=work)
    assert (done.returncode, done.stderr) == (1, "msrun: error: --stage-in: none: No such file or directory\n")
    done = fleet.run("msrun", "--jobid=1", "--stage-in=secret", "true", cwd=work)
    assert (done.returncode, done.stderr) == (
        1,
        "msrun: error: --stage-in is for a job of its own: this is a step of job 1\n",
    )
    done = fleet.run("srun", "--stage-in=secret", "true", cwd=work, env=_with_shims(fleet))
    assert done.returncode != 0 and "unrecognized option '--stage-in=secret'" in done.stderr


def _with_shims(fleet: Testbed) -> dict[str, str]:
    """The environment with Slurm's names."""
    links = fleet.folder / "shims"
    if not links.exists():
        assert fleet.run("mini-slurm", "shims", str(links)).returncode == 0
    return {**fleet.environment, "PATH": f"{links}:{fleet.environment['PATH']}"}


def test_a_source_that_goes_before_the_step_begins_is_named(fleet: Testbed, work: Path) -> None:
    (work / "soon").write_text("x")
    holder = submit(fleet, work, "while [ ! -e gone ]; do sleep 0.05; done", f"--chdir={fleet.shared}", "-N2", "-c2")
    jobs.wait_for(fleet, holder, "RUNNING")
    program = str(Path(sys.executable).parent / "msrun")
    with subprocess.Popen(
        [program, "--stage-in=soon", "true"], cwd=work, env=fleet.environment, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_until(lambda: max(jobs.all_jobs(fleet)) > holder, "the step to wait", logs=fleet.logs)
        (work / "soon").unlink()
        (fleet.shared / "gone").touch()
        assert process.stderr is not None
        said = process.stderr.read()
    (fleet.shared / "gone").unlink()
    assert process.returncode == 1
    assert said.splitlines()[-1] == (
        f"msrun: error: Unable to allocate resources: stage-in: {work}/soon: No such file or directory"
    )


def test_steps_in_an_allocation_run_where_its_data_are(fleet: Testbed, work: Path) -> None:
    (work / "one").write_text("1\n")
    (work / "hold.sh").write_text("msrun cat one\nmsrun sh -c 'echo 2 > two'\n")
    done = fleet.run("msalloc", "-Q", "--stage-in=one", "--stage-out=two", "sh", "hold.sh", cwd=work)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
    assert (work / "two").read_text() == "2\n"


def test_a_new_controller_knows_where_the_data_of_a_step_are(fleet: Testbed, work: Path) -> None:
    (work / "one").write_text("1\n")
    (work / "hold.sh").write_text(f"kill -9 $(cat {fleet.state}/controller.lock)\nmsrun sh -c 'cat one; cp one two'\n")
    done = fleet.run("msalloc", "-Q", "--stage-in=one", "--stage-out=two", "sh", "hold.sh", cwd=work)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
    assert (work / "two").read_text() == "1\n"


def test_results_come_home_with_their_names_times_and_permissions(fleet: Testbed, work: Path) -> None:
    script = (
        "mkdir -p r/sub; echo 1 > r/a.csv; echo 2 > r/sub/b.csv; chmod 700 r/a.csv; ln -s a.csv r/l; ln -s /etc r/o"
    )
    number = submit(fleet, work, script, "--stage-out=r", "--stage-out=none/*", "--stage-out=r/*.csv:done/%j/")
    said = output(fleet, work, number).splitlines()
    assert said == [
        "mini_slurm: stage-out: nothing matches none/*",
        "mini_slurm: stage-out: r/o is left out: it leads out of the folder",
    ]
    files = sorted(str(path.relative_to(work)) for path in work.rglob("*") if not path.name.startswith("slurm-"))
    assert files == ["done", f"done/{number}", f"done/{number}/a.csv", "r", "r/a.csv", "r/l", "r/sub", "r/sub/b.csv"]
    assert (work / "r" / "a.csv").stat().st_mode & 0o777 == 0o700
    assert (work / "r" / "sub" / "b.csv").read_text() == "2\n"


def test_results_of_what_failed_or_was_cancelled_come_too(fleet: Testbed, work: Path) -> None:
    failed = submit(fleet, work, "echo 1 > a; exit 3", "--stage-out=a:%j/")
    waits = submit(fleet, work, "echo 2 > a; echo here; sleep 60", "--stage-out=a:%j/")
    wait_until(lambda: jobs.text(work / f"slurm-{waits}.out") == "here\n", "the job to run")
    assert fleet.run("mscancel", str(waits)).returncode == 0
    output(fleet, work, failed, "FAILED")
    output(fleet, work, waits, "CANCELLED")
    assert (jobs.text(work / f"{failed}" / "a"), jobs.text(work / f"{waits}" / "a")) == ("1\n", "2\n")


def test_what_two_machines_have_by_one_name_both_comes(fleet: Testbed, work: Path) -> None:
    number = submit(fleet, work, "srun sh -c 'hostname > a'", "-N2", "--stage-out=a")
    output(fleet, work, number)
    names = sorted(path.name for path in work.glob("a*"))
    assert names == ["a", "a.node2"]
    assert jobs.text(work / "a") != jobs.text(work / "a.node2")


def test_somebody_at_a_terminal_sees_where_the_results_of_a_step_are(fleet: Testbed, work: Path) -> None:
    (work / "out").write_text("a file where a folder is wanted")
    with at_terminal(fleet, "msrun", f"--stage-out=a:{work}/out/", "sh", "-c", "echo 1 > a") as terminal:
        terminal.shows(f"stage-out: {work}/out: Not a directory")
        (work / "out").unlink()
        assert terminal.end() == 0
    assert jobs.text(work / "out" / "a") == "1\n"


def test_results_that_cannot_be_put_down_hold_the_job_until_they_can(fleet: Testbed, work: Path) -> None:
    (work / "out").write_text("a file where a folder is wanted")
    words = ["msbatch", "-W", "-o", str(work / "o"), f"--stage-out=a:{work}/out/", "--wrap", "echo 1 > a"]
    with at_terminal(fleet, *words) as terminal:
        terminal.shows("Submitted batch job ")
        why = f"stage-out: {work}/out: Not a directory"
        terminal.shows(why)
        number = max(jobs.all_jobs(fleet))
        assert (jobs.job(fleet, number).state.name, jobs.job(fleet, number).reason) == ("COMPLETING", why)
        (work / "out").unlink()
        assert terminal.end() == 0
    assert jobs.text(work / "out" / "a") == "1\n"


# --- faults

LARGE = 80_000_000  # bytes: longer under way than it takes to be cut


def partial(fleet: Testbed, name: str) -> int:
    """How much of a file has come to a machine."""
    folder = fleet.bed.folder / name / "vartmp" / f"mini_slurm-{os.getuid()}" / "stage" / "partial"
    try:
        return sum(entry.stat().st_size for entry in os.scandir(folder))
    except FileNotFoundError:
        return 0  # nothing has come yet, or all of it has


def said(fleet: Testbed, words: str) -> list[int]:
    """The numbers that the controller's log has before these words."""
    lines = (fleet.state / "controller.log").read_text().splitlines()
    return [int(line.partition(words)[0].split()[-1]) for line in lines if words in line]


def test_a_cut_and_a_killed_controller_cost_no_bytes_on_the_way_there(fleet: Testbed, work: Path) -> None:
    (work / "large").touch()
    os.truncate(work / "large", LARGE)
    number = submit(fleet, work, "sha256sum large", "--stage-in=large", "-w", "node1")
    wait_until(lambda: partial(fleet, "node1") > LARGE // 10, "some of it to be there")
    assert jobs.job(fleet, number).state.name == "CONFIGURING"
    processes.kill(fleet.sessions("node1"))
    wait_until(lambda: partial(fleet, "node1") > LARGE // 2, "more of it to be there")
    processes.kill(fleet.controllers())
    assert fleet.run("msqueue").returncode == 0  # starts the next one
    expected = hashlib.sha256((work / "large").read_bytes()).hexdigest()
    assert output(fleet, work, number) == f"{expected}  large\n"
    left = said(fleet, f" bytes of {LARGE} to send")
    assert left[0] == LARGE and len(left) >= 3 and left[-1] <= 0.5 * LARGE and left == sorted(left, reverse=True)


def test_a_cut_cable_costs_no_bytes_on_the_way_home(fleet: Testbed, work: Path) -> None:
    command = f"head -c {LARGE} /dev/urandom > large; sha256sum large"
    number = submit(fleet, work, command, "--stage-out=large:home/", "-w", "node1")
    wait_until(lambda: any(path.stat().st_size > LARGE // 10 for path in work.glob("home/*")), "some of it", seconds=30)
    fleet.bed.cut("node1")
    log = fleet.state / "controller.log"
    wait_until(lambda: f".{number}.1: node1: the connection ended" in log.read_text(), "the cut to be noticed")
    assert jobs.job(fleet, number).state.name == "COMPLETING"
    fleet.bed.heal("node1")
    digest = output(fleet, work, number).split()[0]
    assert digest == hashlib.sha256((work / "home" / "large").read_bytes()).hexdigest()
    assert [path.name for path in (work / "home").iterdir()] == ["large"]
    assert said(fleet, " bytes of what is wanted")[-1] > LARGE // 10


# --- large files that change


def sent(fleet: Testbed, name: str) -> int:
    """Bytes that a machine has been sent so far."""
    return int(Path(f"/sys/class/net/{fleet.bed.machines[name]['cable']}/statistics/tx_bytes").read_text())


def change(path: Path) -> str:
    """Have other bytes in the middle of a file, and more at its beginning; its checksum."""
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(b"more" + data[:middle] + os.urandom(1000) + data[middle + 1000 :])
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("way", ["--stage-in=large", "--snapshot=dir"])
def test_of_a_large_file_that_has_changed_the_difference_travels(fleet: Testbed, work: Path, way: str) -> None:
    large = work / "large"
    large.write_bytes(os.urandom(digests.LARGE + 12345))
    words = (way, "-w", "node1")
    output(fleet, work, submit(fleet, work, "true", *words))
    digest, before = change(large), sent(fleet, "node1")
    assert output(fleet, work, submit(fleet, work, "sha256sum < large", *words)) == f"{digest}  -\n"
    assert sent(fleet, "node1") - before < digests.LARGE / 10


def test_where_rsync_fails_the_whole_file_travels(fleet: Testbed, work: Path) -> None:
    """In a program's place that cannot do it, one that ends in the middle, and one that makes something else of it."""
    programs = work / "programs"
    programs.mkdir()
    large = work / "large"
    large.write_bytes(os.urandom(digests.LARGE + 12345))
    output(fleet, work, submit(fleet, work, "true", "--stage-in=large", "-w", "node1"))
    fleet.end_controllers()
    path = fleet.environment["PATH"]
    fleet.variables["PATH"] = f"{programs}:{path}"
    other = f'head -c 9000000 /dev/zero > {work}/zeros; set -- "$1" "$2" "$3" "$4" "$5" {work}/zeros "$7"'
    try:
        for line in ("exit 1", "exec 1>&- 2>&-; kill -9 $$", f'{other}; exec /usr/bin/rsync "$@"'):
            (programs / "rsync").write_text(f"#!/bin/sh\n{line}\n")
            (programs / "rsync").chmod(0o755)
            digest = change(large)
            said = output(fleet, work, submit(fleet, work, "sha256sum < large", "--stage-in=large", "-w", "node1"))
            assert said == f"{digest}  -\n"
    finally:
        fleet.end_controllers()
        fleet.variables["PATH"] = path


def test_what_the_users_page_shows_happens(fleet: Testbed, work: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
    blocks = re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    shown = [part.partition("\n") for block in blocks for part in block.split("$ ")[1:] if part]
    assert len(shown) == 9
    for command, _, expected in shown:
        done = fleet.run("bash", "-c", command, cwd=work)
        assert re.sub("job [0-9]+", "job N", done.stdout + done.stderr) == re.sub("job [0-9]+", "job N", expected), (
            command
        )
