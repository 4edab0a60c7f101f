"""Places where a job can go besides the fleet: systems that others run."""

from __future__ import annotations

from importlib import import_module

from mini_slurm.clusters.base import Cluster
from mini_slurm.model.fleet import ClusterEntry

# To add one: a module with a class that is a Cluster, and its row here. docs/extending.md shows it.
TYPES = {
    "slurm": "mini_slurm.clusters.slurm:Slurm",
}


def make_cluster(entry: ClusterEntry) -> Cluster:
    """The kind of cluster that an entry names; nothing is called yet."""
    module, _, name = TYPES[entry.type].partition(":")
    cluster: Cluster = getattr(import_module(module), name)(entry)
    return cluster
