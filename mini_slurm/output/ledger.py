"""What was used in a period, as sreport counts it: seconds of each resource, by account and user."""

from __future__ import annotations

from mini_slurm.output import tres

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mini_slurm.model.job import Job

    Amounts = dict[str, float]

COLUMNS = (
    *(
        "job_id",
        "account",
        "user",
        "eligible_time",
        "start_time",
        "end_time",
        "alloc_cpus",
        "alloc_memory",
        "alloc_gpus",
    ),
    *("node", "node_list", "nodes", "max_nodes", "ntasks", "cpus_per_task", "min_cpus"),
)  # of the jobs that are entered


class Ledger:
    """The books of one period; moments are seconds since the epoch, the capacity is what all machines have."""

    def __init__(self, begin: float, end: float, capacity: Mapping[str, int]) -> None:
        self.begin = begin
        self.end = max(begin, end)
        self.capacity = capacity
        self.used: dict[tuple[str, str], Amounts] = {}  # by account and user
        self._down: Amounts = {}
        self._waited = 0.0  # seconds of CPUs that jobs waited for

    def overlap(self, begin: float | None, end: float | None) -> float:
        """How much of the period lies between two moments; None: still going on, or never begun."""
        if begin is None:
            return 0.0
        return max(min(self.end if end is None else end, self.end) - max(begin, self.begin), 0.0)

    def enter(self, job: Job) -> None:
        """Count what a job used, and how long it waited."""
        seconds = self.overlap(job.start_time, job.end_time)
        if seconds and job.alloc_cpus:
            add(self.used.setdefault((job.account or "", job.user), {}), tres.held(job), seconds)
        ended = job.end_time if job.start_time is None else job.start_time
        self._waited += self.overlap(job.eligible_time, ended) * tres.requested_cpus(job)

    def enter_down(self, amounts: Mapping[str, int], since: float) -> None:
        """Count a machine that is down."""
        add(self._down, amounts, self.overlap(since, None))

    def reported(self, resource: str) -> float:
        """All there was."""
        return self.capacity.get(resource, 0) * (self.end - self.begin)

    def shares(self, resource: str) -> Mapping[str, float]:
        """How all there was has been spent."""
        spent = sum(amounts.get(resource, 0.0) for amounts in self.used.values())
        down = self._down.get(resource, 0.0)
        free = max(self.reported(resource) - spent - down, 0.0)
        waited = self._waited if resource == "cpu" else 0.0
        planned = min(waited, free)
        return {
            "Allocated": spent, "Down": down, "PLND Down": 0.0, "Idle": free - planned, "Planned": planned,
            "Over Comm": waited - planned, "Reported": max(self.reported(resource), spent),
        }  # fmt: skip


def add(to: Amounts, amounts: Mapping[str, float], seconds: float = 1.0) -> None:
    """Add amounts, each for so many seconds."""
    for name, amount in amounts.items():
        to[name] = to.get(name, 0.0) + amount * seconds


def total(parts: Iterable[Mapping[str, float]]) -> Amounts:
    """All of them together."""
    found: Amounts = {}
    for part in parts:
        add(found, part)
    return found
