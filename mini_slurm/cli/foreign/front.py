"""msrun and msalloc, where machines are to be had of a cluster: a Slurm's own srun and salloc take their place."""

from __future__ import annotations

import os

from mini_slurm.clusters import words as command_line
from mini_slurm.clusters.base import Call
from mini_slurm.clusters.local import LocalRunner, program
from mini_slurm.desk import places
from mini_slurm.desk.foreign import submit
from mini_slurm.desk.foreign.place import Place
from mini_slurm.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from mini_slurm.options.grammar import Option

OURS = ("clusters", "fleet")


def become(
    name: str, command: str, arguments: list[str], table: Sequence[Option], state: str, db: sqlite3.Connection
) -> None:
    """Be the cluster's own command where a cluster is meant; come back for the fleet. Raises MiniSlurmError.

    `name`: as ours was called.
    """
    there = places.survey(db)
    if not there.clusters:
        places.check_variable(name, db)
        return
    pieces, rest = command_line.split(arguments, table)
    of = {setting.option.field: setting.text or "" for setting in command_line.settings_of(pieces)}
    goal = None if of.keys() & {*submit.SHOWS} else submit.goal(name, of, there, db)
    if goal is None:
        return
    place = Place(state, db, there.clusters[goal])
    if not place.cluster.native or not isinstance(place.runner, LocalRunner):
        raise Refused(f"{name} is not to be had on cluster {goal}", hint="msbatch is: its script may call srun")
    path = program(place.entry, command)
    end = ["--"] if rest and rest[0].startswith("-") else []
    environment = place.runner.environment(Call((command,)))
    db.close()
    os.execve(path, [command, *command_line.without(pieces, OURS), *end, *rest], environment)
