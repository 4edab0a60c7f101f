"""Whatever is typed, a command ends with a status and clear lines: no traceback, no report of a fault, no hang."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mini_slurm.cli import common, listing
from mini_slurm.cli.allocation import TAKEN, Allocation
from mini_slurm.cli.manual import notes, pages
from mini_slurm.controller import autostart
from mini_slurm.model.job import Job
from mini_slurm.options.grammar import Option
from mini_slurm.store import database

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "100"))
FLEET = """
[fleet]
name = "mini"
default_memory_per_cpu = "500M"
[machines."node[1-3]"]
cpus = 4
memory = "8000M"
gpus = 2
features = ["ib", "a100"]
[partitions.compute]
machines = "node[1-3]"
default = true
default_time = "1:00:00"
[partitions.gpu]
machines = "node3"
[accounts.science]
users = { root = { default = true } }
"""
# What waits: for a controller, for a job, for the next round, for somebody to type.
WAITING = {"iterate", "wait", "wait-all-nodes"}
# Values that are nearly right, or right elsewhere, or too much of something.
VALUES = (
    "", " ", "0", "1", "-1", "+1", "007", "4294967295", "99999999999999999999", "1-3", "3-1", "1-", "1,2", ",", ",,",
    "1.5", "1:00", "1-00:00:00", "99:99:99", ":", "1-1-1", "UNLIMITED", "INFINITE", "now", "now+1hour", "now-",
    "2030-13-45", "2026-11-22T10:00:00", "16:00", "noon", "12/31", "10G", "10X", "G", "1e9", "nan", "inf", "0x10", "١٢",
    "½", "²", "node1", "node[1-3]", "node[1", "node]1[", "node[3-1]", "node[1-99999999999]", "node[01-3,7-9]x[1-2]",
    "[1-2]", "^f", "compute", "gpu", "compute,gpu", "nope", "ALL", "all", "root", "science", "normal", "PENDING", "pd",
    "R,CD", "NOPE", "gpu:1", "gpu:a100:2", "gpu:", ":1", "gpu:x:y:z", "1:2:3:4", "ib&a100", "ib|", "(ib", "[ib*2]",
    "ib&&", "!ib", "*", "1-10:2%3", "1-10:0", "%5", "1-1000000000", "1_2", "1_[1-3]", "1_[", "1.batch", "1.0", "1+0",
    "_1", "1_", "[1]", "%i", "%.18i %j", "%", "%.", "%99999999999i", "%-5", "%{x}", "jobid,state", "jobid%30",
    "jobid:10", "jobid:-10", "jobid:", "jobid%", "jobid%99999999999999999999", ":10", "x" * 5000, "9" * 5000,
    "a=b", "=", "A=1,B=2",
    "NONE", "NIL", "user", "mcs", "y", "afterok:1", "afterok:1:2?afterany:3", "afterok", "after:1+5", "singleton",
    "expand:1", "afterok:1,", "USR1", "B:USR1@60", "SIG", "64", "65", "USR1@", "@", "append", "truncate", "/",
    "/nonexistent/x/y", "..", "%A_%a", "%%%j%", "\\%j", "a\nb", "\t", "\x1b[31m", "\udcff", "é", "🙂", "a b", "'", '"',
    "$(x)", "`x`", ";", "--", "-", "K", "M", "KB", "JobId=1", "jobid=1", "NodeName=node1", "State=DRAIN", "Reason=x",
    "PartitionName=gpu", "TimeLimit=+1", "Foo=Bar", "job", "node", "partition", "config", "step", "hostnames",
    "hostlist", "1.2.3", "1,1_1,1.batch",
)  # fmt: skip
LETTERS = st.characters(exclude_characters="\0", exclude_categories=())


@pytest.fixture(autouse=True)
def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A fleet and a few jobs; nobody is there to do what is asked, and no one waits for it."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    (tmp_path / "fleet.toml").write_text(FLEET)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "job.sh").write_text("#!/bin/sh\n#SBATCH -J named\n")
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("MINI_SLURM_STATE", str(state))
    monkeypatch.setenv("MINI_SLURM_FLEET", str(tmp_path / "fleet.toml"))
    monkeypatch.setattr(autostart, "wake", lambda state: None)
    monkeypatch.setattr(listing, "revive", lambda state: None)
    for module, name in (("mscancel", "PATIENCE"), ("msinfo", "FIRST_CONTACT"), ("allocation", "RETURN")):
        monkeypatch.setattr(import_module(f"mini_slurm.cli.{module}"), name, 0.0)
    monkeypatch.setattr(Allocation, "_wait", Allocation._give_up)
    monkeypatch.setattr(Allocation, "_attend", lambda self: None)  # its lock is held until the process ends
    handlers = {number: signal.getsignal(number) for number in TAKEN}
    with closing(database.open_database(str(state))) as db:
        for number in range(3):
            job = Job(user="root", uid=os.getuid(), name=f"job{number}", partition="compute", work_dir=str(tmp_path))
            database.submit(db, job, b"#!/bin/sh\n", b"{}")
    yield state
    for number, handler in handlers.items():
        signal.signal(number, handler)


def options(table: Sequence[Option]) -> st.SearchStrategy[list[str]]:
    """One option with a value, as words: by any of its names, or by the beginning of one, glued or apart."""

    @st.composite
    def words(draw: st.DrawFn) -> list[str]:
        option = draw(st.sampled_from([one for one in table if one.long not in WAITING]))
        text = draw(values)
        if not option.long or (option.short and draw(st.booleans())):
            name, glue = f"-{option.short}", ""
        else:
            long = draw(st.sampled_from([option.long, *option.aliases]))
            name, glue = f"--{long[: draw(st.integers(max(len(long) - 2, 1), len(long)))]}", "="
        if option.value == "none" and draw(st.integers(0, 9)):
            return [name]
        return draw(st.sampled_from([[name + glue + text], [name, text]]))

    return words()


values = st.sampled_from(VALUES) | st.text(LETTERS, max_size=12).filter(lambda text: _can_be_an_argument(text))


def _can_be_an_argument(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def lines(table: Sequence[Option], words: Sequence[str] = ()) -> st.SearchStrategy[list[str]]:
    """A command line: options, values, other words, garbage, in any order."""
    others = values | st.sampled_from(words) if words else values
    part = st.one_of(options(table), options(table), others.map(lambda word: [word]))
    return st.lists(part, max_size=5).map(lambda parts: [word for part in parts for word in part])


def call(
    name: str, body: Callable[[str, list[str]], int], arguments: list[str], given: bytes = b"#!/bin/sh\n"
) -> tuple[int, str]:
    """Exit status, and what was said on standard error; `given` is on standard input."""
    streams, argv = (sys.stdin, sys.stdout, sys.stderr), sys.argv
    sys.stdin, sys.argv = io.TextIOWrapper(io.BytesIO(given)), [name, *arguments]
    sys.stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="surrogateescape")
    sys.stderr = io.StringIO()
    try:
        status = common.run(name, body)
        return status, sys.stderr.getvalue()
    finally:
        (sys.stdin, sys.stdout, sys.stderr), sys.argv = streams, argv


WORDS = {
    "msbatch": ("job.sh", "--wrap=true"),
    "mscontrol": ("show", "update", "hold", "release", "help", "version", "requeue", "top", "details", "quit"),
}


@pytest.mark.parametrize("command", pages.COMMANDS)
@pytest.mark.parametrize("slurm", [True, False], ids=["slurms", "ours"])
def test_any_command_line_ends_well(command: str, slurm: bool, login: Path) -> None:
    module = import_module(f"mini_slurm.cli.{command}")
    program = pages.COMMANDS[command] if slurm else command
    variables = [*notes.NOTES.get(command, notes.Note()).variables.values()]
    table = module.options(program)
    variables += [name for option in table for name in getattr(option, "env", ())]

    @settings(max_examples=EXAMPLES, deadline=2000, suppress_health_check=list(HealthCheck), print_blob=True)
    @given(
        lines(table, WORDS.get(command, ())), st.dictionaries(st.sampled_from(variables or ["X"]), values, max_size=2)
    )
    def check(arguments: list[str], environment: dict[str, str]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            status, said = call(program, getattr(module, command), arguments)
        ends_well(login, status, said)

    check()


def ends_well(state: Path, status: int, said: str) -> None:
    """It is an exit status, and nothing was said that only our own faults say."""
    assert 0 <= status <= 255
    for report in state.glob("crash-*"):
        said += report.read_text()
        report.unlink()
    assert "Traceback" not in said and "fault of mini_slurm" not in said, said


def directives(table: Sequence[Option]) -> st.SearchStrategy[bytes]:
    """A batch script: directives as people write them, quoted or not, and lines of anything."""

    def line(words: list[str], quote: str, before: str, after: str) -> bytes:
        text = " ".join(f"{quote}{word}{quote}" for word in words)
        return f"{before}{text}{after}".encode(errors="surrogateescape")

    around = st.sampled_from(["#SBATCH ", "#SBATCH", "#SBATCH\t", "# SBATCH ", "#PBS ", "#SBATCH --", "#SBATCH -"])
    behind = st.sampled_from(["", " ", " # x", " #", "\r", "\\", "\\\n", '"', "'"])
    written = st.builds(line, options(table), st.sampled_from(["", '"', "'"]), around, behind)
    first = st.sampled_from([b"#!/bin/sh", b"#!", b"#! /bin/bash -l", b"", b"\xff\xfe", b"#!/bin/sh\r"])
    lines = st.lists(written | st.binary(max_size=30), max_size=6)
    return st.builds(lambda head, rest: b"\n".join([head, *rest, b""]), first, lines)


def test_any_script_ends_well(login: Path) -> None:
    module = import_module("mini_slurm.cli.msbatch")

    @settings(max_examples=EXAMPLES, deadline=2000, suppress_health_check=list(HealthCheck), print_blob=True)
    @given(directives(module.options("sbatch")))
    def check(script: bytes) -> None:
        status, said = call("sbatch", module.msbatch, [], script)
        ends_well(login, status, said)

    check()
