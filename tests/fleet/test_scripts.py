"""Scripts in jobs' folders: one file where they are the same, and never another's content."""

from __future__ import annotations

from pathlib import Path

from mini_slurm.controller.scripts import Scripts


def test_the_same_script_is_one_file_with_several_names(tmp_path: Path) -> None:
    scripts = Scripts()
    for name in ("1", "2", "3"):
        scripts.put(str(tmp_path / name), b"same")
    assert len({(tmp_path / name).stat().st_ino for name in ("1", "2", "3")}) == 1
    assert (tmp_path / "3").read_bytes() == b"same" and (tmp_path / "3").stat().st_mode & 0o777 == 0o400


def test_another_script_is_another_file(tmp_path: Path) -> None:
    scripts = Scripts()
    for name in ("1", "2", "3"):
        scripts.put(str(tmp_path / name), name.encode())
    assert [(tmp_path / name).read_bytes() for name in ("1", "2", "3")] == [b"1", b"2", b"3"]


def test_a_script_that_somebody_has_changed_or_removed_is_not_handed_on(tmp_path: Path) -> None:
    scripts = Scripts()
    scripts.put(str(tmp_path / "1"), b"as submitted")
    (tmp_path / "1").chmod(0o600)
    (tmp_path / "1").write_bytes(b"changed")
    scripts.put(str(tmp_path / "2"), b"as submitted")
    assert (tmp_path / "2").read_bytes() == b"as submitted"
    (tmp_path / "2").unlink()
    scripts.put(str(tmp_path / "3"), b"as submitted")
    assert (tmp_path / "3").read_bytes() == b"as submitted"


def test_what_an_earlier_attempt_left_stays(tmp_path: Path) -> None:
    scripts = Scripts()
    scripts.put(str(tmp_path / "1"), b"as submitted")
    scripts.put(str(tmp_path / "1"), b"as submitted")
    assert (tmp_path / "1").read_bytes() == b"as submitted"
