"""What msinfo is asked for: its options as a layout, and the lines that come of it."""

from __future__ import annotations

import os
import time

from mini_slurm.cli import common, listing
from mini_slurm.errors import BadUsage
from mini_slurm.output import node_fields, nodes
from mini_slurm.output.layout import Layout, View, by_letters, by_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mini_slurm.model.fleet import Fleet, Partition
    from mini_slurm.options.listings import Chosen

NOT_TO_BE_HAD = frozenset({"down", "unknown"})


def lines(program: str, chosen: Chosen, fleet: Fleet, every: Mapping[str, nodes.Node], view: View) -> list[str]:
    """Everything that is shown. Raises BadUsage."""
    partitions = _partitions(chosen, fleet)
    layout = _layout(program, chosen, partitions, every)
    by_node = "Node" in chosen
    groups = nodes.group(
        partitions, _chosen_nodes(program, chosen, every), layout, view, apart=by_node, exact="exact" in chosen
    )
    if "list_reasons" in chosen:
        groups = [line for line in groups if line.nodes and line.nodes[0].reason]
    try:
        nodes.sort(groups, [*fleet.partitions.values()], by_node, chosen.text("sort"))
    except ValueError as error:
        raise BadUsage(f"{program}: error: Invalid sort specification: {error}", exit_code=1) from None
    shown = []
    if "noheader" not in chosen:
        if "long" in chosen or "iterate" in chosen:
            shown.append(time.ctime(view.now))
        shown.append(layout.header())
    return [*shown, *layout.lines(groups, view)]


def _partitions(chosen: Chosen, fleet: Fleet) -> list[Partition]:
    wanted = chosen.words("partition")
    return [partition for name, partition in fleet.partitions.items() if wanted is None or name in wanted]


def _layout(program: str, chosen: Chosen, partitions: list[Partition], every: Mapping[str, nodes.Node]) -> Layout:
    """The columns that were asked for; unknown ones are reported. Names widen the columns that begin a line."""
    chosen.default("format", os.environ.get("SINFO_FORMAT") if "long_format" not in chosen else None)
    names = chosen.text("long_format")
    if names is not None:
        layout, unknown = by_names(names, node_fields.NODE_FIELDS)
    else:
        default = _default(chosen)
        widest = max((len(partition.name) + partition.default for partition in partitions), default=0)
        default = default.replace("{P}", str(max(9, widest)))
        default = default.replace("{N}", str(max(9, *map(len, every), 0)))
        layout, unknown = by_letters(chosen.text("format", default) or "", node_fields.NODE_FIELDS)
    for word in unknown:
        common.say(f"Invalid node format specification: {word}")
    return layout


def _default(chosen: Chosen) -> str:
    long = "long" in chosen
    if "summarize" in chosen:
        return node_fields.SUMMARY
    if "Node" in chosen:
        return node_fields.BY_NODE_LONG if long else node_fields.BY_NODE
    if "list_reasons" in chosen:
        return node_fields.REASONS_LONG if long else node_fields.REASONS
    return node_fields.LONG if long else node_fields.DEFAULT


def _chosen_nodes(program: str, chosen: Chosen, every: Mapping[str, nodes.Node]) -> dict[str, nodes.Node]:
    found = dict(every)
    if "nodes" in chosen:
        names = frozenset(listing.names(chosen.text("nodes") or ""))
        found = {name: node for name, node in found.items() if name in names}
    words = chosen.words("states")
    if words is not None:
        states = _states(program, words)
        found = {name: node for name, node in found.items() if node.state in states}
    if "dead" in chosen:
        found = {name: node for name, node in found.items() if node.state in NOT_TO_BE_HAD}
    if "responding" in chosen:
        found = {name: node for name, node in found.items() if node.state not in NOT_TO_BE_HAD}
    return found


def _states(program: str, words: list[str]) -> set[str]:
    try:
        return nodes.wanted_states(words)
    except ValueError as error:
        raise BadUsage(
            f'{program}: error: Bad state string: "{error}"',
            f"{program}: error: valid states: {nodes.VALID}",
            exit_code=1,
        ) from None
