"""The stager alone, on real files: what it keeps, what it takes for damaged, what it lets go."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from mini_slurm.agent import room, stage_cache, stage_folder
from mini_slurm.agent.stage_cache import Cache
from mini_slurm.agent.stage_folder import find
from mini_slurm.agent.stager import Stager
from mini_slurm.protocol import flat
from mini_slurm.protocol.staging import Entry, pack_entries

LIMIT = 1 << 30


def ask(stager: Stager, *words: bytes | str | int) -> list[list[bytes]]:
    """The frames that answer one."""
    [frame] = flat.Reader().feed(flat.pack(*words))
    return flat.Reader().feed(b"".join(stager.take(frame)))


def greeted(root: Path, attempt: str = "s1.1.0", limit: int = LIMIT, kept: tuple[str, ...] = ()) -> Stager:
    stager = Stager(str(root))
    root.mkdir(exist_ok=True)
    ask(stager, "hello", attempt, limit, flat.nest(list(kept)))
    return stager


def entry(path: str, data: bytes, mode: int = 0o644) -> Entry:
    return Entry("f", path.encode(), mode, len(data), 1_500_000_000_000_000_007, hashlib.sha256(data).hexdigest())


def need(stager: Stager, *entries: Entry) -> dict[str, int]:
    for field in pack_entries(entries):
        ask(stager, "entries", field)
    [[_, field]] = ask(stager, "need")
    parts = flat.strings(field)
    return dict(zip(parts[::2], map(int, parts[1::2]), strict=True))


def bring(stager: Stager, **files: bytes) -> Path:
    """Bring files; the folder."""
    entries = {name: entry(name, data) for name, data in files.items()}
    wanted = need(stager, *entries.values())
    for name, data in files.items():
        digest = entries[name].digest
        if digest in wanted:
            ask(stager, "data", digest, wanted.pop(digest), data)
    assert ask(stager, "stored") == [[b"stored", b""]]
    [[kind, place]] = ask(stager, "build")
    assert kind == b"built"
    return Path(os.fsdecode(place))


def test_a_folder_is_made_once_and_the_next_one_needs_nothing(tmp_path: Path) -> None:
    place = bring(greeted(tmp_path), a=b"1", b=b"", c=b"1")
    assert {path.name: path.read_bytes() for path in place.iterdir()} == {"a": b"1", "b": b"", "c": b"1"}
    assert os.stat(place / "a").st_mtime_ns == 1_500_000_000_000_000_007
    (place / "a").write_bytes(b"changed by the job")
    second = greeted(tmp_path, "s1.2.0", kept=("s1.1.0",))
    assert need(second, entry("a", b"1")) == {}
    assert (bring(second, a=b"1") / "a").read_bytes() == b"1"
    assert (place / "a").read_bytes() == b"changed by the job"


def test_a_content_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    data = os.urandom(5000)
    one = entry("a", data)
    first = greeted(tmp_path)
    assert need(first, one) == {one.digest: 0}
    ask(first, "data", one.digest, 0, data[:3000])
    first.close()
    second = greeted(tmp_path)
    assert need(second, one) == {one.digest: 3000}
    ask(second, "data", one.digest, 3000, data[3000:])
    assert ask(second, "stored") == [[b"stored", b""]]
    [[_, place]] = ask(second, "build")
    assert Path(os.fsdecode(place), "a").read_bytes() == data


def test_a_content_that_comes_damaged_is_asked_for_again(tmp_path: Path) -> None:
    data = b"x" * 100
    one = entry("a", data)
    stager = greeted(tmp_path)
    need(stager, one)
    ask(stager, "data", one.digest, 0, b"y" * 100)
    assert ask(stager, "stored") == [[b"stored", flat.nest([one.digest])]]
    assert not list((tmp_path / "stage" / "partial").iterdir())
    ask(stager, "data", one.digest, 0, data)
    assert ask(stager, "stored") == [[b"stored", b""]]


def test_a_kept_content_that_somebody_wrote_to_is_not_used(tmp_path: Path) -> None:
    bring(greeted(tmp_path), a=b"12345")
    [kept] = (tmp_path / "stage" / "objects").glob("*/*")
    kept.write_bytes(b"54321")
    one = entry("a", b"12345")
    assert need(greeted(tmp_path, "s1.2.0"), one) == {one.digest: 0}


def test_a_kept_content_that_a_lost_power_left_damaged_is_not_used(tmp_path: Path) -> None:
    bring(greeted(tmp_path), a=b"12345")
    [kept] = (tmp_path / "stage" / "objects").glob("*/*")
    kept.write_bytes(b"\0\0\0\0\0")
    os.utime(kept, ns=(1, stage_cache.SETTLED))  # wanted last before this boot
    one = entry("a", b"12345")
    assert need(greeted(tmp_path, "s1.2.0"), one) == {one.digest: 0}


def test_the_cache_keeps_to_its_limit_and_drops_what_was_wanted_longest_ago(tmp_path: Path) -> None:
    for number, name in enumerate("abc"):
        stager = greeted(tmp_path, f"s1.{number}.0", 2500, kept=("s1.0.0", "s1.1.0", "s1.2.0"))
        bring(stager, **{name: name.encode() * 1000})
        stager.close()
    kept = {path.read_bytes()[:1] for path in (tmp_path / "stage" / "objects").glob("*/*")}
    assert kept == {b"b", b"c"}
    assert (tmp_path / "stage" / "jobs" / "s1.0.0" / "a").exists()  # a job keeps what it has


def test_nothing_is_dropped_while_another_job_is_about_to_get_it(tmp_path: Path) -> None:
    bring(greeted(tmp_path), a=b"a" * 1000)
    waiting = greeted(tmp_path, "s1.2.0", kept=("s1.1.0",))
    one = entry("a", b"a" * 1000)
    assert need(waiting, one) == {}
    other = greeted(tmp_path, "s2.1.0", 0)
    bring(other, b=b"b" * 1000)
    other.close()
    assert ask(waiting, "build")[0][0] == b"built"


def test_folders_of_attempts_that_nobody_knows_go_and_others_stay(tmp_path: Path) -> None:
    places = [bring(greeted(tmp_path, f"{name}.1.0", kept=("s1.1.0", "s1.2.0")), a=b"1") for name in ("s1", "s2")]
    old = bring(greeted(tmp_path, "s1.2.0", kept=("s1.1.0",)), a=b"1")
    running = bring(greeted(tmp_path, "s1.3.0", kept=("s1.1.0", "s1.2.0")), a=b"1")
    (tmp_path / "attempts" / "s1.3.0").mkdir(parents=True)  # the agent has it still
    (old / "locked").mkdir()
    (old / "locked" / "x").touch()
    (old / "locked").chmod(0)
    greeted(tmp_path, "s1.4.0", kept=("s1.1.0",))
    assert [place.exists() for place in (*places, old, running)] == [True, True, False, True]


def test_large_files_are_not_copied_and_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_folder, "LARGE", 1000)
    monkeypatch.setattr(stage_folder, "CLONE", 0)  # a file system that shares no blocks
    place = bring(greeted(tmp_path), a=b"a" * 1000, b=b"b")
    assert os.stat(place / "a").st_nlink == 2 and os.stat(place / "a").st_mode & 0o222 == 0
    assert os.stat(place / "b").st_nlink == 1


@pytest.mark.parametrize("words", [("data", "0" * 64, 0, b"x"), ("hello", "s1.1.0", 1, b""), ("what",), ()])
def test_what_makes_no_sense_ends_the_talk(tmp_path: Path, words: tuple[bytes | str | int, ...]) -> None:
    stager = greeted(tmp_path)
    with pytest.raises(flat.BadFrame):
        ask(stager, *words)


def test_nothing_is_answered_before_hello_nor_for_a_name_that_leads_out(tmp_path: Path) -> None:
    with pytest.raises(flat.BadFrame):
        ask(Stager(str(tmp_path)), "need")
    with pytest.raises(flat.BadFrame):
        ask(Stager(str(tmp_path)), "hello", "../x", 1, b"")


def test_a_cache_that_is_a_link_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "stage").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="is a link"):
        Cache(str(tmp_path / "stage"), "s1", LIMIT)


def names(folder: Path, *patterns: str) -> list[bytes]:
    return [entry.path for _, entry in find(os.fsencode(folder), [pattern.encode() for pattern in patterns])]


def test_patterns_find_what_a_shell_would_and_follow_no_link(tmp_path: Path) -> None:
    for path in ("r/a.csv", "r/sub/b.csv", "r/sub/.hidden", ".git/c.csv", "outside/d.csv"):
        (tmp_path / "job" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "job" / path).touch()
    (tmp_path / "job" / "outside").rename(tmp_path / "outside")
    (tmp_path / "job" / "r" / "link").symlink_to(tmp_path / "outside")
    job = tmp_path / "job"
    assert names(job, "**/*.csv") == [b"r/a.csv", b"r/sub/b.csv"]
    assert names(job, "r/*") == [b"r/a.csv", b"r/link", b"r/sub", b"r/sub/.hidden", b"r/sub/b.csv"]
    assert names(job, "r/link/*") == names(job, "r/link/d.csv") == names(job, "nothing") == []
    assert names(job, "r/a.csv", "r/*.csv") == [b"r/a.csv"] * 2


def test_a_full_disk_drops_what_no_job_needs_and_then_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = greeted(tmp_path, kept=("s1.2.0",))
    bring(old, a=b"a" * 1000)
    old.close()
    real, room = os.write, [1]  # one write fails

    def write(descriptor: int, data: memoryview) -> int:
        room[0] -= 1
        if room[0] < 0:
            return real(descriptor, data)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(stage_cache.os, "write", write)
    stager, one = greeted(tmp_path, "s1.2.0", kept=("s1.1.0",)), entry("b", b"b" * 1000)
    need(stager, one)
    assert ask(stager, "data", one.digest, 0, b"b" * 1000) == []
    kept = {path.read_bytes()[:1] for path in (tmp_path / "stage" / "objects").glob("*/*")}
    assert kept == {b"b"}
    room[0] = 9
    assert ask(stager, "build")[0][:2] == [b"error", b"full"]
    room[0] = 0
    assert ask(stager, "build")[0][0] == b"built"


def over(stager: Stager, place: Path) -> Path:
    """The spare folder that a job which has ended leaves."""
    assert ask(stager, "drop") == [[b"dropped"]]
    stager.close()
    assert not place.exists()
    return place.parent.parent / "spares" / place.name


def test_the_next_job_with_the_same_files_gets_the_folder_that_one_left(tmp_path: Path) -> None:
    first = greeted(tmp_path)
    files = {"a": b"1", "b": b"2", "c": b"3", "d/e": b"4"}
    place = bring(first, **files)
    numbers = {name: os.stat(place / name).st_ino for name in files}
    changed = os.stat(place / "a")
    (place / "a").write_bytes(b"9")
    os.utime(place / "a", ns=(changed.st_atime_ns, changed.st_mtime_ns))  # as it was, but for the kernel's own time
    (place / "b").unlink()
    (place / "results").mkdir()
    (place / "results" / "x").touch()
    (place / "d" / "link").symlink_to("/etc")
    spare = over(first, place)
    assert spare.exists()
    again = bring(greeted(tmp_path, "s1.2.0"), **files)
    found = {str(path.relative_to(again)): path.read_bytes() for path in again.rglob("*") if path.is_file()}
    assert found == files and not (again / "results").exists() and not (again / "d" / "link").is_symlink()
    assert [os.stat(again / name).st_ino == numbers[name] for name in ("c", "d/e")] == [True, True]
    assert not spare.exists()


def test_a_folder_that_is_kept_holds_nothing_of_what_its_job_wrote(tmp_path: Path) -> None:
    first = greeted(tmp_path)
    place = bring(first, a=b"1", **{"d/e": b"2"})
    (place / "results").mkdir()
    for name in ("large", "results/x", "d/e"):
        (place / name).write_bytes(b"written by the job")
    spare = over(first, place)
    assert [str(path.relative_to(spare)) for path in sorted(spare.rglob("*"))] == ["a", "d"]


def test_a_full_disk_gets_back_what_is_kept_for_later_jobs_alone(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    said = f"no space left for the spool folder {tmp_path}: free some there, or set MINI_SLURM_SPOOL"
    assert room.refusal(full, str(tmp_path)) == said and not (tmp_path / "stage").exists()
    first, second = greeted(tmp_path), greeted(tmp_path, "s1.2.0")
    spare, place = over(first, bring(first, a=b"1")), bring(second, b=b"2")
    kept = tmp_path / "stage" / "objects"
    room.refusal(OSError(errno.EACCES, "no"), str(tmp_path))
    assert spare.exists() and len([path for path in kept.rglob("*") if path.is_file()]) == 2
    room.refusal(full, str(tmp_path))
    assert not spare.exists() and (place / "b").read_bytes() == b"2"
    second.close()
    room.refusal(full, str(tmp_path))
    assert not [path for path in kept.rglob("*") if path.is_file()]


def test_a_folder_whose_job_may_still_have_processes_is_not_used_again(tmp_path: Path) -> None:
    first = greeted(tmp_path)
    place = bring(first, a=b"1")
    (tmp_path / "attempts" / "s1.1.0").mkdir(parents=True)
    assert not over(first, place).exists()
    second = greeted(tmp_path, "s1.2.0")
    place = bring(second, a=b"1")
    (tmp_path / "attempts" / "s1.2.0").mkdir()
    (tmp_path / "attempts" / "s1.2.0" / "ended.json").touch()
    assert over(second, place).exists()


def test_few_folders_are_kept_and_nothing_is_written_down_of_others(tmp_path: Path) -> None:
    for number in range(7):
        stager = greeted(tmp_path, f"s1.{number}.0")
        over(stager, bring(stager, a=b"%d" % number))
    kept = {f"s1.{number}.0" for number in range(3, 7)}
    assert set(os.listdir(tmp_path / "stage" / "spares")) == set(os.listdir(tmp_path / "stage" / "records")) == kept


def test_what_has_changed_is_asked_for_once_and_only_where_rsync_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = entry("a", b"old"), entry("a", b"new")
    bring(greeted(tmp_path), a=b"old")
    stager = greeted(tmp_path, "s1.2.0")
    need(stager, new)
    words = ("basis", new.digest, flat.nest(["0" * 64, old.digest]))
    assert ask(stager, *words) == [[b"basis", flat.nest([old.digest])]]
    with monkeypatch.context() as without:
        without.setenv("PATH", str(tmp_path))
        assert ask(stager, *words) == [[b"basis", flat.nest([""])]]
    (tmp_path / "stage" / "delta" / f"s1-{new.digest}").mkdir()
    assert ask(stager, *words) == [[b"basis", flat.nest([""])]]
    assert ask(stager, "pipe", b"for nobody") == []


@pytest.mark.parametrize(
    "words",
    [
        ("sh", "--server", "-I", ".", "file"),
        ("rsync", "--daemon", "-I", ".", "file"),
        ("rsync", "--server", "/etc/passwd", ".", "file"),
        ("rsync", "--server", "--log-file=/etc/x", ".", "file"),
        ("rsync", ".", "file"),
    ],
)
def test_nothing_but_rsync_is_started_for_a_difference(tmp_path: Path, words: tuple[str, ...]) -> None:
    old, new = entry("a", b"old"), entry("a", b"new")
    bring(greeted(tmp_path), a=b"old")
    stager = greeted(tmp_path, "s1.2.0")
    need(stager, new)
    with pytest.raises(flat.BadFrame):
        ask(stager, "delta", new.digest, old.digest, *words)


def test_a_difference_that_is_cut_short_leaves_nothing_but_word_of_it(tmp_path: Path) -> None:
    old, new = entry("a", b"old"), entry("a", b"new")
    bring(greeted(tmp_path), a=b"old")
    stager = greeted(tmp_path, "s1.2.0")
    need(stager, new)
    ask(stager, "delta", new.digest, old.digest, "rsync", "--server", "-Ie.LsfxCIvu", ".", "file")
    stager.close()
    [left] = (tmp_path / "stage" / "delta").iterdir()
    assert left.name == f"s1-{new.digest}" and not [*left.iterdir()]
