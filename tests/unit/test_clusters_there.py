"""clusters/there.py, as it runs on a login node: a program of its own, in a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mini_slurm.clusters import there
from mini_slurm.clusters.base import Call
from mini_slurm.clusters.remote import order
from mini_slurm.model.cluster_entry import ClusterEntry
from tests.waiting import wait_until

QSUB = """\
#!/bin/sh
echo started >> starts
echo 7.server
until [ -e go ]; do sleep 0.02; done
exit 6
"""


class Host:
    """A login node with a qsub that stays until there is a file `go`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "bin").mkdir()
        (home / "bin" / "qsub").write_text(QSUB)
        (home / "bin" / "qsub").chmod(0o755)
        self.calls = home / there.CALLS

    def ask(self, source: str = Path(there.__file__).read_text(), **more: object) -> dict[str, Any]:
        """What is answered to a submission that stays."""
        call = Call(("qsub",), once="tag", patience=None)
        body = {**order(ClusterEntry("far", "pbs", folder=str(self.home / "bin")), call), **more}
        done = subprocess.run(
            [sys.executable, "-c", source + "\nimport sys\nmain(sys.stdin.buffer)\n"],
            input=json.dumps(body) + "\n", env={"HOME": str(self.home), "PATH": os.environ["PATH"]},
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    @property
    def starts(self) -> int:
        """How often qsub was started."""
        return (self.home / "starts").read_text().count("started")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path)
    yield made
    (tmp_path / "go").touch()
    if (made.calls / "tag").exists():
        wait_until((made.calls / "tag" / "code").exists, "qsub has ended")


def test_a_program_that_stays_is_told_of_and_started_once(host: Host) -> None:
    for more in ({}, {}, {"again": True}):
        assert host.ask(**more) == {"stays": True, "out": "7.server\n"}
    (host.home / "go").touch()
    assert host.ask(again=True) == {"code": 6, "out": "7.server\n", "err": ""}
    assert host.starts == 1


def test_a_program_whose_host_went_down_is_given_up(host: Host) -> None:
    host.ask()
    os.utime(host.calls / "tag" / "beat", (0, 0))
    lost = host.ask(again=True)
    assert (lost["code"], lost["err"]) == (-9, "qsub: it was ended before its job was over\n")


def test_a_disk_that_is_full_is_met_before_anything_is_started(host: Host) -> None:
    full = Path("/dev/full")
    source = Path(there.__file__).read_text().replace('os.path.join(folder, "in")', repr(str(full)))
    answer = host.ask(source, stdin="x")
    assert answer == {"fault": f"{host.calls}: No space left on device", "clear": True}
    assert not (host.home / "starts").exists()
    assert host.ask() == {"stays": True, "out": "7.server\n"}


def test_what_was_forgotten_is_not_started_again(host: Host) -> None:
    assert host.ask(again=True)["code"] == -9
    assert not (host.home / "starts").exists()
