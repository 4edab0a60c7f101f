"""One history with all of it at once: whatever happens, promises are kept and what users are told is true."""

from __future__ import annotations

import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from mini_slurm.model.dependencies import parse, read
from mini_slurm.model.fleet import Association, Limits, Partition, Preempt, Qos, Weights
from mini_slurm.model.job import Job
from mini_slurm.scheduler import core, events, evictions
from mini_slurm.scheduler.cluster import Cluster, occupies
from mini_slurm.scheduler.decisions import Decision
from mini_slurm.scheduler.eligible import eligible_machines
from mini_slurm.scheduler.ending import put_back
from mini_slurm.scheduler.owners import Owners
from mini_slurm.scheduler.policy import Reservation, pending_in_order, reserve
from mini_slurm.scheduler.reservations import Reserved
from tests.simulation.harness import ADMIN, fleet_of
from tests.simulation.test_invariants import (
    MACHINES,
    NAMES,
    ONE_OF,
    PARTITIONS,
    REQUESTS,
    SIZES,
    Fleet,
    Preempting,
    Sharing,
    compared,
    copied,
)
from tests.simulation.witness import USERS, Witness

FEATURES = {"small1": ("rack1",), "small2": ("rack2",), "middle1": ("ib", "rack1"), "middle2": ("ib", "rack2")}
QOS = {
    "normal": Qos("normal"),
    "few": Qos("few", 5, Limits(max_jobs_per_user=2, grp_tres={"cpus": 6}, max_tres_per_user={"gpus": 1})),
    "tiny": Qos("tiny", 10, Limits(max_wall=600, max_tres={"cpus": 2})),
    "urgent": Qos("urgent", 20, preempt=("normal", "few"), grace_time=20),
}
ACCOUNTS = {"lab": {user: Association() for user in USERS.values()}, "club": {"ann": Association(shares=3)}}
EXTRA = ONE_OF(
    [
        {"retries": "2@5"},
        {"requeue-exit": "1@30"},
        {"requeue-exit": "limit@0"},
        {"overcommit": "yes"},
        {"kill-on-invalid-dep": "yes"},
    ]
)
MORE = st.fixed_dictionaries(
    {},
    optional={
        "qos": ONE_OF(["few", "tiny", "urgent", "normal"]),
        "account": ONE_OF(["lab", "club"]),
        "name": ONE_OF(["one", "two"]),
        "features": ONE_OF(["ib", "ib|rack1", "[rack1|rack2]", "ib&rack2"]),
        "memory_per_cpu": ONE_OF([100, 1500]),
        "begin_time": ONE_OF([20.0, 4000.0]),  # from now on, as the next one
        "deadline": ONE_OF([700.0, 5000.0]),
        "gpus": ONE_OF(["1", "a100:3"]),
        "ntasks_per_node": ONE_OF([1, 2]),
        "script": ONE_OF([""]),
        "extra": EXTRA,
    },
)
KINDS = ONE_OF(["after", "after+1", "afterany", "afterok", "afternotok", "singleton"])
CHANGES = ONE_OF(
    [
        {"TimeLimit": 7200}, {"TimeLimit": 60}, {"Nice": 100}, {"Partition": "main"}, {"Partition": "own,quick"},
        {"NumNodes": (1, None)}, {"NumNodes": (2, None)}, {"NumCPUs": (3, None)}, {"QOS": "few"}, {"QOS": "normal"},
        {"Requeue": 0}, {"ReqNodeList": "middle1"}, {"ReqNodeList": ""}, {"ExcNodeList": "small2"}, {"Features": "ib"},
        {"Licenses": "matlab:2"}, {"MinMemory": ("node", 1500)}, {"TresPerNode": "gres:gpu:1"}, {"OverSubscribe": 1},
        {"Dependency": ""}, {"ReservationName": "one"}, {"ReservationName": ""}, {"JobName": "two"}, {"TimeMin": 60},
    ]
)  # fmt: skip


