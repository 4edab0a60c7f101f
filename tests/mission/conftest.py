"""The four machines that the scripts of the mission run on, and the programs that stand in for what is not there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet import jobs
from tests.fleet import testbed as bed_module
from tests.fleet.conftest import skip_or_fail
from tests.fleet.machines import Testbed
from tests.waiting import wait_until

HERE = Path(__file__).parent
NODES = ("node1", "node2", "node3", "node4")


class Lab:
    """Four machines with GPUs, of partitions as the scripts name them, and a folder that all machines see."""

    def __init__(self, fleet: Testbed) -> None:
        self.fleet = fleet
        self.folder = fleet.shared

    def run(self, *words: str, seconds: float = 60, **variables: str) -> str:
        """What a command on the login node prints; it must not fail."""
        environment = {**self.fleet.environment, **variables}
        done = self.fleet.run(*words, cwd=self.folder, env=environment, seconds=seconds)
        assert (done.returncode, done.stderr) == (0, ""), (words, done.stdout, done.stderr)
        return done.stdout

    def place(self, name: str) -> str:
        """One of the scripts, or a payload, in the folder; its name."""
        source = HERE / "scripts" / name
        shutil.copy(source if source.exists() else HERE / "programs" / name, self.folder / name)
        return name

    def submit(self, *words: str) -> int:
        """Submit with sbatch; the job's number."""
        return int(self.run("sbatch", *words).split()[-1])

    def complete(self, number: int, seconds: float = 90) -> str:
        """What the job has written to its file slurm-N.out; it must have ended well."""
        [job] = jobs.wait_over(self.fleet, number, seconds=seconds)  # type: ignore[arg-type]
        text = jobs.text(self.folder / f"slurm-{number}.out")
        assert job.state.name == "COMPLETED", (job.state.name, text)
        return text


@pytest.fixture
def lab(four: Lab) -> Iterator[Lab]:
    """The machines, with nothing left on them that would keep the next test waiting where this one has failed."""
    yield four
    left = four.run("squeue", "-h", "-o", "%A").split()
    if left:
        four.fleet.run("mscancel", *left)
        wait_until(lambda: not four.run("squeue", "-h"), "the machines to be free", seconds=60, logs=four.fleet.logs)


@pytest.fixture(scope="session")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """All tests use the same machines."""
    skip_or_fail(bed_module.missing())
    folder = Path(tempfile.mkdtemp(prefix="mini_slurm-mission-", dir="/var/lib"))
    base = tmp_path_factory.mktemp("mission")
    number = (os.getpid() + 100) % 250
    fleet = Testbed(base / "fleet", bed_module.Bed(folder, f"10.77.{number}", f"mm{number}"))
    try:
        fleet.up(**{name: {"cpus": 8, "memory": "64G", "gpus": 4} for name in NODES})
        partition = {"machines": ",".join(NODES)}
        _write_fleet(fleet, {name: {**partition, "default": name == "compute"} for name in ("compute", "gpu", "ib")})
        subprocess.run(["mini-slurm", "shims", str(base / "shims")], env=fleet.environment, check=True, timeout=60,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        programs = _copy_programs(fleet.shared)
        fleet.variables["PATH"] = f"{base / 'shims'}:{programs}:{fleet.environment['PATH']}"
        yield Lab(fleet)
    finally:
        try:
            fleet.close()
        finally:
            shutil.rmtree(folder)


def _copy_programs(shared: Path) -> Path:
    """Put them, and a `python`, where the machines see them: this checkout may lie in a folder that they do not."""
    folder = shared / "programs"
    shutil.copytree(HERE / "programs", folder)
    (folder / "python").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    return folder


def _write_fleet(fleet: Testbed, partitions: dict[str, dict[str, object]]) -> None:
    import tomli_w

    tables = {"fleet": {"name": "test"}, "machines": fleet.tables, "partitions": partitions}
    fleet.fleet_file.write_text(tomli_w.dumps(tables))
