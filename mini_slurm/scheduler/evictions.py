"""How running jobs make room for a waiting one: whom that takes, what becomes of them, and who gets what they leave.

A plan says where a job starts when others have made room. It is made where the job stands in the queue, and what it
names is kept for the job until it starts. What leaves anyhow counts first; nobody is told to make room whose end the
job could do without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from mini_slurm.model.allocation import Allocation
from mini_slurm.model.arrays import count_of, throttle_of
from mini_slurm.model.fleet import Partition
from mini_slurm.model.job import Job
from mini_slurm.model.preemption import exempt_until
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.caps import Caps
from mini_slurm.scheduler.cluster import Cluster, allocation, held, occupies
from mini_slurm.scheduler.decisions import Decision
from mini_slurm.scheduler.demand import capacity, demand
from mini_slurm.scheduler.eligible import open_partitions
from mini_slurm.scheduler.explain import own_reason
from mini_slurm.scheduler.heterogeneous import parts
from mini_slurm.scheduler.policy import Forecast, Reservation, ends_before
from mini_slurm.scheduler.preemption import gives, is_leaving, is_victim, may_preempt, value
from mini_slurm.scheduler.stock import amounts
from mini_slurm.scheduler.yielding import lent_jobs, make_room, resume

NEVER = float("inf")
# Looks for jobs that could make room cost much more than looks for room: a pass makes as many as come to so much work
# (machines and running jobs that they pass over), one at least, and a later one soon after makes the others;
MOST_WORK, SOON = 2000, 0.2
# and not again so soon where they were in vain, whatever changes: seconds, twice as many each time.
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 30.0
Judge = Callable[[Allocation], bool]


class Vain(NamedTuple):
    """Nobody could make room for a shape of job, as things were, nor can before that moment."""

    key: tuple[object, ...]
    until: float
    looked: float  # when
    pause: float  # seconds until it is worth while to look again, if things have changed


def tidy(cluster: Cluster, now: float) -> None:
    """Give up the plans of jobs that do not wait any more, and those that have come to nothing."""
    left: dict[str, Resources] = {}
    for number, plans in list(cluster.plans.items()):
        job = cluster.jobs.get(number)
        together = parts(cluster, job) if job is not None else []
        if any(one.node is not None or own_reason(one, now) is not None for one in together):
            together = []
        names = {name for part in together for one in open_partitions(cluster, part) for name in one.machines}
        for plan in [plan for plan in plans if not (plan.keys() <= names and _stands(cluster, plan, left))]:
            give_up(cluster, number, plan)


def _stands(cluster: Cluster, plan: Allocation, left: dict[str, Resources]) -> bool:
    """Can it still be kept, beside those before it? `left` is what they leave of each machine."""
    machines = cluster.machines
    for name in plan:
        if name not in machines or not machines[name].is_open:
            return False
        left.setdefault(name, machines[name].free.plus(coming(cluster, name)))
    if any(share.resources.shortfall(left[name]) for name, share in plan.items()):
        return False
    left.update({name: left[name].minus(share.resources) for name, share in plan.items()})
    return True


def give_up(cluster: Cluster, number: int, plan: Allocation) -> None:
    """The plan is carried out, or nothing comes of it: others may have what it kept."""
    plans = list(cluster.plans[number])
    plans.remove(plan)
    cluster.plans[number] = tuple(plans)
    if not plans:
        del cluster.plans[number]
    for name in plan:
        cluster.note(name)


def carried_out(cluster: Cluster, job: Job, taken: Allocation) -> None:
    """The job, or a task of its array, starts there: one of its plans is done with, if not that one then the last."""
    plans = cluster.plans.get(job.job_id)
    if plans:
        give_up(cluster, job.job_id, next((plan for plan in plans if plan.keys() == taken.keys()), plans[-1]))


def coming(cluster: Cluster, name: str) -> Resources:
    """What will soon be free on a machine, as jobs there are about to end."""
    together = Resources()
    for number in cluster.machines[name].jobs:
        job = cluster.jobs[number]
        if is_leaving(cluster.fleet, job):
            together = together.plus(held(job)[name])
    return together


def promised(
    cluster: Cluster, job: Job | None = None, partitions: Iterable[Partition] = (), *, apart: bool = True
) -> dict[str, Resources]:
    """What is kept on each machine for others than this job: by plans, and for those that lent their CPUs.

    Whoever may have these make room again need not mind them. Not `apart`: nor what is kept for jobs that ask for the
    same. Those are tried one after the other, and the first may not wait for what is kept for one after it.
    """
    found: dict[str, Resources] = {}
    for number, plans in cluster.plans.items():
        for plan in plans if job is None or not _is_meant(cluster, number, job, apart=apart) else ():
            _add(found, {name: share.resources for name, share in plan.items()})
    for other in lent_jobs(cluster):
        if job is None or not any(may_preempt(cluster.fleet, job, one, other) for one in partitions):
            _add(found, {name: Resources(share.resources.cpus) for name, share in allocation(other).items()})
    return {name: amount for name, amount in found.items() if name in cluster.machines}


def _is_meant(cluster: Cluster, number: int, job: Job, *, apart: bool) -> bool:
    """Is what is kept for that one this job's: is it the same, or a part of it; else one that asks for the same?"""
    if number == (job.het_job_id or job.job_id):
        return True
    other = None if apart else cluster.jobs.get(number)
    return other is not None and cluster.queue.key(other) == cluster.queue.key(job)


