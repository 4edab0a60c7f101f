"""The columns of squeue that only `-O` knows, by name: loaded when it is asked for."""

from __future__ import annotations

from mini_slurm.model.patterns import error_path, input_path, output_path
from mini_slurm.model.resources import parse_gpus
from mini_slurm.model.states import JobState
from mini_slurm.output.job_fields import JOB_FIELDS, accrues, cpus, eligible
from mini_slurm.output.layout import Field, View
from mini_slurm.output.values import NOT_KNOWN, NULL, gres, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.job import Job
    from mini_slurm.output.layout import Value


def _constant(text: str) -> Value:
    return lambda job, view: text


def _moment(when: float | None, view: View) -> str:
    return NOT_KNOWN if when is None else view.moment(when)


def _pending(job: Job, view: View) -> str:
    until = view.now if job.state is JobState.PENDING or job.start_time is None else job.start_time
    return str(max(int(until - job.submit_time), 0))


def _per_job(job: Job, view: View) -> str:
    return gres(f"gpu:{job.gpus}") or NOT_KNOWN if job.gpus else NOT_KNOWN


def _allocated(job: Job) -> str:
    """What a job holds, as trackable resources."""
    if not job.alloc_cpus:
        return NOT_KNOWN
    parts = [f"cpu={job.alloc_cpus}", f"mem={size(job.alloc_memory)}", "node=1", f"billing={job.alloc_cpus}"]
    gpus = parse_gpus(job.alloc_gpus)
    return ",".join([*parts, f"gres/gpu={sum(gpus.values())}"] if gpus else parts)


_ELIGIBLE = "state reason eligible_time submit_time alloc_cpus"
_PATHS = "job_id array_job_id array_task_id work_dir name user node std_in std_out std_err"


# What a fleet does not have, as Slurm writes its absence.
# fmt: off
_ABSENT = (
    ("admin_comment", "ADMIN_COMMENT", NULL), ("AllocSID", "ALLOC_SID", "0"), ("AssocID", "ASSOC_ID", "0"),
    ("BatchFlag", "BATCH_FLAG", "1"), ("BoardsPerNode", "BOARDS_PER_NODE", "0"),
    ("BurstBuffer", "BURST_BUFFER", NULL), ("BurstBufferState", "BURST_BUFFER_STATE", NULL),
    ("ClusterFeature", "CLUSTER_FEATURES", NULL), ("Container", "CONTAINER", NULL),
    ("cpus-per-tres", "CPUS_PER_TRES", NOT_KNOWN), ("Deadline", "DEADLINE", NOT_KNOWN),
    ("DelayBoot", "DELAY_BOOT", "0:00"), ("DerivedEC", "DERIVED_EC", "0"), ("HetJobID", "HET_JOB_ID", NOT_KNOWN),
    ("HetJobIDSet", "HET_JOB_ID_SET", NOT_KNOWN), ("HetJobOffset", "HET_JOB_OFFSET", NOT_KNOWN),
    ("MCSLabel", "MCSLABEL", NULL), ("mem-per-tres", "MEM_PER_TRES", NOT_KNOWN), ("MinTime", "TIME_MIN", "0:00"),
    ("Network", "NETWORK", NULL), ("NTPerBoard", "NTASKS_PER_BOARD", "0"), ("NTPerCore", "NTASKS_PER_CORE", NOT_KNOWN),
    ("NTPerNode", "NTASKS_PER_NODE", "0"), ("NTPerSocket", "NTASKS_PER_SOCKET", NOT_KNOWN),
    ("Origin", "ORIGIN", "NA"), ("OriginRaw", "ORIGIN_RAW", "NA"), ("PreemptTime", "PREEMPT_TIME", NOT_KNOWN),
    ("Profile", "PROFILE", NOT_KNOWN), ("Reboot", "REBOOT", "0"), ("ReqSwitch", "REQ_SWITCH", "0"),
    ("ResizeTime", "RESIZE_TIME", NOT_KNOWN), ("SiblingsActive", "ACTIVE_SIBLINGS", "NA"),
    ("SiblingsActiveRaw", "ACTIVE_SIBLINGS_RAW", "NA"), ("SiblingsViable", "VIABLE_SIBLINGS", "NA"),
    ("SiblingsViableRaw", "VIABLE_SIBLINGS_RAW", "NA"), ("SPerBoard", "SOCKETS_PER_BOARD", "0"),
    ("system_comment", "SYSTEM_COMMENT", NULL), ("tres-bind", "TRES_BIND", NOT_KNOWN),
    ("tres-freq", "TRES_FREQ", NOT_KNOWN), ("tres-per-socket", "TRES_PER_SOCKET", NOT_KNOWN),
    ("tres-per-step", "TRES_PER_STEP", NOT_KNOWN), ("tres-per-task", "TRES_PER_TASK", NOT_KNOWN),
    ("Wait4Switch", "WAIT4SWITCH", "0:00"),
)
_OWN = (
    Field("JobID", "", "JOBID", "job_id", lambda job, view: str(job.job_id)),
    Field("AccrueTime", "", "ACCRUE_TIME", _ELIGIBLE, lambda job, view: _moment(accrues(job), view)),
    Field("AllocNodes", "", "ALLOC_NODES", "submit_host", lambda job, view: job.submit_host),
    Field("Cluster", "", "CLUSTER", "", lambda job, view: view.cluster),
    Field("cpus-per-task", "", "CPUS_PER_TASK", "cpus_per_task", lambda job, view: str(job.cpus_per_task or 1)),
    Field("EligibleTime", "", "ELIGIBLE_TIME", _ELIGIBLE, lambda job, view: _moment(eligible(job), view)),
    Field("exit_code", "", "EXIT_CODE", "exit_code", lambda job, view: str(job.exit_code)),
    Field("MaxCPUs", "", "MAX_CPUS", "alloc_cpus ntasks cpus_per_task nodes", lambda job, view: str(cpus(job))),
    Field("MaxNodes", "", "MAX_NODES", "nodes", lambda job, view: str(job.nodes)),
    Field("NumTasks", "", "TASKS", "ntasks nodes", lambda job, view: str(max(job.ntasks or 1, job.nodes))),
    Field("PendingTime", "", "PENDING_TIME", "state start_time submit_time", _pending),
    Field("Requeue", "", "REQUEUE", "requeue", lambda job, view: str(job.requeue)),
    Field("RestartCnt", "", "RESTART_COUNT", "restarts", lambda job, view: str(job.restarts)),
    Field("STDERR", "", "STDERR", _PATHS, lambda job, view: error_path(job)),
    Field("STDIN", "", "STDIN", _PATHS, lambda job, view: input_path(job)),
    Field("STDOUT", "", "STDOUT", _PATHS, lambda job, view: output_path(job)),
    Field("tres-alloc", "", "TRES_ALLOC", "alloc_cpus alloc_memory alloc_gpus", lambda job, view: _allocated(job)),
    Field("tres-per-job", "", "TRES_PER_JOB", "gpus", _per_job),
)
# fmt: on


NAMED_FIELDS = (
    *JOB_FIELDS,
    *_OWN,
    *(Field(name, "", header, "", _constant(text)) for name, header, text in _ABSENT),
)
