"""What srun, agents and stepds say to each other about steps, cut anywhere; and what srun makes of it."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.agent import feed
from mini_slurm.errors import Refused
from mini_slurm.protocol import flat
from mini_slurm.steps import ends, launch, multi_prog, records
from mini_slurm.steps.environment import counts
from mini_slurm.steps.outputs import Names, Outputs, fill, is_of_task

TERMINATED, KILLED, SEGMENTATION = 15, 9, 11
FAILED_3 = 3 << 8


@given(st.lists(st.lists(st.binary(max_size=20), min_size=1, max_size=4), max_size=5), st.integers(1, 30))
def test_frames_survive_any_cut(frames: list[list[bytes]], size: int) -> None:
    stream = b"".join(flat.pack(*frame) for frame in frames)
    reader = flat.Reader()
    assert [frame for at in range(0, len(stream), size) for frame in reader.feed(stream[at : at + size])] == frames


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4), st.binary(max_size=10))
def test_fields_within_fields_come_back(values: dict[str, str], odd: bytes) -> None:
    text = odd.decode("utf-8", "surrogateescape")
    assert flat.pairs(flat.nest_pairs({**values, "odd": text})) == {**values, "odd": text}


@pytest.mark.parametrize("stream", [b"\xff\xff\xff\xff", b"\0\0\0\5\0\0\0\x09x"])
def test_what_is_no_frame_is_refused(stream: bytes) -> None:
    with pytest.raises(flat.BadFrame):
        flat.Reader().feed(stream)


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2**31), st.binary(max_size=20)), max_size=6), st.integers(1, 9)
)
def test_a_journal_survives_any_cut(noted: list[tuple[int, int, bytes]], size: int) -> None:
    stream = b"".join(records.record(*one) for one in noted)
    reader = records.Reader()
    assert [one for at in range(0, len(stream), size) for one in reader.feed(stream[at : at + size])] == noted


def test_ends_of_tasks_are_noted_with_their_status() -> None:
    ((kind, status, data),) = records.Reader().feed(records.exited(FAILED_3, [0, 1, 7]))
    assert (kind, status, records.tasks_of(data)) == (records.EXITED, FAILED_3, [0, 1, 7])


def test_input_packets_are_whole_and_say_where_they_begin() -> None:
    data = os.urandom(3 * feed.MOST)
    packets = feed.packets(feed.ALL, 10, data)
    assert all(len(packet) <= feed.PACKET for packet in packets)
    heads = [feed.HEAD.unpack(packet[: feed.HEAD.size]) for packet in packets]
    assert heads == [(feed.ALL, 10 + index * feed.MOST, feed.MOST) for index in range(3)]
    assert b"".join(packet[feed.HEAD.size :] for packet in packets) == data
    assert feed.packets(2, 5, b"") == [feed.HEAD.pack(2, 5, 0)]


@pytest.mark.parametrize(
    ("status", "words", "code"),
    [
        (0, "", 0),
        (FAILED_3, "Exited with exit code 3", 3),
        (255 << 8, "Exited with exit code 255", 255),
        (TERMINATED, "Terminated", 143),
        (KILLED, "Killed", 137),
        (SEGMENTATION | ends.CORE, "Segmentation fault (core dumped)", 139),
        (ends.OUT_OF_MEMORY, "Out Of Memory", 1),
    ],
)
def test_srun_says_how_tasks_ended_in_slurms_words(status: int, words: str, code: int) -> None:
    assert (ends.describe(status), ends.exit_code(status)) == (words, code)


@pytest.mark.parametrize(
    ("one", "other", "worse"),
    [
        (0, FAILED_3, FAILED_3),
        (FAILED_3, 10 << 8, 10 << 8),
        (200 << 8, TERMINATED, TERMINATED),
        (TERMINATED, KILLED, TERMINATED),
        (KILLED, ends.OUT_OF_MEMORY, ends.OUT_OF_MEMORY),
    ],
)
def test_a_step_is_known_by_its_worst_task(one: int, other: int, worse: int) -> None:
    assert ends.worse(one, other) == ends.worse(other, one) == worse


def test_tasks_are_named_in_ranges() -> None:
    assert [ends.named(tasks) for tasks in ([4], [1, 0], [5, 0, 1])] == ["task 4", "tasks 0-1", "tasks 0-1,5"]


def test_numbers_by_machine_are_written_as_slurm_does() -> None:
    assert [counts(numbers) for numbers in ([1], [2, 1], [2, 2, 1, 1, 1])] == ["1", "2,1", "2(x2),1(x3)"]


# --- output


class Terminal:
    """srun's standard output and error, caught."""

    def __init__(self, outputs: Outputs, monkeypatch: pytest.MonkeyPatch) -> None:
        self.outputs = outputs
        self.text = ""
        monkeypatch.setattr(os, "write", self._write)

    def _write(self, target: int, data: bytes) -> int:
        self.text += f"{target}>{bytes(data).decode()}"
        return len(data)


