"""A simulation that looks at each start: what was promised to others, and what was asked for, has to be kept."""

from __future__ import annotations

from collections import Counter

from mini_slurm.model.allocation import parse_allocation, union
from mini_slurm.model.job import Job
from mini_slurm.model.oversubscription import rows
from mini_slurm.model.reservation import Reservation, named
from mini_slurm.model.states import JobState
from mini_slurm.scheduler import events
from mini_slurm.scheduler.cluster import held, occupies
from mini_slurm.scheduler.decisions import Decision, Hold, Start
from mini_slurm.scheduler.events import Caller
from mini_slurm.scheduler.heterogeneous import parts
from mini_slurm.scheduler.licenses import parse
from tests.simulation.harness import ADMIN, Simulation

LIVE = frozenset({JobState.CONFIGURING, JobState.RUNNING, JobState.SUSPENDED})
NEVER = float("inf")


class Watched(Simulation):
    """What a test expects of jobs is written down here, apart from what the core makes of it."""

    def watch(self) -> None:
        """To be called once, before anything else."""
        self.begun: set[str] = set()  # attempts
        self.throttles: dict[int, int | None] = {}  # array -> tasks at a time
        self.after: dict[int, int] = {}  # job -> the one that it waits for
        self.corresponding: dict[int, int] = {}  # array -> the one whose tasks its own wait for, one for one
        self.dropped: set[tuple[int, int]] = set()  # tasks that were cancelled before they had a record
        self.flexible: set[str] = set()  # reservations that bind nobody
        self.beside_others: set[int] = set()  # jobs that an administrator let go on, whoever had their CPUs

    # --- what a test does

    def suspend(self, job_id: int, *, by: Caller = ADMIN, resume: bool = False) -> object:
        """scontrol suspend and resume."""
        said = super().suspend(job_id, by=by, resume=resume)
        if resume and not said:
            self.beside_others.add(job_id)
        return said

    def reserve(self, **wish: object) -> str:
        """scontrol create reservation; the error."""
        self.happen(events.ReservationRequested(1, ADMIN, wish, True))
        if not self.answers[-1].error and "FLEX" in wish["flags"]:  # type: ignore[operator]
            self.flexible.add(self.answers[-1].name)
        return self.answers[-1].error

    def change_reservation(self, **wish: object) -> str:
        """scontrol update reservation; the error."""
        self.happen(events.ReservationRequested(1, ADMIN, wish))
        return self.answers[-1].error

    def delete_reservation(self, name: str) -> str:
        """scontrol delete reservation; the error."""
        self.happen(events.ReservationDeleteRequested(1, ADMIN, name))
        return self.answers[-1].error

    # --- what has to be true of each start

    def _perform(self, decision: Decision) -> None:
        if isinstance(decision, Start | Hold):
            name = self.cluster.attempt_name(decision.job)
            if name not in self.begun:
                self.begun.add(name)
                self._look_at_start(decision.job)
        super()._perform(decision)

    def _look_at_start(self, job: Job) -> None:
        together = parts(self.cluster, job) if job.het_size else [job]
        self._all_or_none(job, together)
        self._array_and_dependencies(job)
        for part in together:
            self._keeps_to_reservations(part, job.time_limit)
        holders = [one for one in self.cluster.jobs.values() if one.state in LIVE]
        used = sum((Counter(dict(parse(one.licenses))) for one in holders), Counter())
        assert used <= Counter(dict(self.fleet.licenses)), used

    def _all_or_none(self, job: Job, together: list[Job]) -> None:
        assert len(together) == max(job.het_size, 1)
        shares = [parse_allocation(part.allocation) for part in together]
        assert all(shares)
        if job.het_size:
            assert parse_allocation(job.het_allocation or "{}") == union(shares)

    def _array_and_dependencies(self, job: Job) -> None:
        number = job.array_job_id or job.job_id
        limit = self.throttles.get(number)
        assert limit is None or sum(map(occupies, self.cluster.records_of(number))) <= limit
        if number in self.after:
            first = self.after[number]
            assert all(one.restarts for one in self.cluster.jobs.values() if first in (one.job_id, one.array_job_id))
        if number in self.corresponding:
            key = self.corresponding[number], job.array_task_id
            assert key not in self.dropped
            both = (*self.cluster.jobs.values(), *self.done.values())
            its = [one for one in both if (one.array_job_id, one.array_task_id) == key]
            assert all(one.state is JobState.COMPLETED or one.restarts for one in its) and its, key

    def _keeps_to_reservations(self, job: Job, limit: int | None) -> None:
        machines = parse_allocation(job.allocation).keys()
        end = self.now + (NEVER if limit is None else limit)
        mine = [one for one in named(self.cluster.fleet, job) if one.admits(job.uid, job.account)]
        mine = [one for one in mine if one.is_active(self.now) or "FLEX" in one.flags]
        others = [one for one in self.cluster.fleet.reservations.values() if machines & set(one.machines)]
        others = [one for one in others if one.overlaps(self.now, end)]
        if job.reservation is None:
            assert others == []
        else:
            assert any(_may_be_there(one, machines, others) for one in mine)

    # --- what has to be true at any time

    def check(self) -> None:
        """Raises AssertionError."""
        for job in self.cluster.jobs.values():
            if job.het_offset:
                first = self.cluster.jobs[job.job_id - job.het_offset]
                assert (job.state, job.reason) == (first.state, first.reason)
            if (
                job.reservation is not None
                and job.state in LIVE
                and not self.flexible & set(job.reservation.split(","))
            ):
                assert any(one.end > self.now for one in named(self.cluster.fleet, job)), job.display_id
        for name, books in self.cluster.machines.items():
            holders = [job for job in self.cluster.on_machine(name) if occupies(job)]
            shares = [held(job)[name] for job in holders]
            parts_of_gpus = sum((Counter(dict(share.shares)) for share in shares), Counter())
            assert all(part <= slot.size for slot, part in parts_of_gpus.items())
            gpus = sum((Counter(dict(share.gpus)) for share in shares), Counter(slot.type for slot in parts_of_gpus))
            assert gpus <= Counter(dict(books.total.gpus)), (name, gpus)
            if name in self.cluster.shared_machines:
                self._share_as_their_partitions_have_it(name, books.total.cpus)
            else:
                apart = [held(job)[name] for job in holders if job.job_id not in self.beside_others]
                assert sum(share.cpus for share in apart) <= books.total.cpus
            assert sum(share.memory for share in shares) <= books.total.memory

    def _share_as_their_partitions_have_it(self, machine: str, total: int) -> None:
        holders = [job for job in self.cluster.on_machine(machine) if occupies(job) and not job.lent]
        holders = [job for job in holders if job.job_id not in self.beside_others]
        partitions = self.cluster.fleet.partitions
        most = {job.job_id: rows(job, partitions[job.partition]) for job in holders}
        alone = [job for job in holders if not most[job.job_id]]
        assert sum(held(job)[machine].cpus for job in alone) <= total
        for job in holders:
            if most[job.job_id]:
                together = [one for one in holders if one.partition == job.partition]
                assert sum(held(one)[machine].cpus for one in together) <= most[job.job_id] * total
                assert all(one.partition == job.partition for one in alone), machine


def _may_be_there(own: Reservation, machines: object, others: list[Reservation]) -> bool:
    """May a job that uses this reservation start on these machines, which others keep, too?"""
    if "FLEX" not in own.flags and not own.is_for_licenses and not set(machines) <= set(own.machines):  # type: ignore[call-overload]
        return False
    rivals = [one for one in others if one != own]
    return "MAINT" in own.flags or all("OVERLAP" in own.flags and "MAINT" not in one.flags for one in rivals)
