"""One process that uses a machine and is no job's, as the machine's row and the books of such use keep it."""

from __future__ import annotations

import json

from mini_slurm.model.tuples import NamedTuple


class ForeignUse(NamedTuple):
    """A process, with its part in one GPU where it uses any. The owner is "" where the machine cannot tell."""

    pid: int
    start: int  # tells processes of the same number apart, as long as the machine is up
    owner: str
    command: str
    since: float  # seconds since the epoch
    cpus: float
    memory: int  # MiB
    gpu: str  # UUID; "": none
    place: int  # of the GPU among the machine's; -1: none
    gpu_memory: int  # MiB


def parse_uses(text: str) -> list[ForeignUse]:
    """The uses in a machine's column `outside`."""
    return [ForeignUse(*values) for values in json.loads(text)]


def format_uses(uses: list[ForeignUse]) -> str:
    """The text that parse_uses reads."""
    return json.dumps(uses)
