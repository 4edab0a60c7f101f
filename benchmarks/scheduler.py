"""What does a pass over a long queue cost, and what an event, in the core alone?"""

from __future__ import annotations

import random
import statistics
import time

from mini_slurm.model.job import Job
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler import events
from mini_slurm.scheduler.cluster import make_cluster
from mini_slurm.scheduler.core import step
from tests.simulation.harness import STATE, fleet_of

MACHINES, CLASSES = 1000, 20
TASKS, SHAPES = 100_000, 500
PASS_LIMIT, EVENT_LIMIT = 0.050, 0.005  # seconds
GROWTH_LIMIT = 1.5  # a pass over ten times as many tasks, against one over so many
PASSES, EVENTS = 10, 300
HOUR = 3600


def machines() -> dict[str, Resources]:
    """4 to 64 CPUs, 2 to 8 GB a CPU, and GPUs in every fourth class."""
    found: dict[str, Resources] = {}
    for number in range(MACHINES):
        kind = number % CLASSES
        cpus = (4, 8, 16, 32, 64)[kind % 5]
        memory = cpus * (2000, 4000, 6000, 8000)[kind // 5]
        found[f"node{number:04}"] = Resources(cpus, memory, {"a100": 4} if kind % 4 == 3 else {})
    return found


def shape(number: int) -> dict[str, object]:
    """What the jobs of one shape ask for; no two shapes are alike."""
    rng = random.Random(number)
    request: dict[str, object] = {
        "cpus_per_task": rng.choice([1, 1, 2, 4, 8]),
        "memory_per_node": 500 + 7 * number,
        "time_limit": rng.choice([600, HOUR, 6 * HOUR, 24 * HOUR]),
    }
    if number % 10 == 7:
        request["gres"] = rng.choice(["gpu:1", "gpu:a100:2"])
    if number % 10 == 3:
        request |= {"nodes": 2, "max_nodes": 4, "ntasks": 8, "cpus_per_task": 2}
    return request


class Core:
    """A busy fleet, and a queue of so many tasks: one record a shape, or (`single`) one a task."""

    def __init__(self, tasks: int, *, single: bool = False) -> None:
        self.now = 0.0
        self.cluster = make_cluster(fleet_of(machines()), STATE, [], {})
        known = self.cluster.fleet.machines
        self.happen(*(events.MachineConnected(name, Resources(), "boot", frozenset()) for name in known))
        self._submit(SHAPES, "0-199")
        for job in list(self.cluster.jobs.values()):
            if job.node is None:
                self.happen(events.CancelRequested(job.job_id, None, False, 0))
        self.running = list(self.cluster.jobs.values())
        random.Random(1).shuffle(self.running)
        if single:
            self._submit(tasks, None)
        else:
            self._submit(SHAPES, f"0-{tasks // SHAPES - 1}")

    def _submit(self, records: int, tasks: str | None) -> None:
        jobs = []
        for number in range(self.cluster.next_job_id, self.cluster.next_job_id + records):
            job = Job(job_id=number, partition="main", **shape(number % SHAPES))
            if tasks is not None:
                job.array_job_id, job.array_tasks = number, tasks
            jobs.append(events.JobSubmitted(job))
        self.cluster.next_job_id += records
        self.happen(*jobs)

    def happen(self, *happened: events.Event) -> float:
        """One step; the seconds that it took."""
        begin = time.process_time()
        step(self.cluster, happened, self.now)
        seconds = time.process_time() - begin
        self.cluster.touched.clear()
        return seconds

    def whole_pass(self) -> float:
        """Everything is looked at anew, as after a change of the fleet; nothing can start."""
        self.cluster.reorder()
        return self.happen()

    def end_of_one(self) -> float:
        """A running job ends, and others start in its place."""
        self.now += 1.0
        job = self.running.pop()
        attempt, machine = self.cluster.attempt_name(job), job.node or ""
        return self.happen(events.AttemptEnded(machine, attempt, self.now, "", 0, 0, 0, 0.0, 0.0))


def main() -> list[dict[str, object]]:
    """Medians, with the queue as arrays and as single jobs."""
    rows: list[dict[str, object]] = []
    what = f"{SHAPES} shapes, {MACHINES} machines"
    for single in (False, True):
        core = Core(TASKS, single=single)
        whole = statistics.median(core.whole_pass() for _ in range(PASSES))
        event = statistics.median(core.end_of_one() for _ in range(EVENTS))
        other = Core(TASKS // 10 if single else TASKS * 10, single=single)
        other_pass = statistics.median(other.whole_pass() for _ in range(PASSES))
        growth = whole / other_pass if single else other_pass / whole
        kind = "single jobs" if single else "tasks of arrays"
        rows += [
            {"what": f"a pass over {TASKS:,} {kind} ({what})", "value": whole, "measured": f"{whole * 1000:.1f} ms",
             "limit": f"at most {PASS_LIMIT * 1000:.0f} ms", "good": whole <= PASS_LIMIT},
            {"what": f"a job ends, others of {TASKS:,} {kind} start", "value": event,
             "measured": f"{event * 1000:.2f} ms", "limit": f"at most {EVENT_LIMIT * 1000:.0f} ms",
             "good": event <= EVENT_LIMIT},
            {"what": f"a pass over ten times as many {kind}", "value": growth, "measured": f"{growth:.2f} times",
             "limit": f"at most {GROWTH_LIMIT} times", "good": growth <= GROWTH_LIMIT},
        ]  # fmt: skip
    return rows


if __name__ == "__main__":
    import json

    print(json.dumps(main(), indent=1))
