"""The core's state: machines, jobs, and books of what is free; check() audits the books."""

from __future__ import annotations

from dataclasses import dataclass, field

from mini_slurm.model.allocation import Allocation, parse_allocation
from mini_slurm.model.changed_fleet import NONE, Overrides, apply
from mini_slurm.model.fleet import Fleet
from mini_slurm.model.job import Job
from mini_slurm.model.machine import Machine
from mini_slurm.model.machine_resources import resources
from mini_slurm.model.oversubscription import shares
from mini_slurm.model.request import CANCELLED_TASKS, extra
from mini_slurm.model.resources import Resources
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.demand import with_entry
from mini_slurm.scheduler.ends import Ends
from mini_slurm.scheduler.limits import has_strangers
from mini_slurm.scheduler.queue import Queue
from mini_slurm.scheduler.scopes import has_limits
from mini_slurm.scheduler.stock import Stock
from mini_slurm.scheduler.usage import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mini_slurm.scheduler.policy import Reservation


@dataclass
class Cluster:
    """Everything the core decides upon. `touched` holds the jobs that changed since the caller last took them."""

    fleet: Fleet
    file: Fleet  # as its file has it: `fleet` has what administrators changed, too
    state_id: str
    next_job_id: int = 1
    machines: dict[str, Books] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)
    touched: dict[int, Job] = field(default_factory=dict)
    # machines, besides the batch host, that have said yes to a job whose script has not been sent yet
    ready: dict[int, set[str]] = field(default_factory=dict)
    owner: int = 0  # uid of whoever looks after the fleet
    overrides: Overrides = NONE
    is_overridden: bool = False  # the overrides have to be stored
    ended: dict[int, Job] = field(default_factory=dict)  # in this step; see dependents.py
    spoiled: set[int] = field(default_factory=set)  # arrays of which a task did not end well
    dependency_moment: float | None = None  # when a delay after the start of another job is over next
    runs: list[Job] = field(default_factory=list)  # as they were when they were requeued: to be stored apart
    sizes: list[Job] = field(default_factory=list)  # ... and when they gave machines back
    usage: Usage = field(default_factory=Usage)
    queue: Queue = field(default_factory=Queue)
    reservation: Reservation | None = None  # of the first job that waits for room
    ends: Ends = field(default_factory=Ends)
    shared_machines: frozenset[str] = frozenset()  # where jobs may share CPUs; see oversubscription.py
    miscounted: set[str] = field(default_factory=set)  # ... of which that is to be worked out anew
    has_owners: bool = False  # may a machine be one user's alone? See owners.py
    _arrays: dict[int, dict[int, Job]] = field(default_factory=dict)  # their records that are not over
    _stock: Stock | None = None
    priorities_due: float = 0.0  # when all priorities are worked out again
    plans: dict[int, tuple[Allocation, ...]] = field(default_factory=dict)  # what jobs get when others make room
    yielding: set[int] = field(default_factory=set)  # jobs that were told to make room; see evictions.py
    look_again: float = 0.0  # when to look next for jobs that could be told to
    quiet: dict[int, float] = field(default_factory=dict)  # jobs that were just changed: until when they have no reason

    def touch(self, job: Job) -> None:
        """Remember that the job has changed: it has to be stored, and filed anew."""
        self.touched[job.job_id] = job
        self.queue.note(job.job_id)

    def note(self, machine: str) -> None:
        """Remember that what is free on a machine, or whether it can be used, has changed."""
        if self._stock is not None:
            self._stock.note(machine)

    @property
    def stock(self) -> Stock:
        """What is free, by classes of machines."""
        if self._stock is None:
            self._stock = Stock(self.machines, self.fleet.partitions)
        return self._stock

    def reorder(self) -> None:
        """Machines have more or less than before, or other jobs may use them."""
        self._stock = self.reservation = None

    def add(self, job: Job) -> None:
        """There is one more job that is not over."""
        self.jobs[job.job_id] = job
        if job.array_job_id is not None:
            self._arrays.setdefault(job.array_job_id, {})[job.job_id] = job
            self.note_array(job)
        if job.preempt_time is not None and not job.het_offset:  # further parts follow the first one
            self.yielding.add(job.job_id)
        if job.is_user_exclusive:
            self.has_owners = True
            self.queue.tell_apart(True)
        self.touch(job)

    def remove(self, job: Job) -> None:
        """A job is over."""
        self.touch(job)
        del self.jobs[job.job_id]
        if job.array_job_id is not None:
            records = self._arrays[job.array_job_id]
            del records[job.job_id]
            if not records:
                del self._arrays[job.array_job_id]

    def records_of(self, array: int) -> list[Job]:
        """The records of an array that are not over."""
        return list(self._arrays.get(array, {}).values())

    def attempt_name(self, job: Job) -> str:
        """The name of the job's present attempt, the same in every message about it."""
        return f"{self.state_id}.{job.job_id}.{job.attempt}"

    def job_of(self, attempt: str) -> Job | None:
        """The job whose present attempt this is; None for an attempt that is over or was given up."""
        state_id, _, rest = attempt.partition(".")
        job_id, _, _ = rest.partition(".")
        job = self.jobs.get(int(job_id)) if job_id.isascii() and job_id.isdigit() and len(job_id) < 19 else None
        if state_id != self.state_id or job is None or job.node is None or self.attempt_name(job) != attempt:
            return None
        return job

    def note_end(self, job: Job) -> None:
        """The job has ended: others may wait for that."""
        self.ended[job.job_id] = job
        self.note_array(job)
        if job.array_job_id is not None and job.state is not JobState.COMPLETED:
            self.spoiled.add(job.array_job_id)

    def note_array(self, job: Job) -> None:
        """Were tasks of the job's array cancelled of which no record tells?"""
        if job.array_job_id is not None and CANCELLED_TASKS in extra(job):
            self.spoiled.add(job.array_job_id)

    def is_array(self, number: int) -> bool:
        """Is this the number of an array that is known now?"""
        return number in self._arrays or any(job.array_job_id == number for job in self.ended.values())

    def on_machine(self, name: str) -> list[Job]:
        """The jobs whose present attempt is on this machine, in the order of their numbers."""
        books = self.machines.get(name)
        if books is None:  # it has left the fleet
            return [job for job in self.jobs.values() if name in allocation(job)]
        return [self.jobs[number] for number in sorted(books.jobs)]

    def place(self, job: Job) -> None:
        """The job's present attempt is on the machines of its allocation from now on."""
        for name in allocation(job):
            if name in self.machines:
                self.machines[name].jobs.add(job.job_id)
        if job.node is not None and not job.het_offset:
            self.ends.put(job)

    def displace(self, job: Job) -> None:
        """The job is over, or waits again."""
        self.ready.pop(job.job_id, None)
        self.ends.remove(job.job_id)
        for name in allocation(job):
            if name in self.machines:
                self.machines[name].jobs.discard(job.job_id)

    def check(self) -> None:
        """Work the books out again the slow way. Raises AssertionError."""
        for name, books in self.machines.items():
            left = books.total.minus(Resources(gpus=books.blocked))
            assert books.jobs == {job.job_id for job in self.jobs.values() if name in allocation(job)}, name
            for job in self.on_machine(name):
                if occupies(job):
                    left = left.minus(held(job)[name])
            if name in self.shared_machines:  # several jobs may have the same CPUs: tenants() says what is free
                is_possible = max(left.cpus, 0) <= books.free.cpus <= books.total.cpus
                assert is_possible or not books.is_up, (name, left, books.free)
                left = left._replace(cpus=books.free.cpus)
            is_beside_others = any(job.suspend_time is not None and occupies(job) for job in self.on_machine(name))
            if books.is_up:
                assert (left.cpus, left.memory) == (books.free.cpus, books.free.memory), (name, left, books.free)
                assert left.gpu_count == books.free.gpu_count, (name, left, books.free)
                assert left.shares == books.free.shares, (name, left, books.free)
                assert min(0 if is_beside_others else left.cpus, *left.shares.values(), 0) == 0, (name, left)
                assert books.blocked or min(*left.gpus.values(), 0, 0) == 0, (name, left)
        self.stock.check()
        assert {job.job_id: job for number in self._arrays for job in self.records_of(number)} == {
            number: job for number, job in self.jobs.items() if job.array_job_id is not None
        }


