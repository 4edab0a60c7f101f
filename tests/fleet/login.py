"""A fleet for tests that are programs on the login node themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fleet import sshd
from tests.fleet.conftest import skip_or_fail
from tests.fleet.machines import Machines

OWN = ("SLURM", "SBATCH", "MINI_SLURM")  # what variables that count begin with


@contextmanager
def login_node(folder: Path, **tables: dict[str, object]) -> Iterator[Machines]:
    """These machines; meanwhile this process has the environment and the folder of their user."""
    skip_or_fail(sshd.missing())
    made = Machines(folder / "fleet")
    with pytest.MonkeyPatch.context() as patch:
        try:
            for name, table in tables.items():
                made.add(name, **table)
            for name in [name for name in os.environ if name.startswith(OWN)]:
                patch.delenv(name)
            for name, value in made.environment.items():
                patch.setenv(name, value)
            patch.chdir(made.work)
            yield made
        finally:
            made.close()
