"""A table of how machines hold jobs to what they asked for."""

from __future__ import annotations

import json

from mini_slurm.errors import visible
from mini_slurm.model.machine import HARD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from mini_slurm.model.machine import Machine

NAMES = ("NODE", "HARD", "MEMORY", "CPUS", "GPUS")
KINDS = ("memory", "cpus", "gpus")
UNKNOWN = "?"  # of a machine that was not reached yet, or whose agent is old


def rows(machines: Iterable[Machine]) -> list[tuple[str, ...]]:
    """A row for each machine: what the kernel holds jobs to, then how each kind of resource is limited."""
    found = []
    for machine in machines:
        told = json.loads(machine.limits)
        hard = ",".join(kind for kind in KINDS if told.get(kind) in HARD) or ("-" if told else UNKNOWN)
        found.append((machine.name, hard, *(visible(told.get(kind, UNKNOWN)) or "-" for kind in KINDS)))
    return found
