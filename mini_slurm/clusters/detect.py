"""The programs of other systems along PATH: whatever bears their names and is not ours."""

from __future__ import annotations

import os

from mini_slurm.clusters import TYPES
from mini_slurm.model.fleet import ClusterEntry

# The command that tells a system, and one that tells that it is another one after all.
SIGNS = (("slurm", "sbatch", ""), ("pbs", "qsub", "qconf"), ("lsf", "bsub", ""))
OURS = (b"mini_slurm", b"mini-slurm")  # in a script that leads to our commands
READ = 4096  # bytes of a script that are looked at
DISTRIBUTION = ("/usr/bin", "/bin")
CONFIGURATIONS = ("/etc/slurm/slurm.conf", "/etc/slurm-llnl/slurm.conf", "/run/slurm/conf/slurm.conf")


def detect() -> ClusterEntry | None:
    """The cluster that this machine's PATH leads to."""
    for kind, command, other in SIGNS:
        path = find(command) if kind in TYPES else None
        if path is None or _is_hollow(path):
            continue
        if not other or not os.path.exists(os.path.join(os.path.dirname(path), other)):
            return ClusterEntry(kind, kind)
    return None


def find(command: str, folder: str | None = None) -> str | None:
    """Where the real command is: in this folder, else along PATH."""
    for place in folders() if folder is None else [folder]:
        path = os.path.join(place, command)
        if os.access(path, os.X_OK) and os.path.isfile(path) and not is_ours(path):
            return path
    return None


def folders() -> list[str]:
    """The folders of PATH."""
    return [folder for folder in os.environ.get("PATH", os.defpath).split(":") if os.path.isabs(folder)]


def is_ours(path: str) -> bool:
    """Does this program lead to our own commands: a link to one of them, or a script that names one?"""
    target, name = os.path.realpath(path), "m" + os.path.basename(path)
    if os.path.basename(target) == name:
        return True
    try:
        with open(target, "rb") as file:
            begin = file.read(READ)
    except OSError:
        return False
    return begin.startswith(b"#!") and any(word in begin for word in (*OURS, name.encode()))


def _is_hollow(path: str) -> bool:
    """A distribution's sbatch without any configuration: a client that has no cluster."""
    folder, command = os.path.split(path)
    if folder not in DISTRIBUTION or command != "sbatch":
        return False
    # jobs of the fleet have a SLURM_CONF, too, of which there is no file
    return not any(map(os.path.exists, (os.environ.get("SLURM_CONF", ""), *CONFIGURATIONS)))


def path_for_jobs() -> str:
    """PATH for a cluster's commands and, by way of them, its jobs: without folders of links to our commands."""
    return ":".join(folder for folder in folders() if not _has_shims(folder))


def _has_shims(folder: str) -> bool:
    link = os.path.join(folder, "sbatch")
    return os.path.islink(link) and is_ours(link)