def make_cluster(
    fleet: Fleet,
    state_id: str,
    jobs: list[Job],
    machines: dict[str, Machine],
    owner: int = 0,
    overrides: Overrides = NONE,
) -> Cluster:
    """The state after a start: the jobs that are not over, and machines that have not answered yet."""
    cluster = Cluster(fleet, fleet, state_id, owner=owner, overrides=overrides)
    for job in jobs:
        cluster.add(job)
    cluster.touched.clear()
    set_fleet(cluster, fleet)
    for name, books in cluster.machines.items():
        known = machines.get(name)
        if known is not None:
            books.total = with_entry(resources(known), books.entry)
    return cluster


def set_fleet(cluster: Cluster, fleet: Fleet) -> None:
    """Take a changed fleet file, or changes beyond it: what is known of machines that stay is kept."""
    cluster.file = fleet
    cluster.fleet = apply(fleet, cluster.overrides)
    kept = cluster.machines
    cluster.machines = {name: kept.get(name) or Books(entry) for name, entry in cluster.fleet.machines.items()}
    for position, (name, entry) in enumerate(cluster.fleet.machines.items()):
        cluster.machines[name].entry, cluster.machines[name].position = entry, position
    for job in cluster.jobs.values():
        cluster.place(job)
    is_choosy = cluster.fleet.preempt.type == "qos" or has_strangers(cluster.fleet.partitions.values())
    is_selfish = any(one.exclusive_user for one in cluster.fleet.partitions.values())
    cluster.has_owners = is_selfish or any(job.is_user_exclusive for job in cluster.jobs.values())
    cluster.queue.tell_apart(is_choosy or cluster.has_owners or has_limits(cluster.fleet))
    _share_machines(cluster)
    cluster.reorder()


