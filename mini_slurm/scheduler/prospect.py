"""What is known of the chances of one shape of job: where it may run, whether it ever can, where it has room now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from mini_slurm.model.allocation import Allocation
from mini_slurm.model.features import matches
from mini_slurm.model.fleet import Partition
from mini_slurm.model.job import Job
from mini_slurm.model.request import preferring
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.demand import Demand, capacity, demand
from mini_slurm.scheduler.eligible import (
    could_ever_run,
    could_run_somewhere,
    eligible_machines,
    judged,
    partition_machines,
)
from mini_slurm.scheduler.explain import shared_reason
from mini_slurm.scheduler.oversubscription import offers
from mini_slurm.scheduler.placement import Room, choose, cost, may_spread, required_names, within
from mini_slurm.scheduler.policy import Reservation
from mini_slurm.scheduler.preemption import could_preempt
from mini_slurm.scheduler.stock import Lot, MachineClass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.scheduler.evictions import Vain

Kept = Mapping[int, Resources]  # by machines' positions: what of them may be taken, where that is not all that is free


class Reach:
    """The machines of one partition that jobs of one shape may use."""

    def __init__(self, cluster: Cluster, job: Job, partition: Partition) -> None:
        self._stock = cluster.stock
        self.partition = partition
        self.classes = {
            one: None
            for one in self._stock.classes
            if partition.name in one.partitions and (job.features is None or matches(job.features, one.features))
        }
        self._only: frozenset[int] | None = None  # positions
        if job.required_nodes or job.excluded_nodes:
            self._only = frozenset(books.position for books in partition_machines(cluster, job, [partition]))

    def has(self, books: Books) -> bool:
        """Is this one of them?"""
        is_meant = self._only is None or books.position in self._only
        return is_meant and self._stock.class_of[books.entry.name] in self.classes

    def rooms(self, wanted: Demand, least: tuple[int, int], kept: Kept, *, heads: bool) -> list[Room]:
        """Where there is room for how many tasks, in the fleet's order; `heads`: on one of several that are alike."""
        found = self.rooms_on([self._stock.order[place] for place in kept], wanted, kept)
        for one in self.classes:
            for lot in one.lots.values():
                if lot.free.cpus >= least[0] and lot.free.memory >= least[1]:
                    tasks = capacity(wanted, one.total, lot.free)
                    if tasks:
                        found += [self._room(one, lot, place, tasks) for place in self._places(lot, kept, heads)]
        return sorted(found, key=lambda room: room.site.position)

    def _places(self, lot: Lot, kept: Kept, heads: bool) -> list[int]:
        places = (one for one in lot.positions if one not in kept and (self._only is None or one in self._only))
        if heads:
            first = next(places, None)
            return [] if first is None else [first]
        return list(places)

    def _room(self, one: MachineClass, lot: Lot, place: int, tasks: int) -> Room:
        return Room(one.site(self._stock.order[place], lot.free), tasks)

    def rooms_on(self, machines: Iterable[Books], wanted: Demand, kept: Kept) -> list[Room]:
        """The same, on these machines."""
        rooms = []
        for books in machines:
            free = kept.get(books.position, books.free)
            if free.cpus >= wanted.cpus and self._stock.is_usable(books) and self.has(books):
                one = self._stock.class_of[books.entry.name]
                rooms.append(Room(one.site(books, free), capacity(wanted, one.total, free)))
        return [room for room in rooms if room.tasks]


def reach(cluster: Cluster, job: Job, partition: Partition) -> Reach:
    """The same for all jobs that name no machines and ask for the same features."""
    if job.required_nodes or job.excluded_nodes:
        return Reach(cluster, job, partition)
    known = cluster.stock.reaches
    key = partition.name, job.features
    if key not in known:
        known[key] = Reach(cluster, job, partition)
    return known[key]


