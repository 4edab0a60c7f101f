"""What could stand where the cursor is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.cli import msbatch, mscancel, mscontrol, msinfo, msqueue
from mini_slurm.cli.complete import values
from mini_slurm.cli.complete.engine import Answer, complete
from mini_slurm.cli.complete.main import split
from mini_slurm.options.grammar import Option

THERE_IS = {
    "jobs": ["41", "42"],
    "all_jobs": ["7", "42"],
    "partitions": ["compute", "gpu"],
    "nodes": ["node1", "node2"],
    "states": ["PENDING", "RUNNING"],
    "signals": ["USR1", "USR2", "KILL"],
    "verbs": ["show", "hold", "update"],
    "entities": ["jobs", "nodes"],
    "node_states": ["idle", "drain"],
}
OPTIONS = {
    "msbatch": msbatch.options("msbatch"),
    "mscancel": mscancel.options("mscancel"),
    "mscontrol": mscontrol.options("mscontrol"),
    "msinfo": msinfo.options("msinfo"),
    "msqueue": msqueue.options("msqueue"),
}


def answer(line: str) -> Answer:
    """For a line, whose last word is the one that is being typed."""
    command, *words = line.split(" ")
    return complete(command, OPTIONS[command], words, lambda kind: [(word, "") for word in THERE_IS.get(kind, [])])


def words(line: str) -> list[str]:
    """Those that could stand at the line's end."""
    return [candidate.word for candidate in answer(line).candidates]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("msqueue --parti", ["--partitions="]),
        ("msqueue --stat", ["--states="]),
        ("msqueue --nohe", ["--noheader"]),
        ("msqueue --partition=", ["--partition=compute", "--partition=gpu"]),
        ("msqueue --partition=compute,g", ["--partition=compute,gpu"]),
        ("msqueue --partition g", ["gpu"]),
        ("msqueue --parti g", ["gpu"]),
        ("msqueue -p g", ["gpu"]),
        ("msqueue -pg", ["-pgpu"]),
        ("msqueue -hp g", ["gpu"]),
        ("msqueue -t run", ["RUNNING"]),
        ("msqueue -j 4", []),  # its value is optional, and then only glued
        ("msqueue -j4", ["-j41", "-j42"]),
        ("msqueue -w node1,", ["node1,node1", "node1,node2"]),
        ("msinfo -t id", ["idle"]),
        ("mscancel 4", ["41", "42"]),
        ("mscancel 41 4", ["42"]),
        ("mscancel -s US", ["USR1", "USR2"]),
        ("mscancel -s USR1 4", ["41", "42"]),
        ("mscancel -- 4", ["41", "42"]),
        ("msbatch -w node", ["node1", "node2"]),
        ("msbatch --open-mode=", ["--open-mode=append", "--open-mode=truncate"]),
        ("msbatch job.sh --par", []),
        ("mscontrol s", ["show"]),
        ("mscontrol show ", ["jobs", "nodes"]),
        ("mscontrol show job 4", ["42"]),
        ("mscontrol show node node1", ["node1"]),
        ("mscontrol -o show nodes node2", ["node2"]),
        ("mscontrol hold 4", ["41", "42"]),
        ("mscontrol update j", ["JobId="]),
        ("mscontrol update NodeName=", ["NodeName=node1", "NodeName=node2"]),
        ("mscontrol update NodeName=node1 state=d", ["state=drain"]),
        ("msqueue --nonsense=", []),
        ("msqueue -? x", []),
    ],
)
def test_what_could_stand_there(line: str, expected: list[str]) -> None:
    assert words(line) == expected


@pytest.mark.parametrize(
    ("line", "shells", "prefix"),
    [
        ("msbatch ", "files", ""),
        ("msbatch job.sh ", "files", ""),
        ("msbatch -o ", "files", ""),
        ("msbatch --output=a", "files", "--output="),
        ("msbatch --chdir ", "folders", ""),
    ],
)
def test_files_are_the_shells_own(line: str, shells: str, prefix: str) -> None:
    found = answer(line)
    assert (found.shells, found.prefix, list(found.candidates)) == (shells, prefix, [])


def test_templates_are_offered_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert dict(values.look("templates"))["mpi"] == "An MPI program."


def test_an_option_that_wants_a_value_goes_on() -> None:
    assert [one.continues for one in answer("msqueue --partit").candidates] == [True]
    assert [one.continues for one in answer("msqueue --long").candidates] == [False]
    assert [one.continues for one in answer("msqueue --partition=gpu").candidates] == [False]


@pytest.mark.parametrize("command", OPTIONS)
def test_every_option_is_offered(command: str) -> None:
    found = words(f"{command} -")
    for option in OPTIONS[command]:
        assert not option.long or any(word.rstrip("=") == f"--{option.long}" for word in found)
        assert not option.short or f"-{option.short}" in found


@given(st.sampled_from([*OPTIONS]), st.lists(st.text(), min_size=1, max_size=6))
def test_whatever_was_typed_gets_an_answer(command: str, typed: list[str]) -> None:
    table: tuple[Option, ...] = OPTIONS[command]
    found = complete(command, table, typed, lambda kind: [(word, "") for word in THERE_IS.get(kind, [])])
    for candidate in found.candidates:
        assert candidate.word.lower().startswith(typed[-1].lower())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", [""]),
        ("msqueue", ["msqueue"]),
        ("msqueue ", ["msqueue", ""]),
        ("msqueue  -p  g", ["msqueue", "-p", "g"]),
        ("a 'b c' d", ["a", "b c", "d"]),
        ("a 'b c", ["a", "b c"]),
        ("a '' b", ["a", "", "b"]),
        (r"a b\ c", ["a", "b c"]),
        ('a "b\\" c" d', ["a", 'b" c', "d"]),
    ],
)
def test_a_line_is_split_as_the_shell_does(line: str, expected: list[str]) -> None:
    assert split(line) == expected