def _share_machines(cluster: Cluster) -> None:
    """A machine where jobs have shared CPUs counts as one where they do until they have gone."""
    before = {name for name in cluster.shared_machines if name in cluster.machines and cluster.machines[name].jobs}
    sharing = (one for one in cluster.fleet.partitions.values() if shares(one))
    found = {name for one in sharing for name in one.machines if name in cluster.machines} | before
    cluster.miscounted |= found
    cluster.shared_machines = frozenset(found)


def override(cluster: Cluster, overrides: Overrides) -> None:
    """Take what administrators changed."""
    cluster.overrides, cluster.is_overridden = overrides, True
    set_fleet(cluster, cluster.file)


def occupies(job: Job) -> bool:
    """Does the job hold its resources? While COMPLETING it does until its last process has ended."""
    return job.state.holds_resources and not (job.state is JobState.COMPLETING and job.end_time is not None)


def held(job: Job) -> Mapping[str, Resources]:
    """What the job's attempt has of each machine now: without the CPUs while others have them."""
    shares = {name: share.resources for name, share in allocation(job).items()}
    return {name: share._replace(cpus=0) for name, share in shares.items()} if job.lent else shares


def allocation(job: Job) -> Allocation:
    """What the job's attempt holds, by machine; nothing while it waits.

    The parts of a heterogeneous job are one attempt: the first one's.
    """
    if job.node is None or job.het_offset:
        return {}
    return parse_allocation(job.het_allocation or job.allocation)
