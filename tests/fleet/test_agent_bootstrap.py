"""From a bare login to a running agent, and what is said where that cannot be."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import termios
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mini_slurm.agent.archive import COMMAND, build_agent, greeting
from mini_slurm.protocol.messages import Refused, Started
from tests.fleet.agent_client import ARCHIVE, NAME, Client, agent_pid, attempt_of, wanted
from tests.waiting import wait_until

Connect = Callable[..., Client]
SHELLS = ("sh", "bash", "dash", "zsh", "csh", "tcsh", "fish")
PYENV = Path("~/.pyenv/versions").expanduser()


def works(python: Path) -> bool:
    return subprocess.run([python, "-c", "pass"], capture_output=True, check=False).returncode == 0


def pythons(*versions: str) -> list[Path]:
    """The interpreters of these versions that this machine has."""
    found = [shutil.which(f"python{version}") for version in versions]
    pyenv = [path for version in versions for path in sorted(PYENV.glob(f"{version}.*/bin/python"))]
    return [path for path in [*map(Path, filter(None, found)), *pyenv] if works(path)]


def as_python3(folder: Path, python: Path) -> dict[str, str]:
    """An environment in which python3 is another one."""
    folder.mkdir(exist_ok=True)
    (folder / "python3").write_text(f'#!/bin/sh\nexec {python} "$@"\n')
    (folder / "python3").chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def error(client: Client) -> str:
    assert client.status["status"] == "error", client.status
    assert client.process.wait(30) != 0
    return client.status["error"]


def test_the_archive_is_sent_once_and_a_second_connection_finds_the_agent(make_client: Connect) -> None:
    first, second = make_client("one"), make_client("two")
    assert first.was_needed and not second.was_needed
    assert second.run("echo hello")[1] == "hello\n"


def test_the_archive_is_the_same_whenever_it_is_built() -> None:
    assert build_agent() == build_agent()
    names = zipfile.ZipFile(io.BytesIO(ARCHIVE)).namelist()
    assert "__main__.py" in names and "mini_slurm/agent/main.py" in names
    parts = {name.split("/")[1] for name in names if "/" in name}
    assert parts == {"__init__.py", "agent", "errors.py", "model", "options", "protocol", "steps"}


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shutil.which(shell)])
def test_the_command_means_the_same_to_every_login_shell(make_client: Connect, shell: str) -> None:
    assert make_client(shell=(shell, "-c")).status["status"] == "ready"


@pytest.mark.parametrize("python", pythons("3.4", "3.5", "3.6", "3.7"), ids=lambda path: path.parts[-3])
def test_a_python_that_is_too_old_is_named(make_client: Connect, tmp_path: Path, python: Path) -> None:
    version = subprocess.run(
        [python, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    text = error(make_client(environment=as_python3(tmp_path / "bin", python)))
    assert version in text and "3.8" in text
    assert not (tmp_path / "spool").exists()


def test_the_version_check_is_spoken_by_a_python_that_says_it_is_old(tmp_path: Path) -> None:
    old = COMMAND.split('"', 1)[1].rsplit('"', 1)[0].replace("import sys;", "import sys;sys.version_info=(3,4,9);")
    said = subprocess.run([sys.executable, "-c", old], input=greeting(NAME, 1), capture_output=True, check=False)
    assert (said.returncode, said.stderr) == (1, b"")
    assert b"Python 3.4.9" in said.stdout


@pytest.mark.parametrize("python", pythons("3.8", "3.9", "3.12", "3.13"), ids=lambda path: path.parts[-3])
def test_the_agent_runs_under_every_python_that_is_promised(make_client: Connect, tmp_path: Path, python: Path) -> None:
    client = make_client(environment=as_python3(tmp_path / "bin", python))
    for number, streams in enumerate(("ordered", "split", "merged")):
        ended, out, err = client.run("echo a; echo b >&2; sleep 100 & exit 3", number, streams=streams)
        assert (ended.exit_code, sorted((out + err).split())) == (3, ["a", "b"])
    log = (client.spool / "agent.log").read_text().splitlines()
    assert len(log) == 1, log


def test_a_link_in_the_place_of_the_spool_is_refused(make_client: Connect, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "spool").symlink_to("elsewhere")
    assert "is a link" in error(make_client())


def test_a_spool_that_others_may_read_is_refused(make_client: Connect, tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool").chmod(0o755)
    client = make_client()
    assert "is open to others" in error(client)
    assert client.status["hint"] == f"chmod 700 {tmp_path}/spool there"


def test_a_file_in_the_place_of_the_spool_is_refused(make_client: Connect, tmp_path: Path) -> None:
    (tmp_path / "spool").touch()
    assert "is no folder" in error(make_client())


def test_a_place_that_cannot_be_written_is_named(make_client: Connect) -> None:
    client = make_client(environment={"MINI_SLURM_SPOOL": "/proc/mini_slurm"})
    assert "cannot use the spool folder /proc/mini_slurm" in error(client)
    assert client.status["hint"].startswith("export MINI_SLURM_SPOOL=FOLDER")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root can give a folder away")
def test_a_spool_of_somebody_else_is_refused(make_client: Connect, tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir(mode=0o700)
    os.chown(tmp_path / "spool", 65534, 65534)
    assert "belongs to user 65534" in error(make_client())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """The spool's place, with room for little besides the agent."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a small file system has to be mounted")
    place = tmp_path / "spool"
    place.mkdir(mode=0o700)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this root may not mount")
    yield place
    wait_until(
        lambda: subprocess.run(["umount", place], capture_output=True, check=False).returncode == 0, "an unused tmpfs"
    )


