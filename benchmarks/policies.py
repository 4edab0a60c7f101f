"""How do FCFS, EASY backfill and ours compare over a modelled day on 1,000 machines? How long does a replay take?"""

from __future__ import annotations

import heapq
import statistics
import time
from itertools import count

from benchmarks.workload import Request, day
from mini_slurm.model.job import Job
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler import events
from mini_slurm.scheduler.cluster import allocation, make_cluster
from mini_slurm.scheduler.core import step
from mini_slurm.scheduler.decisions import Hold, Start
from tests.simulation.harness import STATE, fleet_of

MACHINES, LOAD = 1000, 0.9
REPLAY_LIMIT = 60.0  # seconds
WORSE = 1.1
SHORT = 10.0  # seconds: shorter jobs do not count as slowed down more than these
STARVED = 7 * 86400  # seconds

Starts = dict[int, float]


def textbook(jobs: list[Request], *, backfill: bool) -> Starts:
    """First come, first served; with `backfill` as EASY has it, of machines that are all alike."""
    starts: Starts = {}
    free, queue = MACHINES, list[int]()
    ends: list[tuple[float, int]] = []
    running: dict[int, float] = {}  # job -> when it is over at the latest
    arrivals = list(reversed(range(len(jobs))))
    while arrivals or ends:
        arrival = jobs[arrivals[-1]].submitted if arrivals else float("inf")
        now = min(arrival, ends[0][0] if ends else float("inf"))
        while ends and ends[0][0] <= now:
            number = heapq.heappop(ends)[1]
            free += jobs[number].nodes
            del running[number]
        while arrivals and jobs[arrivals[-1]].submitted <= now:
            queue.append(arrivals.pop())
        for number in _chosen(jobs, queue, running, free, now, backfill=backfill):
            starts[number] = now
            free -= jobs[number].nodes
            running[number] = now + jobs[number].time_limit
            heapq.heappush(ends, (now + min(jobs[number].run_time, jobs[number].time_limit), number))
            queue.remove(number)
    return starts


def _chosen(
    jobs: list[Request], queue: list[int], running: dict[int, float], free: int, now: float, *, backfill: bool
) -> list[int]:
    found: list[int] = []
    busy = dict(running)
    shadow, spare = float("inf"), 0
    for position, number in enumerate(queue):
        job = jobs[number]
        if position == len(found) and job.nodes <= free:  # nobody waits before it
            found.append(number)
            busy[number] = now + job.time_limit
            free -= job.nodes
            continue
        if not backfill:
            break
        if shadow == float("inf"):
            shadow, spare = _shadow(jobs, busy, free, job.nodes)
            continue
        in_time = now + job.time_limit <= shadow
        if job.nodes <= free and (in_time or job.nodes <= spare):
            found.append(number)
            free -= job.nodes
            spare -= 0 if in_time else job.nodes
    return found


def _shadow(jobs: list[Request], busy: dict[int, float], free: int, wanted: int) -> tuple[float, int]:
    """When so many machines are free at the latest, and how many more there are then."""
    for number in sorted(busy, key=lambda one: busy[one]):
        free += jobs[number].nodes
        if free >= wanted:
            return busy[number], free - wanted
    return float("inf"), 0


