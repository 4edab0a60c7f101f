"""output/layout.py: formats, padding, cutting, and what must not reach a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.errors import visible
from mini_slurm.output.layout import Field, View, by_letters, by_names, by_prefixes

VIEW = View(0.0, str)
FIELDS = (
    Field("JobID", "i", "JOBID", "job_id", lambda record, view: record["id"]),
    Field("Name", "j", "NAME", "name", lambda record, view: record["name"]),
    Field("NodeList", "N", "NODELIST", "node", lambda record, view: record["name"], cut=False, cut_header=False),
)
WIDE = (
    Field("JobID", "", "JobID", "", lambda record, view: record["id"], width=-12),
    Field("State", "", "State", "", lambda record, view: record["name"], width=10),
)
JOB = {"id": "585", "name": "overlimit"}


@pytest.mark.parametrize(
    ("text", "header", "line"),
    [
        ("%i %j", "JOBID NAME", "585 overlimit"),
        ("%.8i|", "   JOBID|", "     585|"),
        ("%8i|", "JOBID   |", "585     |"),
        ("%.3i", "JOB", "585"),
        ("%5j|", "NAME |", "overl|"),
        ("%.0j|", "NAME|", "overlimit|"),
        ("%j%j", "NAMENAME", "overlimitoverlimit"),
        (r"%i\t%j", r"JOBID\tNAME", r"585\toverlimit"),
        ("x", "x", "x"),
        ("a%ib", "aJOBIDb", "a585b"),
        ("", "", ""),
        ("%", "", ""),
        ("%%", "", ""),
        ("100%i done", "100JOBID done", "100585 done"),
        ("%.4N", "NODELIST", "overlimit"),
        ("%4N", "NODE", "over"),
    ],
)
def test_letters_are_padded_and_cut_as_slurm_does(text: str, header: str, line: str) -> None:
    layout, unknown = by_letters(text, FIELDS)
    assert (layout.header(), [*layout.lines([JOB], VIEW)], unknown) == (header, [line], [])


@pytest.mark.parametrize(("text", "letter"), [("%_i", "_"), ("%.", ""), ("%5.2i", ".")])
def test_an_unknown_letter_is_named_and_its_text_printed(text: str, letter: str) -> None:
    layout, unknown = by_letters(text, FIELDS)
    assert (layout.header(), unknown) == (text, [letter])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("JobID,Name", "585                 overlimit           "),
        ("jobid:8,name:.12", "585        overlimit"),
        ("JobID:|,Name:|", "585|overlimit|"),
        ("JobID:5Name", "585  Name"),
        ("Name:-10|", "overlimit |"),
    ],
)
def test_names_take_a_width_and_a_text_after_it(text: str, line: str) -> None:
    layout, unknown = by_names(text, FIELDS)
    assert ([*layout.lines([JOB], VIEW)], unknown) == ([line], [])


def test_an_unknown_name_is_named_and_left_out() -> None:
    layout, unknown = by_names("JobID:8,CPUFreq:60", FIELDS)
    assert (layout.header(), unknown) == ("JOBID   ", ["CPUFreq"])


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("jobid,state", ["JobID             State ", "------------ ---------- ", "585           overlimit "]),
        ("JOB,st%3", ["JobID        Sta ", "------------ --- ", "585          ov+ "]),
        ("jobid%6,jobid", [" JobID  JobID ", "------ ------ ", "   585    585 "]),
        ("jobid%-6", ["JobID  ", "------ ", "585    "]),
        ("state%0", [" ", " ", " "]),
        ("state%abc", [" ", " ", " "]),
        ("jobid,,state", ["JobID        ", "------------ ", "585          "]),
        ("%4", ["JobI Stat ", "---- ---- ", " 585 ove+ "]),
        ("", ["", "", ""]),
    ],
)
def test_a_table_is_ruled_and_marks_what_it_cuts(text: str, lines: list[str]) -> None:
    table, unknown = by_prefixes(text, WIDE)
    assert ([*table.header(), *table.lines([JOB], VIEW)], unknown) == (lines, None)


def test_a_table_names_the_first_unknown_column() -> None:
    assert by_prefixes("jobid,foo,bar", WIDE)[1] == "foo"


def test_parsable_values_are_whole_and_joined() -> None:
    table, _ = by_prefixes("jobid,state%3", WIDE)
    assert [*table.joined([JOB], VIEW, "|", True)] == ["585|overlimit|"]
    assert [*table.joined([JOB], VIEW, ",", False)] == ["585,overlimit"]


def test_the_columns_of_a_layout_are_those_its_fields_read() -> None:
    assert by_letters("%i %j", FIELDS)[0].columns == {"job_id", "name"}


def test_an_escape_sequence_in_a_name_is_shown_and_not_obeyed() -> None:
    layout, _ = by_letters("%j", FIELDS)
    assert [*layout.lines([{"name": "\x1b[31mred\n"}], VIEW)] == [r"\x1b[31mred\n"]


def test_a_tab_stays_one() -> None:
    assert visible("a\tb\n") == "a\tb\\n"


@given(st.text())
def test_no_control_character_is_left_in_what_is_visible(text: str) -> None:
    assert visible(text).replace("\t", "").isprintable()


@given(st.text(), st.text())
def test_any_format_gives_a_line_for_each_record(text: str, name: str) -> None:
    layout, _ = by_letters(text, FIELDS)
    other, _ = by_names(text, FIELDS)
    table, _ = by_prefixes(text, WIDE)
    record = {"id": "1", "name": name}
    assert len([*layout.lines([record] * 2, VIEW)]) == len([*other.lines([record] * 2, VIEW)]) == 2
    assert len([*table.lines([record] * 2, VIEW)]) == 2