def outputs(monkeypatch: pytest.MonkeyPatch, count: int, *, label: bool = False, unbuffered: bool = False) -> Terminal:
    made = Outputs("", "", label=label, unbuffered=unbuffered, append=False)
    made.open(Names("1", "0", "1", "0", "me", "name"), [("node1", list(range(count)))], 0, count)
    return Terminal(made, monkeypatch)


def test_output_comes_in_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = outputs(monkeypatch, 1)
    terminal.outputs.put(records.OUT, 0, b"one\ntw")
    assert terminal.text == "1>one\n"
    terminal.outputs.put(records.OUT, 0, b"o\n")
    terminal.outputs.put(records.ERR, 0, b"no end")
    terminal.outputs.finish(0)
    assert terminal.text == "1>one\n1>two\n2>no end"


def test_unbuffered_output_comes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = outputs(monkeypatch, 1, unbuffered=True)
    terminal.outputs.put(records.OUT, 0, b"tw")
    assert terminal.text == "1>tw"


def test_labels_are_as_wide_as_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = outputs(monkeypatch, 11, label=True)
    terminal.outputs.put(records.OUT, 9, b"a\nb\n")
    terminal.outputs.put(records.OUT, 10, b"c")
    terminal.outputs.finish()
    assert terminal.text == "1> 9: a\n 9: b\n1>10: c\n"


def test_files_by_task_are_opened_and_errors_go_along(tmp_path: Path) -> None:
    made = Outputs(str(tmp_path / "%t-%N-%n.txt"), "", label=False, unbuffered=False, append=False)
    names, layout = Names("1", "0", "1", "0", "me", "name"), [("node1", [0]), ("node2", [1])]
    made.open(names, layout, 0, 2)
    assert made.open_own(names, layout, 0) == set()
    made.put(records.OUT, 0, b"out\n")
    made.put(records.ERR, 1, b"err\n")
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == {"0-node1-0.txt": "out\n", "1-node2-1.txt": "err\n"}


def test_who_lacks_a_file_of_its_own_is_known_by_its_machine(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    made = Outputs(str(tmp_path / "%t" / "out"), "", label=False, unbuffered=False, append=False)
    names, layout = Names("1", "0", "1", "0", "me", "name"), [("node1", [0, 1]), ("node2", [2])]
    made.open(names, layout, 0, 3)
    assert made.open_own(names, layout, 0) == {"node1", "node2"}
    assert made.open_own(names, layout[:1], 1) == {"node1"}
    assert made.open_own(names, [("node3", [0])], 1) == set()


def test_a_number_chooses_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Outputs("1", "none", label=False, unbuffered=False, append=False)
    made.open(Names("1", "0", "1", "0", "me", "name"), [("node1", [0, 1])], 0, 2)
    terminal = Terminal(made, monkeypatch)
    for task in (0, 1):
        made.put(records.OUT, task, b"%d\n" % task)
        made.put(records.ERR, task, b"error\n")
    assert terminal.text == "1>1\n"


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("o-%t-%n-%N-%s-%x-%u", "o-2-1-node2-0-nm-me"),
        ("%J-%j-%A_%a-%3t", "7.0-7-5_9-002"),
        ("%%-%q", "%-%q"),
        ("a\\%t", "a%t"),
    ],
)
def test_names_of_files_are_filled_in(pattern: str, name: str) -> None:
    assert fill(pattern, Names("7", "0", "5", "9", "me", "nm"), 2, "node2.site.org", 1) == name


