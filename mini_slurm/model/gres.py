"""Generic resources as --gres and --gpus write them: `gpu:a100:2,gpu`, `a100:2`, `2` (sbatch(1))."""

from __future__ import annotations

from functools import lru_cache

from mini_slurm.model.numbers import LARGEST, leading_number
from mini_slurm.model.tuples import NamedTuple
from mini_slurm.model.units import parse_memory

DIGITS = frozenset("0123456789")  # what str.isdigit calls one besides is the beginning of a type

GPU, SHARD, GPU_MEMORY = "gpu", "shard", "gpumem"
KNOWN = frozenset({GPU, SHARD, GPU_MEMORY})
POWERS = "kmgtp"  # 4k is 4096


class Gres(NamedTuple):
    """So many of one kind; the type is "" where any will do."""

    name: str
    type: str
    amount: int  # of memory: MiB


class Part(NamedTuple):
    """Some of a GPU: so much of its memory (MiB), or so many shards, which more than one GPU may have to give."""

    type: str
    memory: int
    shards: int


def counts_badly(text: str) -> bool:
    """Does a list have a number that is none where no type is said: `gpu:2x`? Slurm says so of what is submitted."""
    words = (part.split(":") for part in text.split(","))
    return any(len(word) == 2 and word[1][:1] in DIGITS and _count(word[1]) is None for word in words)


@lru_cache(maxsize=1024)
def parse(text: str) -> tuple[Gres, ...]:
    """Read a list like `gpu:a100:2,gpu:1`. Raises ValueError. What is wanted 0 times is not wanted."""
    found = (_one(part) for part in text.split(",") if part)
    return tuple(one for one in found if one.amount)


def parse_gpus(text: str) -> tuple[Gres, ...]:
    """Read a list like `a100:2,1`, of GPUs alone. Raises ValueError."""
    return parse(prefixed(text))


def prefixed(text: str) -> str:
    """The list of GPUs as --gres writes it."""
    return ",".join(f"{GPU}:{part}" for part in text.split(",") if part)


def _one(part: str) -> Gres:
    words = part.split(":", 2)
    if words[0] == GPU_MEMORY:
        return Gres(GPU_MEMORY, "", parse_memory(":".join(words[1:])))
    count = _count(words[-1]) if len(words) > 1 else None
    kind = words[1] if len(words) == 3 or (len(words) == 2 and count is None) else ""
    if not all(words[1:]) or (len(words) == 3 and count is None):
        raise ValueError(f"not a generic resource: {part!r}")
    if kind and count == LARGEST:
        raise ValueError(f"not a number of generic resources: {part!r}")
    one = Gres(words[0], kind, 1 if count is None else count)
    if one.amount and one.name not in KNOWN:
        raise ValueError(f"not known here: {part!r}")
    return one


def _count(text: str) -> int | None:
    """A number, with a power of 1024 or 1000 perhaps; None for another word. One below 0 is more than there can be."""
    number, rest = leading_number(text)
    if rest == text or number == LARGEST:
        return None
    power = POWERS.find(rest[:1].lower()) + 1 if rest else 0
    if rest and (not power or rest[1:].lower() not in ("", "b", "ib")):
        return None
    scale = 1000 if rest[1:] in ("b", "B") else 1024
    return LARGEST if number < 0 else number * scale**power


def parts(wanted: tuple[Gres, ...]) -> tuple[Part, ...]:
    """The parts of GPUs that a list of generic resources asks for: shards, and so much memory of each of its GPUs."""
    found = [Part(one.type, 0, one.amount) for one in wanted if one.name == SHARD]
    memory = next((one.amount for one in wanted if one.name == GPU_MEMORY), 0)
    if memory:
        counts = {one.type: one.amount for one in wanted if one.name == GPU} or {"": 1}
        found += [Part(kind, memory, 0) for kind, count in counts.items() for _ in range(count)]
    return tuple(found)


def by_type(wanted: tuple[Gres, ...]) -> dict[str, int]:
    """Whole GPUs by type ("" for any) in a list of generic resources; the last word on a type counts."""
    if any(one.name == GPU_MEMORY for one in wanted):
        return {}
    return {one.type: one.amount for one in wanted if one.name == GPU}
