"""`scontrol show node [LIST]` and `show partition [NAME]`."""

from __future__ import annotations

from mini_slurm.desk.groups import is_hidden
from mini_slurm.model import loose_hostlist
from mini_slurm.model.preemption import inherited
from mini_slurm.output import node_record, nodes, partition_record
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mini_slurm.cli.control.session import Session
    from mini_slurm.model.fleet import Partition


def node(session: Session, verb: str, words: list[str]) -> None:
    """Show all machines, or those of a hostlist."""
    shown = {name: one for name, one in session.fleet.partitions.items() if session.all or not is_hidden(one)}
    found = {name: one for name, one in _nodes(session).items() if session.future or not one.is_future}
    show_nodes(session, words, shown, found)


def show_nodes(
    session: Session, words: list[str], partitions: Mapping[str, Partition], found: Mapping[str, nodes.Node]
) -> None:
    """Show these machines, or those of them that a hostlist names."""
    wanted = list(found)
    if words:
        try:
            wanted = [session.fleet.node_name(name) for name in loose_hostlist.expand(words[0])]
        except ValueError:
            session.fail(f"unable to parse node list {words[0]}")
            return
    session.speaks_of_records()
    session.count(len(found))
    view = session.view()
    view.last_ends = queries.last_ends(session.db)
    if not wanted:
        session.tell("No nodes in the system")
    for name in wanted:
        if name not in found:
            session.exit_code = 1
            session.tell(f"Node {name} not found")
            continue
        homes = [one.name for one in partitions.values() if name in one.machines]
        session.show(node_record.lines(found[name], homes, view), closed=False)


def partition(session: Session, verb: str, words: list[str]) -> None:
    """Show all partitions, or the one of this name."""
    shown = {name: one for name, one in session.fleet.partitions.items() if session.all or not is_hidden(one)}
    show_partitions(session, words, shown, _nodes(session))


def show_partitions(
    session: Session, words: list[str], partitions: Mapping[str, Partition], every: Mapping[str, nodes.Node]
) -> None:
    """Show these partitions, or the one of them that is named."""
    session.count(len(partitions))
    found = [one for one in partitions.values() if not words or one.name == words[0]]
    if not found:
        session.exit_code = session.exit_code or int(bool(words))
        session.tell(f"Partition {words[0]} not found" if words else "No partitions in the system")
    view = session.view()
    for one in found:
        record = partition_record.Record(
            inherited(session.fleet, one), [every[name] for name in one.machines if name in every]
        )
        session.show(partition_record.lines(record, view), closed=False)


def _nodes(session: Session) -> dict[str, nodes.Node]:
    known, held = queries.load_machines(session.db), queries.holders(session.db)
    return nodes.node_list(session.fleet, known, held, session.view().now)
