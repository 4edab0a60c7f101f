"""Completion in real shells: keys go to a terminal, and the line that they leave is looked at."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mini_slurm.config.paths import DATABASE
from mini_slurm.model.job import Job
from mini_slurm.store import database
from tests.fleet.conftest import skip_or_fail
from tests.fleet.machines import LoginNode

FLEET = """
[machines."node[1-2]"]
[partitions.compute]
machines = "ALL"
default = true
[partitions.gpu]
machines = "node2"
"""
READ = 'eval "$(mini-slurm completion {} --slurm)"'
SHELLS = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        ["bind 'set bell-style none'", "bind 'set enable-bracketed-paste off'", "PS1='$ '", READ.format("bash")],
    ),
    "zsh": (["zsh", "-f", "-i"], ["autoload -Uz compinit", "compinit -D", "PS1='$ '", READ.format("zsh")]),
}
COMPLETED = {  # what was typed, and the line that it becomes
    "msinfo --partit": "msinfo --partition=",
    "msinfo --partition=c": "msinfo --partition=compute ",
    "sinfo -p g": "sinfo -p gpu ",
    "mscancel 1 ": "mscancel 1 2 ",
    "msbatch tr": "msbatch train.sh ",
    "msbatch --output=tr": "msbatch --output=train.sh ",
    "msbatch -d afterok:1 --ho": "msbatch -d afterok:1 --hold ",
    "mini-slurm compl": "mini-slurm completion ",
}
SECONDS = 30.0  # for a shell to do what was typed


@pytest.fixture
def login(tmp_path: Path) -> Iterator[LoginNode]:
    """Two jobs that wait, two partitions, two nodes, a script in the working folder, and links in Slurm's names."""
    node = LoginNode(tmp_path / "login")
    node.fleet_file.write_text(FLEET)
    node.state.mkdir(mode=0o700)
    with closing(database.open_database(str(node.state))) as db:
        for name in ("first", "second"):
            database.submit(db, Job(user="u", uid=os.getuid(), name=name, partition="gpu", priority=0), b"", b"")
    (node.work / "train.sh").touch()
    shims = node.folder / "shims"
    node.run("mini-slurm", "shims", str(shims))
    node.variables["PATH"] = f"{shims}:{node.environment['PATH']}"
    yield node
    node.close()


def complete(node: LoginNode, shell: str, lines: Iterable[str]) -> list[str]:
    """The lines after somebody typed each of them and the tabulator key."""
    if not shutil.which(shell):
        skip_or_fail(f"{shell} is not installed (Debian: apt install {shell})")
    if shell == "fish":
        return [_ask_fish(node, line) for line in lines]
    words, setup = SHELLS[shell]
    # Ctrl-A and Ctrl-E make the line the argument of an echo, so that it can be read without what draws it.
    keys = [*setup, *(f'{line}\t\x01echo "<\x05>"' for line in lines), "exit"]
    ours, theirs = pty.openpty()
    environment = {**node.environment, "TERM": "dumb", "COLUMNS": "200"}
    with subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=node.work, start_new_session=True
    ) as process:
        os.close(theirs)
        os.write(ours, "".join(f"{line}\n" for line in keys).encode())
        said = _read(ours, process)
    os.close(ours)
    return re.findall(r"^<(.*?)>\r?$", said, re.M)


def _ask_fish(node: LoginNode, typed: str) -> str:
    """fish says itself how it would complete a line."""
    asked = "mini-slurm completion fish --slurm | source; complete -C $argv[1]"
    said = node.run("fish", "--no-config", "-c", asked, typed).stdout.splitlines()
    assert len(said) == 1, said
    return typed[: typed.rfind(" ") + 1] + said[0].partition("\t")[0]


def _read(terminal: int, process: subprocess.Popen[bytes]) -> str:
    """All that the shell writes until it ends."""
    said, end = b"", time.monotonic() + SECONDS
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                said += os.read(terminal, 65536)
            except OSError:
                break  # the other side is closed
        elif process.poll() is not None:
            break
    process.kill()
    return said.decode(errors="replace").replace("\r\n", "\n")


@pytest.mark.parametrize("shell", [*SHELLS, "fish"])
def test_the_tabulator_key_completes(login: LoginNode, shell: str) -> None:
    found = complete(login, shell, COMPLETED)
    if shell == "bash":
        assert found == [*COMPLETED.values()]
    else:  # zsh takes its blank away again, fish does not show it
        assert [line.rstrip() for line in found] == [line.rstrip() for line in COMPLETED.values()]


def test_the_question_that_shells_ask_is_quiet_about_faults(login: LoginNode) -> None:
    login.fleet_file.write_text("no = toml = at all")
    (login.state / DATABASE).write_bytes(b"garbage" * 1000)
    for line in ("msqueue --partition=", "mscancel ", "nonsense ", "", "msbatch -"):
        done = login.run("mini-slurm", "--complete", "bash", line, "=:")
        assert (done.returncode, done.stderr) == (0, "")
