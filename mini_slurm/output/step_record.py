"""What `scontrol show step` tells of a step, line by line: of what srun started, and of a job's batch script."""

from __future__ import annotations

from mini_slurm.model.job import plain_id
from mini_slurm.model.units import format_elapsed
from mini_slurm.output import tres
from mini_slurm.output.records import filled
from mini_slurm.output.values import NULL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.job import Job
    from mini_slurm.model.step import Step
    from mini_slurm.output.records import RecordView, Value

COLUMNS = ("job_id", "array_job_id", "array_task_id", "het_job_id", "het_offset", "uid", "start_time", "partition",
           "node", "attempt", "submit_host")  # fmt: skip


class Record:
    """A step and its job; without a step it is the batch script's."""

    __slots__ = ("host", "job", "step")

    def __init__(self, job: Job, step: Step | None = None, host: str | None = None) -> None:
        self.job = job
        self.step = step
        self.host = host  # where its srun is

    @property
    def number(self) -> str:
        """What stands behind the point."""
        return "batch" if self.step is None else self.step.shown


def lines(record: Record, view: RecordView) -> list[str]:
    """The lines of one step."""
    table = (HEAD, *(BATCH if record.step is None else STARTED))
    return filled(table, record, view)


def _id(record: Record, view: RecordView) -> str:
    return f"{plain_id(record.job)}.{record.number}"


def _start(record: Record, view: RecordView) -> str:
    return view.when(record.job.start_time if record.step is None else record.step.start_time)


def _limit(record: Record, view: RecordView) -> str:
    limit = record.step.time_limit if record.step else None
    return "UNLIMITED" if limit is None else format_elapsed(limit)


def _constant(text: str) -> Value:
    return lambda record, view: text


# fmt: off
HEAD = (("StepId", _id),
        ("UserId", lambda record, view: str(record.job.uid)),
        ("StartTime", _start),
        ("TimeLimit", _limit))
BATCH = (
    (("State", _constant("RUNNING")),
     ("Partition", lambda record, view: record.job.partition),
     ("NodeList", lambda record, view: record.job.node or "")),
    (("Nodes", _constant("1")), ("CPUs", _constant("0")), ("Tasks", _constant("1")), ("Name", _constant("batch")),
     ("Network", _constant(NULL))),
    (("TRES", _constant(NULL)),),
    (("ResvPorts", _constant(NULL)),),
    (("CPUFreqReq", _constant("Default")),),
    (("SrunHost:Pid", _constant(f"{NULL}:0")),),
)
STARTED = (
    (("State", lambda record, view: record.step.state.name),
     ("Partition", lambda record, view: record.job.partition),
     ("NodeList", lambda record, view: record.step.node_list)),
    (("Nodes", lambda record, view: str(record.step.nodes)),
     ("CPUs", lambda record, view: str(record.step.cpus)),
     ("Tasks", lambda record, view: str(record.step.ntasks)),
     ("Name", lambda record, view: record.step.name),
     ("Network", _constant(NULL))),
    (("TRES", lambda record, view: tres.of_step(record.step)),),
    (("ResvPorts", _constant(NULL)),),
    (("CPUFreqReq", _constant("Default")), ("Dist", lambda record, view: record.step.distribution)),
    (("SrunHost:Pid", lambda record, view: f"{record.host or NULL}:0"),),
)
# fmt: on
