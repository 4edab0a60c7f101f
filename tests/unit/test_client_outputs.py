"""Files that grow, as a client reads them."""

from __future__ import annotations

from pathlib import Path

from mini_slurm.api.outputs import Growing, read


def test_lines_are_whole_and_letters_too(tmp_path: Path) -> None:
    path = tmp_path / "out"
    file = Growing(str(path), 0)
    assert list(file.lines()) == []
    path.write_bytes(b"one\ntw")
    assert list(file.lines()) == ["one\n"]
    with path.open("ab") as more:
        more.write(b"o\xc3")
    assert list(file.lines()) == []
    with path.open("ab") as more:
        more.write(b"\xa4\r\n\xff")
    assert list(file.lines()) == ["twoä\r\n"]
    assert list(file.last()) == ["\ufffd"]
    file.close()
    assert read(str(path)) == "one\ntwoä\r\n\ufffd"


def test_what_is_written_again_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("one\ntwo\n")
    file = Growing(str(path), 0)
    assert list(file.lines()) == ["one\n", "two\n"]
    path.write_text("one\n")
    assert list(file.lines()) == []
    path.write_text("one\ntwo\nthree\n")
    assert list(file.lines()) == ["three\n"]
    file.close()


def test_a_job_that_runs_again_begins_anew(tmp_path: Path) -> None:
    path, other = tmp_path / "out", tmp_path / "other"
    path.write_text("one\ntwo\n")
    file = Growing(str(path), 0)
    assert list(file.lines()) == ["one\n", "two\n"]
    file.move(str(path), 1)
    path.write_text("one\n")
    assert list(file.lines()) == ["one\n"]
    other.write_text("three")
    file.move(str(other), 1)
    assert list(file.last()) == ["three"]
    file.close()


def test_there_is_nothing_yet(tmp_path: Path) -> None:
    assert read(str(tmp_path / "none")) == ""
