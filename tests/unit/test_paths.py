"""Where things are kept: which folder and file count, and what makes a state folder unusable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.config import paths
from mini_slurm.errors import FleetError, StateError
from mini_slurm.model.fleet import Fleet

LOCAL = b"24 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MINI_SLURM_STATE", "MINI_SLURM_FLEET", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


# --- the state folder


def test_the_state_folder_is_in_the_home_folder_and_private(home: Path) -> None:
    folder = paths.state_folder()
    assert folder == str(home / ".local/state/mini_slurm")
    assert os.stat(folder).st_mode & 0o7777 == 0o700


def test_xdg_state_home_moves_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert paths.state_folder() == str(tmp_path / "xdg/mini_slurm")


def test_a_relative_xdg_state_home_does_not_count(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "xdg")
    assert paths.state_folder() == str(home / ".local/state/mini_slurm")


def test_mini_slurm_state_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("MINI_SLURM_STATE", str(tmp_path / "state"))
    assert paths.state_folder() == str(tmp_path / "state")


def test_a_reader_makes_no_state_folder(home: Path) -> None:
    assert not os.path.exists(paths.state_folder(create=False))


def test_without_a_home_folder_the_message_names_what_to_export(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(StateError) as error:
        paths.state_folder()
    assert "MINI_SLURM_STATE" in error.value.hint


def test_an_empty_folder_of_ones_own_is_made_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(0o755)
    monkeypatch.setenv("MINI_SLURM_STATE", str(folder))
    paths.state_folder()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_can_read_and_that_holds_other_things_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "thesis.tex").touch()
    monkeypatch.setenv("MINI_SLURM_STATE", str(folder))
    with pytest.raises(StateError) as error:
        paths.state_folder()
    assert "chmod 700" in error.value.hint
    assert folder.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("create", [True, False])
def test_a_link_is_refused_and_its_target_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, create: bool) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setenv("MINI_SLURM_STATE", str(tmp_path / "link"))
    with pytest.raises(StateError) as error:
        paths.state_folder(create)
    assert str(tmp_path / "real") in error.value.hint


def test_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MINI_SLURM_STATE", str(tmp_path / "file"))
    with pytest.raises(StateError, match="is not a folder"):
        paths.state_folder()


def test_somebody_elses_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINI_SLURM_STATE", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(StateError, match="belongs to another user"):
        paths.state_folder(create=False)


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MINI_SLURM_STATE", str(tmp_path / "file" / "state"))
    with pytest.raises(StateError) as error:
        paths.state_folder()
    assert len(error.value.lines) == 1
    assert "cannot be used" in error.value.lines[0]


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINI_SLURM_STATE", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(StateError, match="is not writable"):
        paths.state_folder()


# --- network file systems


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "lustre", "gpfs", "beegfs", "ceph", "fuse.sshfs"])
@pytest.mark.parametrize("create", [True, False])
def test_a_network_file_system_is_refused_with_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, create: bool
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_bytes(LOCAL + f"30 24 0:50 / {tmp_path} rw - {kind} server:/export rw\n".encode())
    monkeypatch.setattr(paths, "MOUNTS", str(mounts))
    monkeypatch.setenv("MINI_SLURM_STATE", str(tmp_path / "state"))
    with pytest.raises(StateError) as error:
        paths.state_folder(create)
    assert kind in error.value.lines[0]
    assert error.value.hint.startswith("export MINI_SLURM_STATE=/")
    assert not (tmp_path / "state").exists()


def test_a_link_to_a_network_file_system_is_seen_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nfs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nfs")
    mounts = tmp_path / "mountinfo"
    mounts.write_bytes(LOCAL + f"30 24 0:50 / {tmp_path}/nfs rw - nfs4 server:/export rw\n".encode())
    monkeypatch.setattr(paths, "MOUNTS", str(mounts))
    monkeypatch.setenv("MINI_SLURM_STATE", str(tmp_path / "link" / "state"))
    with pytest.raises(StateError, match="network"):
        paths.state_folder()


def test_the_longest_mount_point_counts() -> None:
    mounts = LOCAL + b"25 24 0:1 / /home rw - nfs4 server:/home rw\n26 25 0:2 / /home/me/local rw - xfs /dev/sdb rw\n"
    assert paths.file_system("/home/me", mounts) == "nfs4"
    assert paths.file_system("/home/me/local/x", mounts) == "xfs"
    assert paths.file_system("/homes", mounts) == "ext4"


def test_a_later_mount_covers_an_earlier_one() -> None:
    mounts = LOCAL + b"25 24 0:1 / /home rw - nfs4 server:/home rw\n26 25 0:2 / /home rw shared:1 - tmpfs none rw\n"
    assert paths.file_system("/home/me", mounts) == "tmpfs"


@given(st.binary(min_size=1).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_any_mount_point_is_read_as_the_kernel_writes_it(name: bytes) -> None:
    written = b"".join(b"\\%03o" % byte if byte in b" \t\n\\#" else bytes([byte]) for byte in name)
    mounts = LOCAL + b"25 24 0:1 / /" + written + b" rw - nfs server:/ rw\n"
    assert paths.file_system(os.fsdecode(b"/" + name + b"/state"), mounts) == "nfs"


def test_the_mounts_of_this_machine_can_be_read() -> None:
    with open(paths.MOUNTS, "rb") as file:
        assert paths.file_system("/proc/self", file.read()) == "proc"


# --- the fleet file


def test_without_any_fleet_file_there_is_none(home: Path) -> None:
    if os.path.exists("/etc/mini_slurm/fleet.toml"):
        pytest.skip("this machine has a fleet file of its own")
    assert paths.fleet_file() is None


def test_the_users_own_fleet_file_is_found(home: Path) -> None:
    own = home / ".config/mini_slurm/fleet.toml"
    own.parent.mkdir(parents=True)
    own.touch()
    assert paths.fleet_file() == str(own)


def test_xdg_config_home_moves_the_fleet_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert paths.own_fleet_file() == str(tmp_path / "mini_slurm/fleet.toml")


def test_mini_slurm_fleet_wins(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = home / ".config/mini_slurm/fleet.toml"
    own.parent.mkdir(parents=True)
    own.touch()
    (tmp_path / "other.toml").touch()
    monkeypatch.setenv("MINI_SLURM_FLEET", str(tmp_path / "other.toml"))
    assert paths.fleet_file() == str(tmp_path / "other.toml")


def test_a_fleet_file_that_was_named_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINI_SLURM_FLEET", str(tmp_path / "missing.toml"))
    with pytest.raises(FleetError, match=r"missing\.toml: no such fleet file"):
        paths.fleet_file()


# --- what lies in the state folder


def test_the_jobs_folder_is_in_the_state_folder_unless_the_fleet_says_otherwise() -> None:
    fleet = Fleet("lab", "", {}, {})
    assert paths.jobs_folder("/state", fleet) == "/state/jobs"
    assert paths.jobs_folder("/state", fleet._replace(jobs_dir="/data/jobs")) == "/data/jobs"


def test_a_database_exists_once_it_was_made(tmp_path: Path) -> None:
    assert not paths.database_exists(str(tmp_path))
    (tmp_path / "state.sqlite3").touch()
    assert paths.database_exists(str(tmp_path))
