"""The steps of a real Slurm's jobs: nobody but its slurmctld knows of them."""

from __future__ import annotations

from mini_slurm.cli import common, listing
from mini_slurm.cli.foreign import hand_over
from mini_slurm.desk.foreign import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mini_slurm.options.grammar import Option


def show(arguments: list[str], table: Sequence[Option], name: str, head: list[str]) -> bool:
    """Have its squeue list them; False: that place has no squeue. Raises MiniSlurmError."""
    state, db = common.open_store()
    there = place.find(state, db, name)
    if there is None or not there.cluster.native:
        return False
    listing.show(head)
    hand_over.run(there, "squeue", arguments, table)
    return True
