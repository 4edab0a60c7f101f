"""How running jobs make room for all parts of a heterogeneous job at once: for all of them, or nobody is told to.

A part may use what jobs leave that make room for this part itself, and what is free, but not what others leave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from mini_slurm.model.allocation import Allocation, union
from mini_slurm.model.fleet import Fleet, Partition
from mini_slurm.model.job import Job
from mini_slurm.model.preemption import SUSPEND, mode
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.cluster import held
from mini_slurm.scheduler.decisions import Decision
from mini_slurm.scheduler.eligible import sites
from mini_slurm.scheduler.evictions import NEVER, Evictions, Vain
from mini_slurm.scheduler.heterogeneous import Arranged, arrange, once
from mini_slurm.scheduler.placement import place
from mini_slurm.scheduler.policy import Reservation
from mini_slurm.scheduler.preemption import gives, value

NOTHING = Resources()


class Wish(NamedTuple):
    """A part as it is to be placed: in which partitions, on which machines."""

    part: Job
    partitions: list[Partition]
    machines: list[Books]


class Choice(NamedTuple):
    """What one part could have in one partition."""

    part: Job
    partition: Partition
    machines: list[Books]
    free: Mapping[str, Resources]  # without that anybody is told to make room
    able: frozenset[int]  # who may be told to


def plan_together(
    evictions: Evictions, fleet: Fleet, wishes: list[Wish], limit: int | None, reservation: Reservation | None,
    may_have: Callable[[list[Allocation]], bool], before: Vain | None,
) -> list[Decision] | Vain:  # fmt: skip
    """Have others make room for all parts, where that helps."""
    found = _choose(evictions, fleet, wishes, limit, reservation)
    if not isinstance(found, Vain) and may_have(found[0]):
        return evictions.carry_out(wishes[0].part, union(found[0]), found[1])
    return evictions.in_vain(found if isinstance(found, Vain) else evictions.vain(NEVER, reservation), before)


def _choose(
    evictions: Evictions, fleet: Fleet, wishes: list[Wish], limit: int | None, reservation: Reservation | None
) -> tuple[list[Allocation], list[Job]] | Vain:
    """What each part would get, and who would have to make room for them."""
    victims: dict[int, Job] = {}
    until = NEVER
    choices: list[list[Choice]] = []
    for wish in wishes:
        mine = []
        for partition in wish.partitions:
            able, moment = evictions.able_to(wish.part, partition)
            until = min(until, moment)
            names = evictions.usable_in(partition)
            usable = [one for one in wish.machines if one.entry.name in names]
            free, barred = evictions.free(wish.part, partition, usable, limit, reservation)
            able = [one for one in able if one.preempt_time is None and not barred & held(one).keys()]
            victims.update({one.job_id: one for one in able})
            mine.append(Choice(wish.part, partition, usable, free, frozenset(one.job_id for one in able)))
            evictions.work(len(usable) + len(able))
        choices.append(mine)
    found = _fewest(fleet, choices, sorted(victims.values(), key=lambda one: value(fleet, one)))
    if found is None or not _would_start(fleet, choices, found[1]):
        return evictions.vain(until, reservation)
    return found


def _would_start(fleet: Fleet, choices: list[list[Choice]], victims: list[Job]) -> bool:
    """Once these have left, each part may use what they leave: would all still have room beside each other?

    The CPUs of those that are suspended are for the parts that may have them make room alone.
    """
    leaving = frozenset(one.job_id for one in victims if mode(fleet, one) != SUSPEND)
    then = [[choice._replace(able=choice.able | leaving) for choice in mine] for mine in choices]
    return _arranged(fleet, then, victims).failed is None


def _fewest(fleet: Fleet, choices: list[list[Choice]], victims: list[Job]) -> tuple[list[Allocation], list[Job]] | None:
    """Of those in this order as few as possible."""
    if not victims or _arranged(fleet, choices, victims).failed is not None:
        return None
    least, most = 0, len(victims)
    while least < most:  # so many of the first ones suffice
        middle = (least + most) // 2
        if _arranged(fleet, choices, victims[:middle]).failed is None:
            most = middle
        else:
            least = middle + 1
    found, needed = _arranged(fleet, choices, victims[:most]), victims[:most]
    names = {name for taken in found.taken for name in taken}
    few = [one for one in needed if held(one).keys() & names]
    again = _arranged(fleet, choices, few)
    if again.failed is None:
        found, needed = again, few
    for victim in reversed(needed):
        others = [one for one in needed if one is not victim]
        again = _arranged(fleet, choices, others)
        if again.failed is None:
            found, needed = again, others
    return found.taken, needed


def _arranged(fleet: Fleet, choices: list[list[Choice]], victims: list[Job]) -> Arranged:
    """What the parts would have if these made room."""
    free = [[_with(fleet, choice, victims) for choice in mine] for mine in choices]
    sizes = [max((len(choice.machines) for choice in mine), default=0) for mine in choices]

    def places(number: int, others: Allocation) -> Iterator[Allocation | None]:
        for avoids in (True, False) if others else (True,):
            for choice, its in zip(choices[number], free[number], strict=True):
                among = sites(choice.machines, partial(_left, _beside(its, others, avoids)))
                yield place(choice.part, among, fleet, choice.partition)

    return arrange(sizes, lambda number, others: once(places(number, others)))


def _left(free: Mapping[str, Resources], books: Books) -> Resources:
    return free[books.entry.name]


def _with(fleet: Fleet, choice: Choice, victims: list[Job]) -> dict[str, Resources]:
    free = dict(choice.free)
    for victim in victims:
        if victim.job_id in choice.able:
            for name, share in gives(fleet, victim).items():
                if name in free:
                    free[name] = free[name].plus(share)
    return free


def _beside(free: Mapping[str, Resources], others: Allocation, avoids: bool) -> dict[str, Resources]:
    """What other parts leave of it; `avoids`: nothing where one of them is."""
    left = dict(free)
    for name in left.keys() & others.keys():
        left[name] = NOTHING if avoids else left[name].minus(others[name].resources)
    return left
