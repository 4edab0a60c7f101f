"""What a job holds on each machine of its allocation, as the column `allocation` keeps it: the batch host first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from mini_slurm.model.resources import Resources, format_gpus, parse_gpus


class Share(NamedTuple):
    """The part of an allocation that lies on one machine."""

    resources: Resources
    tasks: int


Allocation = Mapping[str, Share]


@lru_cache(maxsize=4096)
def parse_allocation(text: str) -> Allocation:
    """The shares by machine, in the order of the machines."""
    return {
        name: Share(Resources(cpus, memory, parse_gpus(gpus)), tasks)
        for name, (cpus, memory, gpus, tasks) in json.loads(text).items()
    }


def format_allocation(allocation: Allocation) -> str:
    """The text that parse_allocation reads."""
    shares = {
        name: [share.resources.cpus, share.resources.memory, format_gpus(share.resources.gpus), share.tasks]
        for name, share in allocation.items()
    }
    return json.dumps(shares, separators=(",", ":"))


def union(allocations: Iterable[Allocation]) -> Allocation:
    """What several allocations are together, machine by machine."""
    found: dict[str, Share] = {}
    for allocation in allocations:
        for name, share in allocation.items():
            before = found.get(name, Share(Resources(), 0))
            found[name] = Share(before.resources.plus(share.resources), before.tasks + share.tasks)
    return found


def total(allocation: Allocation) -> Resources:
    """All shares together."""
    together = Resources()
    for share in allocation.values():
        together = together.plus(share.resources)
    return together
