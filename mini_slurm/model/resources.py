"""Amounts of CPUs, memory and GPUs, and what is missing when they do not suffice.

A GPU is free, held whole, or shared. One that is shared is a slot: what is free knows it by what is left of it, what a
job holds by the job's part. The first part opens a slot, which takes a GPU from those that are free; when the last part
is given back, the slot is a free GPU again.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mini_slurm.model.tuples import NamedTuple

NO_GPUS: Mapping[str, int] = MappingProxyType({})


class Slot(NamedTuple):
    """A GPU of a machine that jobs share: the how manieth of its type that is shared, and what it is divided into."""

    type: str
    number: int
    size: int  # MiB; shards, where its memory is not known


class Size(NamedTuple):
    """What a GPU of one type has."""

    memory: int  # MiB; 0: not known
    shards: int  # 0: none

    @property
    def whole(self) -> int:
        """What it is divided into: `size` of a slot."""
        return self.memory or self.shards

    def part(self, memory: int, shards: int) -> int:
        """What so much memory and so many shards are of it; more than the whole where it has not so much."""
        if shards:
            unit = self.whole // self.shards if self.shards else 0
            return self.whole if shards == self.shards else shards * unit or self.whole + 1
        return memory if self.memory else self.whole + 1


Shares = Mapping[Slot, int]
Sizes = Mapping[str, Size]
NO_SHARES: Shares = MappingProxyType({})
NO_SIZES: Sizes = MappingProxyType({})


class Shortfall(NamedTuple):
    """The first resource there is too little of."""

    resource: str  # "cpus", "memory", "gpus", "gpus:TYPE"
    wanted: int
    available: int


class Resources(NamedTuple):
    """CPUs, memory in MiB, GPUs by type, and parts of GPUs; in a request the type "" means any."""

    cpus: int = 0
    memory: int = 0
    gpus: Mapping[str, int] = NO_GPUS
    shares: Shares = NO_SHARES
    sizes: Sizes = NO_SIZES  # of a machine's GPUs

    @property
    def gpu_count(self) -> int:
        """GPUs of all types together, without those that are shared."""
        return sum(self.gpus.values())

    @property
    def gpu_fractions(self) -> float:
        """GPUs of all types together, parts of them as what they are of one."""
        return self.gpu_count + sum(part / slot.size for slot, part in self.shares.items())

    @property
    def visible_gpus(self) -> int:
        """GPUs that a job with this sees."""
        return self.gpu_count + len(self.shares)

    def plus(self, other: Resources) -> Resources:
        """Both together."""
        gpus, shares = _combine(self.gpus, other.gpus, 1), self.shares
        if other.shares:
            gpus, shares = _close(dict(gpus), dict(shares), other.shares)
        return Resources(self.cpus + other.cpus, self.memory + other.memory, gpus, shares, self.sizes)

    def minus(self, other: Resources) -> Resources:
        """What is left; negative amounts are possible."""
        gpus, shares = _combine(self.gpus, other.gpus, -1), self.shares
        if other.shares:
            gpus, shares = _open(dict(gpus), dict(shares), other.shares)
        return Resources(self.cpus - other.cpus, self.memory - other.memory, gpus, shares, self.sizes)

    def at_most(self, other: Resources) -> Resources:
        """The smaller amount of each."""
        gpus = {kind: min(count, other.gpus.get(kind, 0)) for kind, count in self.gpus.items()}
        shares = {}
        for slot, left in self.shares.items():
            is_closed_there = other.gpus.get(slot.type, 0) > gpus.get(slot.type, 0)
            shares[slot] = min(left, other.shares.get(slot, slot.size if is_closed_there else 0))
        return Resources(min(self.cpus, other.cpus), min(self.memory, other.memory), gpus, shares, self.sizes)

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
        return Resources(self.cpus, self.memory, self.pick_gpus(available), self.shares)


def _combine(one: Mapping[str, int], other: Mapping[str, int], sign: int) -> Mapping[str, int]:
    if not other:
        return one
    return {kind: one.get(kind, 0) + sign * other.get(kind, 0) for kind in {**one, **other}}


def _open(gpus: dict[str, int], shares: dict[Slot, int], parts: Shares) -> tuple[dict[str, int], dict[Slot, int]]:
    """Take parts of slots."""
    for slot, part in parts.items():
        if slot not in shares:
            gpus[slot.type] = gpus.get(slot.type, 0) - 1
            shares[slot] = slot.size
        shares[slot] -= part
    return gpus, shares


def _close(gpus: dict[str, int], shares: dict[Slot, int], parts: Shares) -> tuple[dict[str, int], dict[Slot, int]]:
    """Give parts of slots back; parts added to parts that fill a slot are a GPU, too."""
    for slot, part in parts.items():
        shares[slot] = shares.get(slot, 0) + part
        if shares[slot] >= slot.size:
            del shares[slot]
            gpus[slot.type] = gpus.get(slot.type, 0) + 1
    return gpus, shares


def parse_shares(texts: Mapping[str, int]) -> Shares:
    """Read parts of GPUs by slot: `{"a100@0/81920": 16384}`. Raises ValueError."""
    found = {}
    for text, part in texts.items():
        kind, _, rest = text.rpartition("@")
        number, _, size = rest.partition("/")
        found[Slot(kind, int(number), int(size))] = part
    return found or NO_SHARES


def format_shares(shares: Shares) -> dict[str, int]:
    """What parse_shares reads."""
    return {f"{slot.type}@{slot.number}/{slot.size}": part for slot, part in shares.items()}


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
