"""What administrators changed of machines and partitions, and reserved, beyond what the fleet file says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from mini_slurm.model.fleet import Fleet, MachineEntry, Partition
from mini_slurm.model.overrides import NodeOverride
from mini_slurm.model.reservation import Reservation


class Overrides(NamedTuple):
    """By name; a partition's are its changed attributes, or None for one that was deleted."""

    nodes: Mapping[str, NodeOverride] = {}
    partitions: Mapping[str, Mapping[str, Any] | None] = {}
    reservations: Mapping[str, Reservation] = {}
    reservation_number: int = 0  # of the newest reservation that there was


NONE = Overrides()


def apply(fleet: Fleet, overrides: Overrides) -> Fleet:
    """The fleet with these changes; those of machines that it does not have any more count for nothing."""
    if not (overrides.nodes or overrides.partitions or overrides.reservations):
        return fleet
    machines = {name: _machine(entry, overrides.nodes.get(name)) for name, entry in fleet.machines.items()}
    partitions = dict(fleet.partitions)
    for name, changes in overrides.partitions.items():
        if changes is None:
            partitions.pop(name, None)
        else:
            partitions[name] = _partition(partitions.get(name) or Partition(name, ()), changes, machines)
            if changes.get("default"):
                partitions = {other: one._replace(default=other == name) for other, one in partitions.items()}
    reservations = {
        name: one._replace(machines=tuple(machine for machine in one.machines if machine in machines))
        for name, one in overrides.reservations.items()
    }
    return fleet._replace(machines=machines, partitions=partitions, reservations=reservations)


def _machine(entry: MachineEntry, change: NodeOverride | None) -> MachineEntry:
    if change is None:
        return entry
    features = entry.features if change.features is None else change.features
    return entry._replace(
        features=features if change.active_features is None else change.active_features,
        weight=entry.weight if change.weight is None else change.weight,
        override=change,
    )


def _partition(partition: Partition, changes: Mapping[str, Any], machines: Mapping[str, object]) -> Partition:
    changed = partition._replace(**{key: value for key, value in changes.items() if key in Partition._fields})
    return changed._replace(machines=tuple(name for name in changed.machines if name in machines))


def to_text(overrides: Overrides) -> str:
    """As it is stored."""
    nodes = {name: change._asdict() for name, change in overrides.nodes.items()}
    reservations = {name: one._asdict() for name, one in overrides.reservations.items()}
    kept = {**overrides._asdict(), "nodes": nodes, "reservations": reservations}
    return json.dumps(kept, separators=(",", ":"))


def from_text(text: str | None) -> Overrides:
    """What was stored; a newer mini_slurm may have stored more than this one knows."""
    if not text:
        return NONE
    found = json.loads(text)
    nodes = {name: _node(values) for name, values in found["nodes"].items()}
    partitions = {
        name: None if values is None else {key: _listed(value) for key, value in values.items()}
        for name, values in found["partitions"].items()
    }
    reservations = {name: _reservation(values) for name, values in found.get("reservations", {}).items()}
    return Overrides(nodes, partitions, reservations, found.get("reservation_number", 0))


def _reservation(values: Mapping[str, Any]) -> Reservation:
    return Reservation(**{key: _listed(value) for key, value in values.items() if key in Reservation._fields})


def _node(values: Mapping[str, Any]) -> NodeOverride:
    return NodeOverride(**{key: _listed(value) for key, value in values.items() if key in NodeOverride._fields})


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
