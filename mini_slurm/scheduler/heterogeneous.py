"""Heterogeneous jobs: parts that each ask for something else, start together, and are one attempt.

The first part has the script, and its attempt lies on the machines of all parts. What users and machines do to it
happens to the job; the records of the further parts follow, so that each shows its own share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import NamedTuple

from mini_slurm.model.allocation import Allocation, union
from mini_slurm.model.job import Job
from mini_slurm.model.resources import Resources
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.eligible import eligible_machines, open_partitions, partition_machines, sites
from mini_slurm.scheduler.ending import put_back
from mini_slurm.scheduler.placement import place

MOST_LOOKS = 200  # places that are looked for in one search for all parts
# Where a part could be beside what others have taken: what it gets there, the best first.
Options = Callable[[int, Allocation], Iterable[Allocation]]
FOLLOWED = (
    *("state", "reason", "outcome", "priority", "submit_time", "eligible_time", "start_time", "end_time"),
    *("suspend_time", "suspended_seconds", "restarts", "cancelled_by", "exit_code", "exit_signal"),
    *("preempt_time", "lent"),
)


def parts(cluster: Cluster, first: Job) -> list[Job]:
    """All parts of a heterogeneous job that are not over, in their order; any other job is all there is of itself."""
    numbers = range(first.job_id, first.job_id + max(first.het_size, 1))
    return [cluster.jobs[number] for number in numbers if number in cluster.jobs]


def lasting(part: Job, first: Job) -> Job:
    """The part as it is to be placed: it holds its machines as long as the first one does, whatever its own limit."""
    if part.time_limit == first.time_limit:
        return part
    return Job(**{**part.__dict__, "time_limit": first.time_limit})


# --- where all parts have room at once


class Arranged(NamedTuple):
    """What each part gets, in their order; where they have no room together, the first part that found none."""

    taken: list[Allocation]
    failed: int | None


def arrange(sizes: Sequence[int], options: Options) -> Arranged:
    """Find places for all parts, each beside the others: what one would like best may be all that another can use.

    In their order first, each where it comes first; where that does not do, those with the fewest machines to choose
    from (`sizes`) are placed first, and each is tried wherever `options` says that it could be beside those before it.
    At last the part that found no room is placed before all others, as often as that is something new.
    """
    looks = count()
    order = list(range(len(sizes)))
    first = found = _arrange(order, options, looks)
    tried = [order]
    order = sorted(order, key=lambda part: sizes[part])
    while found.failed is not None:
        if order in tried:
            order = [found.failed, *(part for part in tried[-1] if part != found.failed)]
        if order in tried:
            return first
        tried.append(order)
        found = _arrange(order, options, looks)
    return found


def _arrange(order: Sequence[int], options: Options, looks: Iterator[int]) -> Arranged:
    """Depth first; the part that stopped the first attempt is the one that is told of."""
    failed: list[int] = []
    taken: dict[int, Allocation] = {}

    def rest(depth: int) -> bool:
        if depth == len(order):
            return True
        for found in options(order[depth], union(taken.values())) if next(looks) < MOST_LOOKS else ():
            taken[order[depth]] = found
            if rest(depth + 1):
                return True
            del taken[order[depth]]
        failed.append(order[depth])
        return False

    return Arranged([taken[part] for part in sorted(taken)], None) if rest(0) else Arranged([], failed[0])


def once(found: Iterable[Allocation | None]) -> Iterator[Allocation]:
    """Those that are something, each of them once."""
    told: list[Allocation] = []
    for one in found:
        if one is not None and one not in told:
            told.append(one)
            yield one


def could_ever_start(cluster: Cluster, together: list[Job]) -> bool:
    """Would all parts get machines beside each other, as in a pass, if these were empty?

    Machines not known yet count as large enough.
    """
    machines = [eligible_machines(cluster, part) for part in together]
    if not all(books.total.cpus for its in machines for books in its):
        return True
    found = arrange(list(map(len, machines)), lambda part, others: once(_beside(cluster, together[part], others)))
    return found.failed is None


def _beside(cluster: Cluster, part: Job, others: Allocation) -> Iterator[Allocation | None]:
    """Where a part fits: on machines that no other part has, if that is possible."""
    for avoided in (frozenset(others), frozenset[str]()):
        for partition in open_partitions(cluster, part):
            candidates = partition_machines(cluster, part, [partition])
            among = [books for books in candidates if books.entry.name not in avoided]
            yield place(part, sites(among, partial(_left_of, others)), cluster.fleet, partition)


def _left_of(taken: Allocation, books: Books) -> Resources:
    """What an empty machine has beside what was taken of it."""
    name = books.entry.name
    return books.total.minus(taken[name].resources) if name in taken else books.total


def follow(cluster: Cluster, now: float) -> None:
    """What became of first parts becomes of the others."""
    for first in [job for job in cluster.touched.values() if job.het_size and not job.het_offset]:
        for part in parts(cluster, first):
            if part is not first:
                _follow(cluster, part, first, now)


def _follow(cluster: Cluster, part: Job, first: Job, now: float) -> None:
    if first.state is JobState.PENDING and part.state is not JobState.PENDING:
        put_back(cluster, part)
    for name in FOLLOWED:
        setattr(part, name, getattr(first, name))
    cluster.touch(part)
    if first.state.is_over:
        cluster.note_end(part)
        cluster.remove(part)
        cluster.usage.add(part, cluster.fleet, now)