def _add(found: dict[str, Resources], shares: Mapping[str, Resources]) -> None:
    for name, share in shares.items():
        found[name] = found.get(name, Resources()).plus(share)


class Evictions:
    """Making room, in one pass over the queue."""

    def __init__(self, cluster: Cluster, now: float) -> None:
        self._cluster = cluster
        self._now = now
        self._work = 0
        self._most: dict[object, list[tuple[Resources, Resources, int]]] = {}  # see _at_most()
        self._members: dict[str, set[str]] = {}  # by partition: its machines where something can be started
        self._able: dict[object, tuple[list[Job], float]] = {}  # who may make room in a partition, for whom
        self._coming: dict[str, Resources] = {}

    def limits(self, job: Job, partitions: Iterable[Partition], kept: Mapping[int, Resources]) -> dict[int, Resources]:
        """What the job may take, by positions, of machines of which some is kept for others."""
        if not (self._cluster.plans or self._cluster.yielding):
            return {}
        found = {}
        for name, amount in promised(self._cluster, job, partitions, apart=False).items():
            books = self._cluster.machines[name]
            left = books.free.plus(coming(self._cluster, name)).minus(amount)
            found[books.position] = _not_negative(kept.get(books.position, books.free).at_most(left))
        return found

    # --- plans

    def key(self, reservation: Reservation | None) -> tuple[object, ...]:
        """As long as this is the same, nobody can make room who could not before."""
        serial = None if reservation is None else reservation.serial
        return self._cluster.stock.clock, sum(map(len, self._cluster.plans.values())), serial

    def is_vain(self, known: Vain | None, reservation: Reservation | None) -> bool:
        """Was that looked for in vain, and has nothing changed since; or is it too soon to look?"""
        if known is not None and self._now < known.until:
            if known.key == self.key(reservation):
                return True
            if self._now < known.looked + known.pause:
                self._remind(known.looked + known.pause)
                return True
        if self._work >= MOST_WORK:
            self._remind(self._now + SOON)
            return True
        return False

    def _remind(self, moment: float) -> None:
        """There is something to be looked at then, whatever happens."""
        known = self._cluster.look_again
        if moment < NEVER:
            self._cluster.look_again = moment if known <= self._now else min(moment, known)

    def wants_more(self, job: Job, running: int) -> bool:
        """Is there room to be made for the job, or for more tasks of the array of which so many run?"""
        planned = len(self._cluster.plans.get(job.job_id, ()))
        if job.array_tasks is None:
            return planned == 0
        most = throttle_of(job.array_tasks)
        return planned < count_of(job.array_tasks) and (most is None or planned + running < most)

    def plan(
        self, job: Job, partitions: list[Partition], candidates: list[Books], limit: int | None,
        reservation: Reservation | None, may_have: Judge, before: Vain | None = None,
    ) -> list[Decision] | Vain:  # fmt: skip
        """Have others make room for the job, in the first of its partitions where that helps."""
        found = self.choose(job, partitions, candidates, limit, reservation, may_have)
        return self.in_vain(found, before) if isinstance(found, Vain) else self.carry_out(job, *found)

    def in_vain(self, found: Vain, before: Vain | None) -> Vain:
        """To be remembered: looks are ever rarer as long as they are in vain."""
        self._remind(found.until)
        return found if before is None else found._replace(pause=min(2 * before.pause, LONGEST_PAUSE))

    def vain(self, until: float, reservation: Reservation | None) -> Vain:
        """Nobody could make room, nor can before that moment, unless something changes."""
        return Vain(self.key(reservation), until, self._now, FIRST_PAUSE)

    def work(self, looks: int) -> None:
        """So many machines and jobs were passed over."""
        self._work += looks

    def choose(
        self, job: Job, partitions: list[Partition], candidates: list[Books], limit: int | None,
        reservation: Reservation | None, may_have: Judge,
    ) -> tuple[Allocation, list[Job]] | Vain:  # fmt: skip
        """What the job would get, and who would have to make room for it."""
        until = NEVER
        for partition in partitions:
            able, moment = self.able_to(job, partition)
            until = min(until, moment)
            if not able:
                continue
            if not self._could_suffice(job, partition, able):
                continue
            names = self.usable_in(partition)
            usable = [one for one in candidates if one.entry.name in names]
            self._work += len(candidates) + len(able)
            free, barred = self.free(job, partition, usable, limit, reservation)
            victims = [one for one in able if one.preempt_time is None and not barred & held(one).keys()]
            found = _choose(self._cluster, job, partition, usable, free, victims)
            if found is not None and may_have(found[0]):
                return found
        return self.vain(until, reservation)

    def _could_suffice(self, job: Job, partition: Partition, able: list[Job]) -> bool:
        """Would there be room if all made some? Machines that are alike are looked at once."""
        wanted = demand(job, self._cluster.fleet)
        most = self._at_most(job, partition, able)
        self._work += len(most)
        rooms = [(capacity(wanted, total, free), count) for total, free, count in most]
        tasks, machines = sum(tasks * count for tasks, count in rooms), sum(count for tasks, count in rooms if tasks)
        return tasks >= wanted.tasks and machines >= wanted.least

    def _at_most(self, job: Job, partition: Partition, able: list[Job]) -> list[tuple[Resources, Resources, int]]:
        """What the machines of a partition have, what would be free there at most, and how many are alike in that."""
        key = partition.name, job.qos
        if key not in self._most:
            machines, fleet = self._cluster.machines, self._cluster.fleet
            free = {name: machines[name].free.plus(self._coming_on(name)) for name in self.usable_in(partition)}
            for one in able:
                for name, share in gives(fleet, one).items():
                    if name in free:
                        free[name] = free[name].plus(share)
            found: dict[object, tuple[Resources, Resources, int]] = {}
            for name, amount in free.items():
                total = machines[name].total
                alike = amounts(total), amounts(amount)
                count = found[alike][2] if alike in found else 0
                found[alike] = total, amount, count + 1
            self._most[key] = list(found.values())
            self._work += len(free) + len(able)
        return self._most[key]

    def usable_in(self, partition: Partition) -> set[str]:
        """The machines of a partition where something can be started, and somebody may make room."""
        if partition.name not in self._members:
            members = ((name, self._cluster.machines.get(name)) for name in partition.machines)
            usable = {name for name, one in members if one and one.is_usable and not one.is_paused(self._now)}
            self._members[partition.name] = usable - self._cluster.shared_machines  # where nobody makes room
        return self._members[partition.name]

    def carry_out(self, job: Job, taken: Allocation, victims: list[Job]) -> list[Decision]:
        """Keep that for the job, and have these make room for it."""
        self._coming.clear()
        self._most.clear()
        plans = self._cluster.plans
        plans[job.job_id] = (*plans.get(job.job_id, ()), taken)
        return [decision for victim in victims for decision in make_room(self._cluster, victim, self._now)]

    def free(
        self, job: Job, partition: Partition, usable: list[Books], limit: int | None, reservation: Reservation | None
    ) -> tuple[dict[str, Resources], set[str]]:
        """What nobody has to be told to leave; and the machines that a job before this one waits for."""
        kept = {} if reservation is None or ends_before(limit, reservation, self._now) else reservation.spare
        others = promised(self._cluster, job, [partition])
        for plan in self._cluster.plans.get(job.het_job_id or job.job_id, ()):
            _add(others, {name: share.resources for name, share in plan.items()})
        free = {}
        for books in usable:
            name = books.entry.name
            soon = books.free.at_most(kept[name]) if name in kept else books.free.plus(self._coming_on(name))
            free[name] = _not_negative(soon.minus(others.get(name, Resources())))
        return free, set(kept)

    def _coming_on(self, name: str) -> Resources:
        if name not in self._coming:
            self._coming[name] = coming(self._cluster, name)
        return self._coming[name]

    def able_to(self, job: Job, partition: Partition) -> tuple[list[Job], float]:
        """Who may be told to make room in a partition, in that order; and when the next one may."""
        key = partition.name, job.qos
        if key not in self._able:
            self._able[key] = self._look_for_able(job, partition)
        return self._able[key]

    def _look_for_able(self, job: Job, partition: Partition) -> tuple[list[Job], float]:
        cluster, fleet = self._cluster, self._cluster.fleet
        machines = [cluster.machines[name] for name in partition.machines if name in cluster.machines]
        numbers = {number for books in machines for number in books.jobs}
        able = [one for number in numbers if is_victim(cluster, job, partition, one := cluster.jobs[number])]
        moments = [exempt_until(fleet, one) for one in able]
        exempt = [moment for moment in moments if moment > self._now]
        ready = [one for one, moment in zip(able, moments, strict=True) if moment <= self._now]
        self._work += len(numbers)
        return sorted(ready, key=lambda one: value(fleet, one)), min(exempt, default=NEVER)

    # --- those that wait for their CPUs

    def resume(self) -> list[Decision]:
        """Let those go on whose CPUs are free again, and kept for nobody before them: the most valuable first."""
        decisions: list[Decision] = []
        fleet = self._cluster.fleet
        for job in sorted(lent_jobs(self._cluster), key=lambda one: value(fleet, one), reverse=True):
            kept: dict[str, Resources] = {}
            for plans in self._cluster.plans.values():
                for plan in plans:
                    _add(kept, {name: share.resources for name, share in plan.items()})
            if all(self._has(name, share.resources.cpus, kept) for name, share in allocation(job).items()):
                decisions += resume(self._cluster, job, self._now)
        return decisions

    def _has(self, name: str, cpus: int, kept: Mapping[str, Resources]) -> bool:
        books = self._cluster.machines.get(name)
        if books is None or not books.is_up or books.free.cpus < cpus:
            return False
        soon = books.free.cpus + coming(self._cluster, name).cpus
        return soon - kept.get(name, Resources()).cpus >= cpus


