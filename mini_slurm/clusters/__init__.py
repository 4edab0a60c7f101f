"""Places where a job can go besides the fleet: systems that others run."""

from __future__ import annotations

from mini_slurm.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from mini_slurm.clusters.protocols import Cluster, Runner
    from mini_slurm.model.cluster_entry import ClusterEntry

# To add one: a module with a class that is a Cluster, and its row here. docs/extending.md shows it.
TYPES = {
    "slurm": "mini_slurm.clusters.slurm:Slurm",
    "pbs": "mini_slurm.clusters.pbs:Pbs",
    "torque": "mini_slurm.clusters.torque:Torque",
    "lsf": "mini_slurm.clusters.lsf:Lsf",  # experimental
}


def make_cluster(entry: ClusterEntry) -> Cluster:
    """The kind of cluster that an entry names; nothing is called yet. Raises Refused."""
    if entry.type not in TYPES:
        raise Refused(
            f"cluster {entry.name}: type {entry.type} is not supported",
            hint=f"supported: {', '.join(TYPES)}; take [clusters.{entry.name}] out of the fleet file until then",
        )
    from importlib import import_module

    module, _, name = TYPES[entry.type].partition(":")
    cluster: Cluster = getattr(import_module(module), name)(entry)
    return cluster


def make_runner(db: sqlite3.Connection, entry: ClusterEntry, wake: Callable[[], None]) -> Runner:
    """What runs a cluster's commands: here, or on its login node, by way of the controller that `wake` wakes."""
    if entry.host is not None:
        from mini_slurm.clusters.remote import RemoteRunner

        return RemoteRunner(db, entry, wake)
    from mini_slurm.clusters.local import LocalRunner

    return LocalRunner(entry)