# --- --multi-prog


def test_each_task_runs_its_program() -> None:
    text = "# comment\n0 echo zero\n1-2 echo mid %t %o\n* echo 'rest of' %t \\\n  more\n"
    assert multi_prog.parse(text, "mp", 4) == [
        ["echo", "zero"],
        ["echo", "mid", "1", "0"],
        ["echo", "mid", "2", "1"],
        ["echo", "rest of", "3", "more"],
    ]


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("echo \"a b\" c\\ d 'e f'", ["echo", '"a', 'b"', "c d", "e f"]),
        ("echo %t %o %% 100%", ["echo", "3", "1", "", "100"]),
        ("echo '%t' \\%t x%ty", ["echo", "%t", "%t", "x3y"]),
        ("echo 'it''s' ''", ["echo", "its", ""]),
    ],
)
def test_words_of_a_task_are_those_that_slurms_machines_read(command: str, found: list[str]) -> None:
    assert multi_prog.words(command, 3, 1) == found


def test_a_line_goes_on_after_a_backslash_with_what_follows() -> None:
    assert multi_prog.parse("0 echo t\\\nx\\\n  y\n", "mp", 1) == [["echo", "tx", "y"]]


def test_tasks_that_were_not_counted_are_as_many_as_have_a_program() -> None:
    assert multi_prog.parse("0-3 echo %t\n", "mp", 1, is_fixed=False) == [["echo", str(task)] for task in range(4)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("0 a\n\n0 b\n", ("Duplicate record for task 0", "Line 3 of configuration file mp invalid")),
        ("0,1,0 a\n", ("Duplicate record for task 0", "Line 1 of configuration file mp invalid")),
        ("0-1\n", ("Line 1 of configuration file mp invalid",)),
        ("x a\n", ("Invalid task range specification (x)", "Line 1 of configuration file mp invalid")),
        ("0-5 a\n", ("Invalid task id, 5 >= ntasks", "Line 1 of configuration file mp invalid")),
        ("1-0 a\n", ("Invalid task range, 1-0", "Line 1 of configuration file mp invalid")),
        (
            "* a\n0 b\n",
            ("Task range specification with asterisk must be last", "Line 2 of configuration file mp invalid"),
        ),
    ],
)
def test_a_line_that_cannot_be_is_refused_with_its_number(text: str, lines: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as caught:
        multi_prog.parse(text, "mp", 2)
    assert caught.value.lines == lines


def test_a_task_without_a_program_is_refused() -> None:
    with pytest.raises(Refused, match="Configuration file mp invalid, no record for task id 1"):
        multi_prog.parse("0 echo\n", "mp", 2)


def test_limits_are_those_that_the_kernel_has() -> None:
    known = launch.limits()
    assert len(known) == 10
    for name, text in known.items():
        assert text == "{} {}".format(*resource.getrlimit(getattr(resource, f"RLIMIT_{name}")))


def test_programs_of_a_folder(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        multi_prog.read(str(tmp_path), 1, is_fixed=True)
    assert caught.value.lines == (f"Error reading multi_prog config file {tmp_path}",)


@pytest.mark.parametrize(
    ("pattern", "is_own"),
    [("out", False), ("%j-%s-%J", False), ("1", False), ("none", False), ("%t", True), ("a%4n", True), ("%N", True)],
)
def test_files_that_tasks_have_of_their_own(pattern: str, is_own: bool) -> None:
    assert is_of_task(pattern) == is_own
