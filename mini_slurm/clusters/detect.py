"""Which system PATH leads to."""

from __future__ import annotations

import os

from mini_slurm.clusters import TYPES
from mini_slurm.clusters.there import find, folders
from mini_slurm.model.cluster_entry import ClusterEntry

# The command that tells a system, another that has to stand beside it, and one that must not.
SIGNS = (
    ("slurm", "sbatch", "", ""),
    ("torque", "qsub", "pbs-config", "qconf"),
    ("pbs", "qsub", "", "qconf"),
    ("lsf", "bsub", "", ""),
)
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
    for kind, command, needed, other in SIGNS:
        path = find(command) if kind in TYPES else None
        if path is None or _is_hollow(path):
            continue
        beside = os.path.dirname(path)
        if os.path.exists(os.path.join(beside, needed)) and not (other and os.path.exists(os.path.join(beside, other))):
            return ClusterEntry(kind, kind)
    return None


def _is_hollow(path: str) -> bool:
    """A distribution's sbatch without any configuration: a client that has no cluster."""
    folder, command = os.path.split(path)
    if folder not in DISTRIBUTION or command != "sbatch":
        return False
    # jobs of the fleet have a SLURM_CONF, too, of which there is no file
    return not any(map(os.path.exists, (os.environ.get("SLURM_CONF", ""), *CONFIGURATIONS)))
