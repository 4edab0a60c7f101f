"""An installation of the commands that any account can read: what the tests run from may lie in root's home.

It is a virtual environment of its own with a copy of the package and of what it depends on. Where other accounts cannot
run this Python either, that is copied as well.
"""

from __future__ import annotations

import compileall
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = "mini-slurm"
SCRIPT = "#!{python}\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n"
LIMIT = 120  # seconds for one of the programs


class Install:
    """The commands in `bin`, links with Slurm's names in `shims`, and a Python for the machines in `python`."""

    def __init__(self, folder: Path, login: str) -> None:
        self.bin = folder / "venv" / "bin"
        self.shims = folder / "shims"
        self.python = _python_for(login, folder)  # its folder, for a PATH
        _run(self.python / f"python{_VERSION}", "-m", "venv", "--without-pip", folder / "venv")
        packages = Path(_run(self.bin / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
        self._fill(packages)
        self._write_scripts()
        _run(self.bin / PROJECT, "shims", self.shims)

    def _fill(self, packages: Path) -> None:
        shutil.copytree(ROOT / "mini_slurm", packages / "mini_slurm", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "templates", packages / "mini_slurm" / "templates")
        for name in sorted(_needed(PROJECT)):
            for file in metadata.files(name) or []:
                source = Path(str(file.locate()))
                if ".." not in file.parts and "__pycache__" not in file.parts and source.is_file():
                    (packages / file).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(source, packages / file)
        _open_for_all(packages)
        compileall.compile_dir(packages, quiet=2)

    def _write_scripts(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        for name, target in project["scripts"].items():
            module, _, function = target.partition(":")
            text = SCRIPT.format(python=self.bin / "python", module=module, function=function)
            (self.bin / name).write_text(text)
            (self.bin / name).chmod(0o755)


_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def _python_for(login: str, folder: Path) -> Path:
    """The folder of a Python like this one that an account can run; a copy of this one where there is none."""
    base = Path(sysconfig.get_config_var("BINDIR"))
    for candidate in (base, Path("/usr/bin"), Path("/usr/local/bin")):
        if (candidate / f"python{_VERSION}").exists() and not _complaint(login, candidate):
            return candidate
    left_out = shutil.ignore_patterns("test", "tests", "site-packages", "__pycache__", "*.a")
    shutil.copytree(sys.base_prefix, folder / "python", symlinks=True, ignore=left_out)
    _open_for_all(folder / "python")
    _find_library_beside(folder / "python" / "bin" / f"python{_VERSION}")
    complaint = _complaint(login, folder / "python" / "bin")
    assert not complaint, (
        f"install python{_VERSION} in /usr/bin or /usr/local/bin, as other accounts cannot run {base}'s:\n{complaint}"
    )
    return folder / "python" / "bin"


def _complaint(login: str, folder: Path) -> str:
    """What an account is told when it runs the Python of this folder; empty when that works."""
    words = ["runuser", "-u", login, "--", folder / f"python{_VERSION}", "-I", "-c", "import ssl, sqlite3, venv"]
    return subprocess.run(words, capture_output=True, text=True, cwd="/").stderr


def _find_library_beside(program: Path) -> None:
    """A copied Python that was built with a library of its own looks for it where it was copied from: change that."""
    old, new = os.fsencode(sysconfig.get_config_var("LIBDIR")), b"$ORIGIN/../lib"
    if len(new) <= len(old):
        program.write_bytes(program.read_bytes().replace(old + b"\0", new.ljust(len(old) + 1, b"\0")))


def _needed(project: str) -> set[str]:
    """The names of all packages that a project needs, directly or not."""
    found: set[str] = set()
    left = _requirements(project)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left |= _requirements(name)
    return found


def _requirements(name: str) -> set[str]:
    """What a package needs here; not what only an extra of it needs, or another platform."""
    wanted = {
        re.sub(r"[-_.]+", "-", re.findall(r"^[\w.-]+", line)[0]).lower()
        for line in metadata.requires(name) or []
        if "extra ==" not in line
    }
    installed = {re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower() for found in metadata.distributions()}
    return wanted & installed


def _open_for_all(folder: Path) -> None:
    """Everybody may read it, whatever the umask was."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))


def _run(*words: str | Path) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": "/"}
    done = subprocess.run(
        list(map(str, words)), capture_output=True, text=True, cwd="/", env=environment, timeout=LIMIT
    )
    assert done.returncode == 0, f"{words[0]}: {done.stdout}{done.stderr}"
    return done.stdout.strip()
