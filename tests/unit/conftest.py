"""Fixtures of the tests without machines: nothing of the user's own is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_state_of_the_user(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user may have jobs, and a database of another version."""
    monkeypatch.delenv("MINI_SLURM_STATE", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(_none(tmp_path_factory)))


def _none(factory: pytest.TempPathFactory) -> Path:
    """A folder that is not there."""
    return factory.getbasetemp() / "no-state"
