"""Folders of old attempts are used again, but nothing in them that somebody still holds open."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mini_slurm.agent.spares import Spares

FILES = ("out", "err", "order", "slurm_script", "start.json", "started.json", "ended.json")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def used(root: Path, name: str = "5eed.1.1") -> Path:
    """The folder of an attempt that is over."""
    folder = root / name
    folder.mkdir()
    for file in FILES:
        (folder / file).write_text("old")
    for fifo in ("control", "out.fifo", "err.fifo"):
        os.mkfifo(folder / fifo)
    return folder


def inodes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in folder.iterdir()}


def test_a_spare_folder_holds_nothing_that_was_written(root: Path):
    spares = Spares(str(root))
    old = inodes(used(root))
    assert spares.put(str(root / "5eed.1.1"))
    folder = Path(spares.take())
    assert not (root / "5eed.1.1").exists()
    assert [(folder / name).read_text() for name in ("out", "err", "order")] == ["", "", ""]
    assert [path.name for path in folder.glob("*.json")] == ["start.json"], "which is written anew with the attempt"
    assert {inodes(folder)[name] for name in ("out", "out.fifo", "slurm_script")} <= set(old.values())


def test_a_fifo_that_somebody_reads_and_writes_is_not_used_again(root: Path):
    spares = Spares(str(root))
    holder = os.open(used(root) / "out.fifo", os.O_RDWR)
    spares.put(str(root / "5eed.1.1"))
    os.close(holder)
    new = Path(spares.take())
    assert not (new / "out.fifo").exists() and (new / "err.fifo").exists()


def test_a_fifo_that_somebody_writes_is_not_used_again(root: Path):
    spares = Spares(str(root))
    reader = os.open(used(root) / "err.fifo", os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(root / "5eed.1.1" / "err.fifo", os.O_WRONLY)
    os.close(reader)
    spares.put(str(root / "5eed.1.1"))
    os.close(writer)
    new = Path(spares.take())
    assert not (new / "err.fifo").exists() and (new / "out.fifo").exists()


def test_a_script_that_somebody_still_reads_is_not_written_over(root: Path):
    spares = Spares(str(root))
    with open(used(root) / "slurm_script") as reader:
        spares.put(str(root / "5eed.1.1"))
        assert not (Path(spares.take()) / "slurm_script").exists()
        assert reader.read() == "old"


def test_a_new_agent_finds_the_spare_folders_and_empties_them(root: Path):
    Spares(str(root)).put(str(used(root)))
    (spare,) = root.iterdir()
    (spare / "out").write_text("a former agent was lost before it had emptied this")
    spares = Spares(str(root))
    assert spares.take() == str(spare)
    assert (spare / "out").read_text() == ""
    spares.put(str(used(root)))
    assert len(list(root.iterdir())) == 2, "and gives none of their names twice"


def test_without_a_spare_folder_a_new_one_is_made(root: Path):
    folder = Path(Spares(str(root)).take())
    assert folder.is_dir() and not list(folder.iterdir())
