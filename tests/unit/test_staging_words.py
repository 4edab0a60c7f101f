"""model/staging.py and the options above it: what PATH:DEST and GLOB:DEST mean."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.desk.submission import Script, read_values
from mini_slurm.errors import BadUsage, MiniSlurmError
from mini_slurm.model.staging import (
    Input,
    Plan,
    Result,
    destination,
    fixed_part,
    from_text,
    inside,
    matches,
    split_spec,
    to_text,
)
from mini_slurm.options.grammar import parse
from mini_slurm.options.table import OPTIONS, OURS
from mini_slurm.protocol import flat
from mini_slurm.protocol.staging import Entry, pack_entries, unpack_entries


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("data", ("data", None)),
        ("data:in/x", ("data", "in/x")),
        (r"a\:b:c", ("a:b", "c")),
        ("a:b:c", ("a", "b:c")),
        (r"back\\slash", ("back\\slash", None)),
        (r"*.csv:out", ("*.csv", "out")),
    ],
)
def test_a_spec_is_a_path_and_perhaps_a_destination(text: str, parts: tuple[str, str | None]) -> None:
    assert split_spec(text) == parts


@pytest.mark.parametrize("text", [":x", "x:", "x\\", "x\0"])
def test_a_spec_without_one_of_them_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        split_spec(text)


@pytest.mark.parametrize("path", ["/etc", "..", "a/../b", "a/.."])
def test_a_place_in_the_jobs_folder_does_not_lead_out(path: str) -> None:
    with pytest.raises(ValueError, match=re.escape(path)):
        inside(path)


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("results/a.csv", "results/*.csv", True),
        ("results/a/b.csv", "results/*", True),  # in a folder that matches
        ("results/.a", "results/*", False),
        ("results/.a", "results/.*", True),
        ("a/b/c.csv", "**/*.csv", True),
        ("c.csv", "**/*.csv", True),
        (".git/c.csv", "**/*.csv", False),
        (".ssh/authorized_keys", "*", False),
        ("a/b", "a", True),
        ("ab", "a", False),
        ("x/y", "[xz]/?", True),
        ("A", "a", False),
        ("a/b", "**", True),
    ],
)
def test_a_pattern_matches_as_in_a_shell(path: str, pattern: str, expected: bool) -> None:
    assert matches(path, pattern) is expected


@pytest.mark.parametrize(
    ("pattern", "fixed"), [("a/b*/c", "a"), ("*", ""), ("a/b", "a"), ("a", ""), ("a/b/**/c", "a/b")]
)
def test_the_folders_that_a_pattern_begins_with(pattern: str, fixed: str) -> None:
    assert fixed_part(pattern) == fixed


@pytest.mark.parametrize(
    ("path", "pattern", "dest", "expected"),
    [
        ("results/a.csv", "results/*.csv", "", ("/home/results", "a.csv")),
        ("model", "model", "", ("/home", "model")),
        ("results/a.csv", "results/*.csv", "/out", ("/out", "a.csv")),
        ("r/1/x.txt", "r/*/x.txt", "/out", ("/out", "1/x.txt")),
        ("model", "model", "/out/best", ("/out", "best")),
        ("model/w", "model", "/out/best", ("/out", "best/w")),
        ("model/w", "model", "/out/best/", ("/out/best", "model/w")),
        ("a/model", "a/model", "/out/", ("/out", "model")),
    ],
)
def test_where_a_result_goes(path: str, pattern: str, dest: str, expected: tuple[str, str]) -> None:
    assert destination(path, Result(pattern, dest), "/home", dest) == expected


def test_a_plan_is_kept_as_plain_text() -> None:
    plan = Plan("/home", (Input("/home/a\udcff\n", "a"),), (Result("*", "/x"),), "abc")
    text = to_text(plan)
    assert text.isascii() and from_text(text) == plan


def values(*words: str, script: str = "", program: str = "msbatch") -> dict[str, object]:
    given, _ = parse(program, list(words), OPTIONS if program == "sbatch" else (*OPTIONS, *OURS), permute=False)
    source = Script(f"#!/bin/sh\n{script}\n".encode(), "job.sh", "job.sh")
    return read_values(program, given, source, lambda line: None).of


def test_options_add_up_from_the_script_to_the_command_line() -> None:
    of = values("--stage-in=b:c/", "--snapshot", script="#SBATCH --stage-in a --stage-out 'r/*'")
    assert of["stage_in"] == (("a", None), ("b", "c/"))
    assert of["stage_out"] == (("r/*", None),)
    assert of["snapshot"] == "auto"
    assert values("--snapshot=dir")["snapshot"] == "dir"


@pytest.mark.parametrize("word", ["--stage-in=a:/etc", "--stage-out=../x", "--stage-out=/x", "--snapshot=svn"])
def test_what_would_lead_out_is_refused(word: str) -> None:
    with pytest.raises(MiniSlurmError, match="Invalid --"):
        values(word)


def test_under_slurms_name_there_are_no_such_options() -> None:
    with pytest.raises(BadUsage):
        values("--stage-in=a", program="sbatch")


PATHS = st.binary(min_size=1, max_size=5).filter(lambda p: not {0, 47} & set(p) and p not in (b".", b".."))


@given(st.lists(st.tuples(PATHS, st.integers(0, 0o777), st.integers(0, 2**62)), max_size=5))
def test_entries_come_as_they_went(given_: list[tuple[bytes, int, int]]) -> None:
    entries = [Entry("f", path, mode, size, -size, "", b"", b"/" + path, "1.2") for path, mode, size in given_]
    assert [entry for field in pack_entries(entries) for entry in unpack_entries(field)] == entries


@pytest.mark.parametrize(
    "entry",
    [
        Entry("f", b"../x", 0, 0, 0),
        Entry("f", b"/etc/passwd", 0, 0, 0),
        Entry("f", b"a//b", 0, 0, 0),
        Entry("x", b"a", 0, 0, 0),
        Entry("f", b"a", 0, -1, 0),
        Entry("f", b"a", 0, 0, 0, "../../x"),
        Entry("l", b"a", 0, 0, 0),
    ],
)
def test_an_entry_that_would_lead_out_is_none(entry: Entry) -> None:
    [field] = pack_entries([entry])
    with pytest.raises(flat.BadFrame):
        list(unpack_entries(field))
