"""The partitions and nodes of a cluster."""

from __future__ import annotations

from mini_slurm.cli import common, listing
from mini_slurm.cli.foreign import hand_over
from mini_slurm.desk.foreign import place
from mini_slurm.options import sinfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.node_request import Request
    from mini_slurm.desk.foreign.place import Place
    from mini_slurm.model.fleet import Fleet
    from mini_slurm.output.nodes import Node


def show(program: str, arguments: list[str], request: Request, name: str) -> int:
    """Show the partitions and nodes of the cluster; the exit status. Raises MiniSlurmError."""
    state, db = common.open_store()
    there = place.find(state, db, name)
    assert there is not None
    if not there.cluster.native:
        return _show_translated(there, request)
    words = list(arguments)
    if there.entry.partitions and "partition" not in request.chosen:
        words.append(f"--partition={','.join(there.entry.partitions)}")
    return hand_over.run(there, "sinfo", words, (*sinfo.OPTIONS, common.FLEET))


def _show_translated(there: Place, request: Request) -> int:
    """sinfo's table of a system that has no sinfo."""
    from mini_slurm.cli.msinfo import table

    fleet, nodes = load(there)
    if "json" in request.chosen or "yaml" in request.chosen:
        from mini_slurm.cli import documents

        return documents.write_nodes(request.chosen, fleet, nodes, {})
    view = listing.view(request.chosen)
    view.cluster = there.entry.name if "clusters" in request.chosen else view.cluster
    listing.show(table(request, fleet, nodes, view, "noheader" not in request.chosen))
    return 0


def load(there: Place) -> tuple[Fleet, dict[str, Node]]:
    """What a cluster without Slurm's commands has, told as a fleet is. Raises MiniSlurmError."""
    from mini_slurm.output.nodes import node_list

    site = there.cluster.read_site([there.runner.run(call) for call in there.cluster.site()])
    shown = there.entry.partitions
    partitions = {name: one for name, one in site.fleet.partitions.items() if not shown or name in shown}
    fleet = site.fleet._replace(partitions=partitions)
    return fleet, node_list(fleet, site.machines, site.held)
