"""Adding a key to a known_hosts file."""

from __future__ import annotations

from pathlib import Path

import pytest

from mini_slurm.errors import StateError
from mini_slurm.links.known_hosts import HostKey, remember


def key(path: Path) -> HostKey:
    return HostKey("new", "ssh-ed25519", "SHA256:x", "node1 ssh-ed25519 AAAA", str(path))


def test_file_and_folder_are_made_for_the_user_alone(tmp_path: Path) -> None:
    path = tmp_path / ".ssh" / "known_hosts"
    remember(key(path))
    assert path.read_text() == "node1 ssh-ed25519 AAAA\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_last_line_without_end_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text("other ssh-ed25519 BBBB")
    remember(key(path))
    assert path.read_text() == "other ssh-ed25519 BBBB\nnode1 ssh-ed25519 AAAA\n"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StateError, match="known_hosts"):
        remember(key(path))
    assert not (tmp_path / "elsewhere").exists()
