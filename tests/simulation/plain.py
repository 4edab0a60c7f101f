"""The pass over the queue as one would write it without a thought of its cost: it looks at all jobs and machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from functools import partial

from mini_slurm.model.allocation import Allocation, union
from mini_slurm.model.arrays import split_first, throttle_of
from mini_slurm.model.job import Job
from mini_slurm.model.request import preferring
from mini_slurm.model.resources import Resources
from mini_slurm.model.states import JobState
from mini_slurm.scheduler import licenses
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.caps import capped
from mini_slurm.scheduler.cluster import Cluster, occupies
from mini_slurm.scheduler.deadlines import is_late, limit_until, miss
from mini_slurm.scheduler.decisions import Decision
from mini_slurm.scheduler.eligible import could_run_somewhere, eligible_machines, judged, open_partitions, sites
from mini_slurm.scheduler.evictions import Evictions, carried_out, for_nobody, tidy
from mini_slurm.scheduler.explain import Waiting, own_reason, shared_reason
from mini_slurm.scheduler.explain import lasting as still_told
from mini_slurm.scheduler.heterogeneous import Arranged, arrange, could_ever_start, lasting, once, parts
from mini_slurm.scheduler.joint_evictions import Wish, plan_together
from mini_slurm.scheduler.oversubscription import offers, settle
from mini_slurm.scheduler.owners import Owners, is_selfish, without
from mini_slurm.scheduler.placement import place, required_names
from mini_slurm.scheduler.policy import Reservation, after_start, ends_before, pending_in_order, reserve, shortened
from mini_slurm.scheduler.preemption import could_preempt
from mini_slurm.scheduler.prospect import Prospect
from mini_slurm.scheduler.quotas import Quotas
from mini_slurm.scheduler.reservations import Reserved
from mini_slurm.scheduler.scopes import in_partition
from mini_slurm.scheduler.starting import QUIET, begin, begin_together, partition_of, set_reason, split_task

NONE: Allocation = {}


def _offered(offer: Mapping[int, Resources], books: Books) -> Resources:
    return offer.get(books.position, books.free)


def start_pending(cluster: Cluster, now: float) -> list[Decision]:
    """What scheduling.start_pending does."""
    settle(cluster)
    tidy(cluster, now)
    cluster.quiet = {number: until for number, until in cluster.quiet.items() if now < until <= now + QUIET}
    return PlainRound(cluster, now).run()


class PlainRound:
    """One pass."""

    def __init__(self, cluster: Cluster, now: float) -> None:
        self.cluster = cluster
        self.now = now
        self.decisions: list[Decision] = []
        self.reasons: dict[object, str] = {}
        self.reservation: Reservation | None = None
        self.waiting = Waiting(cluster)
        self.reserved = Reserved(cluster, now)
        holders = [job for job in cluster.jobs.values() if job.licenses and occupies(job)]
        self.licenses = licenses.Free(cluster.fleet.licenses, holders)
        everybody = (part for job in cluster.jobs.values() if occupies(job) for part in parts(cluster, job))
        self.quotas = Quotas(cluster.fleet, everybody)
        self.evictions = Evictions(cluster, now)

    def run(self) -> list[Decision]:
        for job in [job for job in pending_in_order(self.cluster) if not job.het_offset]:
            together = parts(self.cluster, job) if job.het_size else [job]
            reason = next((why for part in together if (why := own_reason(part, self.now))), None)
            if reason is None and is_late(job, self.now):
                miss(self.cluster, job, self.now)
                continue
            reason = reason or self.reasons.get(self.cluster.queue.key(job))
            reason = reason or (self.start_together(together) if job.het_size else self.start(job))
            if reason is not None:
                set_reason(self.cluster, job, still_told(job, reason))
        return self.decisions + self.evictions.resume()

    def start_together(self, together: list[Job]) -> str | None:
        free = copy(self.licenses)
        whole = [lasting(part, together[0]) for part in together]
        for part, lasts in zip(together, whole, strict=True):
            reason = self.shared_reason(part) or self.quotas.reason(part) or self.reserved.reason(lasts)
            if reason is not None or not free.suffice(part, self.reserved.licenses(lasts)):
                return reason or "Licenses"
            free.take(part)
        candidates = [eligible_machines(self.cluster, part) for part in together]
        found = self.arranged(together, whole, candidates)
        if found.failed is not None and self.make_room_together(together, whole, candidates):
            found = self.arranged(together, whole, candidates)
        if found.failed is not None:
            if together[0].job_id in self.cluster.plans or could_ever_start(self.cluster, together):
                number = found.failed
                return self.block(together[number], self.reserved.allowed(whole[number], candidates[number]))
            return "PartitionConfig"
        quotas = copy(self.quotas)
        reason = quotas.take_together(together, found.taken)
        if reason is not None:
            return reason
        self.licenses, self.quotas, taken = free, quotas, found.taken
        carried_out(self.cluster, together[0], union(taken))
        self.decisions += begin_together(self.cluster, together, taken, self.now)
        self.reservation = after_start(together[0], union(taken), self.reservation, self.now)
        return None

    def arranged(self, together: list[Job], whole: list[Job], candidates: list[list[Books]]) -> Arranged:
        named = [len(required_names(part.required_nodes)) for part in together]
        return arrange(
            [count or len(among) for count, among in zip(named, candidates, strict=True)],
            lambda number, others: once(self.beside(together[number], whole[number], candidates[number], others)),
        )

    def make_room_together(self, together: list[Job], whole: list[Job], candidates: list[list[Books]]) -> bool:
        partitions = [open_partitions(self.cluster, part) for part in together]
        can = [could_preempt(self.cluster.fleet, part, its) for part, its in zip(whole, partitions, strict=True)]
        if not any(can) or not self.evictions.wants_more(whole[0], 0):
            return False
        owners = Owners(self.cluster)
        wishes = [
            Wish(part, its, without(self.reserved.choices(part, among)[0], owners.hindering(part)))
            for part, its, among in zip(whole, partitions, candidates, strict=True)
        ]
        done = plan_together(
            self.evictions, self.cluster.fleet, wishes, limit_until(whole[0], self.now), self.reservation,
            lambda taken: copy(self.quotas).take_together(whole, taken) is None, None,
        )  # fmt: skip
        self.decisions += done if isinstance(done, list) else []
        return isinstance(done, list)

    def beside(self, part: Job, whole: Job, candidates: list[Books], others: Allocation) -> Iterator[Allocation | None]:
        limit = limit_until(whole, self.now)
        for allowed in self.reserved.preferred(whole, candidates, limit):
            apart = [books for books in allowed if books.entry.name not in others]
            yield from self.places(part, apart, limit)
            yield from self.places(part, allowed, limit, others)

    def shared_reason(self, job: Job) -> str | None:
        reasons = [reason for _, reason in judged(self.cluster, job)]
        return shared_reason(self.cluster, job, reasons, lambda: could_run_somewhere(self.cluster, job))

    def start(self, job: Job) -> str | None:
        if self.quotas.chooses(job):
            return self.start_in_one(job)
        candidates = eligible_machines(self.cluster, job)
        reason = self.shared_reason(job) or self.quotas.reason(job) or self.reserved.reason(job)
        if reason is not None:
            self.reasons[self.cluster.queue.key(job)] = reason
            return reason
        while not self.is_throttled(job):
            if not self.licenses.suffice(job, self.reserved.licenses(job)):
                self.reasons[self.cluster.queue.key(job)] = "Licenses"
                return "Licenses"
            taken, limit = self.find(job, candidates)
            while taken is None and self.make_room(job, self.reserved.allowed(job, candidates)):
                taken, limit = self.find(job, candidates)
            if taken is None:
                return self.block(job, self.reserved.allowed(job, candidates))
            reason = self.quotas.reason(job) or self.quotas.excess(job, taken)
            if reason is not None:
                self.reasons[self.cluster.queue.key(job)] = reason
                return reason
            self.launch(job, taken, limit, job.partition)
            if job.state is not JobState.PENDING:
                return None
        return "JobArrayTaskLimit"

    def start_in_one(self, job: Job) -> str | None:
        shut: dict[str, str] = {}
        while not self.is_throttled(job):
            one = self.quotas.narrowed(job, shut)
            if isinstance(one, str):
                self.reasons[self.cluster.queue.key(job)] = one
                return one
            candidates = eligible_machines(self.cluster, one)
            reason = self.shared_reason(one) or self.reserved.reason(one)
            if reason is None and not self.licenses.suffice(one, self.reserved.licenses(one)):
                reason = "Licenses"
            if reason is not None:
                self.reasons[self.cluster.queue.key(job)] = reason
                return reason
            taken, limit = self.find(one, candidates)
            while taken is None and self.make_room(one, self.reserved.allowed(one, candidates)):
                taken, limit = self.find(one, candidates)
            if taken is None:
                return self.block(one, self.reserved.allowed(one, candidates), job)
            one = in_partition(job, partition_of(self.cluster, one, taken))
            reason = self.quotas.excess(one, taken)
            if reason is not None:
                shut[one.partition] = reason
                continue
            self.launch(job, taken, limit, one.partition)
            if job.state is not JobState.PENDING:
                return None
        return "JobArrayTaskLimit"

    def launch(self, job: Job, taken: Allocation, limit: int | None, partition: str) -> None:
        carried_out(self.cluster, job, taken)
        one = job if job.array_tasks is None else split_task(self.cluster, job, *split_first(job.array_tasks))
        one.time_limit, one.partition = limit, partition
        self.licenses.take(one)
        self.decisions += begin(self.cluster, one, taken, self.now)
        self.quotas.take(one, taken)
        self.reservation = after_start(one, taken, self.reservation, self.now)

    def find(self, job: Job, candidates: list[Books]) -> tuple[Allocation | None, int | None]:
        wish = preferring(job)
        if wish is not None:
            found = self.find_as_asked(wish, eligible_machines(self.cluster, wish))
            if found[0] is not None:
                return found
        return self.find_as_asked(job, candidates)

    def find_as_asked(self, job: Job, candidates: list[Books]) -> tuple[Allocation | None, int | None]:
        limit = limit_until(job, self.now)
        shorter = (shortened(job, limit, self.reservation, self.now), *self.reserved.shorter(job, limit))
        for one in (limit, *shorter):
            for allowed in self.reserved.preferred(job, candidates, one):
                taken = self.place(job, allowed, one)
                if taken is not None:
                    return taken, one
        return None, limit

    def make_room(self, job: Job, candidates: list[Books]) -> bool:
        running = [one for one in self.cluster.jobs.values() if one.array_job_id == job.array_job_id and occupies(one)]
        partitions = open_partitions(self.cluster, job)
        if not self.evictions.wants_more(job, len(running)) or not could_preempt(self.cluster.fleet, job, partitions):
            return False
        limit = limit_until(job, self.now)
        candidates = without(candidates, Owners(self.cluster).hindering(job))
        done = self.evictions.plan(
            job, partitions, candidates, limit, self.reservation,
            lambda taken: self.quotas.excess(job, taken) is None,
        )  # fmt: skip
        self.decisions += done if isinstance(done, list) else []
        return isinstance(done, list)

    def is_throttled(self, job: Job) -> bool:
        limit = throttle_of(job.array_tasks) if job.array_tasks is not None else job.array_throttle
        others = [one for one in self.cluster.jobs.values() if one.array_job_id == job.array_job_id and occupies(one)]
        return limit is not None and len(others) >= limit

    def place(self, job: Job, candidates: list[Books], limit: int | None) -> Allocation | None:
        return next((taken for taken in self.places(job, candidates, limit) if taken is not None), None)

    def places(
        self, job: Job, candidates: list[Books], limit: int | None, others: Allocation = NONE
    ) -> Iterator[Allocation | None]:
        usable = [books for books in candidates if books.is_usable and not books.is_paused(self.now)]
        usable = without(usable, Owners(self.cluster).hindering(job))
        kept = {books.position: self.left(books, job, limit) for books in usable}
        kept.update(self.evictions.limits(job, open_partitions(self.cluster, job), kept))
        if not job.is_exclusive:
            kept.update(capped(self.cluster, open_partitions(self.cluster, job), kept))
        for name in [books.entry.name for books in usable if books.entry.name in others]:
            position = self.cluster.machines[name].position
            kept[position] = kept[position].minus(others[name].resources)
        limited = {one.position: left for one in usable if (left := kept[one.position]) != one.free}
        for partition in open_partitions(self.cluster, job):
            within = [books for books in usable if books.entry.name in partition.machines]
            for offer in offers(self.cluster, job, partition, limited):
                among = sites(within, partial(_offered, offer))
                yield place(job, among, self.cluster.fleet, partition)

    def left(self, books: Books, job: Job, limit: int | None) -> Resources:
        if self.reservation is None or ends_before(limit, self.reservation, self.now):
            return books.free
        is_there = books.entry.name in self.reservation.spare
        if is_there and job.uid != self.reservation.uid and is_selfish(self.cluster.fleet, job):
            return Resources()
        return books.free.at_most(self.reservation.spare.get(books.entry.name, books.free))

    def block(self, job: Job, candidates: list[Books], named: Job | None = None) -> str:
        """`named`: the job as it is in the queue, where it is looked at for some of its partitions only."""
        key = self.cluster.queue.key(named or job)
        beyond = self.quotas.excess_asked(job)
        if beyond is not None:
            self.reasons[key] = beyond
            return beyond
        if job.reservation is not None:
            reason, self.reasons[key] = self.reserved.block(job)
            return reason
        prospect = Prospect(self.cluster, job)
        is_closed = self.waiting.is_closed(prospect.names)
        reason = "Priority" if is_closed else self.waiting.reason(job, prospect, candidates)
        if (job.het_job_id or job.job_id) in self.cluster.plans:
            return reason
        self.reasons[key] = self.waiting.again(prospect, reason)
        if self.reservation is None:
            known = self.cluster.reservation
            if known is not None and not self.decisions and known.holds(job, self.cluster, self.now):
                self.reservation = known
            else:
                hindering = Owners(self.cluster).hindering(job)
                kept = for_nobody(self.cluster)
                self.reservation = reserve(job, candidates, self.cluster, self.now, kept, hindering)
        return reason