def checked(cluster: Cluster, now: float) -> list[Decision]:
    """start_pending(), that comes to what the plain pass does and delays nobody who was promised a moment."""
    rank = {job.job_id: place for place, job in enumerate(pending_in_order(cluster))}
    arrays = {
        job.array_job_id: rank[job.job_id] for job in cluster.jobs.values() if job.array_tasks and job.job_id in rank
    }
    decisions = compared(cluster, now)
    promise = cluster.reservation
    first = None if promise is None else cluster.jobs.get(promise.job_id)
    if promise is None or first is None or first.het_size or first.node is not None or cluster.plans:
        return decisions
    without = copied(cluster)
    for job in list(without.jobs.values()):
        place = rank.get(job.job_id, arrays.get(job.array_job_id))
        if occupies(job) and job.start_time == now and place is not None and place > rank.get(first.job_id, -1):
            put_back(without, job)
    before, after = (_foreseen(one, one.jobs[first.job_id], now) for one in (without, cluster))
    if before is not None:
        assert after is not None and after.begin <= max(before.begin, promise.begin), (first.display_id, before, after)
    return decisions


def _foreseen(cluster: Cluster, job: Job, now: float) -> Reservation | None:
    candidates = Reserved(cluster, now).allowed(job, eligible_machines(cluster, job))
    return reserve(job, candidates, cluster, now, {}, Owners(cluster).hindering(job))


