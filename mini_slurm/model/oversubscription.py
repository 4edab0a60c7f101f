"""Several jobs on the same CPUs: what a partition's OverSubscribe says, and what it means for one of its jobs."""

from __future__ import annotations

from functools import lru_cache

from mini_slurm.model.fleet import Partition
from mini_slurm.model.job import Job

WORDS = ("NO", "EXCLUSIVE", "YES", "FORCE")
USUAL, MOST = 4, 1000  # jobs on one CPU, where nobody said how many; and what one may say
ASKED = 4  # `Job.exclusive` of --oversubscribe


@lru_cache(maxsize=64)
def parse(text: str) -> tuple[str, int]:
    """`FORCE:2` as its word and the number of jobs on one CPU; as in Slurm `YES:1` is NO. Raises ValueError."""
    word, _, count = text.upper().partition(":")
    if word not in WORDS:
        raise ValueError(text)
    if word in ("NO", "EXCLUSIVE"):
        return word, 1
    if count and not (count.isascii() and count.isdigit() and 1 <= int(count) <= MOST):
        raise ValueError(text)
    most = int(count) if ":" in text and count else USUAL
    if ":" in text and not count:
        raise ValueError(text)
    return ("NO", 1) if word == "YES" and most == 1 else (word, most)


def settled(text: str) -> str:
    """The same text as Slurm shows it: `FORCE:4` for `force`. Raises ValueError."""
    word, most = parse(text)
    return f"{word}:{most}" if word in ("YES", "FORCE") else word


def rows(job: Job, partition: Partition) -> int:
    """How many jobs of the partition may have each CPU that this one gets there; 0: it has its CPUs for itself.

    Parts of a heterogeneous job are one attempt, and have.
    """
    word, most = parse(partition.over_subscribe)
    if most == 1 or job.het_size:
        return 0
    return most if word == "FORCE" or job.exclusive == ASKED else 0


def shares(partition: Partition) -> bool:
    """May jobs there share CPUs at all?"""
    return parse(partition.over_subscribe)[1] > 1
