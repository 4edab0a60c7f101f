"""Which system PATH leads to."""

from __future__ import annotations

import os

from mini_slurm.clusters.there import find, folders
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.cluster_types import CLUSTER_TYPES, ClusterType

DISTRIBUTION = ("/usr/bin", "/bin")
CONFIGURATIONS = ("/etc/slurm/slurm.conf", "/etc/slurm-llnl/slurm.conf", "/run/slurm/conf/slurm.conf")


_last: dict[tuple[object, ...], ClusterEntry | None] = {}  # what was found last, and what the folders were then


def detect() -> ClusterEntry | None:
    """The cluster that this machine's PATH leads to. It is looked for anew when a folder of PATH has changed."""
    seen = (os.environ.get("SLURM_CONF"), *((folder, _changed(folder)) for folder in (*folders(), *CONFIGURATIONS)))
    if seen not in _last:
        found = _detect()
        _last.clear()
        _last[seen] = found
    return _last[seen]


def _changed(path: str) -> int | None:
    """When something in a folder was changed last; None where there is none."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None


def _detect() -> ClusterEntry | None:
    for name, kind in CLUSTER_TYPES.items():
        path = find(kind.submit)
        if path is not None and not _is_hollow(path) and _fits(kind, os.path.dirname(path)):
            return ClusterEntry(name, name)
    return None


def _fits(kind: ClusterType, folder: str) -> bool:
    """Is the submit command in this folder that of this system, and not another's of the same name?"""
    if any(os.path.exists(os.path.join(folder, other)) for other in kind.never_beside):
        return False
    return not kind.beside or os.path.exists(os.path.join(folder, kind.beside))


def _is_hollow(path: str) -> bool:
    """A distribution's sbatch without any configuration: a client that has no cluster."""
    folder, command = os.path.split(path)
    if folder not in DISTRIBUTION or command != "sbatch":
        return False
    # jobs of the fleet have a SLURM_CONF, too, of which there is no file
    return not any(map(os.path.exists, (os.environ.get("SLURM_CONF", ""), *CONFIGURATIONS)))
