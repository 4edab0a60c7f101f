"""msinfo for a cluster."""

from __future__ import annotations

from mini_slurm.cli import common
from mini_slurm.cli.foreign import hand_over, place
from mini_slurm.errors import Refused
from mini_slurm.options import sinfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.node_request import Request


def show(program: str, arguments: list[str], request: Request, name: str) -> int:
    """Show the partitions and nodes of the cluster; the exit status. Raises MiniSlurmError."""
    state, db = common.open_store()
    there = place.find(state, db, name)
    assert there is not None
    if not there.cluster.native:
        raise Refused(f"msinfo is not to be had for {name}, which is no Slurm", hint="its own command shows its nodes")
    words = list(arguments)
    if there.entry.partitions and "partition" not in request.chosen:
        words.append(f"--partition={','.join(there.entry.partitions)}")
    return hand_over.run(there, "sinfo", words, (*sinfo.OPTIONS, common.FLEET))
