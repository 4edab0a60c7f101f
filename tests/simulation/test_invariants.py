"""Whatever users, administrators and machines do: promises are kept, and a pass decides as a plain one would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mini_slurm.model.allocation import parse_allocation
from mini_slurm.model.arrays import has, throttle_of
from mini_slurm.model.fleet import Partition, Preempt
from mini_slurm.model.job import BY_HAND, TO_MAKE_ROOM, Job
from mini_slurm.model.reservation import Reservation
from mini_slurm.model.resources import Resources, Size
from mini_slurm.scheduler import core, evictions, scheduling
from mini_slurm.scheduler.cluster import Cluster, occupies
from mini_slurm.scheduler.decisions import Decision, Hold, Start
from mini_slurm.scheduler.explain import REQUEUED_HELD
from mini_slurm.scheduler.heterogeneous import parts
from mini_slurm.scheduler.owners import is_selfish
from tests.simulation import plain
from tests.simulation.harness import ADMIN, fleet_of
from tests.simulation.promises import Watched

SIZES = {"a100": Size(80_000, 4), "v100": Size(16_000, 4)}
MACHINES = {
    "small1": Resources(cpus=2, memory=2000),
    "small2": Resources(cpus=2, memory=2000),
    "middle1": Resources(cpus=4, memory=8000),
    "middle2": Resources(cpus=4, memory=8000),
    "gpus": Resources(cpus=8, memory=32_000, gpus={"a100": 2, "v100": 1}, sizes=SIZES),
}
PARTITIONS = {
    "main": Partition("main", tuple(MACHINES), default=True),
    "quick": Partition("quick", ("small1", "middle1"), max_time=1200, tier=2, lln=True),
    "large": Partition("large", ("middle1", "middle2", "gpus"), min_nodes=1, max_nodes=2),
    "own": Partition("own", ("small2", "middle2"), exclusive_user=True),
}
DAY = 86_400.0
ONE_OF = st.sampled_from
NAMES = ONE_OF(sorted(MACHINES))
REQUESTS = st.fixed_dictionaries(
    {
        "cpus_per_task": ONE_OF([1, 1, 2, 3]),
        "partition": ONE_OF(["main", "main", "quick", "large", "quick,large", "own", "own,quick"]),
    },
    optional={
        "memory_per_node": ONE_OF([0, 500, 6000]),
        "time_limit": ONE_OF([60, 600, 3600]),
        "gres": ONE_OF(["gpu:1", "gpu:a100:2", "gpu:4", "shard:1", "shard:a100:3", "shard:6", "gpu:1,gpumem:30000"]),
        "array_tasks": ONE_OF(["0-3", "0,2,5-8%2", "7"]),
        "nodes": ONE_OF([1, 2]),
        "max_nodes": ONE_OF([2, 3]),
        "ntasks": ONE_OF([2, 5, 12]),
        "exclusive": ONE_OF([0, 1, 2]),
        "uid": ONE_OF([1000, 1001]),
        "excluded_nodes": ONE_OF(["small1", "gpus,middle1"]),
        "required_nodes": ONE_OF(["middle2", "small[1-2]"]),
        "licenses": ONE_OF(["matlab", "matlab:2"]),
        "priority_set": st.just(1),
        "priority": ONE_OF([1, 5, 0]),
        "time_min": st.just(60),
        "requeue": ONE_OF([0, 1]),
    },
)


def decided(cluster: Cluster, decisions: list[Decision]) -> tuple[object, object]:
    """What can be compared of a pass."""
    jobs = {number: (job.state, job.reason, job.allocation, job.array_tasks, job.time_limit, job.lent, job.preempt_time)
            for number, job in cluster.jobs.items()}  # fmt: skip
    return [(type(one).__name__, one.job.job_id if isinstance(one, Start | Hold) else one) for one in decisions], jobs


def copied(cluster: Cluster) -> Cluster:
    """Another cluster in the same state, that has nothing worked out beforehand."""
    machines = {
        name: replace(books, jobs=set(), unwanted=set(books.unwanted)) for name, books in cluster.machines.items()
    }
    other = Cluster(cluster.fleet, cluster.file, cluster.state_id, cluster.next_job_id, machines)
    other.quiet, other.reservation = dict(cluster.quiet), cluster.reservation
    other.plans = dict(cluster.plans)
    other.queue.tell_apart(cluster.queue.by_charge)
    other.has_owners, other.shared_machines = cluster.has_owners, cluster.shared_machines
    for job in cluster.jobs.values():
        one = Job(**job.__dict__)
        other.add(one)
        other.place(one)
    return other


def compared(cluster: Cluster, now: float) -> list[Decision]:
    """start_pending(), that has to come to what the plain pass does."""
    other = copied(cluster)
    expected = decided(other, plain.start_pending(other, now))
    decisions = scheduling.start_pending(cluster, now)
    assert decided(cluster, decisions) == expected
    return decisions


class Fleet(RuleBasedStateMachine):
    """A fleet, its users, its administrator, and bad luck."""

    def __init__(self) -> None:
        super().__init__()
        core.start_pending, self.kept = compared, core.start_pending
        self.begin(PARTITIONS, Preempt())

    def begin(self, partitions: dict[str, Partition], preempt: Preempt) -> None:
        fleet = fleet_of(MACHINES, partitions=partitions, licenses={"matlab": 2}, requeue_delay=5, preempt=preempt)
        self.sim = Watched(fleet, sizes={"gpus": SIZES})
        self.sim.watch()

    @rule(request=REQUESTS, run_time=ONE_OF([5.0, 100.0, 2000.0]), code=ONE_OF([0, 0, 1]))
    def submit(self, request: dict[str, object], run_time: float, code: int) -> None:
        self._submit(run_time, code, **request)

    def _submit(self, run_time: float, code: int = 0, **request: object) -> int:
        number = self.sim.cluster.next_job_id
        self.sim.throttles[number] = throttle_of(str(request.get("array_tasks") or ""))
        return self.sim.submit(run_time, code, **request)

    @rule(requests=st.lists(REQUESTS, min_size=2, max_size=3), run_time=ONE_OF([5.0, 100.0, 2000.0]))
    def submit_together(self, requests: list[dict[str, object]], run_time: float) -> None:
        whole = ("uid", "requeue", "priority", "priority_set")  # what the parts of one job have in common
        same = {key: requests[0][key] for key in whole if key in requests[0]}
        for request in requests:
            for key in ("array_tasks", *whole):
                request.pop(key, None)
            request.update(same)
        self.sim.submit_together(*requests, run_time=run_time)

    @rule(
        request=REQUESTS, run_time=ONE_OF([5.0, 100.0]), code=ONE_OF([0, 0, 1]), tasks=ONE_OF(["0-3", "0-3%2", "1,3"])
    )
    def submit_corresponding(self, request: dict[str, object], run_time: float, code: int, tasks: str) -> None:
        request["array_tasks"] = tasks
        first = self._submit(run_time, code, **request)
        text = f"aftercorr:{first}_*(unfulfilled)"
        self.sim.corresponding[self.sim.cluster.next_job_id] = first
        self._submit(5.0, dependency=text, extra='{"kill-on-invalid-dep": "yes"}', **request)

    @precondition(lambda self: self.reservations)
    @rule(data=st.data(), request=REQUESTS, run_time=ONE_OF([5.0, 2000.0]))
    def submit_to_reservation(self, data: st.DataObject, request: dict[str, object], run_time: float) -> None:
        names = data.draw(st.lists(ONE_OF(sorted(self.reservations)), min_size=1, max_size=2, unique=True))
        self._submit(run_time, reservation=",".join(names), **request)

    @precondition(lambda self: self.sim.run_times)
    @rule(data=st.data(), request=REQUESTS, kind=ONE_OF(["afterok", "afterany", "afternotok"]))
    def submit_after(self, data: st.DataObject, request: dict[str, object], kind: str) -> None:
        first = data.draw(ONE_OF(sorted(self.sim.run_times)))
        text = f"{kind}:{first}(unfulfilled)"
        self.sim.after[self.sim.cluster.next_job_id] = first
        self._submit(5.0, dependency=text, extra='{"kill-on-invalid-dep": "yes"}', **request)

    @precondition(lambda self: self.sim.cluster.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.sim.cancel(data.draw(ONE_OF(sorted(self.sim.cluster.jobs))))

    @precondition(lambda self: self.sim.cluster.jobs)
    @rule(data=st.data(), changes=ONE_OF([{"Priority": 0}, {"Priority": None}, {"Priority": 9}, {"TimeLimit": 120}]))
    def update(self, data: st.DataObject, changes: dict[str, object]) -> None:
        self.sim.update(data.draw(ONE_OF(sorted(self.sim.cluster.jobs))), by=ADMIN, **changes)

    @rule(seconds=ONE_OF([1.0, 10.0, 90.0, 700.0, 4000.0]))
    def wait(self, seconds: float) -> None:
        self.sim.run(self.sim.now + seconds)

    @rule(name=NAMES)
    def cut_off(self, name: str) -> None:
        if name in self.sim.connected:
            self.sim.disconnect(name)

    @rule(name=NAMES)
    def come_back(self, name: str) -> None:
        if name not in self.sim.connected:
            self.sim.connect(name)

    @rule(name=NAMES)
    def crash(self, name: str) -> None:
        if name in self.sim.connected:
            self.sim.reboot(name)

    @rule(name=NAMES, state=ONE_OF(["DRAIN", "RESUME", "DOWN"]))
    def change_node(self, name: str, state: str) -> None:
        self.sim.change_nodes(name, State=state, Reason="test")

    @precondition(lambda self: self.arrays)
    @rule(data=st.data(), throttle=ONE_OF([0, 1, 3]))
    def throttle(self, data: st.DataObject, throttle: int) -> None:
        number = data.draw(ONE_OF(self.arrays))
        self.sim.throttles[number] = throttle or None
        self.sim.update(number, by=ADMIN, ArrayTaskThrottle=throttle)

    @precondition(lambda self: self.arrays)
    @rule(data=st.data(), task=ONE_OF([0, 2, 3, 7]))
    def cancel_task(self, data: st.DataObject, task: int) -> None:
        number = data.draw(ONE_OF(self.arrays))
        record = self.sim.cluster.jobs.get(number)
        if record is not None and record.array_tasks is not None and has(record.array_tasks, task):
            self.sim.dropped.add((number, task))
        for uid in (1000, 1001):
            self.sim.cancel(number, task, uid=uid)

    @precondition(lambda self: self.sim.run_times)
    @rule(data=st.data(), reason=ONE_OF(["", "", REQUEUED_HELD]))
    def requeue(self, data: st.DataObject, reason: str) -> None:
        self.sim.requeue(data.draw(ONE_OF(sorted(self.sim.run_times))), by=ADMIN, reason=reason)

    @precondition(lambda self: self.sim.cluster.jobs)
    @rule(data=st.data(), resume=st.booleans())
    def suspend(self, data: st.DataObject, resume: bool) -> None:
        self.sim.suspend(data.draw(ONE_OF(sorted(self.sim.cluster.jobs))), resume=resume)

    @rule(
        name=ONE_OF(["one", "two"]), delay=ONE_OF([0.0, 100.0, 3000.0]), duration=ONE_OF([60, 1000, 9000]),
        machines=ONE_OF([["small1"], ["middle1", "gpus"], ["ALL"], None]), uids=ONE_OF([(1000,), (1000, 1001)]),
        flags=st.lists(ONE_OF(["MAINT", "FLEX", "OVERLAP", "IGNORE_JOBS", "IGNORE_JOBS", "HOURLY"]), max_size=3),
    )  # fmt: skip
    def reserve(
        self, name: str, delay: float, duration: int, machines: list[str] | None, uids: tuple[int, ...],
        flags: list[str],
    ) -> None:  # fmt: skip
        wish = {"name": name, "start": self.sim.now + delay, "duration": duration, "flags": flags}
        wish.update({"users": ["u"], "uids": {f"u{uid}": uid for uid in uids}})
        wish.update({"count": 2} if machines is None else {"machines": machines})
        self.sim.reserve(**wish)

    @precondition(lambda self: self.reservations)
    @rule(
        data=st.data(), changes=ONE_OF([{"duration": 30}, {"duration": 5000}, {"count": 1}, {"machines": ["small2"]}])
    )
    def change_reservation(self, data: st.DataObject, changes: dict[str, object]) -> None:
        self.sim.change_reservation(name=data.draw(ONE_OF(sorted(self.reservations))), **changes)

    @precondition(lambda self: self.reservations)
    @rule(data=st.data())
    def delete_reservation(self, data: st.DataObject) -> None:
        self.sim.delete_reservation(data.draw(ONE_OF(sorted(self.reservations))))

    @rule()
    def restart(self) -> None:
        self.sim.restart()

    @property
    def reservations(self) -> Mapping[str, Reservation]:
        return self.sim.cluster.fleet.reservations

    @property
    def arrays(self) -> list[int]:
        """The arrays of which something is not over."""
        return sorted({job.array_job_id for job in self.sim.cluster.jobs.values() if job.array_job_id is not None})

    @invariant()
    def promises_are_kept(self) -> None:
        self.sim.check()

    @invariant()
    def who_wants_no_strangers_beside_him_has_none(self) -> None:
        for name, books in self.sim.cluster.machines.items():
            jobs = [self.sim.cluster.jobs[number] for number in books.jobs]
            holders = [part for job in jobs if occupies(job) for part in parts(self.sim.cluster, job)]
            holders = [one for one in holders if name in parse_allocation(one.allocation)]
            if any(is_selfish(self.sim.fleet, one) for one in holders):
                assert len({one.uid for one in holders}) == 1

    @invariant()
    def no_attempt_starts_twice(self) -> None:
        assert all(count == 1 for count in self.sim.starts.values())

    def is_stuck(self, job: Job) -> bool:
        """May it wait for ever, as it can never run or waits for one that cannot, or with its parts wants too much?"""
        never = job.reason.startswith(("Partition", "BadConstraints", "Dependency"))
        return never or bool(job.het_size and job.reason == "Licenses")

    def teardown(self) -> None:
        """When all is well again every job comes to its end."""
        try:
            for name in MACHINES:
                self.sim.change_nodes(name, State="RESUME")
                if name not in self.sim.connected:
                    self.sim.connect(name)
            for number in list(self.sim.cluster.jobs):
                self.sim.suspend(number, resume=True)
            self.sim.run(self.sim.now + DAY)
            for name in list(self.reservations):
                assert (
                    self.sim.delete_reservation(name) == "" or self.sim.change_reservation(name=name, duration=0) == ""
                )
            self.sim.run(self.sim.now + DAY)
            for number in list(self.sim.cluster.jobs):
                self.sim.update(number, by=ADMIN, Priority=None)
            self.sim.run(self.sim.now + 30 * DAY)
            left = [job for job in self.sim.cluster.jobs.values() if not self.is_stuck(job)]
            assert [(job.display_id, job.state.name, job.reason) for job in left] == []
        finally:
            core.start_pending = self.kept


class Sharing(Fleet):
    """A fleet where some jobs share CPUs."""

    @initialize(forced=ONE_OF([2, 3]), asked=ONE_OF([2, 3]))
    def choose(self, forced: int, asked: int) -> None:
        force = Partition("force", ("small1", "middle1", "gpus"), over_subscribe=f"FORCE:{forced}")
        yes = Partition("yes", ("middle1", "middle2"), over_subscribe=f"YES:{asked}")
        self.begin({**PARTITIONS, "force": force, "yes": yes}, Preempt())

    @rule(
        request=REQUESTS, run_time=ONE_OF([5.0, 100.0, 2000.0]), exclusive=ONE_OF([0, 0, 1, 2, 4, 4]),
        partition=ONE_OF(["force", "force", "yes", "yes", "force,yes", "main,force", "yes,large"]),
    )  # fmt: skip
    def share(self, request: dict[str, object], run_time: float, exclusive: int, partition: str) -> None:
        self._submit(run_time, **{**request, "exclusive": exclusive, "partition": partition})

    @rule(
        partitions=st.lists(ONE_OF(["force", "yes", "main", "quick"]), min_size=2, max_size=5),
        run_time=ONE_OF([50.0, 2000.0]),
        cpus=ONE_OF([1, 2, 3]), exclusive=ONE_OF([0, 4, 4]), machine=ONE_OF(["middle1", "middle1", None]),
    )  # fmt: skip
    def crowd(self, partitions: list[str], run_time: float, cpus: int, exclusive: int, machine: str | None) -> None:
        for name in partitions:
            self._submit(
                run_time,
                partition=name,
                cpus_per_task=cpus,
                exclusive=exclusive,
                required_nodes=machine,
                time_limit=3600,
            )
        self.sim.run(self.sim.now + 1)


class Preempting(Fleet):
    """A fleet where running jobs make room for others."""

    @initialize(
        mode=ONE_OF(["CANCEL", "REQUEUE", "SUSPEND"]), own=ONE_OF(["", "SUSPEND", "CANCEL", "OFF"]),
        grace=ONE_OF([0, 0, 40]), exempt=ONE_OF([0, 0, 120]), youngest=st.booleans(),
    )  # fmt: skip
    def choose(self, mode: str, own: str, grace: int, exempt: int, youngest: bool) -> None:
        self.patience = evictions.MOST_WORK, evictions.FIRST_PAUSE
        evictions.MOST_WORK, evictions.FIRST_PAUSE = 10**9, 0.0  # the plain pass remembers nothing
        partitions = {
            **PARTITIONS,
            "large": PARTITIONS["large"]._replace(tier=0, preempt_mode=own),
            "main": PARTITIONS["main"]._replace(grace_time=grace),
        }
        self.begin(partitions, Preempt("partition_prio", mode, exempt, youngest))

    @rule(count=ONE_OF(["0-1", "0-3"]), cpus=ONE_OF([2, 4]))
    def fill(self, count: str, cpus: int) -> None:
        self.sim.submit(2000.0, partition="large", array_tasks=count, cpus_per_task=cpus, memory_per_node=500)
        self.sim.run(self.sim.now + 1)

    def tier(self, job: Job) -> int:
        return max(self.sim.fleet.partitions[name].tier for name in job.partition.split(","))

    @invariant()
    def nobody_makes_room_for_an_equal(self) -> None:
        others = [job for job in self.sim.cluster.jobs.values() if job.preempt_time is None]
        tiers = [self.tier(job) for job in (*others, *self.sim.done.values())]
        for job in self.sim.cluster.jobs.values():
            if job.preempt_time == self.sim.now:
                assert max(tiers) > self.tier(job)

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            evictions.MOST_WORK, evictions.FIRST_PAUSE = self.patience

    @invariant()
    def who_lends_is_suspended_or_ends(self) -> None:
        for job in self.sim.cluster.jobs.values():
            if job.lent == TO_MAKE_ROOM:
                assert job.preempt_time is not None and job.state.name in ("SUSPENDED", "COMPLETING")
            assert job.lent != BY_HAND or job.suspend_time is not None


Fleet.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
Preempting.TestCase.settings = Sharing.TestCase.settings = Fleet.TestCase.settings
test_promises_hold_whatever_happens = Fleet.TestCase
test_promises_hold_where_jobs_make_room = Preempting.TestCase
test_promises_hold_where_jobs_share_cpus = Sharing.TestCase
