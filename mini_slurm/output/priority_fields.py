"""The columns of sprio. A record is a job that waits in a partition with the parts of its priority, or the weights."""

from __future__ import annotations

from mini_slurm.output.layout import Field
from mini_slurm.output.values import NULL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from mini_slurm.model.job import Job
    from mini_slurm.output.layout import Value, View

MOST = 0xFFFFFFFF  # what a priority is a part of, where it is written as one
# the parts of a priority: the letter of its column, its name among the weights, the header
PARTS = (
    ("A", "age", "AGE"), ("B", "assoc", "ASSOC"), ("F", "fair_share", "FAIRSHARE"), ("J", "job_size", "JOBSIZE"),
    ("P", "partition", "PARTITION"), ("Q", "qos", "QOS"),
)  # fmt: skip


class Rank:
    """A job, its priority, and how it comes about."""

    __slots__ = ("is_set", "job", "parts", "priority", "site", "weights")

    def __init__(
        self, job: Job | None, priority: int, parts: Mapping[str, float], weights: Mapping[str, int], site: int = 0
    ) -> None:
        self.job = job  # None: this is the line of weights
        self.priority = priority
        self.parts = parts  # by name, each from 0 to 1; none where an administrator has set the priority
        self.weights = weights
        self.site = site
        self.is_set = job is not None and not parts

    def weighted(self, name: str) -> float:
        """A part times its weight."""
        return self.parts.get(name, 0.0) * self.weights.get(name, 0)


def default(weights: Mapping[str, int], *, normal: bool, users: bool, clusters: bool = False) -> str:
    """The format without -o and -l: only parts that count have a column."""
    about = [*(["%.8c"] if clusters else []), *(["%.8u"] if users else [])]
    size = "10" if normal else ".10"
    shown = [letter.lower() if normal else letter for letter, name, _ in PARTS if weights.get(name)]
    first = [f"%{size}{'y' if normal else 'Y'}", *([] if normal else ["%.10S"])]
    return " ".join(["%.15i %9r", *about, *first, *(f"%{size}{letter}" for letter in shown)])


LONG = "%.15i %9r %.8u %.10Y %.10S %.10A %.10B %.10F %.10J %.10P %.10Q %.11N %.20T"
LONG_NORMAL = "%.15i %9r %.8u %10y %10a %10b %10f %10j %10p %10q %20t"


def _of_job(value: Callable[[Job], str], weight: str = "") -> Value:
    return lambda rank, view: weight if rank.job is None else value(rank.job)


def _part(name: str) -> Value:
    return lambda rank, view: f"{rank.weights.get(name, 0) if rank.job is None else rank.weighted(name):.0f}"


def _normal_part(name: str) -> Value:
    def value(rank: Rank, view: View) -> str:
        weight = rank.weights.get(name, 0)
        return str(weight) if rank.job is None else f"{rank.parts.get(name, 0.0) if weight else 0.0:.7f}"

    return value


def _priority(rank: Rank, view: View) -> str:
    return "" if rank.job is None else str(rank.priority)


def _normal_priority(rank: Rank, view: View) -> str:
    if rank.job is None:
        return ""
    return f"{rank.priority if rank.is_set else rank.priority / MOST:16.14f}"


def _site(rank: Rank, view: View) -> str:
    return "1" if rank.job is None else str(0 if rank.is_set else rank.site)


def _nice(rank: Rank, view: View) -> str:
    return "" if rank.job is None else str(0 if rank.is_set else rank.job.nice)


def _field(letter: str, header: str, value: Value) -> Field:
    return Field(header, letter, header, "", value)


FIELDS = (
    *(_field(letter, header, _part(name)) for letter, name, header in PARTS),
    *(_field(letter.lower(), header, _normal_part(name)) for letter, name, header in PARTS),
    _field("c", "CLUSTER", lambda rank, view: view.cluster),
    _field("i", "JOBID", _of_job(lambda job: str(job.job_id), "Weights")),
    _field("N", "NICE", _nice),
    _field("r", "PARTITION", _of_job(lambda job: job.partition)),
    _field("S", "SITE", _site),
    _field("T", "TRES", _of_job(lambda job: "", NULL)),
    _field("t", "TRES", _of_job(lambda job: "", NULL)),
    _field("u", "USER", _of_job(lambda job: job.user)),
    _field("Y", "PRIORITY", _priority),
    _field("y", "PRIORITY", _normal_priority),
)


def _weight(name: str) -> Callable[[Rank], float]:
    return lambda rank: rank.weighted(name)


def _about(value: Callable[[Job], Any]) -> Callable[[Rank], Any]:
    return lambda rank: value(rank.job) if rank.job else ""


KEYS: Mapping[str, Callable[[Rank], Any]] = {
    **{letter: _weight(name) for letter, name, _ in PARTS},
    **{letter.lower(): _weight(name) for letter, name, _ in PARTS},
    "c": lambda rank: "",
    "i": _about(lambda job: job.job_id),
    "N": _about(lambda job: job.nice),
    "r": _about(lambda job: job.partition),
    "T": lambda rank: "",
    "t": lambda rank: "",
    "u": _about(lambda job: job.user),
    "Y": lambda rank: rank.priority,
    "y": lambda rank: rank.priority,
}


def in_order(ranks: list[Rank], letters: str) -> list[Rank]:
    """Sorted by these letters, the first counting most; `-` before one: from the most down.

    Raises ValueError, which tells the letter that is unknown.
    """
    for place, letter in reversed(list(enumerate(letters))):
        if letter not in ",-+":
            if letter not in KEYS:
                raise ValueError(letter)
            ranks = sorted(ranks, key=KEYS[letter], reverse=letters[:place].endswith("-"))
    return ranks
