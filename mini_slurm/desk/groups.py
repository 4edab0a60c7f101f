"""The groups that whoever calls a command is in, and the partitions that are not for him to see."""

from __future__ import annotations

import os
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.fleet import Partition


def names() -> list[str]:
    """The names of the groups; those without a name do not count."""
    import grp

    found = []
    for number in {os.getgid(), *os.getgroups()}:
        with suppress(KeyError):
            found.append(grp.getgrgid(number).gr_name)
    return found


def is_hidden(partition: Partition) -> bool:
    """Do listings leave it out that are not asked for all partitions?"""
    if partition.hidden:
        return True
    return bool(partition.allow_groups) and os.getuid() != 0 and not set(names()).intersection(partition.allow_groups)
