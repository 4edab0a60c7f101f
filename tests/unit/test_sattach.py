"""steps/sattach.py and attach.py: what sattach is asked for, and what it makes of a step's notes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mini_slurm.agent.backlog import NOTE
from mini_slurm.agent.feed import ALL, EXTRA, HEAD, Feed, packets
from mini_slurm.agent.watchers import LATEST, latest
from mini_slurm.errors import MiniSlurmError
from mini_slurm.options.sattach import OPTIONS
from mini_slurm.protocol import flat
from mini_slurm.steps import records, sattach
from mini_slurm.steps.attach import WINDOW, Settings, Watcher
from mini_slurm.steps.records import FED_ALL, FED_EXTRA

LAYOUT = flat.nest([flat.nest(["node1", "0,1", "1"]), flat.nest(["node2", "2", ""])])


class Line:
    """In place of a connection to an agent."""

    is_open = True

    def __init__(self) -> None:
        self.said: list[tuple[bytes | str | int, ...]] = []

    def say(self, *fields: bytes | str | int) -> None:
        self.said.append(fields)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1.x", "Bad step specified: 1"),
        ("1.", "Bad step specified: 1"),
        ("1.-1", "Bad step specified: 1"),
        ("1.batch+0", "Bad step specified: 1"),
        ("1_.0", "Bad job array element specified: 1"),
        ("1_[0-3].0", "Bad job array element specified: 1"),
        ("_", "Bad job array element specified: "),
        ("1+.0", "Bad hetjob offset specified: 1"),
        ("+.0", "Bad hetjob offset specified: "),
        ("--input-filter=x 1.0", 'Invalid numeric value "x" for input-filter.'),
        ("--input-filter=-1 1.0", 'Invalid numeric value "-1" for input-filter.'),
        ("--output-filter= 1.0", 'Invalid numeric value "" for output-filter.'),
        ("--output-filter=1x 1.0", 'Invalid numeric value "1x" for output-filter.'),
        ("--error-filter=9999999999 1.0", "Numeric argument 9999999999 to big for error-filter."),
        ("--error-filter=99999999999999999999 1", "Numeric argument 9223372036854775807 to big for error-filter."),
        ("-Q -v 1.0", "don't specify both --verbose (-v) and --quiet (-Q)"),
        ("--pty --output-filter=1 1.0", "don't specify both --pty and I/O filtering"),
        ("--foo 1.0", "sattach: unrecognized option '--foo'"),
    ],
)
def test_what_cannot_be_looked_at_is_said(line: str, said: str) -> None:
    with pytest.raises(MiniSlurmError) as raised:
        asked_for(*line.split())
    assert (raised.value.lines[0], raised.value.exit_code) == (said, 1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "too many parameters"),
        ("1.0 2.0", "too many parameters"),
        ("1", "Failed to parse stepid from command line options"),
        ("1+0", "Failed to parse stepid from command line options"),
        ("+0", "Failed to parse stepid from command line options"),
        ("1.4294967294", "Failed to parse stepid from command line options"),
    ],
)
def test_the_usage_is_shown_where_no_step_is_named(line: str, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    given, words = sattach.options("sattach", line.split(), list(OPTIONS))
    assert sattach.attach("sattach", given, words, Line, lambda job: (job, 0)) == 1  # type: ignore[arg-type]
    assert capfd.readouterr() == ("Usage: sattach [options] <jobid.stepid>\n", f"sattach: error: {said}\n")


@pytest.mark.parametrize(
    ("text", "job", "tag"),
    [
        ("1.0", "1", "0"),
        ("1.0.7", "1", "0"),
        ("1.0-7", "1", "0"),
        ("1.0x", "1", "0"),
        (" 1.0", "1", "0"),
        ("1 .0", "1", "0"),
        ("1a.0", "1", "0"),
        ("1+1.0", "1", "0"),
        ("1_2.0", "1_2", "0"),
        ("1_2+1.0", "1_2", "0"),
        (".0", "0", "0"),
        ("+1.0", "0", "0"),
        ("4294967297.4294967296", "1", "0"),
        ("1.batch", "1", "batch"),
        ("1.4294967291", "1", "batch"),
        ("1.extern", "1", "4294967292"),
        ("1.0+", "1", "0+0"),
        ("1.0+x", "1", "0+0"),
        ("1.0x+1", "1", "0+1"),
        ("1+1.0+1", "1", "0+1"),
        ("99.0", "99", "0_2"),
    ],
)
def test_much_of_a_steps_name_is_passed_over(text: str, job: str, tag: str) -> None:
    """99 is the third part of a job."""
    assert asked_for("--layout", text) == (job, tag)


def asked_for(*line: str) -> tuple[str, str]:
    """Job and step that the agent is asked for."""
    given, words = sattach.options("sattach", list(line), list(OPTIONS))
    asked: list[tuple[str, str]] = []

    class Spy(Watcher):
        def run(self) -> int:
            asked.append((str(self._request[3]), str(self._request[4])))
            return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sattach, "Watcher", Spy)
        sattach.attach("sattach", given, words, Line, lambda job: (job, 2 * (job == "99")))  # type: ignore[arg-type]
    return asked[0]


def watcher(line: Line) -> Watcher:
    return Watcher(Settings("sattach"), line, [])  # type: ignore[arg-type]


def test_output_is_shown_from_before_and_ends_only_of_what_comes(capfd: pytest.CaptureFixture[str]) -> None:
    line = Line()
    one = watcher(line)
    before = records.record(records.OUT, 0, b"before\n") + records.exited(1 << 8, [0])
    later = records.record(records.ERR, 1, b"later\n") + records.exited(3 << 8, [1])
    one._take([b"attached", LAYOUT])
    one._take([b"log", b"node1", b"100", later])  # what was under way already when it came is told with the history
    one._take([b"history", b"node1", b"40", before])
    middle = 40 + len(before)
    one._take([b"log", b"node1", b"%d" % middle, later[:5]])
    one._take([b"log", b"node1", b"%d" % middle, later])  # said again, as a connection was lost
    one._take([b"over", b"node1", b"", b"%d" % (middle + len(later))])
    assert (one._is_over, one._status) == (True, 3)
    said = capfd.readouterr()
    assert said.out == "before\n"
    assert said.err.splitlines() == [
        "sattach: Node node2: no tasks running",
        "later",
        "sattach: error: task 1 exited with exit code 3",
    ]
    assert [fields[3] for fields in line.said] == [len(later), len(before), 5, len(later)]


def test_a_step_that_is_gone_is_waited_for_no_longer() -> None:
    one = watcher(Line())
    one._take([b"attached", LAYOUT])
    assert not one._is_over
    one._take([b"gone"])
    assert one._is_over


class PartOf:
    """As much of a part as latest() asks for."""

    name = "s.1.1-0"

    def __init__(self, folder: Path, sent: int) -> None:
        self.folder = str(folder)
        self.outlet = self
        self.sent = {"out": sent}


def test_input_for_one_task_waits_for_its_machine_alone() -> None:
    one = watcher(Line())
    one._settings.input_task = 2
    one._take([b"attached", flat.nest([flat.nest(["node1", "0,1", "1"]), flat.nest(["node2", "2", "1"])])])
    one._read = WINDOW
    assert not one._may_read
    one._take([b"history", b"node2", b"0", b""])
    one._take([b"log", b"node2", b"0", records.record(records.FED, FED_EXTRA, b"1")])
    assert one._may_read


def test_what_was_noted_last_begins_with_a_record(tmp_path: Path) -> None:
    notes = [records.record(records.OUT, 0, b"%04d\n" % number) for number in range(300)]
    notes.insert(250, records.exited(0, [1]))
    data = b"".join(notes)
    (tmp_path / "out").write_bytes(data)
    found = b"".join(output.data for output in latest(PartOf(tmp_path, len(data))))  # type: ignore[arg-type]
    texts = [body for kind, _, body in records.Reader().feed(found) if kind == records.OUT]
    assert (len(texts), texts[0], texts[-1]) == (LATEST, b"0172\n", b"0299\n")
    half = len(notes[0]) * 10 + 3  # srun has heard of a part of the record there
    assert b"".join(output.data for output in latest(PartOf(tmp_path, half))) == data[:half]  # type: ignore[arg-type]
    (tmp_path / NOTE).write_text(f'{{"begin": {len(notes[0])}, "ended": []}}')
    assert b"".join(output.data for output in latest(PartOf(tmp_path, half)))[:5] == data[14:19]  # type: ignore[arg-type]


def test_what_a_sattach_sends_is_no_part_of_what_srun_sends(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "in.fifo")
    feed = Feed(str(tmp_path))
    ends = [os.pipe() for _ in range(2)]
    for task, (_, writer) in enumerate(ends):
        feed.add(task, writer)
    sent = [
        *packets(ALL, 0, b"one"),
        *packets(1, EXTRA, b"x" * 5000),
        *packets(1, EXTRA, b""),
        *packets(ALL, 3, b"two"),
    ]
    assert [HEAD.unpack(packet[: HEAD.size])[1] for packet in sent] == [0, EXTRA, EXTRA, EXTRA, 3]
    writer = os.open(tmp_path / "in.fifo", os.O_WRONLY)
    for packet in sent:
        os.write(writer, packet)
    feed.take(feed._fifo)
    assert [os.read(reader, 9000) for reader, _ in ends] == [b"onetwo", b"one" + b"x" * 5000]
    assert (sorted(feed.news()), feed.news()) == ([(FED_ALL, 6), (FED_EXTRA, 5000)], [])
    assert os.read(ends[1][0], 1) == b""
    os.close(writer)
    feed.close()
