"""Whether there is a fleet and no cluster beside it. Every listing asks that first, so nothing costs time here."""

from __future__ import annotations

import os

from mini_slurm.config.paths import fleet_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "alone"  # of the table `setting`: the signature of the last fleet file that named machines and no clusters


def is_alone(get: Callable[[str], str | None]) -> bool:
    """Is it certain, at a glance, that there is a fleet and no cluster? Raises FleetError."""
    path = fleet_file()
    if path is not None:
        return get(KEY) == signature(path) != ""
    from mini_slurm.model.cluster_types import CLUSTER_TYPES  # with a fleet file nobody needs them

    signs = {known.submit for known in CLUSTER_TYPES.values()}
    folders = os.environ.get("PATH", os.defpath).split(":")
    return not any(_is_sign(os.path.join(folder, sign)) for folder in folders for sign in signs)


def _is_sign(path: str) -> bool:
    """Is there such a command, and is it no link to ours?"""
    return os.path.exists(path) and os.path.basename(os.path.realpath(path)) != f"m{os.path.basename(path)}"


def signature(path: str) -> str:
    """Another text when the file is another one, or has changed; "" where it cannot be looked at."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    return f"{path} {status.st_mtime_ns} {status.st_size} {status.st_ino}"