def fill(place: Path) -> Path:
    """Leave no room; the file that took it."""
    with (place / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))
    return place / "filler"


def test_an_agent_that_does_not_start_is_tried_again(make_client: Connect) -> None:
    client = make_client(environment={"MINI_SLURM_AGENT_IDLE": "soon"})
    assert "the agent does not start: ValueError" in error(client)
    assert client.status["again"] is True


def test_a_full_disk_is_named_with_what_to_do(small_disk: Path, make_client: Connect) -> None:
    fill(small_disk)
    client = make_client()
    assert "no space left" in error(client)
    assert client.status["hint"].startswith("free some there, or export MINI_SLURM_SPOOL=FOLDER")


def test_a_job_that_finds_a_full_disk_is_refused_and_leaves_nothing(small_disk: Path, make_client: Connect) -> None:
    client = make_client()
    filler = fill(small_disk)
    client.send(wanted(attempt_of(1), "true"))
    assert "no space left" in client.wait(Refused, attempt_of(1)).why
    filler.unlink()
    assert client.run("echo room")[1] == "room\n"


def test_a_disk_that_fills_up_holds_the_output_and_loses_nothing(
    small_disk: Path, make_client: Connect, tmp_path: Path
) -> None:
    client = make_client()
    client.send(wanted(attempt_of(1), f"echo up; while [ ! -e {tmp_path}/go ]; do sleep .02; done; seq 1 5000"))
    client.wait(Started, attempt_of(1))
    client.wait_for_text(attempt_of(1), "up")
    filler = fill(small_disk)
    (tmp_path / "go").touch()
    wait_until(lambda: unread(small_disk / "attempts" / attempt_of(1) / "out.fifo"), "output that waits")
    filler.unlink()
    ended, out, _ = client.finish(attempt_of(1))
    assert ended.exit_code == 0
    assert out == "up\n" + "".join(f"{i}\n" for i in range(1, 5001))


def unread(fifo: Path) -> int:
    """Bytes that a FIFO holds."""
    descriptor = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    try:
        return int.from_bytes(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)
    finally:
        os.close(descriptor)


def other_agent() -> tuple[str, bytes]:
    """An agent of another version: the same with another content."""
    data = ARCHIVE
    buffer = io.BytesIO(data)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(zipfile.ZipInfo("later.txt"), "another version")
    data = buffer.getvalue()
    return f"agent-{hashlib.sha256(data).hexdigest()[:16]}.pyz", data


def test_a_newer_agent_takes_over_while_jobs_go_on(make_client: Connect, tmp_path: Path) -> None:
    old = make_client()
    old.send(wanted(attempt_of(1), f"echo before; while [ ! -e {tmp_path}/go ]; do sleep .02; done; echo after"))
    old.wait_for_text(attempt_of(1), "before")
    first = agent_pid(old.spool)
    new = make_client(agent=other_agent())
    assert agent_pid(old.spool) != first
    assert old.process.wait(30) == 0
    assert new.welcome.attempts == [attempt_of(1)]
    (tmp_path / "go").touch()
    assert new.finish(attempt_of(1))[1] == "before\nafter\n"


def test_an_older_controller_lives_with_a_newer_agent(make_client: Connect) -> None:
    make_client("one")
    make_client("two", agent=other_agent())
    newer = agent_pid(make_client("one").spool)
    assert make_client("one").run("echo still")[1] == "still\n"
    assert agent_pid(make_client("two", agent=other_agent()).spool) == newer


def foreign_agent() -> tuple[str, bytes]:
    """An agent whose orders have one field less."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(ARCHIVE)) as ours, zipfile.ZipFile(buffer, "w") as theirs:
        for name in ours.namelist():
            data = ours.read(name)
            if name.endswith("protocol/messages.py"):
                data, whole = re.sub(rb"\n    shares_cpus: [^\n]*", b"", data), data
                assert data != whole
            theirs.writestr(zipfile.ZipInfo(name), data)
    data = buffer.getvalue()
    return f"agent-{hashlib.sha256(data).hexdigest()[:16]}.pyz", data


def test_an_agent_that_would_not_understand_is_replaced_even_if_ours_lies_there(make_client: Connect) -> None:
    make_client("one")
    make_client("two", agent=foreign_agent(), greet=False)
    assert make_client("one").run("echo understood", shares_cpus=True)[1] == "understood\n"


def test_two_that_start_an_agent_at_once_meet_the_same(make_client: Connect, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        clients = list(pool.map(make_client, ["a", "b", "c", "d"]))
    assert [client.run("echo hello")[1] for client in clients] == ["hello\n"] * 4