def _choose(
    cluster: Cluster, job: Job, partition: Partition, machines: list[Books], free: Mapping[str, Resources],
    victims: list[Job],
) -> tuple[Allocation, list[Job]] | None:  # fmt: skip
    """What the job gets where, and whose end that takes: of these as few as possible, the first before the last."""
    caps = Caps(cluster, job, [partition])
    forecast = Forecast(job, machines, cluster.fleet, free, caps)
    found = forecast.place()
    needed: list[Job] = []
    for victim in victims if found is None else ():
        needed.append(victim)
        found = forecast.place() if forecast.give(victim, gives(cluster.fleet, victim)) else None
        if found is not None:
            break
    if found is None:
        return None
    few = [books for books in machines if books.entry.name in found]
    for victim in reversed(needed):
        others = [one for one in needed if one is not victim]
        again = found if not held(victim).keys() & found.keys() else _without(cluster, job, few, free, others, caps)
        if again is not None:
            found, needed = again, others
    return found, needed


def _without(
    cluster: Cluster, job: Job, machines: list[Books], free: Mapping[str, Resources], victims: list[Job], caps: Caps
) -> Allocation | None:
    """What the job gets if only these make room."""
    here = {books.entry.name: free[books.entry.name] for books in machines}
    forecast = Forecast(job, machines, cluster.fleet, here, caps)
    for victim in victims:
        forecast.give(victim, gives(cluster.fleet, victim))
    return forecast.place()


def _not_negative(amount: Resources) -> Resources:
    gpus = {kind: max(count, 0) for kind, count in amount.gpus.items()}
    shares = {slot: max(part, 0) for slot, part in amount.shares.items()}
    return amount._replace(cpus=max(amount.cpus, 0), memory=max(amount.memory, 0), gpus=gpus, shares=shares)


def for_nobody(cluster: Cluster) -> dict[str, Resources]:
    """What is kept on machines, for the forecast of a job that has no part in it."""
    return promised(cluster) if cluster.plans or any(map(occupies, lent_jobs(cluster))) else {}
