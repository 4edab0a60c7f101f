"""The machines and partitions of the fleet, or of a cluster."""

from __future__ import annotations

import time
from datetime import timedelta

from mini_slurm.api import slurm_site
from mini_slurm.api.info import NodeInfo, PartitionInfo
from mini_slurm.api.places import Places
from mini_slurm.desk import state
from mini_slurm.desk.foreign.place import Place
from mini_slurm.desk.groups import is_hidden
from mini_slurm.model.fleet import Fleet, Partition
from mini_slurm.model.node_state import written
from mini_slurm.output.node_lines import listed_state
from mini_slurm.output.nodes import Node, node_list
from mini_slurm.store import queries

FIRST_CONTACT = 5.0  # seconds to wait for machines that were never asked before
PAUSE = 0.05  # seconds between two looks


def nodes(places: Places) -> list[NodeInfo]:
    """Every machine with all that is known of it. Raises MiniSlurmError."""
    native = _native(places)
    if native is not None:
        with places.store.open():
            return slurm_site.nodes(native.runner.run)
    fleet, found = _site(places)
    return [_node(one, [name for name, part in fleet.partitions.items() if one.name in part.machines])
            for one in found.values()]  # fmt: skip


def partitions(places: Places) -> list[PartitionInfo]:
    """Every partition. Raises MiniSlurmError."""
    native = _native(places)
    if native is not None:
        with places.store.open():
            shown = native.entry.partitions
            return [one for one in slurm_site.partitions(native.runner.run) if not shown or one.name in shown]
    return [_partition(one) for one in _site(places)[0].partitions.values() if not is_hidden(one)]


def _native(places: Places) -> Place | None:
    """The cluster that was chosen, if its commands are Slurm's own."""
    cluster = places.chosen()
    if not cluster:
        return None
    with places.store.open():
        there = places.place(cluster)
    return there if there.cluster.native else None


def _site(places: Places) -> tuple[Fleet, dict[str, Node]]:
    cluster = places.chosen()
    if cluster:
        return _cluster(places, cluster)
    with places.store.open() as db:
        fleet = state.fleet(db)
    _meet(places, fleet)
    with places.store.open() as db:
        return fleet, node_list(fleet, queries.load_machines(db), queries.holders(db), time.time())


def _meet(places: Places, fleet: Fleet) -> None:
    """Machines that nobody ever asked are asked now, and get a moment to answer."""
    deadline, is_woken = time.monotonic() + FIRST_CONTACT, False
    while time.monotonic() < deadline:
        with places.store.open() as db:
            known = queries.load_machines(db)
        if all(name in known for name in fleet.machines):
            return
        if not is_woken:
            places.store.wake()
            is_woken = True
        time.sleep(PAUSE)


def _cluster(places: Places, cluster: str) -> tuple[Fleet, dict[str, Node]]:
    with places.store.open():
        there = places.place(cluster)
        site = there.cluster.read_site([there.runner.run(call) for call in there.cluster.site()])
    shown = there.entry.partitions
    kept = {name: one for name, one in site.fleet.partitions.items() if not shown or name in shown}
    return site.fleet._replace(partitions=kept), node_list(site.fleet, site.machines, site.held)


def _node(node: Node, names: list[str]) -> NodeInfo:
    return NodeInfo(
        name=node.name,
        state=written(listed_state(node))[0].lower(),
        reason=node.reason,
        partitions=tuple(names),
        cpus=node.cpus,
        free_cpus=max(node.cpus - node.alloc_cpus, 0),
        memory=node.memory,
        free_memory=max(node.memory - node.alloc_memory, 0),
        gpus=dict(node.gpus),
        free_gpus=max(sum(node.gpus.values()) - node.alloc_gpus, 0),
        features=tuple(node.active_features),
    )


def _partition(one: Partition) -> PartitionInfo:
    return PartitionInfo(
        name=one.name,
        is_default=one.default,
        state=one.state,
        nodes=tuple(one.machines),
        max_time=_span(one.max_time),
        default_time=_span(one.default_time),
        max_nodes=one.max_nodes,
    )


def _span(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
