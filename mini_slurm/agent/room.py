"""Room on a full disk: what is only kept for later jobs must not keep one waiting."""

import contextlib
import os

from mini_slurm.agent import spool


def refusal(error: OSError, root: str) -> str:
    """Why nothing can be started, as spool.trouble() says it. What can be dropped is gone when it is tried again."""
    if error.errno in spool.FULL:
        with contextlib.suppress(OSError):
            drop_kept(os.path.join(root, "stage"))
    return spool.trouble(error, root)


def drop_kept(folder: str) -> None:
    """Drop the folders of jobs that are over, and contents that none is about to get. Raises OSError."""
    if not os.path.isdir(folder):
        return  # no job's files were ever brought here
    from mini_slurm.agent.stage_cache import Cache  # which only a full disk needs
    from mini_slurm.agent.stage_spares import Spares

    Spares(folder).drop(0)
    cache = Cache(folder, "", 0)
    try:
        cache.make_room()
    finally:
        cache.close()
