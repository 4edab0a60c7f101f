"""agent/delegation.py: where no cgroup is to be had, and why. Where one is: tests/fleet/test_cgroups.py."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mini_slurm.agent import delegation

Look = Callable[[str, str, dict[str, str]], str]
V1 = {"memory.use_hierarchy": "1\n", "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n"}
V2 = {"cgroup.controllers": "cpu io memory pids\n", "cgroup.type": "domain\n", "cgroup.procs": ""}


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Look:
    """Find what there is for a process whose cgroups these lines of /proc tell; what the log says of it."""
    monkeypatch.setattr(delegation, "PROC", str(tmp_path))
    monkeypatch.delenv(delegation.SWITCH)

    def find(places: str, own: str, files: dict[str, str]) -> str:
        mounts = (
            f"31 30 0:26 / {tmp_path}/v2 rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
            f"32 30 0:27 /above {tmp_path}/v1 rw - cgroup cgroup rw,cpu,memory\n"
        )
        (tmp_path / "cgroup").write_text(places)
        (tmp_path / "mountinfo").write_text(mounts)
        folder = tmp_path / own
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text)
        assert delegation.find("/spool") == delegation.WATCHED
        assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == []
        return capfd.readouterr().err

    return find


def test_a_machine_without_cgroups(look: Look) -> None:
    said = look("", "v1", {})
    assert "no cgroup v2 for jobs: there are none\n" in said
    assert "no cgroup v1 for jobs: there are none\n" in said


def test_a_part_of_the_tree_that_is_mounted_nowhere(look: Look) -> None:
    assert "no cgroup v1 for jobs: there are none\n" in look("3:cpu,memory:/elsewhere\n", "v1", {})


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("memory.use_hierarchy", "0\n", "(memory.use_hierarchy)"),
        ("memory.oom_control", "oom_kill_disable 1\nunder_oom 0\noom_kill 0\n", "(memory.oom_control)"),
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n", "(memory.oom_control)"),  # before Linux 4.13
    ],
)
def test_a_kernel_that_would_not_keep_a_job_to_its_memory(look: Look, name: str, text: str, why: str) -> None:
    assert why in look("3:cpu,memory:/above/me\n", "v1/me", {**V1, name: text})


def test_a_folder_that_is_no_cgroup(look: Look) -> None:
    """Nothing is left of what was tried."""
    assert "memory.limit_in_bytes" in look("3:cpu,memory:/above/me\n", "v1/me", V1)


def test_a_folder_of_somebody_elses(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # as it is for all but root, who runs this in CI
    assert "cannot be written to" in look("3:cpu,memory:/above\n", "v1", {})


def test_a_cgroup_that_nobody_gave_us_is_left_alone(look: Look) -> None:
    assert "/v2/system.slice/batch.service was not delegated to us" in look(
        "0::/system.slice/batch.service\n", "v2/system.slice/batch.service", V2 if not os.geteuid() else {}
    )


def test_the_cgroup_of_a_job_is_not_divided(look: Look) -> None:
    own = "mini_slurm-0-0123abcd.state.1.0"
    said = look(f"3:cpu,memory:/above/{own}\n0::/{own}/batch\n", f"v1/{own}", V1)
    assert said.count("the agent was started by a job, in that job's cgroup") == 2
