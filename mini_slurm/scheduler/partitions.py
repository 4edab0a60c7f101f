"""What administrators change of partitions; they can make and delete them, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mini_slurm.model.fleet import Partition
from mini_slurm.scheduler.cluster import Cluster, override
from mini_slurm.scheduler.decisions import Answer, Decision
from mini_slurm.scheduler.events import PartitionDeleteRequested, PartitionUpdateRequested
from mini_slurm.scheduler.nodes import NO_SUCH_NODE, NOT_ADMIN
from mini_slurm.scheduler.targets import is_operator

NO_SUCH_PARTITION = "Invalid partition name specified"
BAD_QOS = "Invalid qos specification"
NEW = Partition("", (), min_nodes=1)  # as scontrol makes one
IN_USE = "Partition is in use"


def on_partition_update_requested(cluster: Cluster, event: PartitionUpdateRequested, now: float) -> list[Decision]:
    """Change what is told, or make a partition that has it."""
    return [Answer(event.number, _update(cluster, event))]


def _update(cluster: Cluster, event: PartitionUpdateRequested) -> str:
    if not is_operator(cluster, event.by):
        return NOT_ADMIN
    present = cluster.fleet.partitions.get(event.name)
    if event.create == (present is not None):
        return NO_SUCH_PARTITION
    changes = {key: tuple(value) if isinstance(value, list) else value for key, value in event.changes.items()}
    error = _settle(cluster, changes, present or NEW)
    # one that is made has nothing of what the fleet file may say of a deleted one
    made = NEW._replace(name=event.name)._asdict()
    before = made if event.create else cluster.overrides.partitions.get(event.name) or {}
    _keep(cluster, event.name, {**before, **changes})
    return error


def _settle(cluster: Cluster, changes: dict[str, Any], partition: Partition) -> str:
    """Take out what cannot be, and keep the rest, as Slurm does; the error, where that is one."""
    error = ""
    if not _is_within(changes, partition):
        del changes["default_time"]
    if changes.get("qos") and changes["qos"] not in cluster.fleet.qos:
        del changes["qos"]
        error = BAD_QOS
    if changes.get("machines") == ("ALL",):
        changes["machines"] = tuple(cluster.fleet.machines)
    elif not set(changes.get("machines", ())).issubset(cluster.fleet.machines):
        del changes["machines"]
        error = NO_SUCH_NODE
    return error


def _is_within(changes: Mapping[str, Any], partition: Partition) -> bool:
    """Is the default time no longer than the longest?"""
    longest = changes.get("max_time", partition.max_time)
    if "default_time" not in changes or longest is None:
        return True
    default = changes["default_time"]
    return default is not None and default <= longest


def _keep(cluster: Cluster, name: str, changes: Mapping[str, Any] | None) -> None:
    """The last one that was made the default is it."""
    partitions = dict(cluster.overrides.partitions)
    if changes is not None and changes.get("default"):
        partitions = {other: one and {**one, "default": False} for other, one in partitions.items()}
    partitions[name] = changes
    if changes is None and name not in cluster.file.partitions:
        del partitions[name]
    override(cluster, cluster.overrides._replace(partitions=partitions))


def on_partition_delete_requested(cluster: Cluster, event: PartitionDeleteRequested, now: float) -> list[Decision]:
    """Jobs must not lose their partition."""
    error = ""
    if not is_operator(cluster, event.by):
        error = NOT_ADMIN
    elif event.name not in cluster.fleet.partitions:
        error = NO_SUCH_PARTITION
    elif any(job.partition == event.name for job in cluster.jobs.values()):
        error = IN_USE
    else:
        _keep(cluster, event.name, None)
    return [Answer(event.number, error)]
