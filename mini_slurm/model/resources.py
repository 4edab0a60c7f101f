"""Amounts of CPUs, memory and GPUs, and what is missing when they do not suffice."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

NO_GPUS: Mapping[str, int] = MappingProxyType({})


class Shortfall(NamedTuple):
    """The first resource there is too little of."""

    resource: str  # "cpus", "memory", "gpus", "gpus:TYPE"
    wanted: int
    available: int


class Resources(NamedTuple):
    """CPUs, memory in MiB, and GPUs by type; in a request the type "" means any."""

    cpus: int = 0
    memory: int = 0
    gpus: Mapping[str, int] = NO_GPUS

    @property
    def gpu_count(self) -> int:
        """GPUs of all types together."""
        return sum(self.gpus.values())

    def plus(self, other: Resources) -> Resources:
        """Both together."""
        return Resources(self.cpus + other.cpus, self.memory + other.memory, _combine(self.gpus, other.gpus, 1))

    def minus(self, other: Resources) -> Resources:
        """What is left; negative amounts are possible."""
        return Resources(self.cpus - other.cpus, self.memory - other.memory, _combine(self.gpus, other.gpus, -1))

    def at_most(self, other: Resources) -> Resources:
        """The smaller amount of each."""
        gpus = {kind: min(count, other.gpus.get(kind, 0)) for kind, count in self.gpus.items()}
        return Resources(min(self.cpus, other.cpus), min(self.memory, other.memory), gpus)

    def shortfall(self, available: Resources) -> Shortfall | None:
        """What this request lacks in `available`; None when it fits."""
        if self.cpus > available.cpus:
            return Shortfall("cpus", self.cpus, available.cpus)
        if self.memory > available.memory:
            return Shortfall("memory", self.memory, available.memory)
        for kind, wanted in self.gpus.items():
            if kind and wanted > available.gpus.get(kind, 0):
                return Shortfall(f"gpus:{kind}", wanted, available.gpus.get(kind, 0))
        if self.gpu_count > available.gpu_count:
            return Shortfall("gpus", self.gpu_count, available.gpu_count)
        return None

    def pick_gpus(self, available: Resources) -> Mapping[str, int]:
        """Which GPUs by type this request gets out of `available`, where it fits; any type means the most plentiful."""
        if not self.gpus:
            return NO_GPUS
        left = dict(available.gpus)
        picked: dict[str, int] = {}
        for kind, wanted in sorted(self.gpus.items(), reverse=True):
            for _ in range(wanted):
                take = kind or max(left, key=lambda name: left[name])
                left[take] -= 1
                picked[take] = picked.get(take, 0) + 1
        return picked

    def out_of(self, available: Resources) -> Resources:
        """What meets this request out of `available`, where it fits: GPUs by the types they are of."""
        return Resources(self.cpus, self.memory, self.pick_gpus(available))


def _combine(one: Mapping[str, int], other: Mapping[str, int], sign: int) -> Mapping[str, int]:
    if not other:
        return one
    return {kind: one.get(kind, 0) + sign * other.get(kind, 0) for kind in {**one, **other}}


def parse_gpus(text: str | None) -> Mapping[str, int]:
    """Read GPUs by type as `a100:2,v100:1`, or `2` when the type does not matter. Raises ValueError."""
    gpus: dict[str, int] = {}
    for part in (text or "").split(","):
        kind, _, count = part.rpartition(":")
        if not part:
            continue
        if not (count.isascii() and count.isdigit() and len(count) <= 9):
            raise ValueError(f"not a number of GPUs: {part!r}")
        gpus[kind] = gpus.get(kind, 0) + int(count)
    return gpus or NO_GPUS


def format_gpus(gpus: Mapping[str, int]) -> str:
    """The text that parse_gpus reads."""
    return ",".join(f"{kind}:{count}" if kind else str(count) for kind, count in sorted(gpus.items()) if count)