class Replay:
    """The core itself with machines that start what they are told, and end it in time."""

    def __init__(self, jobs: list[Request]) -> None:
        self.jobs = jobs
        self.starts: Starts = {}
        self.promised: Starts = {}  # by when each job that got a reservation is to start, as it was told first
        self._order = count()
        self._heap: list[tuple[float, int, list[events.Event]]] = []
        machines = {f"node{number:04}": Resources(16, 64_000) for number in range(MACHINES)}
        self._cluster = make_cluster(fleet_of(machines), STATE, [], {})
        self._plan(0.0, *(events.MachineConnected(name, has, "boot", frozenset()) for name, has in machines.items()))
        for number, one in enumerate(jobs):
            job = Job(job_id=number, partition="main", nodes=one.nodes, max_nodes=one.nodes, exclusive=1,
                      time_limit=one.time_limit, submit_time=one.submitted)  # fmt: skip
            self._plan(one.submitted, events.JobSubmitted(job))

    def _plan(self, moment: float, *happen: events.Event) -> None:
        heapq.heappush(self._heap, (moment, next(self._order), list(happen)))

    def run(self) -> float:
        """Until all is over; the seconds that it took."""
        begin = time.process_time()
        while self._heap:
            now, _, happened = heapq.heappop(self._heap)
            decisions = step(self._cluster, happened, now)
            self._cluster.touched.clear()
            for job in {one.job.job_id: one.job for one in decisions if isinstance(one, Start | Hold)}.values():
                if job.job_id not in self.starts:
                    self._start(job, now)
            kept = self._cluster.reservation
            if kept is not None:
                self.promised.setdefault(kept.job_id, kept.begin)
        return time.process_time() - begin

    def _start(self, job: Job, now: float) -> None:
        self.starts[job.job_id] = now
        name, host, one = self._cluster.attempt_name(job), job.node or "", self.jobs[job.job_id]
        end = now + min(one.run_time, one.time_limit)
        members = (machine for machine in allocation(job) if machine != host)
        self._plan(now, *(events.AttemptStarted(machine, name, now, "0", "") for machine in (*members, host)))
        ended = events.AttemptEnded(host, name, end, "", 0, 0, 0, 0.0, 0.0)
        members = (machine for machine in allocation(job) if machine != host)
        gone = (events.AttemptUnknown(machine, name) for machine in members)
        self._plan(end, ended, *gone, events.OutputStored(name))

    @property
    def broken(self) -> int:
        """Jobs that started later than they were promised."""
        return sum(1 for number, moment in self.promised.items() if self.starts[number] > moment + 1.0)


def slowdown(jobs: list[Request], starts: Starts) -> float:
    """The mean bounded slowdown."""
    waits = ((starts[number] - one.submitted, one.run_time) for number, one in enumerate(jobs))
    return statistics.mean(max(1.0, (wait + run_time) / max(run_time, SHORT)) for wait, run_time in waits)


def utilisation(jobs: list[Request], starts: Starts) -> float:
    """Which part of the machines was busy until the last job had started."""
    until = max(starts.values())
    used = (one.nodes * min(one.run_time, until - starts[number]) for number, one in enumerate(jobs))
    return sum(used) / (MACHINES * until)


def main() -> list[dict[str, object]]:
    """The same day three times."""
    jobs = day(MACHINES, LOAD)
    replay = Replay(jobs)
    seconds = replay.run()
    found = {"FCFS": textbook(jobs, backfill=False), "EASY": textbook(jobs, backfill=True), "ours": replay.starts}
    slow = {name: slowdown(jobs, starts) for name, starts in found.items()}
    texts = [f"{name} {slow[name]:.1f}, {utilisation(jobs, starts):.0%} used" for name, starts in found.items()]
    longest = max(start - jobs[number].submitted for number, start in replay.starts.items())
    ratio = slow["ours"] / slow["EASY"]
    what = f"a day of {len(jobs)} jobs by Lublin and Feitelson on {MACHINES} machines"
    return [
        {"what": f"replay of {what}", "value": seconds, "measured": f"{seconds:.1f} s",
         "limit": f"at most {REPLAY_LIMIT:.0f} s", "good": seconds <= REPLAY_LIMIT},
        {"what": "its mean bounded slowdown", "value": ratio, "measured": "; ".join(texts),
         "limit": f"at most {WORSE} x EASY", "good": ratio <= WORSE},
        {"what": "its reservations that were not kept", "value": replay.broken,
         "measured": f"{replay.broken} of {len(replay.promised)}; the longest wait {longest / 3600:.1f} h",
         "limit": "none, and nobody starves",
         "good": not replay.broken and len(replay.starts) == len(jobs) and longest < STARVED},
    ]  # fmt: skip


if __name__ == "__main__":
    import json

    print(json.dumps(main(), indent=1))
