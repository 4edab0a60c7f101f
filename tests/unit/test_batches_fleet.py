"""config/fleet_config.json, and the fleet file that is made of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mini_slurm.api.batches.fleet import use
from mini_slurm.config.fleet import read_fleet
from mini_slurm.errors import Refused

MACHINE = {"hostname": "machine-1.local", "ip": "192.168.1.100", "cpus": 8, "memory_gb": 64, "gpu_available": True,
           "ssh_user": "username", "ssh_key_path": "/path/to/key", "description": "one"}  # fmt: skip


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MINI_SLURM_FLEET", "")
    path = tmp_path / "config" / "fleet_config.json"
    path.parent.mkdir()
    return path


def write(config: Path, **machines: Any) -> None:
    config.write_text(json.dumps({"machines": machines}))


def test_the_machines_become_a_fleet_of_three_partitions(config: Path) -> None:
    write(config, machine_1=MACHINE, machine_2={**MACHINE, "ip": "192.168.1.101", "gpu_available": False})
    use(config)
    fleet = read_fleet(os.environ["MINI_SLURM_FLEET"])
    entry = fleet.machines["machine_1"]
    assert (entry.host, entry.user, entry.cpus, entry.memory, entry.gpus) == (
        "192.168.1.100",
        "username",
        8,
        65536,
        None,
    )
    assert fleet.machines["machine_2"].gpus == {}
    assert {name: one.max_time for name, one in fleet.partitions.items()} == {
        "compute": 7 * 86400, "debug": 86400, "long": 30 * 86400,
    }  # fmt: skip
    assert fleet.default_partition is not None and fleet.default_partition.name == "compute"


def test_it_is_made_anew_when_the_json_file_is_changed_and_only_then(config: Path, monkeypatch: Any) -> None:
    write(config, a=MACHINE)
    use(config)
    made = Path(os.environ["MINI_SLURM_FLEET"])
    made.write_text(made.read_text() + "# mine\n")
    for _ in range(2):
        monkeypatch.setenv("MINI_SLURM_FLEET", "")
        use(config)
    assert "# mine" in made.read_text()
    write(config, b=MACHINE)
    later = made.stat().st_mtime + 10
    os.utime(config, (later, later))
    monkeypatch.setenv("MINI_SLURM_FLEET", "")
    use(config)
    assert list(read_fleet(str(made)).machines) == ["b"]


def test_a_fleet_file_that_is_named_counts(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(config, a=MACHINE)
    monkeypatch.setenv("MINI_SLURM_FLEET", "/mine.toml")
    use(config)
    assert os.environ["MINI_SLURM_FLEET"] == "/mine.toml" and not config.with_suffix(".toml").exists()


def test_without_the_json_file_nothing_happens(config: Path) -> None:
    use(config)
    assert os.environ["MINI_SLURM_FLEET"] == ""


def test_a_wrong_file_is_refused_with_its_fault(config: Path) -> None:
    write(config, a={**MACHINE, "cpu": 4})
    with pytest.raises(Refused, match='has no key "cpu"'):
        use(config)
    assert not list(config.parent.glob("*.toml*"))
