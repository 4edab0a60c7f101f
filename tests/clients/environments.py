"""The virtual environment of each client: made when it is first asked for, of the versions in its requirements."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parent.parent / ".clients"
LIMIT = 900  # seconds that an installation may take


def environment(client: str, more: tuple[str, ...] = ()) -> Path:
    """The folder of the client's environment, which has what its requirements.txt names, and `more` packages."""
    folder = CACHE / (f"{client}-own" if more else client)
    requirements = HERE / client / "requirements.txt"
    mark = folder / "installed"
    key = f"{folder} {sys.version} {hashlib.sha256(requirements.read_bytes()).hexdigest()} {' '.join(more)}".strip()
    if not mark.exists() or mark.read_text() != key:
        _make(folder, requirements, more)
        mark.write_text(key)
    return folder


def _make(folder: Path, requirements: Path, more: tuple[str, ...]) -> None:
    """Without a pip of its own, which would take longer than a small client: ours installs."""
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, "install", "--quiet", "--requirement", str(requirements), *more],
        cwd=HERE.parent.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, f"{requirements} cannot be installed:\n{done.stdout}{done.stderr}"
