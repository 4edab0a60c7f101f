"""The types of clusters that there are. A new one is a module and a row here; docs/extending.md shows it."""

from __future__ import annotations

from mini_slurm.model.tuples import NamedTuple


class ClusterType(NamedTuple):
    """One type of system that a job can be handed to."""

    place: str  # of its class: `package.module:Class`
    submit: str  # its command that submits: where PATH leads to it, there is such a system
    beside: str = ""  # a command that stands beside it, where another system has the same `submit`
    never_beside: tuple[str, ...] = ()  # those that do not
    lines: bytes = b""  # how the lines begin that only this system's scripts have


# By `type` in `[clusters.NAME]`, in the order in which they are looked for.
CLUSTER_TYPES = {
    "slurm": ClusterType("mini_slurm.clusters.slurm:Slurm", "sbatch"),
    "pbs": ClusterType("mini_slurm.clusters.pbs:Pbs", "qsub", "", ("qconf", "pbs-config"), b"#PBS"),
    "torque": ClusterType("mini_slurm.clusters.torque:Torque", "qsub", "pbs-config", ("qconf",), b"#PBS"),
    "lsf": ClusterType("mini_slurm.clusters.lsf:Lsf", "bsub"),  # experimental
}
