"""msinfo: the partitions and the machines of the fleet."""

from __future__ import annotations

import os
import sqlite3
import sys
import time

from mini_slurm.cli import common, listing, node_request
from mini_slurm.config import cache
from mini_slurm.options import sinfo
from mini_slurm.output import nodes
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.fleet import Fleet
    from mini_slurm.model.machine import Machine
    from mini_slurm.options.grammar import Option
    from mini_slurm.options.listings import Chosen

ABOUT = "Show partitions and nodes."
WORDS = ""
VARIABLES = {"partition": "SINFO_PARTITION", "sort": "SINFO_SORT"}
FIRST_CONTACT = 5.0  # seconds to wait for machines that were never asked before
PAUSE = 0.05  # seconds between two looks at the database


def main() -> int:
    """The console script."""
    return listing.leave(common.run("msinfo", msinfo))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, sinfo.OPTIONS)


def msinfo(program: str, arguments: list[str]) -> int:
    """Show the fleet as the arguments choose; the exit status."""
    read = listing.read(program, arguments, options(program), "msinfo")
    if read is None:
        return 0
    chosen = read[0]
    for field, variable in VARIABLES.items():
        chosen.default(field, os.environ.get(variable))
    seconds = listing.interval(program, chosen, "Error: invalid entry for --iterate={}")
    return listing.repeat(seconds, lambda: _show(program, chosen))


def _show(program: str, chosen: Chosen) -> int:
    db = listing.open_to_read()
    fleet = cache.load(lambda key: queries.get_setting(db, key), lambda key, value: None)
    if "reservation" in chosen:
        print("No reservations in the system")
        return 0
    listing.check_cluster(program, chosen, fleet.name)
    view = listing.view(chosen)
    known = _machines(fleet, db)
    every = nodes.node_list(fleet, known, queries.holders(db))
    lines = node_request.lines(program, chosen, fleet, every, view)
    if "clusters" in chosen:
        lines.insert(0, f"CLUSTER: {fleet.name}")
    listing.show(lines)
    sys.stdout.flush()
    return 0


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