class Everything(Sharing, Preempting):
    """A fleet that has all that a fleet can have."""

    sim: Witness

    @initialize(
        kind=ONE_OF(["none", "partition_prio", "partition_prio", "qos"]), mode=ONE_OF(["CANCEL", "REQUEUE", "SUSPEND"]),
        own=ONE_OF(["", "SUSPEND", "CANCEL", "OFF"]), grace=ONE_OF([0, 40]), exempt=ONE_OF([0, 120]),
        youngest=st.booleans(), shares=st.booleans(), weighted=st.booleans(), limited=st.booleans(),
    )  # fmt: skip
    def choose(
        self, kind: str, mode: str, own: str, grace: int, exempt: int, youngest: bool, shares: bool, weighted: bool,
        limited: bool,
    ) -> None:  # fmt: skip
        self.patience = evictions.MOST_WORK, evictions.FIRST_PAUSE
        evictions.MOST_WORK, evictions.FIRST_PAUSE = 10**9, 0.0  # the plain pass remembers nothing
        core.start_pending = checked
        force, yes = ("FORCE:2", "YES:2") if shares else ("NO", "NO")
        partitions = {
            **PARTITIONS,
            "large": PARTITIONS["large"]._replace(tier=0, preempt_mode=own),
            "main": PARTITIONS["main"]._replace(grace_time=grace),
            "force": Partition("force", ("small1", "middle1"), over_subscribe=force),
            "yes": Partition("yes", ("middle1", "middle2"), over_subscribe=yes, max_cpus_per_node=3),
        }
        fleet = fleet_of(
            MACHINES, partitions=partitions, licenses={"matlab": 2}, requeue_delay=5,
            preempt=Preempt(kind, mode if kind != "none" else "OFF", exempt, youngest), accounts=ACCOUNTS,
            qos=QOS if limited else {name: one._replace(limits=Limits()) for name, one in QOS.items()},
            whole_accounts={"lab": Association(limits=Limits(grp_jobs=5) if limited else Limits())},
        )  # fmt: skip
        fleet = fleet._replace(
            machines={name: one._replace(features=FEATURES.get(name, ())) for name, one in fleet.machines.items()},
            priority=Weights() if weighted else fleet.priority,
        )
        self.sim = Witness(fleet, sizes={"gpus": SIZES})
        self.sim.watch()

    def _submit(self, run_time: float, code: int = 0, **request: object) -> int:
        request["user"] = USERS[int(str(request.get("uid", 1000)))]
        return super()._submit(run_time, code, **request)

    @rule(request=REQUESTS, more=MORE, run_time=ONE_OF([5.0, 100.0, 2000.0]), code=ONE_OF([0, 1]))
    def submit_more(self, request: dict[str, object], more: dict[str, object], run_time: float, code: int) -> None:
        for key in ("begin_time", "deadline"):
            if key in more:
                more[key] = self.sim.now + float(str(more[key]))
        if "extra" in more:
            more["extra"] = json.dumps(more["extra"])
        self._submit(run_time, code, **{**request, **more})

    @precondition(lambda self: self.sim.run_times)
    @rule(
        data=st.data(), request=REQUESTS, more=MORE, any_of=st.booleans(),
        kinds=st.lists(KINDS, min_size=1, max_size=3),
    )  # fmt: skip
    def submit_dependent(
        self, data: st.DataObject, request: dict[str, object], more: dict[str, object], any_of: bool, kinds: list[str]
    ) -> None:
        known, words = sorted(self.sim.run_times), []
        for kind in kinds:
            number = data.draw(ONE_OF(known))
            task = "_2" if number in self.sim.throttles and data.draw(st.booleans()) else ""
            word, _, delay = kind.partition("+")
            words.append(word if word == "singleton" else f"{word}:{number}{task}{'+' * bool(delay)}{delay}")
        arrays = {job.array_job_id for job in (*self.sim.cluster.jobs.values(), *self.sim.done.values())}
        text = read(("?" if any_of else ",").join(words), lambda number: number in arrays)
        self.sim.conditions[self.sim.cluster.next_job_id] = parse(text or "")
        self.submit_more({**request, "dependency": text}, more, 20.0, 0)

    @precondition(lambda self: self.sim.cluster.jobs)
    @rule(data=st.data(), changes=CHANGES)
    def change(self, data: st.DataObject, changes: dict[str, object]) -> None:
        number = data.draw(ONE_OF(sorted(self.sim.cluster.jobs)))
        if "Dependency" in changes:
            job = self.sim.cluster.jobs[number]
            for one in (job.job_id, job.array_job_id or 0):
                for known in (self.sim.conditions, self.sim.after, self.sim.corresponding):
                    known.pop(one, None)
        self.sim.update(number, by=ADMIN, **changes)

    @precondition(lambda self: self.sim.cluster.jobs)
    @rule(data=st.data())
    def lift(self, data: st.DataObject) -> None:
        number = data.draw(ONE_OF(sorted(self.sim.cluster.jobs)))
        self.sim.happen(events.TopRequested(1, ADMIN, ((number, None),)))

    @rule(name=NAMES)
    def refuse(self, name: str) -> None:
        self.sim.refusing.add(name)

    @rule(name=NAMES)
    def lose(self, name: str) -> None:
        if name in self.sim.connected:
            self.sim.disconnect(name)
        self.sim.happen(events.MachineLost(name))

    @rule(blocked=ONE_OF([{}, {"a100": 1}, {"a100": 2, "v100": 1}]))
    def use_by_hand(self, blocked: dict[str, int]) -> None:
        self.sim.happen(events.UseSeen("gpus", blocked))

    @rule(name=ONE_OF(sorted(PARTITIONS)), changes=ONE_OF([{"state": "DOWN"}, {"state": "UP"}, {"state": "DRAIN"},
          {"max_time": 300}, {"max_time": None}]))  # fmt: skip
    def change_partition(self, name: str, changes: dict[str, object]) -> None:
        self.sim.change_partition(name, **changes)

    def tier(self, job: Job) -> int:
        """Where QOS say for whom room is made, that of the job's counts."""
        if self.sim.fleet.preempt.type != "qos":
            return super().tier(job)
        return int(job.qos == "urgent")

    @invariant()
    def users_are_told_the_truth(self) -> None:
        self.sim.listen()

    def is_stuck(self, job: Job) -> bool:
        """With limits there is more that can never run."""
        return super().is_stuck(job) or job.reason.startswith(("QOS", "Assoc"))

    def teardown(self) -> None:
        self.sim.refusing.clear()
        self.use_by_hand({})
        endless = [job for job in self.sim.cluster.jobs.values() if "requeue-exit" in job.extra]
        for job in endless:
            self.sim.cancel(job.array_job_id or job.job_id, array=job.array_job_id is not None, uid=job.uid)
        for name in PARTITIONS:
            self.sim.change_partition(name, state="UP", max_time=PARTITIONS[name].max_time)
        super().teardown()


Everything.TestCase.settings = settings(Fleet.TestCase.settings, max_examples=12, derandomize=True)
test_promises_hold_with_all_of_it_at_once = Everything.TestCase
