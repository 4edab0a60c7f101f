"""Which machines for one job, and how much of each, as Slurm's cons_tres picks nodes.

One machine that has room for everything is best: the one with the least left. Else machines are taken in the fleet's
order, neighbours before others, each with as many tasks as it has room for, while every machine gets at least one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from mini_slurm.model.allocation import Allocation, Share
from mini_slurm.model.fleet import Fleet, Partition
from mini_slurm.model.hostlist import expand
from mini_slurm.model.job import Job
from mini_slurm.model.resources import Resources
from mini_slurm.model.tuples import NamedTuple
from mini_slurm.scheduler.demand import Demand, capacity, demand, gpus_on, share


class Site(NamedTuple):
    """A machine that a job may use: what it has, and what of that the job may take."""

    name: str
    position: int  # in the fleet's order: neighbours differ by one
    weight: int
    total: Resources
    free: Resources
    features: tuple[str, ...] = ()


class Room(NamedTuple):
    """A site, and how many of the job's tasks it has room for."""

    site: Site
    tasks: int


@lru_cache(maxsize=4096)
def allowed_names(machines: tuple[str, ...], required: str | None, excluded: str | None, nodes: int) -> tuple[str, ...]:
    """Names out of `machines` that a nodelist and a list of exclusions leave for a job of up to so many machines."""
    wanted = set(required_names(required))
    unwanted = set(expand(excluded)) if excluded else set()
    is_whole = not wanted or nodes > len(wanted)  # a job of more machines than it names takes others as well
    return tuple(name for name in machines if name not in unwanted and (is_whole or name in wanted))


@lru_cache(maxsize=1024)
def required_names(required: str | None) -> tuple[str, ...]:
    """The machines of --nodelist."""
    return tuple(dict.fromkeys(expand(required))) if required else ()


def place(job: Job, among: list[Site], fleet: Fleet, partition: Partition | None = None) -> Allocation | None:
    """What the job gets on which of these machines; None where there is no room for all of it.

    In this partition; None: in any of the job's.
    """
    wanted = demand(job, fleet)
    wanted = wanted if partition is None else within(wanted, partition)
    rooms = [Room(site, tasks) for site in among if (tasks := capacity(wanted, site.total, site.free))]
    return choose(wanted, rooms, required_names(job.required_nodes))


def within(wanted: Demand, partition: Partition) -> Demand:
    """What the job asks for in this partition, where it gets no more machines than one may have there."""
    most = partition.max_nodes if wanted.most is None else min(wanted.most, partition.max_nodes or wanted.most)
    return wanted._replace(least_loaded=partition.lln, most=most)


def choose(wanted: Demand, rooms: list[Room], must: tuple[str, ...] = ()) -> Allocation | None:
    """What a job gets that has room on these machines, all of those that it `must` have among them."""
    if not (wanted.one_of or wanted.counted):
        return _choose(wanted, rooms, must)
    tried = (_choose(wanted, among, names) for among, names in _by_features(wanted, rooms, must))
    return next((taken for taken in tried if taken is not None), None)


def _by_features(
    wanted: Demand, rooms: list[Room], must: tuple[str, ...]
) -> Iterator[tuple[list[Room], tuple[str, ...]]]:
    """The machines to choose from, and those that the job has to have then: one possibility after the other."""
    for name in wanted.one_of:
        yield [room for room in rooms if name in room.site.features], must
    if wanted.counted:
        first = sorted(rooms, key=lambda room: room.site.name not in must)
        for order in (first,) if wanted.nested else (first, sorted(first, key=_size, reverse=True)):
            picked = _with_features(wanted, order)
            if picked is not None:
                yield rooms, tuple(dict.fromkeys((*must, *picked)))


def _with_features(wanted: Demand, rooms: list[Room]) -> list[str] | None:
    """As many machines for each feature as have to have it, the first ones."""
    picked: list[str] = []
    for feature, count in wanted.counted:
        having = [room for room in rooms if feature in room.site.features]
        if wanted.nested and not {room.site.name for room in having}.issuperset(picked):
            return None
        if wanted.nested and picked:
            having = [*_beside(having, tuple(picked)), *having]
        further = list(dict.fromkeys(room.site.name for room in having if room.site.name not in picked))
        missing = count - len(picked) if wanted.nested else count
        if len(further) < missing:
            return None
        picked += further[: max(missing, 0)]
    return picked


def _choose(wanted: Demand, rooms: list[Room], must: tuple[str, ...]) -> Allocation | None:
    """Of a range of machines the most that have room."""
    taken = _with_least(wanted, rooms, must)
    if taken is None:
        return None
    for count in range(min(wanted.reach, len(rooms)), len(taken), -1):
        tasks = max(wanted.tasks, count * wanted.tasks_each)
        more = _with_least(wanted._replace(least=count, tasks=tasks), rooms, must)
        if more is not None:
            return more
    return taken


def _with_least(wanted: Demand, rooms: list[Room], must: tuple[str, ...]) -> Allocation | None:
    least = max(wanted.least, len(must))
    if not {room.site.name for room in rooms}.issuperset(must):
        return None
    for limit in sorted({_cost(wanted, room) for room in rooms}):
        among = [room for room in rooms if _cost(wanted, room) <= limit or room.site.name in must]
        taken = None
        if least <= 1 and not (wanted.least_loaded and wanted.tasks > 1 and may_spread(wanted, least)):
            taken = _single(wanted, [room for room in among if not must or room.site.name in must])
        if taken is None and may_spread(wanted, least):
            taken = _spread(wanted._replace(least=least), among, must)
        shares = None if taken is None else _shares(wanted, taken)
        if shares is not None:
            return shares
    return None


