"""What a machine said that it has, as amounts."""

from __future__ import annotations

import json
from functools import lru_cache

from mini_slurm.model.machine import Machine
from mini_slurm.model.resources import NO_SIZES, Resources, Size, Sizes, parse_gpus


def resources(machine: Machine) -> Resources:
    """What the machine said that it has."""
    sizes = gpu_sizes(machine.gpu_details) if machine.gpus else NO_SIZES
    return Resources(machine.cpus, machine.memory, parse_gpus(machine.gpus), sizes=sizes)


@lru_cache(maxsize=1024)
def gpu_sizes(details: str) -> Sizes:
    """By type the memory of a GPU, as much as the smallest has."""
    found: dict[str, int] = {}
    for gpu in json.loads(details):
        kind, memory = str(gpu.get("type", "")), gpu.get("memory", 0)
        if isinstance(memory, int) and memory > 0:
            found[kind] = min(memory, found.get(kind, memory))
    return {kind: Size(memory, 0) for kind, memory in found.items()}
