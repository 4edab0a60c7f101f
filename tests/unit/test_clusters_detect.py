"""Programs of other systems on PATH, and our own that bear their names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mini_slurm.clusters import detect, there
from mini_slurm.model.cluster_types import CLUSTER_TYPES

REAL = "#!/bin/sh\necho real\n"


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_CONF", raising=False)


def program(folder: Path, name: str, text: str = REAL) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def path_of(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    monkeypatch.setenv("PATH", ":".join(map(str, folders)))


@pytest.mark.parametrize(("command", "kind"), [("sbatch", "slurm"), ("qsub", "pbs"), ("bsub", "lsf")])
def test_a_submit_command_on_path_tells_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, kind: str
) -> None:
    program(tmp_path / "bin", command)
    path_of(monkeypatch, tmp_path / "bin")
    entry = detect.detect()
    assert entry is not None
    assert (entry.name, entry.type, entry.host) == (kind, kind, None)


def test_a_system_that_we_cannot_speak_to_is_no_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin", "qsub")
    path_of(monkeypatch, tmp_path / "bin")
    monkeypatch.setattr(detect, "CLUSTER_TYPES", {"slurm": CLUSTER_TYPES["slurm"]})
    assert detect.detect() is None


def test_torque_is_told_from_other_pbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("qsub", "pbs-config"):
        program(tmp_path / "bin", name)
    path_of(monkeypatch, tmp_path / "bin")
    entry = detect.detect()
    assert entry is not None
    assert entry.type == "torque"


def test_nothing_on_path_is_no_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path_of(monkeypatch, tmp_path)
    assert detect.detect() is None


def test_slurm_comes_before_the_wrappers_that_it_has_for_pbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "a", "qsub")
    program(tmp_path / "b", "sbatch")
    path_of(monkeypatch, tmp_path / "a", tmp_path / "b")
    entry = detect.detect()
    assert entry is not None
    assert entry.type == "slurm"


def test_the_qsub_of_grid_engine_is_none_of_pbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin", "qsub")
    program(tmp_path / "bin", "qconf")
    path_of(monkeypatch, tmp_path / "bin")
    assert detect.detect() is None


@pytest.mark.parametrize(
    "text",
    [
        "#!/usr/bin/python3\nimport sys\nfrom mini_slurm.cli.msbatch import main\nsys.exit(main())\n",
        '#!/bin/sh\nexec /opt/venv/bin/msbatch "$@"\n',
        "#!/bin/sh\nexec python3 -m mini_slurm.cli.msbatch\n",
    ],
    ids=["console script", "wrapper", "module"],
)
def test_a_script_that_leads_to_us_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    program(tmp_path / "a", "sbatch", text)
    path_of(monkeypatch, tmp_path / "a")
    assert detect.detect() is None
    real = program(tmp_path / "b", "sbatch")
    path_of(monkeypatch, tmp_path / "a", tmp_path / "b")
    assert there.find("sbatch") == str(real)


def test_a_link_to_our_command_is_passed_over_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = program(tmp_path / "venv", "msbatch", "#!/bin/sh\n")
    for folder in ("shims", "late"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "sbatch").symlink_to(ours)
    real = program(tmp_path / "b", "sbatch")
    path_of(monkeypatch, tmp_path / "shims", tmp_path / "b", tmp_path / "late")
    assert there.find("sbatch") == str(real)
    assert there.path_for_jobs() == str(tmp_path / "b")


def test_a_link_to_the_real_command_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = program(tmp_path / "slurm-22.05", "sbatch-wlm")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sbatch").symlink_to(real)
    path_of(monkeypatch, tmp_path / "bin")
    assert there.find("sbatch") == str(tmp_path / "bin" / "sbatch")


def test_what_cannot_be_run_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "a", "sbatch").chmod(0o644)
    (tmp_path / "b" / "sbatch").mkdir(parents=True)
    path_of(monkeypatch, tmp_path / "a", tmp_path / "b", Path("relative"))
    assert detect.detect() is None


def test_a_packages_sbatch_without_a_configuration_is_no_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "sbatch")
    path_of(monkeypatch, tmp_path / "bin")
    monkeypatch.setattr(detect, "DISTRIBUTION", (str(tmp_path / "bin"),))
    monkeypatch.setattr(detect, "CONFIGURATIONS", (str(tmp_path / "slurm.conf"),))
    assert detect.detect() is None
    (tmp_path / "slurm.conf").write_text("")
    assert detect.detect() is not None
    (tmp_path / "slurm.conf").rename(tmp_path / "other.conf")
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "other.conf"))
    assert detect.detect() is not None
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))  # as in every job of a fleet
    assert detect.detect() is None


def test_a_folder_of_the_configuration_is_looked_into_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "a", "qsub")
    path_of(monkeypatch, tmp_path / "a")
    assert there.find("qsub", str(tmp_path)) is None


def test_a_script_that_calls_a_link_to_our_command_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = program(tmp_path / "venv", "msbatch", "#!/bin/sh\n")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "sbatch").symlink_to(ours)
    program(tmp_path / "a", "sbatch", f'#!/bin/sh\nexec "{tmp_path}/links/sbatch" --requeue "$@"\n')
    real = program(tmp_path / "b", "sbatch")
    path_of(monkeypatch, tmp_path / "a", tmp_path / "b")
    assert there.find("sbatch") == str(real)


def test_a_call_is_known_in_what_it_calls_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in there.calling("sbatch").items():
        monkeypatch.setenv(name, value)
    assert there.is_called_by_itself("sbatch")
    assert not there.is_called_by_itself("squeue")
    ask = "from mini_slurm.clusters import there; print(there.is_called_by_itself('sbatch'))"
    words = ["/bin/sh", "-c", '"$@"; exec setsid --fork --wait "$@"', "sh", sys.executable, "-c", ask]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "True\nTrue\n"
    monkeypatch.setenv(there.CALLING, f"sbatch:{os.getpid()}:1")  # the number was another process's
    assert not there.is_called_by_itself("sbatch")
