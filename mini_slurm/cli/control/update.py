"""`scontrol update`: which thing is to be changed decides which module does it."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_slurm.cli.control.session import Session

    Handler = Callable[[Session, list[str]], None]

# Which word says that it is about what; the first row of which there is a word counts, as in scontrol.
ENTITIES = (
    ("jobid", 3, "update_job:update"),
    ("jobname", 3, "update_job:update"),
    ("stepid", 4, "update_step:update"),
    ("reservationname", 3, "reserve:update"),
    ("nodename", 3, "update_node:update"),
    ("frontendname", 2, "update_daemons:front_end"),
    ("partitionname", 3, "update_partition:update"),
    ("slurmctlddebug", 2, "update_daemons:debug_level"),
)
NOTHING = (
    "No valid entity in update command",
    'Input line must include "NodeName", "PartitionName", "Reservation", "JobId", or "SlurmctldDebug"',
)


def update(session: Session, verb: str, words: list[str]) -> None:
    """Change a job, a node, a partition or a reservation."""
    tags = _tags(words)
    for name, shortest, place in ENTITIES:
        if any(len(tag) >= shortest and name.startswith(tag) for tag in tags):
            module, _, function = place.partition(":")
            handler: Handler = getattr(import_module(f"mini_slurm.cli.control.{module}"), function)
            handler(session, words)
            return
    for line in NOTHING:
        session.fail(line)


def _tags(words: list[str]) -> list[str]:
    """What stands before the equals signs, or alternates with values where there are none."""
    tags, rest = [], list(words)
    while rest:
        tag, equals, _ = rest.pop(0).partition("=")
        tags.append(tag.lower())
        if not equals and rest:
            rest.pop(0)
    return tags
