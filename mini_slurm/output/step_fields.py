"""The columns of `squeue --steps`: loaded when steps are asked for. Records are steps with their jobs."""

from __future__ import annotations

from mini_slurm.model.hostlist import natural
from mini_slurm.model.job import plain_id
from mini_slurm.output.job_fields import limit, moment, span, used
from mini_slurm.output.layout import Field, View
from mini_slurm.output.values import NOT_KNOWN, NULL, gpus, gres

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from mini_slurm.model.job import Job
    from mini_slurm.model.step import Step
    from mini_slurm.output.layout import Value

DEFAULT = "%.15i %.8j %.9P %.8u %.9M %N"
SORT = "P,i"
BATCH = "batch"
LAST = 2**32  # the batch step's place after all that have numbers


class Line:
    """One step: of srun, or the batch script's own where `step` is None."""

    __slots__ = ("job", "step")

    def __init__(self, job: Job, step: Step | None) -> None:
        self.job = job
        self.step = step

    @property
    def name(self) -> str:
        """What it is called after the dot."""
        return BATCH if self.step is None else self.step.shown

    @property
    def place(self) -> tuple[int, int]:
        """By which the steps of a job are put in order."""
        return (LAST, 0) if self.step is None else (self.step.number, self.step.component)

    @property
    def nodes(self) -> str:
        """Where it runs, as a hostlist: the batch script on the first machine."""
        return self.job.node or "" if self.step is None else self.step.node_list

    @property
    def start(self) -> float | None:
        """When it started."""
        return self.job.start_time if self.step is None else self.step.start_time

    @property
    def time_limit(self) -> int | None:
        """Its own."""
        return None if self.step is None else self.step.time_limit

    def seconds(self, now: float) -> float:
        """How long it has run."""
        return used(self.job, now) if self.step is None else max(now - self.step.start_time, 0)


def lines(jobs: Sequence[Job], steps: Sequence[Step]) -> list[Line]:
    """The steps that run, in the order of their jobs; of each job the batch script's comes first."""
    found: list[Line] = []
    for job in jobs:
        if job.is_batch and not job.het_offset and job.end_time is None:
            found.append(Line(job, None))
        found += (Line(job, step) for step in steps if (step.job_id, step.attempt) == (job.job_id, job.attempt))
    return found


def _cpus(line: Line) -> int:
    return 0 if line.step is None else line.step.cpus


def _step_id(line: Line, view: View) -> str:
    return f"{plain_id(line.job)}.{line.name}"


def _gpus(line: Line, view: View) -> str:
    from mini_slurm.model.resources import parse_gpus

    return NULL if line.step is None else gres(gpus(parse_gpus(line.step.gpus))) or NULL


def _task_id(line: Line, view: View) -> str:
    return NOT_KNOWN if line.job.array_task_id is None else str(line.job.array_task_id)


def _constant(text: str) -> Value:
    return lambda line, view: text


def _row(name: str, letter: str, header: str, value: Value, *, cut: bool = True, cut_header: bool = True) -> Field:
    return Field(name, letter, header, COLUMNS, value, cut=cut, cut_header=cut_header)


COLUMNS = (
    "job_id array_job_id array_task_id het_job_id het_offset attempt script partition uid user state start_time"
    " end_time suspend_time suspended_seconds time_limit node node_list alloc_cpus ntasks cpus_per_task nodes"
    " max_nodes extra"
)

# fmt: off
STEP_FIELDS = (
    _row("NumTasks", "A", "TASKS", lambda line, view: str(1 if line.step is None else line.step.ntasks)),
    _row("tres-per-node", "b", "TRES_PER_JOB", _gpus),
    _row("StepID", "i", "STEPID", _step_id),
    _row("StepName", "j", "NAME", lambda line, view: BATCH if line.step is None else line.step.name),
    _row("TimeLimit", "l", "TIME_LIMIT", lambda line, view: limit(line.time_limit), cut=False),
    _row("TimeUsed", "M", "TIME", lambda line, view: span(line.seconds(view.now)), cut=False),
    _row("Nodes", "N", "NODELIST", lambda line, view: line.nodes, cut=False, cut_header=False),
    _row("Partition", "P", "PARTITION", lambda line, view: line.job.partition),
    Field("StartTime", "S", "START_TIME", COLUMNS, lambda line, view: moment(line.start, view), left_header=True),
    _row("UserID", "U", "UID", lambda line, view: str(line.job.uid)),
    _row("UserName", "u", "USER", lambda line, view: line.job.user),
    # -O alone
    _row("ArrayJobID", "", "ARRAY_JOB_ID", lambda line, view: str(line.job.array_job_id or 0)),
    _row("ArrayTaskID", "", "ARRAY_TASK_ID", _task_id),
    _row("Cluster", "", "CLUSTER", lambda line, view: view.cluster),
    _row("Container", "", "CONTAINER", _constant(NULL)),
    _row("cpus-per-tres", "", "CPUS_PER_TRES", _constant(NULL)),
    _row("CPUFreq", "", "CPU_FREQ", lambda line, view: "Unknown-Unknown:Unknown" if line.step else "0-0:0"),
    _row("JobID", "", "JOB_ID", lambda line, view: str(line.job.job_id)),
    _row("mem-per-tres", "", "MEM_PER_TRES", _constant(NULL)),
    _row("Network", "", "NETWORK", _constant(NULL)),
    _row("NumCPUs", "", "NUM_CPUS", lambda line, view: str(_cpus(line))),
    _row("ResvPorts", "", "RESERVED_PORTS", _constant(NULL)),
    _row("StepState", "", "STATE", lambda line, view: line.job.state.name),
    _row("tres-bind", "", "TRES_BIND", _constant(NULL)),
    _row("tres-freq", "", "TRES_FREQ", _constant(NULL)),
    _row("tres-per-socket", "", "TRES_PER_SOCKET", _constant(NULL)),
    _row("tres-per-step", "", "TRES_PER_STEP", _constant(NULL)),
    _row("tres-per-task", "", "TRES_PER_TASK", _constant(NULL)),
)
# fmt: on
ALIASES = {"gres": "tres-per-node", "tres-per-job": "tres-per-step", "numtask": "numtasks"}

_KEYS: dict[str, Callable[[Line, float], Any]] = {
    "i": lambda line, now: (line.job.job_id, line.place),
    "N": lambda line, now: natural(line.nodes),
    "P": lambda line, now: line.job.partition,
    "l": lambda line, now: float("inf") if line.time_limit is None else line.time_limit,
    "S": lambda line, now: int(line.start or 0),
    "M": lambda line, now: -int(line.start or 0),
    "u": lambda line, now: line.job.user,
    "U": lambda line, now: line.job.uid,
}


def sort(found: list[Line], text: str, now: float) -> None:
    """Put steps in order: letters of -o, each with `-` before it for the largest first; others do not count."""
    for place in range(len(text) - 1, -1, -1):
        key = _KEYS.get(text[place])
        if key is not None:
            found.sort(key=lambda line, key=key: key(line, now), reverse=text[place - 1 : place] == "-")  # type: ignore[misc]
