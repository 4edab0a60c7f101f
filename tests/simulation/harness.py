"""A fleet in virtual time: a heap of (moment, what happens), the core's step(), and agents that do as they are told."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count

from mini_slurm.model.fleet import Fleet, MachineEntry, Partition, Weights
from mini_slurm.model.job import Job
from mini_slurm.model.resources import Resources, Sizes
from mini_slurm.scheduler import events
from mini_slurm.scheduler.cluster import make_cluster
from mini_slurm.scheduler.core import next_moment, step
from mini_slurm.scheduler.decisions import (
    Answer,
    Decision,
    Drop,
    End,
    Forget,
    Hold,
    Limit,
    Measure,
    Resume,
    Shrink,
    Signal,
    Start,
    Suspend,
)
from mini_slurm.scheduler.events import Caller
from mini_slurm.scheduler.oversubscription import tenants

STATE = "5eed"
USER, OTHER = Caller(1000), Caller(1001)
ADMIN = Caller(0)  # looks after the fleet


def fleet_of(machines: dict[str, Resources], **settings: object) -> Fleet:
    """A fleet of these machines in one partition `main`, where jobs go in the order of submission, unless replaced."""
    entries = {
        name: MachineEntry(name, name, cpus=has.cpus, memory=has.memory, gpus=has.gpus, shards=_shards(has))
        for name, has in machines.items()
    }
    partitions = {"main": Partition("main", tuple(machines), default=True)}
    fleet = Fleet("test", "", entries, partitions, priority=Weights(0, 0, 0, 0, 0))
    return fleet._replace(**settings)


def _shards(has: Resources) -> int:
    return max((size.shards for size in has.sizes.values()), default=0)


class Run:
    """What a machine knows of the script of an attempt."""

    def __init__(self, begun: float, run_time: float, limit: float | None, exit_code: int) -> None:
        self.begun = begun
        self.run_time = run_time
        self.limit = limit
        self.exit_code = exit_code
        self.stopped = 0.0  # seconds that it was suspended
        self.stopped_at: float | None = None

    @property
    def end(self) -> float:
        """When it ends, if it is not suspended before."""
        return self.begun + self.stopped + min(self.run_time, float("inf") if self.limit is None else self.limit)


class Simulation:
    """Machines that start what they are told, and end it after its run time, unless they are told to end it before."""

    def __init__(
        self, fleet: Fleet, connected: Iterable[str] | None = None, sizes: Mapping[str, Sizes] | None = None
    ) -> None:
        """Of the machines only these have answered; None: all."""
        self.now = 0.0
        self.fleet = fleet
        self.cluster = make_cluster(fleet, STATE, [], {})
        self.done: dict[int, Job] = {}
        self.log: list[tuple[float, Decision]] = []
        self.run_times: dict[int, float] = {}
        self.exit_codes: dict[int, int] = {}
        self.running: dict[str, set[str]] = {name: set() for name in fleet.machines}  # machine -> attempts
        self.boots: dict[str, int] = dict.fromkeys(fleet.machines, 1)
        self.connected: set[str] = set()
        self.runs: dict[str, Run] = {}
        self.answers: list[Answer] = []
        self.sizes = dict(sizes or {})  # of the machines' GPUs, as they tell them
        self.starts: dict[str, int] = {}  # attempt -> how often its script was really started
        self.hosts: dict[str, str] = {}  # attempt -> where its script runs
        self._untold: dict[str, list[events.Event]] = {}  # of machines that are cut off
        self._order: Iterator[int] = count()
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        for name in fleet.machines if connected is None else connected:
            self.connect(name)

    # --- what a test does

    def submit(self, run_time: float = 10.0, exit_code: int = 0, **request: object) -> int:
        """Submit a job that would run this long; its number."""
        number = self.cluster.next_job_id
        self.cluster.next_job_id += 1
        given = {"script": "digest", **request}
        values: dict[str, object] = {"partition": "main", "uid": 1000, "submit_time": self.now, **given}
        job = Job(job_id=number, **values)
        if job.array_tasks is not None:
            job.array_job_id = number
        self.run_times[number], self.exit_codes[number] = run_time, exit_code
        self.happen(events.EndsRecalled(tuple(self.done.values())), events.JobSubmitted(job))
        return number

    def submit_together(self, *requests: dict[str, object], run_time: float = 10.0) -> int:
        """Submit a heterogeneous job of these parts; the number of the first, which the others follow."""
        first = self.cluster.next_job_id
        self.cluster.next_job_id += len(requests)
        values: dict[str, object] = {"script": "digest", "partition": "main", "uid": 1000, "submit_time": self.now}
        jobs = [
            Job(job_id=first + n, het_job_id=first, het_offset=n, het_size=len(requests), **{**values, **request})
            for n, request in enumerate(requests)
        ]
        self.run_times[first], self.exit_codes[first] = run_time, 0
        self.happen(*map(events.JobSubmitted, jobs))
        return first

    def cancel(self, job_id: int, task: int | None = None, *, array: bool = False, uid: int = 1000) -> None:
        """Cancel as mscancel does."""
        self.happen(events.CancelRequested(job_id, task, array, uid))

    # --- what commands ask for; the answer is what they print: "" or one error, else (tasks, error) pairs

    def update(self, job_id: int, task: int | None = None, *, by: Caller = USER, **changes: object) -> object:
        """Change a job as scontrol update does."""
        return self._ask(lambda request: events.UpdateRequested(request, changes), job_id, task, by)

    def requeue(self, job_id: int, task: int | None = None, *, by: Caller = USER, reason: str = "") -> object:
        """scontrol requeue, or requeuehold with a reason."""
        return self._ask(lambda request: events.RequeueRequested(request, reason), job_id, task, by)

    def suspend(self, job_id: int, *, by: Caller = ADMIN, resume: bool = False) -> object:
        """scontrol suspend and resume."""
        return self._ask(lambda request: events.SuspendRequested(request, resume), job_id, None, by)

    def _ask(
        self, event: Callable[[events.Request], events.Event], job_id: int, task: int | None, by: Caller
    ) -> object:
        past = tuple(job for job in self.done.values() if job_id in (job.job_id, job.array_job_id))
        named = tuple(self.done.values())  # what the store would recall
        request = events.Request(1, by, job_id, None if task is None else (task,), past)
        self.happen(events.EndsRecalled(named), event(request))
        answer = self.answers[-1]
        return answer.error or [pair for pair in answer.tasks if pair[1]] or ""

    def change_nodes(self, *names: str, by: Caller = ADMIN, **changes: object) -> str:
        """scontrol update nodename=...; the error."""
        wish = {"Uid": by.uid, **changes}
        self.happen(events.NodesUpdateRequested(1, by, names, wish))
        return self.answers[-1].error

    def change_partition(self, name: str, *, by: Caller = ADMIN, create: bool = False, **changes: object) -> str:
        """scontrol update partitionname=... and create; the error."""
        self.happen(events.PartitionUpdateRequested(1, by, name, changes, create))
        return self.answers[-1].error

    def delete_partition(self, name: str, *, by: Caller = ADMIN) -> str:
        """scontrol delete partitionname=...; the error."""
        self.happen(events.PartitionDeleteRequested(1, by, name))
        return self.answers[-1].error

    def connect(self, name: str) -> None:
        """The machine answers."""
        self.connected.add(name)
        entry = self.fleet.machines[name]
        total = Resources(entry.cpus or 0, entry.memory or 0, entry.gpus or {}, sizes=self.sizes.get(name, {}))
        attempts = frozenset(self.running[name])
        self.happen(events.MachineConnected(name, total, f"boot-{self.boots[name]}", attempts))
        for attempt in sorted(attempts & self.running[name]):  # the agent says again what it has
            self._say(name, events.AttemptStarted(name, attempt, self.now, "0", ""))
        for news in self._untold.pop(name, []):
            self.plan(self.now + 1, lambda news=news: self._say(name, news))  # type: ignore[misc]

    def disconnect(self, name: str) -> None:
        """The cable is cut."""
        self.connected.discard(name)
        self.happen(events.MachineDisconnected(name))

    def reboot(self, name: str) -> None:
        """The machine was switched off and on, and its spool is gone."""
        self.disconnect(name)
        self.running[name].clear()
        self.boots[name] += 1
        self.connect(name)

    def restart(self) -> None:
        """Another controller goes on from what is stored."""
        number = self.cluster.next_job_id
        before = self.cluster
        self.cluster = make_cluster(before.file, STATE, list(before.jobs.values()), {}, overrides=before.overrides)
        self.cluster.next_job_id = number
        for name, books in self.cluster.machines.items():
            books.total = before.machines[name].total  # which is stored, too
        self.happen(events.EndsRecalled(tuple(self.done.values())))
        for name in self.connected:
            self.connect(name)

    def run(self, until: float) -> None:
        """Let time pass."""
        while self._heap or next_moment(self.cluster, self.now) is not None:
            planned = self._heap[0][0] if self._heap else float("inf")
            own = next_moment(self.cluster, self.now) or float("inf")
            moment = min(planned, own)
            if moment > until:
                break
            self.now = moment
            if planned <= moment:
                heapq.heappop(self._heap)[2]()
            if own <= moment:
                self.happen()
        self.now = until

    def job(self, number: int) -> Job:
        """A job, over or not."""
        return self.cluster.jobs.get(number) or self.done[number]

    def state(self, number: int) -> str:
        """The long name of a job's state."""
        return self.job(number).state.name

    # --- what the fleet does

    def happen(self, *happened: events.Event) -> None:
        """One turn of the controller's loop, with the books audited after it."""
        decisions = step(self.cluster, happened, self.now)
        self.cluster.check()
        for name in self.cluster.shared_machines:
            books = self.cluster.machines[name]
            assert not books.is_up or tenants(self.cluster, books).free == books.free, name
        for job in self.cluster.touched.values():
            if job.state.is_over:
                self.done[job.job_id] = job
        self.cluster.touched.clear()
        for decision in decisions:
            self.log.append((self.now, decision))
            self._perform(decision)

    def plan(self, moment: float, action: Callable[[], None]) -> None:
        """Have something happen at a moment."""
        heapq.heappush(self._heap, (moment, next(self._order), action))

    def _perform(self, decision: Decision) -> None:
        if isinstance(decision, Start):
            self._start(decision.job)
        elif isinstance(decision, Hold):
            self._hold(decision.job, decision.machine)
        elif isinstance(decision, End):
            attempt, machine = decision.attempt, decision.machine
            if attempt in self.running[machine]:
                self.plan(self.now + 1, lambda: self._end(machine, attempt, 0, 15))
            elif machine in self.connected:
                self.plan(self.now, lambda: self._say(machine, events.AttemptUnknown(machine, attempt)))
        elif isinstance(decision, Forget):
            self.running[decision.machine].discard(decision.attempt)
        elif isinstance(decision, Suspend):
            self._suspend(decision.machine, decision.attempt, decision.resume)
        elif isinstance(decision, Limit):
            if decision.attempt in self.runs and decision.step is None:  # else it has not come there yet
                self.runs[decision.attempt].limit = decision.seconds
                self._plan_end(decision.machine, decision.attempt)
        elif isinstance(decision, Answer):
            self.answers.append(decision)
        else:
            assert isinstance(decision, Signal | Shrink | Resume | Drop | Measure)

    def _start(self, job: Job) -> None:
        attempt, machine = self.cluster.attempt_name(job), job.node or ""
        if machine not in self.connected:
            return
        if attempt not in self.running[machine]:
            self.running[machine].add(attempt)
            self.starts[attempt] = self.starts.get(attempt, 0) + 1
            self.hosts[attempt] = machine
            source = job.array_job_id or job.job_id
            self.runs[attempt] = Run(self.now, self.run_times[source], job.time_limit, self.exit_codes[source])
            self._plan_end(machine, attempt)
        self.plan(self.now, lambda: self._say(machine, events.AttemptStarted(machine, attempt, self.now, "0", "")))

    def _plan_end(self, machine: str, attempt: str) -> None:
        """The script ends when its run time or its time limit is over, unless it was suspended or the limit changed."""
        run = self.runs[attempt]
        if run.stopped_at is None:
            self.plan(max(run.end, self.now), lambda: self._end_in_time(machine, attempt))

    def _end_in_time(self, machine: str, attempt: str) -> None:
        run = self.runs[attempt]
        if run.stopped_at is None and self.now >= run.end:
            cause, code = ("TIMEOUT", 0) if run.limit is not None and run.run_time > run.limit else ("", run.exit_code)
            self._end(machine, attempt, code, 0, cause)

    def _suspend(self, machine: str, attempt: str, resume: bool) -> None:
        run = self.runs[attempt]
        if resume and run.stopped_at is not None:
            run.stopped += self.now - run.stopped_at
            run.stopped_at = None
            self._plan_end(machine, attempt)
        elif not resume and run.stopped_at is None:
            run.stopped_at = self.now

    def _hold(self, job: Job, machine: str) -> None:
        attempt = self.cluster.attempt_name(job)
        if machine in self.connected:
            self.running[machine].add(attempt)
            self.plan(self.now, lambda: self._say(machine, events.AttemptStarted(machine, attempt, self.now, "0", "")))

    def _end(self, machine: str, attempt: str, code: int, signal: int, cause: str = "") -> None:
        if attempt in self.running[machine]:
            self._say(machine, events.AttemptEnded(machine, attempt, self.now, cause, code, signal, 1000, 0.5, 0.1))
            if self.hosts.get(attempt) == machine:
                self._say(machine, events.OutputStored(attempt))

    def _say(self, machine: str, event: events.Event) -> None:
        """News of an attempt; those of a machine that is cut off are told again a second after it is back."""
        if machine in self.connected:
            self.happen(event)
        else:
            self._untold.setdefault(machine, []).append(event)