class Prospect:
    """One shape, as long as the machines and partitions stay as they are."""

    def __init__(self, cluster: Cluster, job: Job) -> None:
        self._cluster = cluster
        self._job = job  # any of the shape
        self.stock = cluster.stock
        self.wanted = demand(job, cluster.fleet)
        judgements = judged(cluster, job)
        self.partitions = [partition for partition, reason in judgements if reason is None]
        self.names = frozenset(partition.name for partition in self.partitions)
        self.must = required_names(job.required_nodes)
        is_one = self.wanted.tasks <= 1 and max(self.wanted.least, len(self.must)) <= 1  # which nothing can split
        self._spreads = not is_one and may_spread(self.wanted, len(self.must))
        self._least = least(self.wanted, 1 if self._spreads else self.wanted.tasks)
        self._reaches = [reach(cluster, job, partition) for partition in self.partitions]
        # of the last vain look: the stock's clock, the machines that were kept, and for which reservation
        self._failed: tuple[int, tuple[int, ...], object] | None = None
        self._startable: dict[str, tuple[tuple[int, ...], bool]] = {}  # by partition: which were up, and what was found
        self.preempts = could_preempt(cluster.fleet, job, self.partitions)
        self.is_capped = any(one.max_cpus_per_node is not None for one in self.partitions)
        self.is_licensed = job.licenses is not None
        self.vain: Vain | None = None  # of the last look for jobs that make room
        wish = preferring(job)
        self.preferred = None if wish is None else Prospect(cluster, wish)
        self.reason = shared_reason(cluster, job, [reason for _, reason in judgements], self._is_possible)
        if self.preferred is not None and self.preferred.reason is None:
            self.reason = None

    @cached_property
    def candidates(self) -> list[Books]:
        """The machines that the shape may use, up or not."""
        return eligible_machines(self._cluster, self._job)

    # --- in principle

    def _is_possible(self) -> bool:
        """Would the job fit if the machines were empty?"""
        if not (self.must or self._job.excluded_nodes) and any(map(self._suits, self._reaches)):
            return True
        return could_run_somewhere(self._cluster, self._job)

    def _suits(self, reach: Reach) -> bool:
        """Do machines of one class suffice? That is soon seen; where they do not, it is not the last word."""
        wanted = self.wanted
        for one in reach.classes:
            tasks = capacity(wanted, one.total, one.total)
            machines = max(wanted.least, -(-wanted.tasks // tasks)) if tasks else 0
            if (
                machines
                and not (wanted.gpus or wanted.counted or wanted.contiguous)
                and machines <= min(len(one.machines), wanted.most or machines)
            ):
                return True
        return False

    def could_start(self, partition: Partition, candidates: list[Books], shut: frozenset[str]) -> bool:
        """Would the job fit if those of these machines that are the partition's, and not shut, were empty?"""
        if not shut and len(candidates) == len(self.candidates) and len(self.partitions) == 1:
            return True
        members = set(partition.machines) - shut
        up = [one for one in candidates if one.entry.name in members]
        if len(up) == len(self.candidates):
            return True
        places = tuple(books.position for books in up)
        known = self._startable.get(partition.name)
        if known is None or known[0] != places:
            known = self._startable[partition.name] = places, could_ever_run(self._job, up, self._cluster.fleet)
        return known[1]

    # --- now

    def fail(self, kept: Iterable[int], reservation: Reservation | None) -> None:
        """There was no room, while those machines were kept for a reservation."""
        serial = None if reservation is None else reservation.serial
        self._failed = self.stock.clock, tuple(kept), serial

    def news(self, reservation: Reservation | None) -> list[Books] | None:
        """Machines that may have room, and have changed or were kept at the last vain look; None: there was none."""
        if self._failed is None or self.wanted.shares:  # one that shares CPUs finds room where none is free
            return None
        clock, kept, serial = self._failed
        if reservation is not None and reservation.serial == serial:
            found = []
        else:
            found = [self.stock.order[place] for place in kept]
            kept = ()
        changed = self.stock.changed_since(clock)
        if changed.cpus >= self._least[0] and changed.memory >= self._least[1]:
            found += changed.machines
        found = [books for books in dict.fromkeys(found) if self._helps(books)] if found else []
        if not found:
            self._failed = self.stock.clock, kept, serial
        return found

    def _helps(self, books: Books) -> bool:
        """May this machine have room? A shape that may spread looks at all of them then: for that it has to be sure."""
        if books.free.cpus < self._least[0] or books.free.memory < self._least[1]:
            return False
        is_one = any(reach.has(books) for reach in self._reaches)
        return is_one and not (self._spreads and not capacity(self.wanted, books.total, books.free))

    def find(self, kept: Kept, news: list[Books] | None) -> Allocation | None:
        """What a job of this shape gets now, in the first of its partitions with room. `news`: only there is any."""
        for one in self._reaches:
            for offered in offers(self._cluster, self._job, one.partition, kept):
                taken = self._find_in(one, offered, news)
                if taken is not None:
                    return taken
        return None

    def finds(self, kept: Kept) -> Iterator[Allocation | None]:
        """The same in each of its partitions."""
        for one in self._reaches:
            for offered in offers(self._cluster, self._job, one.partition, kept):
                yield self._find_in(one, offered, None)

    def _find_in(self, reach: Reach, kept: Kept, news: list[Books] | None) -> Allocation | None:
        wanted = within(self.wanted, reach.partition)
        is_spread = reach.partition.lln and wanted.tasks > 1 and self._spreads
        if wanted.least <= 1 and not (self.must or wanted.reach or is_spread):
            if news is None:
                rooms = reach.rooms(wanted, self._least, kept, heads=True)
            else:
                rooms = reach.rooms_on(news, wanted, kept)
            taken = choose(wanted._replace(most=1), rooms) if rooms else None
            if not self._spreads or (taken is not None and not self._is_dear(reach, taken)):
                return taken
        rooms = reach.rooms(wanted, self._least, kept, heads=False)
        if len(rooms) < wanted.least or sum(room.tasks for room in rooms) < wanted.tasks:
            return None
        return choose(wanted, rooms, self.must)

    def _is_dear(self, reach: Reach, taken: Allocation) -> bool:
        """Are there machines to be preferred, of which several might do as well?"""
        mine = self.stock.class_of[next(iter(taken))]
        least = min(cost(self.wanted, one.total, one.weight) for one in reach.classes)
        return cost(self.wanted, mine.total, mine.weight) > least


def wishes(job: Job, prospect: Prospect) -> Iterator[tuple[Job, Prospect]]:
    """What is tried for a job of this shape: first as if it asked for what it prefers, then as it asks."""
    wish = preferring(job) if prospect.preferred is not None else None
    if wish is not None and prospect.preferred is not None:
        yield wish, prospect.preferred
    yield job, prospect


def least(wanted: Demand, tasks: int) -> tuple[int, int]:
    """CPUs and memory that a machine must have free to be of any use for so many of the job's tasks."""
    cpus = max(wanted.cpus_for(1, wanted.gpus_at_least), tasks * wanted.cpus)
    if wanted.memory_per_gpu:
        return cpus, wanted.memory_per_gpu * wanted.gpus_at_least
    if wanted.memory_per_node is not None:
        return cpus, wanted.memory_per_node
    return cpus, 0 if wanted.exclusive else wanted.memory_per_cpu * wanted.cpus * tasks


def barred(candidates: list[Books], allowed: list[Books]) -> Kept:
    """The machines that advance reservations keep from a job."""
    places = {books.position for books in allowed}
    return {books.position: Resources() for books in candidates if books.position not in places}
