"""The commands that know the fleet alone: of a real Slurm, its own tell."""

from __future__ import annotations

import os

from mini_slurm.cli import common
from mini_slurm.cli.foreign import hand_over
from mini_slurm.clusters import words as command_line
from mini_slurm.desk import places
from mini_slurm.desk.foreign import place, submit

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from mini_slurm.options.grammar import Option


def ask(
    program: str, command: str, arguments: list[str], table: Sequence[Option], db: sqlite3.Connection | None
) -> int | None:
    """Be the command of the Slurm that is meant, or have it run there; None: the fleet is. Raises MiniSlurmError."""
    pieces, _ = command_line.split(arguments, table, permute=True)
    of = {setting.option.field: setting.text for setting in command_line.settings_of(pieces)}
    if of.keys() & {*submit.SHOWS}:
        return None
    name = of.get("clusters") or of.get("cluster") or os.environ.get(places.VARIABLE)
    there = places.survey(db)
    name = name or next(iter(places.default(there)), None)
    if name is None or name not in there.clusters:
        return None  # of a name that there is not the command itself complains
    state, writable = common.open_store()
    found = place.find(state, writable, name)
    if found is None or not found.cluster.native:
        return None
    return hand_over.hand_over(found, command, arguments, table)
