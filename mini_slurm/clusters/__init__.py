"""Places where a job can go besides the fleet: systems that others run."""

from __future__ import annotations

from mini_slurm.errors import Refused
from mini_slurm.model.cluster_types import CLUSTER_TYPES

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from mini_slurm.clusters.protocols import Cluster, Runner
    from mini_slurm.model.cluster_entry import ClusterEntry


def make_cluster(entry: ClusterEntry) -> Cluster:
    """The kind of cluster that an entry names; nothing is called yet. Raises Refused."""
    if entry.type not in CLUSTER_TYPES:
        raise Refused(
            f"cluster {entry.name}: type {entry.type} is not supported",
            hint=f"supported: {', '.join(CLUSTER_TYPES)}; until then, take [clusters.{entry.name}] out",
        )
    from importlib import import_module

    module, _, name = CLUSTER_TYPES[entry.type].place.partition(":")
    cluster: Cluster = getattr(import_module(module), name)(entry)
    return cluster


def make_runner(db: sqlite3.Connection, entry: ClusterEntry, wake: Callable[[], None]) -> Runner:
    """What runs a cluster's commands: here, or on its login node, by way of the controller that `wake` wakes."""
    if entry.host is not None:
        from mini_slurm.clusters.remote import RemoteRunner

        return RemoteRunner(db, entry, wake)
    from mini_slurm.clusters.local import LocalRunner

    return LocalRunner(entry)
