"""Snapshots and checksums on the submit side, with real files and a real git."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from mini_slurm.errors import Refused
from mini_slurm.staging import digests
from mini_slurm.staging.digests import Digests, read_same
from mini_slurm.staging.snapshot import KEPT, Snapshots
from mini_slurm.staging.tree import Changed, merge, walk


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.py").write_text("1")
    (folder / "sub" / "b.py").write_text("2")
    (folder / "big.bin").write_text("not this")
    (folder / ".gitignore").write_text("*.bin\n")
    return folder


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.email=a@b", "-c", "user.name=a", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def contents(snapshots: Snapshots, name: str) -> dict[str, bytes]:
    found = snapshots.entries(name)
    return {os.fsdecode(one.path): Path(os.fsdecode(one.source)).read_bytes() for one in found if one.kind == "f"}


def snapshots(tmp_path: Path) -> Snapshots:
    (tmp_path / "state").mkdir(exist_ok=True)
    return Snapshots(str(tmp_path / "state"))


def test_git_names_what_is_tracked_and_what_is_neither_that_nor_ignored(tmp_path: Path, code: Path) -> None:
    git(code, "init", "-q")
    git(code, "add", "a.py")
    (code / "removed").touch()
    git(code, "add", "removed")
    (code / "removed").unlink()
    (code / "link").symlink_to("a.py")
    taken = snapshots(tmp_path)
    name, root = taken.take(str(code / "sub"), "auto")
    assert root == str(code)
    assert contents(taken, name) == {".gitignore": b"*.bin\n", "a.py": b"1", "sub/b.py": b"2"}
    assert [one.target for one in taken.entries(name) if one.path == b"link"] == [b"a.py"]


def test_what_a_submodule_has_belongs_to_it(tmp_path: Path, code: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "c.py").write_text("3")
    git(other, "init", "-q")
    git(other, "add", ".")
    git(other, "commit", "-qm", "x")
    git(code, "init", "-q")
    git(code, "submodule", "add", str(other), "module")
    taken = snapshots(tmp_path)
    assert contents(taken, taken.take(str(code), "git")[0])["module/c.py"] == b"3"


def test_all_of_a_folder_but_the_state_folder(tmp_path: Path, code: Path) -> None:
    state = code / "state"
    state.mkdir()
    taken = Snapshots(str(state))
    name, root = taken.take(str(code), "dir")
    assert root == str(code)
    assert set(contents(taken, name)) == {".gitignore", "a.py", "sub/b.py", "big.bin"}


def test_what_is_written_later_does_not_show(tmp_path: Path, code: Path) -> None:
    taken = snapshots(tmp_path)
    first = taken.take(str(code), "auto")[0]
    with open(code / "a.py", "r+") as file:
        file.write("9")
    second = taken.take(str(code), "auto")[0]
    assert (contents(taken, first)["a.py"], contents(taken, second)["a.py"]) == (b"1", b"9")
    assert len(list((tmp_path / "state" / "stage" / "objects").glob("*/*"))) == 5


def test_no_repository_is_no_git_snapshot(tmp_path: Path, code: Path) -> None:
    with pytest.raises(Refused, match="no git repository"):
        snapshots(tmp_path).take(str(code), "git")


def test_old_snapshots_go_and_wanted_ones_stay(tmp_path: Path, code: Path) -> None:
    taken = snapshots(tmp_path)
    kept = taken.take(str(code), "dir")[0]
    (code / "a.py").write_text("other")
    gone = taken.take(str(code), "dir")[0]
    old = time.time() - KEPT - 1
    for path in (tmp_path / "state" / "stage").rglob("*"):
        if path.is_file():
            os.utime(path, (old, old))
    taken.tidy([kept])
    assert contents(taken, kept)["a.py"] == b"1"
    with pytest.raises(Refused, match="is gone"):
        taken.entries(gone)


def test_a_checksum_is_remembered_until_the_file_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "YOUNG", -1.0)
    (tmp_path / "a").write_text("1")
    memory, read = Digests(str(tmp_path)), [0]

    def digest() -> str:
        [entry] = memory.fill(walk(os.fsencode(tmp_path / "a"), b"a"), lambda size: read.append(size))
        return entry.digest

    first = digest()
    assert digest() == first and sum(read) == 1
    (tmp_path / "a").write_text("2")
    assert digest() != first and sum(read) == 2


def test_a_checksum_of_a_file_that_was_just_written_is_not_believed_later(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    memory = Digests(str(tmp_path))
    tree = walk(os.fsencode(tmp_path / "a"), b"a")
    memory.fill(tree)
    assert memory.known(tree) == {}


def test_older_contents_of_a_file_are_known_however_often_it_was_read(tmp_path: Path) -> None:
    memory, stamp = Digests(str(tmp_path)), f"1.{digests.LARGE}.0.0"
    for moment, digest in enumerate(["first", "second", *["third"] * digests.OLDER], int(time.time())):
        memory.remember([(b"/data", stamp, digest, moment)])
    assert memory.older("third") == ["second", "first"]


def test_a_damaged_memory_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "YOUNG", -1.0)
    (tmp_path / "a").write_text("1")
    (tmp_path / "digests.sqlite3").write_text("no database" * 1000)
    tree = walk(os.fsencode(tmp_path / "a"), b"a")
    assert Digests(str(tmp_path)).fill(tree)[0].digest == Digests(str(tmp_path)).fill(tree)[0].digest


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(3 << 20))
    [entry] = walk(os.fsencode(tmp_path / "a"), b"a")
    blocks = read_same(entry)
    next(blocks)
    with open(tmp_path / "a", "r+b") as file:
        file.write(b"x")
    with pytest.raises(Changed):
        list(blocks)
    (tmp_path / "a").unlink()
    with pytest.raises(Changed):
        list(read_same(entry))


def test_two_inputs_at_one_place_are_told(tmp_path: Path, code: Path) -> None:
    folder = walk(os.fsencode(code), b"in")
    file = walk(os.fsencode(code / "a.py"), b"in")
    for trees in ([folder, file], [file, walk(os.fsencode(code / "a.py"), b"in/x")]):
        with pytest.raises(Refused, match="both as a file and as a folder"):
            merge(trees)
    again = merge([folder, walk(os.fsencode(code / "sub" / "b.py"), b"in/a.py")])
    assert [entry.source for entry in again if entry.path == b"in/a.py"] == [os.fsencode(code / "sub" / "b.py")]
