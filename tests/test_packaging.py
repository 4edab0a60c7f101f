"""What is built and where things lie: the wheel works alone, and the repository has its agreed top level."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOP_LEVEL = {"pyproject.toml", "README.md", "mini_slurm", "templates", "tests", "fleet.example.toml"} | {
    ".ci",
    "docs",
    "benchmarks",
    "scripts",
    "LICENSE",
}
HYDRA_PLUGIN = "mini_slurm/api/hydra_plugin.py"  # lies elsewhere in the wheel
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def run(*command: str | Path, **options: object) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def test_the_top_level_is_as_agreed() -> None:
    files = run("git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    top = {file.split("/")[0] for file in files}
    assert top >= TOP_LEVEL
    assert {name for name in top - TOP_LEVEL if not name.startswith(".")} == set()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new environment with the wheel alone; what it depends on comes from the environment that runs the tests."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    own = [path for path in sys.path if path.endswith("site-packages")]
    # Paths in a .pth file add no editable installation: its own .pth is not read again.
    (packages / "dependencies.pth").write_text("".join(f"{path}\n" for path in own))
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "--quiet", wheel)
    yield folder


def test_the_wheel_holds_the_templates(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name.removeprefix("mini_slurm/templates/") for name in archive.namelist() if "/templates/" in name}
    assert packed == {str(path.relative_to(ROOT / "templates")) for path in (ROOT / "templates").rglob("*.j2")}


def test_the_installed_wheel_finds_its_templates(installed: Path, tmp_path: Path) -> None:
    code = "from mini_slurm import templating; print(templating.render('job', {'command': 'hostname'}))"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    script = run(installed / "bin" / "python", "-P", "-c", code, cwd="/", env=environment)
    assert script.startswith("#!/bin/bash\n#SBATCH --job-name=job\n")


def test_man_finds_a_page_for_each_command_of_the_installed_wheel(installed: Path) -> None:
    pages = {path.stem for path in (installed / "share" / "man" / "man1").iterdir()}
    assert pages == set(PROJECT["scripts"])
    if not shutil.which("man"):
        assert not os.environ.get("CI"), "man is not installed (Debian: apt install man-db)"
        pytest.skip("there is no man")
    environment = {"PATH": f"{installed / 'bin'}:/usr/bin:/bin", "HOME": str(installed), "LANG": "C.UTF-8"}
    for name in pages:
        assert run("man", "-w", name, env=environment).startswith(str(installed))
        assert name in run("man", "--warnings", "-P", "cat", name, env=environment)


def test_the_wheel_holds_every_module_and_no_test(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.endswith(".py")}
    ours = {str(path.relative_to(ROOT)) for path in (ROOT / "mini_slurm").rglob("*.py")}
    ours.remove(HYDRA_PLUGIN)
    assert packed == ours | {"hydra_plugins/mini_slurm_launcher.py"}  # and no __init__: others' plugins are there, too


def test_hydras_launcher_is_named_where_hydra_takes_it_from() -> None:
    """Hydra 1.3 refuses a class of any other package: the one that the configuration names is made in that file."""
    [target] = re.findall(r'^TARGET = "(.*)"$', (ROOT / "mini_slurm/api/hydra_launcher.py").read_text(), re.MULTILINE)
    module, _, name = target.rpartition(".")
    assert module == "hydra_plugins.mini_slurm_launcher"
    assert f"\nclass {name}(" in (ROOT / HYDRA_PLUGIN).read_text()


def test_the_installed_wheel_does_not_need_the_repository(installed: Path) -> None:
    code = "import mini_slurm.errors; print(mini_slurm.errors.__file__)"
    assert run(installed / "bin" / "python", "-P", "-c", code, cwd="/").startswith(str(installed))


def test_a_program_that_uses_the_installed_wheel_is_typed_throughout(installed: Path, tmp_path: Path) -> None:
    program = shutil.copy(ROOT / "tests" / "typed_program.py", tmp_path)
    said = run(sys.executable, "-m", "mypy", "--strict", "--python-executable", installed / "bin" / "python", program,
               cwd=tmp_path)  # fmt: skip
    assert said == "Success: no issues found in 1 source file\n"


@pytest.mark.parametrize("command", PROJECT["scripts"])
def test_each_command_of_the_installed_wheel_runs(installed: Path, command: str, tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "MINI_SLURM_STATE": str(tmp_path / "state")}
    environment["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    help_text = run(installed / "bin" / command, "--help", env=environment, cwd=tmp_path)
    assert command in help_text


def test_msqueue_of_the_installed_wheel_shows_an_empty_queue(installed: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "MINI_SLURM_STATE": str(tmp_path / "state")}
    environment["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    lines = run(installed / "bin" / "msqueue", env=environment, cwd=tmp_path).splitlines()
    assert len(lines) == 1
    assert lines[0].split()[0] == "JOBID"
