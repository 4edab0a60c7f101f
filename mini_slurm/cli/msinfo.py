"""msinfo: the partitions and the machines of the fleet."""

from __future__ import annotations

import sys
import time

from mini_slurm.cli import common, listing, node_request
from mini_slurm.desk import places
from mini_slurm.model.preemption import inherited
from mini_slurm.options import sinfo
from mini_slurm.output import node_lines
from mini_slurm.output.nodes import node_list
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from mini_slurm.cli.node_request import Request
    from mini_slurm.model.fleet import Fleet
    from mini_slurm.model.machine import Machine
    from mini_slurm.options.grammar import Option
    from mini_slurm.output.layout import View
    from mini_slurm.output.nodes import Node

ABOUT = "Show partitions and nodes."
WORDS = ""
FIRST_CONTACT = 5.0  # seconds to wait for machines that were never asked before
PAUSE = 0.05  # seconds between two looks at the database


def main() -> int:
    """The console script."""
    return listing.leave(common.run("msinfo", msinfo))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    ours = () if common.is_slurms_name(program) else sinfo.OURS
    return common.with_ours(program, (*sinfo.OPTIONS, *ours))


def msinfo(program: str, arguments: list[str]) -> int:
    """Show the fleet as the arguments choose; the exit status."""
    read = listing.read(program, arguments, options(program), "msinfo")
    if read is None:
        return 0
    chosen = read[0]
    seconds = listing.interval(program, chosen, "Error: invalid entry for --iterate={}")
    request = node_request.Request(program, chosen)
    if "verbose" in chosen:
        from mini_slurm.cli.verbose import sinfo_options

        listing.show(sinfo_options(request))
    if any(field in chosen for field in ("foreign", "idle_gpus", "limits")):
        from mini_slurm.cli import foreign_use

        return listing.repeat(seconds, lambda: foreign_use.show(request))
    return listing.repeat(seconds, lambda: _show(program, arguments, request))


def _show(program: str, arguments: list[str], request: Request) -> int:
    db = listing.open_to_read()
    names = places.chosen(program, request.chosen, db, warn=common.say) or [""]
    request.name_places(names)
    code = common.each_place(program, names, lambda number, name: _show_place(arguments, request, db, number, name))
    sys.stdout.flush()
    return code


def _show_place(arguments: list[str], request: Request, db: sqlite3.Connection | None, number: int, place: str) -> int:
    chosen = request.chosen
    is_document = "json" in chosen or "yaml" in chosen
    head = [""] * (number > 0) + [f"CLUSTER: {place}"] * ("clusters" in chosen and "noheader" not in chosen)
    head = [] if is_document else head
    if place and place in places.survey(db).clusters:
        from mini_slurm.cli.foreign import nodes

        listing.show(head)
        return nodes.show(request.program, arguments, request, place)
    if is_document:
        from mini_slurm.cli import documents

        documents.show_nodes(chosen, db)
    else:
        _show_fleet(request, db, head)
    return 0


def _show_fleet(request: Request, db: sqlite3.Connection | None, head: list[str]) -> None:
    chosen, view = request.chosen, listing.view(request.chosen)
    headed = "noheader" not in chosen
    lines = []
    if headed and any(field in chosen for field in ("long", "iterate", "verbose")):
        lines.append(time.ctime(view.now))
    fleet = listing.fleet(db)
    if "reservation" in chosen:
        from mini_slurm.output import reservation_record

        found = reservation_record.current(fleet.reservations, view.now)
        rows = reservation_record.table(found, view, headed=headed)
        listing.show([*lines, *(rows if found else ["No reservations in the system"])])
        return
    if "clusters" in chosen:
        view.cluster = fleet.name
    rows = table(request, fleet, all_nodes(fleet, db), view, headed)
    if "verbose" in chosen:
        from mini_slurm.cli.verbose import loaded

        for line in loaded(chosen):
            common.say(f"{request.program}: {line}")
    listing.show([*lines, *head, *rows])


def table(request: Request, fleet: Fleet, nodes: dict[str, Node], view: View, headed: bool) -> list[str]:
    """The lines of partitions and nodes."""
    fields = request.layout.fields
    found = node_lines.lines(
        request.partitions(inherited(fleet, one) for one in fleet.partitions.values()),
        {name: node for name, node in nodes.items() if request.shows(node)},
        fields,
        view,
        apart=request.by_node,
        exact="exact" in request.chosen,
        by_reason=request.by_reason,
    )
    node_lines.sort(found, fields, request.sort)
    layout = request.fitted(found)
    return [*([layout.header()] if headed else []), *layout.lines(found, view)]


def all_nodes(fleet: Fleet, db: sqlite3.Connection | None) -> dict[str, Node]:
    """Every machine with all that is known of it, by name."""
    known = _machines(fleet, db)
    return node_list(fleet, known, queries.holders(db), time.time())


def _machines(fleet: Fleet, db: sqlite3.Connection | None) -> dict[str, Machine]:
    """What is known of the machines; those that nobody ever asked are asked now, and get a moment to answer."""
    known = queries.load_machines(db)
    if all(name in known for name in fleet.machines):
        return known
    state, db = common.open_store()
    common.wake_controller(state)
    deadline = time.monotonic() + FIRST_CONTACT
    while time.monotonic() < deadline:
        known = queries.load_machines(db)
        if all(name in known for name in fleet.machines):
            break
        time.sleep(PAUSE)
    return known
