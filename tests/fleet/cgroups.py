"""A cgroup of a test's own, for agents that are to limit memory by cgroups."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from mini_slurm.agent import processes
from tests.waiting import wait_until

MOUNTED = Path("/sys/fs/cgroup")
ON = {"MINI_SLURM_CGROUPS": "on"}  # for a machine's environment; see tests/conftest.py


def of_process(pid: int | str = "self") -> Path:
    """The cgroup that limits the memory of a process."""
    found = {}
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            found["v2"] = MOUNTED / path.strip("/")
        elif "memory" in controllers.split(","):
            found["v1"] = MOUNTED / "memory" / path.strip("/")
    return found.get("v1") or found["v2"]


def given() -> Path | None:
    """A cgroup in which a test can make others; None: there is none."""
    own = of_process()
    if not own.joinpath("cgroup.controllers").exists():
        return own if os.access(own, os.W_OK) else None
    control = own.parent / "cgroup.subtree_control"  # what gives memory to its children holds no processes
    usable = control.exists() and "memory" in control.read_text().split() and os.access(own.parent, os.W_OK)
    return own.parent if usable else None


@pytest.fixture
def enclosure() -> Iterator[Path]:
    """A cgroup that this process is in, with all that it starts. It was given to us, as a service manager does that."""
    own, parent = of_process(), given()
    if parent is None:
        pytest.skip("no cgroups can be made here")
    folder = parent / f"test-{uuid.uuid4().hex}"
    folder.mkdir()
    if folder.joinpath("cgroup.controllers").exists() and not os.geteuid():
        os.setxattr(folder, "trusted.delegate", b"1")
    enter(folder)
    try:
        yield folder
    finally:
        enter(own)
        for path in sorted(folders(folder), reverse=True):  # the innermost first
            wait_until(lambda place=path: not kill_all(place), f"{path} to be empty")
            path.rmdir()


def enter(folder: Path) -> None:
    """Have this process be in a cgroup."""
    folder.joinpath("cgroup.procs").write_text("0")


def kill_all(folder: Path) -> list[int]:
    """SIGKILL for all processes in a cgroup; those."""
    pids = [int(word) for word in folder.joinpath("cgroup.procs").read_text().split()]
    processes.send(pids, 9)
    return pids


def folders(top: Path) -> list[Path]:
    """A cgroup, and all within it."""
    return [Path(path) for path, _, _ in os.walk(top)]


def of_jobs(enclosure: Path) -> list[str]:
    """The cgroups of jobs in there, by what the attempts are called."""
    return [path.name.partition(".")[2] for path in enclosure.glob("mini_slurm-*.*") if path.is_dir()]
