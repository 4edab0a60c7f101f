"""One pass over the queue: what can start now is started, and each job that cannot gets its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from heapq import heappop, heappush, heapreplace

from mini_slurm.model.allocation import Allocation, union
from mini_slurm.model.job import Job
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler import licenses
from mini_slurm.scheduler.caps import capped
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.deadlines import limit_until
from mini_slurm.scheduler.decisions import Decision
from mini_slurm.scheduler.eligible import highest_tier
from mini_slurm.scheduler.evictions import Evictions, Vain, carried_out, for_nobody, tidy
from mini_slurm.scheduler.explain import PRIORITY, Waiting
from mini_slurm.scheduler.filing import file_jobs, holders
from mini_slurm.scheduler.heterogeneous import Arranged, arrange, could_ever_start, lasting, once, parts
from mini_slurm.scheduler.joint_evictions import Wish, plan_together
from mini_slurm.scheduler.oversubscription import settle
from mini_slurm.scheduler.owners import Owners, is_selfish, without
from mini_slurm.scheduler.policy import Reservation, after_start, ends_before, reserve, shortened
from mini_slurm.scheduler.prospect import Prospect, barred, wishes
from mini_slurm.scheduler.queue import Group
from mini_slurm.scheduler.quotas import Quotas
from mini_slurm.scheduler.reservations import Reserved
from mini_slurm.scheduler.scopes import in_partition
from mini_slurm.scheduler.starting import (
    begin,
    begin_together,
    end_quiet,
    is_throttled,
    next_task,
    partition_of,
    running_tasks,
)
from mini_slurm.scheduler.turn import Place, Turn

NOTHING = Resources()
THROTTLED, NO_LICENSE, NEVER_ROOM = "JobArrayTaskLimit", "Licenses", "PartitionConfig"


def start_pending(cluster: Cluster, now: float) -> list[Decision]:
    """Start every pending job that may and can start now."""
    end_quiet(cluster, now)
    file_jobs(cluster, now)
    settle(cluster)
    tidy(cluster, now)
    cluster.stock.refresh(now)
    return Round(cluster, now).run()


class Round:
    """What one pass has decided so far."""

    def __init__(self, cluster: Cluster, now: float) -> None:
        self.cluster = cluster
        self.now = now
        self.decisions: list[Decision] = []
        self._blocked: list[tuple[Job, Prospect]] = []  # who found no room, until one of them has a reservation
        self._reservation: Reservation | None = None  # made when somebody might get in its way
        self._spare: Mapping[int, Resources] | None = None  # what it leaves of its machines now, by positions
        self._waiting = Waiting(cluster)
        self._reserved = Reserved(cluster, now)
        self._licenses = licenses.Free(cluster.fleet.licenses, cluster.queue.licensed.values())
        self._quotas = Quotas(cluster.fleet, holders(cluster))
        self._evictions = Evictions(cluster, now)
        self._owners = Owners(cluster)

    def run(self) -> list[Decision]:
        """Try the first jobs of all groups, in the order of the queue."""
        begun: list[tuple[Place, Turn]] = []  # groups of which further jobs are to be tried
        for place, group in self._heads():
            while begun and begun[0][0] < place:
                self._go_on(begun)
            if not self._is_settled(group):
                heappush(begun, (place, Turn(group, place[0])))
        while begun:
            self._go_on(begun)
        self.cluster.reservation = self._reservation
        return self.decisions + self._evictions.resume()

    def _heads(self) -> list[tuple[Place, Group]]:
        """All groups in the order of their first jobs."""
        named = {str(key[0]) for key in self.cluster.queue.groups}
        tiers = {names: -highest_tier(self.cluster.fleet, names) for names in named}
        found = []
        for key, group in self.cluster.queue.groups.items():
            head = group.head()
            if head is not None:
                found.append(((tiers[str(key[0])], *head), group))
        return sorted(found)

    def _go_on(self, begun: list[tuple[Place, Turn]]) -> None:
        """Try the job that is next."""
        place, turn = begun[0]
        self._try(turn, turn.group.jobs[place[-1]])
        following = turn.key()
        if following is not None:
            heapreplace(begun, (following, turn))
        else:
            turn.end(self.cluster)
            heappop(begun)

    def _is_settled(self, group: Group) -> bool:
        """Has nothing changed for these jobs, who wait behind others, since they were tried in vain?"""
        prospect = group.prospect
        return (
            group.rest == PRIORITY
            and not (group.fresh or group.apart)
            and prospect is not None
            and prospect.stock is self.cluster.stock
            and not (self.cluster.fleet.reservations or prospect.is_licensed or prospect.preferred)
            and self._waiting.is_closed(prospect.names)
            and prospect.news(self._reservation) == []
            and (not prospect.preempts or self._evictions.is_vain(prospect.vain, self._reservation))
        )

    def _try(self, turn: Turn, job: Job) -> None:
        """Start the job, or as many tasks of the array as there is room for."""
        if job.het_size:
            self._try_together(turn, parts(self.cluster, job))
            return
        if self._quotas.chooses(job):
            self._try_each(turn, job)
            return
        prospect = self._prospect(turn.group, job)
        reason = prospect.reason or self._quotas.reason(job) or self._reserved.reason(job)
        if reason is not None:
            turn.close(reason)
            return
        while not is_throttled(self.cluster, job):
            if job.licenses and not self._licenses.suffice(job, self._reserved.licenses(job)):
                turn.close(NO_LICENSE)
                return
            found = self._find(job, prospect) or self._make_room(job, prospect)
            if found is None:
                self._wait(turn, job, prospect)
                return
            reason = self._quotas.reason(job) or self._quotas.excess(job, found[0])
            if reason is not None:
                turn.close(reason)
                return
            if self._start(job, *found, job.partition):
                return
        turn.skip(job.job_id, THROTTLED)

    def _try_each(self, turn: Turn, job: Job) -> None:
        """The same where the job's partitions have limits of their own: it starts in the first where it may and can."""
        shut: dict[str, str] = {}
        while not is_throttled(self.cluster, job):
            one = self._quotas.narrowed(job, shut)
            if isinstance(one, str):
                turn.close(one)
                return
            prospect = Prospect(self.cluster, one)
            reason = prospect.reason or self._reserved.reason(one)
            if reason is not None or not self._licenses.suffice(job, self._reserved.licenses(job)):
                turn.close(reason or NO_LICENSE)
                return
            found = self._find(one, prospect) or self._make_room(one, prospect)
            if found is None:
                self._wait(turn, one, prospect)
                return
            one = in_partition(job, partition_of(self.cluster, one, found[0]))
            reason = self._quotas.excess(one, found[0])
            if reason is not None:
                shut[one.partition] = reason
                continue
            if self._start(job, *found, one.partition):
                return
        turn.skip(job.job_id, THROTTLED)

    def _try_together(self, turn: Turn, together: list[Job]) -> None:
        """Start all parts of a heterogeneous job, or none of them."""
        whole = [lasting(part, together[0]) for part in together]
        prospects = [Prospect(self.cluster, part) for part in together]
        free = copy(self._licenses)
        for part, lasts, prospect in zip(together, whole, prospects, strict=True):
            reason = self._reason_apart(part, lasts, prospect, free)
            if reason is not None:
                turn.close(reason)
                return
        found = self._arranged(whole, prospects)
        if found.failed is not None and self._make_room_together(turn.group, whole, prospects):
            found = self._arranged(whole, prospects)
        if found.failed is not None:
            if together[0].job_id in self.cluster.plans or could_ever_start(self.cluster, together):
                self._wait(turn, whole[found.failed], prospects[found.failed])
            else:
                turn.close(NEVER_ROOM)
            return
        quotas = copy(self._quotas)
        reason = quotas.take_together(together, found.taken)
        if reason is not None:
            turn.close(reason)
            return
        self._licenses, self._quotas = free, quotas
        self._begin_together(together, found.taken)

    def _arranged(self, whole: list[Job], prospects: list[Prospect]) -> Arranged:
        return arrange(
            [len(one.must) or len(one.candidates) for one in prospects],
            lambda part, others: once(self._places_beside(whole[part], prospects[part], others)),
        )

    def _reason_apart(self, part: Job, whole: Job, prospect: Prospect, free: licenses.Free) -> str | None:
        """Why a part waits wherever there is room; what it needs of the licenses is taken of those that are free."""
        reason = prospect.reason or self._quotas.reason(part) or self._reserved.reason(whole)
        if reason is None and part.licenses and not free.suffice(part, self._reserved.licenses(whole)):
            reason = NO_LICENSE
        free.take(part)
        return reason

    def _begin_together(self, together: list[Job], taken: list[Allocation]) -> None:
        carried_out(self.cluster, together[0], union(taken))
        self.decisions += begin_together(self.cluster, together, taken, self.now)
        self.cluster.queue.remove(together[0].job_id)
        self.cluster.stock.refresh(self.now)
        self._reservation = after_start(together[0], union(taken), self._reservation, self.now)
        self._spare, self._owners = None, Owners(self.cluster)

    def _prospect(self, group: Group, job: Job) -> Prospect:
        if group.prospect is None or group.prospect.stock is not self.cluster.stock:
            group.prospect = Prospect(self.cluster, job)
        return group.prospect

    def _start(self, job: Job, taken: Allocation, limit: int | None, partitions: str) -> bool:
        """Start the job, or the next task of an array, in one of these partitions. Was that all of it?"""
        carried_out(self.cluster, job, taken)
        one = next_task(self.cluster, job)
        one.time_limit, one.partition = limit, partitions
        self._licenses.take(one)
        self.decisions += begin(self.cluster, one, taken, self.now)
        self._quotas.take(one, taken)
        self.cluster.queue.remove(one.job_id)
        self.cluster.stock.refresh(self.now)
        self._reservation = after_start(one, taken, self._reservation, self.now)
        self._spare, self._owners = None, Owners(self.cluster)
        return one is job

    # --- who makes room

    def _make_room(self, job: Job, prospect: Prospect) -> tuple[Allocation, int | None] | None:
        """Have others make room for the job; what it gets, where they have done so at once."""
        found = None
        while prospect.preempts and found is None and self._evictions.wants_more(job, running_tasks(self.cluster, job)):
            self._reserve()
            if self._evictions.is_vain(prospect.vain, self._reservation):
                break
            allowed = without(self._reserved.choices(job, prospect.candidates)[0], self._owners.hindering(job))
            done = self._evictions.plan(
                job, prospect.partitions, allowed, limit_until(job, self.now), self._reservation,
                lambda taken: self._quotas.excess(job, taken) is None, prospect.vain,
            )  # fmt: skip
            if isinstance(done, Vain):
                prospect.vain = done
                break
            prospect.vain = None
            self.decisions += done
            self.cluster.stock.refresh(self.now)
            self._spare = None
            found = self._find(job, prospect)
        return found

    def _make_room_together(self, group: Group, whole: list[Job], prospects: list[Prospect]) -> bool:
        """Have others make room for all parts of a heterogeneous job; was anybody told to?"""
        first = whole[0]
        if not any(one.preempts for one in prospects) or not self._evictions.wants_more(first, 0):
            return False
        self._reserve()
        if self._evictions.is_vain(group.vain, self._reservation):
            return False
        wishes = [
            Wish(part, one.partitions, without(self._reserved.choices(part, one.candidates)[0], others))
            for part, one in zip(whole, prospects, strict=True)
            for others in (self._owners.hindering(part),)
        ]
        done = plan_together(
            self._evictions, self.cluster.fleet, wishes, limit_until(first, self.now), self._reservation,
            lambda taken: copy(self._quotas).take_together(whole, taken) is None, group.vain,
        )  # fmt: skip
        group.vain = done if isinstance(done, Vain) else None
        if isinstance(done, Vain):
            return False
        self.decisions += done
        self.cluster.stock.refresh(self.now)
        self._spare = None
        return True

    def _wait(self, turn: Turn, job: Job, prospect: Prospect) -> None:
        """There is no room yet; others of the shape may have some made for them, too."""
        number = job.het_job_id or job.job_id
        if beyond := self._quotas.excess_asked(job):
            return turn.close(beyond)
        if number not in self.cluster.plans:
            self._block(turn, job, prospect)
            return
        is_closed = self._waiting.is_closed(prospect.names)
        allowed = self._reserved.allowed(job, prospect.candidates)
        turn.skip(number, PRIORITY if is_closed else self._waiting.reason(job, prospect, allowed))

    # --- where

    def _find(self, job: Job, prospect: Prospect) -> tuple[Allocation, int | None] | None:
        """What the job gets now, of machines that it prefers if there are such, and its time limit."""
        return next((found for one in wishes(job, prospect) if (found := self._find_as_asked(*one))), None)

    def _find_as_asked(self, job: Job, prospect: Prospect) -> tuple[Allocation, int | None] | None:
        news = None if job.deadline is not None else prospect.news(self._reservation)
        if news is not None and not news:
            return None
        self._reserve()
        limit = limit_until(job, self.now)
        vain: set[int] = set()
        shorter = shortened(job, limit, self._reservation, self.now)
        for one in dict.fromkeys((limit, shorter, *self._reserved.shorter(job, limit))):
            for kept in self._kept_from(job, prospect, one):
                taken = prospect.find(kept, news)
                if taken is not None:
                    return taken, one
                vain.update(kept)
        prospect.fail(vain, self._reservation)
        return None

    def _places_beside(self, part: Job, prospect: Prospect, others: Allocation) -> Iterator[Allocation | None]:
        """Where a part fits: on machines that no other part has, if that is possible."""
        self._reserve()
        shared = {self.cluster.machines[name]: share.resources for name, share in others.items()}
        apart = {books.position: NOTHING for books in shared}
        for kept in self._kept_from(part, prospect, limit_until(part, self.now)):
            rest = {one.position: kept.get(one.position, one.free).minus(taken) for one, taken in shared.items()}
            for left in (apart, rest) if shared else (apart,):
                yield from prospect.finds({**kept, **left})

    def _kept_from(self, job: Job, prospect: Prospect, limit: int | None) -> list[Mapping[int, Resources]]:
        """What a job of this time limit may take of machines that are kept for others, by their positions.

        One for each of the job's advance reservations, as it starts in one of them.
        """
        kept = {} if ends_before(limit, self._reservation, self.now) else self._kept_for_others(job)
        limits = self._evictions.limits(job, prospect.partitions, kept)
        kept = {**kept, **limits} if limits else kept
        if prospect.is_capped and not job.is_exclusive:
            kept = {**kept, **capped(self.cluster, prospect.partitions, kept)}
        hindering = self._owners.hindering(job)
        if hindering:
            kept = {**kept, **{self.cluster.machines[name].position: NOTHING for name in hindering}}
        if not self.cluster.fleet.reservations:
            return [kept]
        choices = self._reserved.preferred(job, prospect.candidates, limit)
        return [{**kept, **barred(prospect.candidates, allowed)} for allowed in choices]

    def _kept(self) -> Mapping[int, Resources]:
        """What may be taken of the machines of the reservation, by their positions."""
        if self._spare is None:
            books = self.cluster.machines
            spare = {} if self._reservation is None else self._reservation.spare
            self._spare = {books[name].position: books[name].free.at_most(left) for name, left in spare.items()}
        return self._spare

    def _kept_for_others(self, job: Job) -> Mapping[int, Resources]:
        """The same for this job: nothing where it would keep the owner of the reservation off."""
        kept = self._kept()
        if self.cluster.has_owners and self._reservation is not None and self._reservation.uid != job.uid:
            return dict.fromkeys(kept, NOTHING) if is_selfish(self.cluster.fleet, job) else kept
        return kept

    # --- who waits

    def _block(self, turn: Turn, job: Job, prospect: Prospect) -> None:
        """No room: the first such job gets a reservation, and others of its shape need not be tried in this pass."""
        number = job.het_job_id or job.job_id
        if job.reservation is not None:
            turn.close_with(number, *self._reserved.block(job))
            return
        if self._waiting.is_closed(prospect.names):
            turn.close(PRIORITY)
        else:
            reason = self._waiting.reason(job, prospect, self._reserved.allowed(job, prospect.candidates))
            turn.close_with(number, reason, self._waiting.again(prospect, reason))
        if self._reservation is None:
            known = self.cluster.reservation
            if known is not None and not self.decisions and known.holds(job, self.cluster, self.now):
                self._reserve()  # who found no room before comes first
                self._reservation = self._reservation or known
            else:
                self._blocked.append((job, prospect))

    def _reserve(self) -> None:
        """The first of those who found no room for whom there is a moment when there will be gets a reservation."""
        while self._blocked and self._reservation is None:
            job, prospect = self._blocked.pop(0)
            candidates = self._reserved.allowed(job, prospect.candidates)
            kept, others = for_nobody(self.cluster), self._owners.hindering(job)
            self._reservation = reserve(job, candidates, self.cluster, self.now, kept, others)
        self._blocked.clear()
