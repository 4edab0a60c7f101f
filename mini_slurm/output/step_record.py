"""What `scontrol show step` tells of a step, line by line. A job that runs has its batch script's own."""

from __future__ import annotations

from mini_slurm.output.records import filled
from mini_slurm.output.values import NULL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.job import Job
    from mini_slurm.output.records import RecordView, Value

COLUMNS = ("job_id", "array_job_id", "array_task_id", "uid", "start_time", "partition", "node")


def lines(job: Job, view: RecordView) -> list[str]:
    """The lines of a job's batch step."""
    return filled(BATCH, job, view)


def step_id(job: Job) -> str:
    """The number of the batch step."""
    number = job.job_id if job.array_task_id is None else f"{job.array_job_id}_{job.array_task_id}"
    return f"{number}.batch"


def _constant(text: str) -> Value:
    return lambda job, view: text


# fmt: off
BATCH = (
    (("StepId", lambda job, view: step_id(job)),
     ("UserId", lambda job, view: str(job.uid)),
     ("StartTime", lambda job, view: view.when(job.start_time)),
     ("TimeLimit", _constant("UNLIMITED"))),
    (("State", _constant("RUNNING")),
     ("Partition", lambda job, view: job.partition),
     ("NodeList", lambda job, view: job.node or "")),
    (("Nodes", _constant("1")), ("CPUs", _constant("0")), ("Tasks", _constant("1")), ("Name", _constant("batch")),
     ("Network", _constant(NULL))),
    (("TRES", _constant(NULL)),),
    (("ResvPorts", _constant(NULL)),),
    (("CPUFreqReq", _constant("Default")),),
    (("SrunHost:Pid", _constant(f"{NULL}:0")),),
)
# fmt: on
