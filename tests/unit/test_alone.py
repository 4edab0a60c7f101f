"""At a glance: is there the fleet alone, or may there be a cluster?"""

from __future__ import annotations

from pathlib import Path

import pytest

from mini_slurm.config import alone, cache
from mini_slurm.config.alone import is_alone

FLEET = "[machines.node1]\ncpus = 1\n[partitions.main]\nmachines = 'node1'\n"
CLUSTER = "[clusters.hpc]\ntype = 'slurm'\n"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    (tmp_path / "fleet.toml").write_text(FLEET)
    monkeypatch.setenv("MINI_SLURM_FLEET", str(tmp_path / "fleet.toml"))
    return {}


def test_a_fleet_file_without_clusters_is_known_by_its_signature(settings: dict[str, str], tmp_path: Path) -> None:
    assert not is_alone(settings.get)
    cache.load(settings.get, settings.__setitem__)
    assert is_alone(settings.get)
    (tmp_path / "fleet.toml").write_text(FLEET + CLUSTER)
    assert not is_alone(settings.get)
    cache.load(settings.get, settings.__setitem__)
    assert not is_alone(settings.get)


def test_without_a_fleet_file_a_command_on_path_is_a_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINI_SLURM_FLEET", raising=False)
    monkeypatch.setattr(alone, "fleet_file", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert is_alone({}.get)
    (tmp_path / "msbatch").touch()
    (tmp_path / "sbatch").symlink_to("msbatch")
    assert is_alone({}.get)
    (tmp_path / "qsub").touch()
    assert not is_alone({}.get)
