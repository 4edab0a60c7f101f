"""What a job holds on each machine of its allocation, as the column `allocation` keeps it: the batch host first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache

from mini_slurm.model.resources import NO_SHARES, Resources, format_gpus, format_shares, parse_gpus, parse_shares
from mini_slurm.model.tuples import NamedTuple


class Share(NamedTuple):
    """The part of an allocation that lies on one machine."""

    resources: Resources
    tasks: int


Allocation = Mapping[str, Share]


@lru_cache(maxsize=4096)
def parse_allocation(text: str) -> Allocation:
    """The shares by machine, in the order of the machines."""
    return {
        name: Share(Resources(cpus, memory, parse_gpus(gpus), parse_shares(*shares or [{}])), tasks)
        for name, (cpus, memory, gpus, tasks, *shares) in json.loads(text).items()
    }


def format_allocation(allocation: Allocation) -> str:
    """The text that parse_allocation reads."""
    texts = {}
    for name, (held, tasks) in allocation.items():
        parts = [format_shares(held.shares)] if held.shares else []
        texts[name] = [held.cpus, held.memory, format_gpus(held.gpus), tasks, *parts]
    return json.dumps(texts, separators=(",", ":"))


def union(allocations: Iterable[Allocation]) -> Allocation:
    """What several allocations are together, machine by machine."""
    found: dict[str, Share] = {}
    for allocation in allocations:
        for name, share in allocation.items():
            before = found.get(name, Share(Resources(), 0))
            found[name] = Share(before.resources.plus(share.resources), before.tasks + share.tasks)
    return found


def total(allocation: Allocation) -> Resources:
    """All shares together; of GPUs the whole ones."""
    together = Resources()
    for share in allocation.values():
        together = together.plus(share.resources._replace(shares=NO_SHARES))
    return together