def may_spread(wanted: Demand, least: int) -> bool:
    """May the job be given several machines?"""
    return wanted.most is None or wanted.most > 1 or least > 1


def _shares(wanted: Demand, taken: list[Room]) -> Allocation | None:
    """What each machine gives; None where the job's GPUs do not come together."""
    gpus = gpus_on(wanted, [room.site.free for room in taken])
    if gpus is None:
        return None
    return {room.site.name: _share(wanted, room, kinds) for room, kinds in zip(taken, gpus, strict=True)}


def _share(wanted: Demand, room: Room, gpus: Mapping[str, int]) -> Share:
    resources = share(wanted, room.tasks, gpus, room.site.total, room.site.free)
    return Share(resources, resources.cpus // wanted.cpus if wanted.fills else room.tasks)


def cost(wanted: Demand, total: Resources, weight: int) -> tuple[int, int]:
    """A job that wants no GPU keeps off machines that have some, as long as others do, if need be several."""
    return (0 if wanted.wants_gpus else total.gpu_count, weight)


def _cost(wanted: Demand, room: Room) -> tuple[int, int]:
    return cost(wanted, room.site.total, room.site.weight)


def _single(wanted: Demand, rooms: list[Room]) -> list[Room] | None:
    """The one machine that has room for everything: the fewest GPUs wasted, the lowest weight, the least left."""
    fitting = [room for room in rooms if room.tasks >= wanted.tasks and gpus_on(wanted, [room.site.free]) is not None]
    best = min(fitting, key=lambda room: (*_cost(wanted, room), *_rank(wanted, room.site)), default=None)
    return None if best is None else [best._replace(tasks=wanted.tasks)]


def _rank(wanted: Demand, site: Site) -> tuple[float, int]:
    """Where the least is left, or the load is least; of machines alike the first."""
    return -site.free.cpus / site.total.cpus if wanted.least_loaded else site.free.cpus, site.position


def _spread(wanted: Demand, rooms: list[Room], must: tuple[str, ...]) -> list[Room] | None:
    """Several machines."""
    if wanted.contiguous:
        return _neighbours(wanted, rooms, must)
    left = list(rooms)
    while len(left) >= wanted.least:
        taken = _fill(wanted, left, must)
        if taken is not None:
            return taken
        smallest = min((room for room in left if room.site.name not in must), key=_size, default=None)
        if smallest is None or wanted.most is None:
            break
        left.remove(smallest)  # it only takes a place that a larger one needs
    return None


def _size(room: Room) -> int:
    return room.tasks


def _fill(wanted: Demand, rooms: list[Room], must: tuple[str, ...]) -> list[Room] | None:
    """Take machines until there are enough of them, and tasks."""
    taken: list[Room] = []
    left = list(rooms)
    queue = [room for room in left if room.site.name in must]
    nodes, tasks = wanted.least, wanted.tasks
    while nodes > 0 or tasks > 0:
        if wanted.most is not None and len(taken) >= wanted.most:
            return None
        if not queue and taken and must and len(taken) == len(must) and not wanted.least_loaded:
            queue = _beside(rooms, must)
        if not queue:
            queue = _by_load(wanted, left) if wanted.least_loaded else _best_run(left, nodes, tasks)
        if not queue:
            return None
        room = queue.pop(0)
        left.remove(room)
        given = min(room.tasks, max(1, tasks - max(0, nodes - 1)))  # one task at least for each machine to come
        taken.append(room._replace(tasks=given))
        nodes, tasks = nodes - 1, tasks - given
    return sorted(taken, key=lambda room: room.site.position)


def _beside(rooms: list[Room], must: tuple[str, ...]) -> list[Room]:
    """The neighbours of the first machine that the job has to have: those after it, then those before it."""
    run = next(run for run in _runs(rooms) if any(room.site.name in must for room in run))
    first = next(place for place, room in enumerate(run) if room.site.name in must)
    return [room for room in (*run[first:], *reversed(run[:first])) if room.site.name not in must]


def _by_load(wanted: Demand, rooms: list[Room]) -> list[Room]:
    return sorted(rooms, key=lambda room: _rank(wanted, room.site))


def _neighbours(wanted: Demand, rooms: list[Room], must: tuple[str, ...]) -> list[Room] | None:
    """Machines that stand next to each other: the first ones of the smallest run of neighbours that suffices."""
    for run in sorted(_runs(rooms), key=lambda run: sum(map(_size, run))):
        for begin in range(len(run)):
            window = _window(wanted, run[begin:], must)
            if window is not None:
                return _fill(wanted, window, tuple(room.site.name for room in window))
    return None


def _window(wanted: Demand, run: list[Room], must: tuple[str, ...]) -> list[Room] | None:
    """The fewest of these that suffice, from the first one on."""
    tasks, missing = wanted.tasks, set(must)
    for count, room in enumerate(run[: wanted.most], start=1):
        tasks -= room.tasks
        missing.discard(room.site.name)
        if count >= wanted.least and tasks <= 0 and not missing:
            return run[:count]
    return None


def _runs(rooms: list[Room]) -> list[list[Room]]:
    """Those that stand next to each other together."""
    runs: list[list[Room]] = []
    for room in rooms:
        if runs and runs[-1][-1].site.position + 1 == room.site.position:
            runs[-1].append(room)
        else:
            runs.append([room])
    return runs


def _best_run(rooms: list[Room], nodes: int, tasks: int) -> list[Room]:
    """The smallest run of neighbours that suffices, else the largest that there is."""
    runs = _runs(rooms)
    enough = [run for run in runs if len(run) >= nodes and sum(map(_size, run)) >= tasks]
    if enough:
        return min(enough, key=lambda run: sum(map(_size, run)))
    return max(runs, key=lambda run: sum(map(_size, run)), default=[])
