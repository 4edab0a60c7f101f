"""What is free in the fleet, by classes of machines: many that are alike are looked at as one.

Machines of a class have the same, and the same jobs may use them; those of which the same is free as well are a lot.
A shape of job that found no room looks only at what has changed since then.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping
from itertools import takewhile

from mini_slurm.model.fleet import Partition
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.placement import Site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.scheduler.oversubscription import Tenants
    from mini_slurm.scheduler.prospect import Reach

Key = tuple[object, ...]


class Lot:
    """Usable machines of one class of which the same is free."""

    def __init__(self, free: Resources) -> None:
        self.free = free
        self.positions: list[int] = []  # in order


class MachineClass:
    """Machines that are alike."""

    def __init__(self, like: Books, partitions: frozenset[str]) -> None:
        self.total = like.total
        self.weight = like.entry.weight
        self.features = like.entry.features
        self.partitions = partitions
        self.machines: list[Books] = []
        self.lots: dict[Key, Lot] = {}

    def site(self, books: Books, free: Resources) -> Site:
        """One of its machines, of which this may be taken, as placement sees it."""
        return Site(books.entry.name, books.position, self.weight, self.total, free, self.features)


class Changed:
    """Machines that have changed, and how much is free on one of them at most."""

    def __init__(self, machines: list[Books]) -> None:
        self.machines = machines
        self.cpus = max((books.free.cpus for books in machines), default=0)
        self.memory = max((books.free.memory for books in machines), default=0)


class Stock:
    """All machines of a fleet, as long as what they have in all, and who may use them, stays the same."""

    def __init__(self, machines: Mapping[str, Books], partitions: Mapping[str, Partition]) -> None:
        self.machines = machines
        self.order = list(machines.values())
        # machines that have not answered yet count as well, as far as the fleet file says them
        self.cpus = sum(books.total.cpus or books.entry.cpus or 0 for books in self.order)
        self.clock = 0  # counts changes
        self._lots: dict[str, tuple[Key, Lot]] = {}
        self._open: set[str] = set()  # machines where something could be started
        self._tenants: dict[str, Tenants] = {}  # of machines where jobs share CPUs, as far as they were asked for
        self._changes: dict[str, int] = {}  # the clock at each machine's last change, the latest at the end
        self._looks: tuple[int, dict[int, Changed]] = (0, {})  # as of a clock: what changed since which other
        self._stale = dict.fromkeys(machines)  # machines that have to be filed anew
        self.class_of: dict[str, MachineClass] = {}
        self.classes = self._classes(partitions)
        self.reaches: dict[tuple[str, str | None], Reach] = {}  # by partition and features
        self._together = {name: self._sum(partition) for name, partition in partitions.items()}

    def _classes(self, partitions: Mapping[str, Partition]) -> list[MachineClass]:
        member: dict[str, list[str]] = {}
        for partition in partitions.values():
            for name in partition.machines:
                member.setdefault(name, []).append(partition.name)
        found: dict[Key, MachineClass] = {}
        for name, books in self.machines.items():
            names = tuple(member.get(name, ()))
            entry = books.entry
            key = (*amounts(books.total), entry.features, entry.weight, names)
            one = found.get(key)
            if one is None:
                one = found[key] = MachineClass(books, frozenset(names))
            one.machines.append(books)
            self.class_of[name] = one
        return list(found.values())

    def _sum(self, partition: Partition) -> Resources:
        cpus = [self.machines[name].total.cpus for name in partition.machines if name in self.machines]
        return Resources(cpus=sum(cpus) if all(cpus) else 0)

    def together(self, partition: Partition) -> Resources:
        """The CPUs of all machines of a partition; 0 where one of them is not known yet."""
        return self._together.get(partition.name) or self._sum(partition)

    # --- changes

    def note(self, name: str) -> None:
        """What is free on a machine, or whether it can be used, has changed."""
        self._stale[name] = None
        self._tenants.pop(name, None)

    def tenants(self, books: Books, count: Callable[[Books], Tenants]) -> Tenants:
        """Who is on a machine; counted where that is not known as it is now."""
        name = books.entry.name
        if name not in self._tenants:
            self._tenants[name] = count(books)
        return self._tenants[name]

    def refresh(self, now: float) -> None:
        """File what has changed; machines that are left in peace for a moment are looked at again each time."""
        stale, self._stale = self._stale, {}
        for name in stale:
            books = self.machines.get(name)
            if books is not None:
                self._file(books, now)

    def _file(self, books: Books, now: float) -> None:
        name = books.entry.name
        is_paused = books.is_paused(now)
        if is_paused:
            self._stale[name] = None
        self._take_out(books)
        is_open = books.is_usable and not is_paused
        (self._open.add if is_open else self._open.discard)(name)
        if is_open and books.free.cpus > 0:  # nobody can do without any CPU
            key = amounts(books.free)
            lots = self.class_of[name].lots
            lot = lots.get(key) or lots.setdefault(key, Lot(books.free))
            insort(lot.positions, books.position)
            self._lots[name] = key, lot
        self.clock += 1
        self._changes.pop(name, None)
        self._changes[name] = self.clock

    def _take_out(self, books: Books) -> None:
        key, lot = self._lots.pop(books.entry.name, ((), None))
        if lot is not None:
            del lot.positions[bisect_left(lot.positions, books.position)]
            if not lot.positions:
                del self.class_of[books.entry.name].lots[key]

    def changed_since(self, clock: int) -> Changed:
        """The machines that have changed since, where something could be started."""
        if self._looks[0] != self.clock:
            self._looks = self.clock, {}
        found = self._looks[1].get(clock)
        if found is None:
            names = takewhile(lambda name: self._changes[name] > clock, reversed(self._changes))
            found = self._looks[1][clock] = Changed([self.machines[name] for name in names if name in self._lots])
        return found

    def is_usable(self, books: Books) -> bool:
        """Could something be started there when the machine was filed?"""
        return books.entry.name in self._open

    def check(self) -> None:
        """Was every change noted? Raises AssertionError."""
        for name, books in self.machines.items():
            if name not in self._stale:
                filed = self._lots.get(name)
                assert (books.is_usable and books.free.cpus > 0) == (filed is not None), name
                assert filed is None or filed[0] == amounts(books.free), (name, filed, books.free)


def amounts(resources: Resources) -> Key:
    """Tells amounts apart."""
    gpus = tuple(sorted(resources.gpus.items())) if resources.gpus else ()
    if not resources.sizes:
        return resources.cpus, resources.memory, gpus
    shares, sizes = sorted(resources.shares.items()), sorted(resources.sizes.items())
    return resources.cpus, resources.memory, gpus, tuple(shares), tuple(sizes)
