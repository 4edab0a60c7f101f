"""The columns of squeue that only `-O` knows, by name: loaded when it is asked for."""

from __future__ import annotations

from mini_slurm.model.request import extra, open_preference
from mini_slurm.model.states import JobState
from mini_slurm.output import tres
from mini_slurm.output.job_fields import (
    JOB_FIELDS,
    accrues,
    eligible,
    file_in,
    has_run,
    moment,
    option,
    span,
    starts,
)
from mini_slurm.output.layout import Field, View
from mini_slurm.output.values import NOT_KNOWN, NULL, gres, het_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.job import Job
    from mini_slurm.output.layout import Value


def _constant(text: str) -> Value:
    return lambda job, view: text


def _pending(job: Job, view: View) -> str:
    start = None if job.state is JobState.PENDING else starts(job, view.now)
    return str(max(int(view.now if start is None else start) - int(job.submit_time), 0))


def _evaluated(job: Job, view: View) -> str:
    """When the scheduler looked at the job last: when it started, or was submitted."""
    return moment(starts(job, view.now) if has_run(job) else job.submit_time, view)


def _default_file(job: Job) -> str:
    return f"{job.work_dir}/slurm-{job.job_id}.out"


def _errors(job: Job) -> str:
    return (file_in(job, job.std_err or job.std_out) or _default_file(job)) if job.is_batch else NOT_KNOWN


def _delay(job: Job) -> str:
    text = extra(job).get("delay-boot")
    if not text:
        return span(0)
    from mini_slurm.model.units import parse_duration

    return span(parse_duration(text))


def _switches(job: Job) -> tuple[str, str]:
    """How many, and how long the job waits for so few."""
    text = extra(job).get("switches")
    if text is None:
        return "0", span(0)
    from mini_slurm.model.numbers import to_int
    from mini_slurm.model.units import parse_duration

    count, _, longest = text.partition("@")
    return str(to_int(int(count))), span(parse_duration(longest))


def _tasks(job: Job) -> str:
    return str(tres.tasks(job) or 1)


def _max_nodes(job: Job) -> str:
    return str(job.max_nodes or tres.nodes(job))


def _per(name: str) -> Value:
    return lambda job, view: tres.per_gpu(job, name) or NOT_KNOWN


def _of_gpus(name: str) -> Value:
    """What was said of GPUs in general."""
    return lambda job, view: f"gpu:{text}" if (text := extra(job).get(name)) else NOT_KNOWN


_ELIGIBLE = "state reason eligible_time submit_time begin_time start_time alloc_cpus script"
_FILE = "job_id work_dir std_in std_out std_err script"
_STARTS = "state start_time begin_time submit_time alloc_cpus"
_TASKS = "state ntasks nodes node node_list alloc_cpus ntasks_per_node"
_TRES = (
    "state node node_list alloc_cpus alloc_memory alloc_gpus ntasks cpus_per_task nodes max_nodes min_cpus extra"
    " required_nodes memory_per_node memory_per_cpu gres gpus"
)


# What a fleet does not have, as Slurm writes its absence.
# fmt: off
_ABSENT = (
    ("BoardsPerNode", "BOARDS_PER_NODE", "0"),
    ("BurstBufferState", "BURST_BUFFER_STATE", NULL), ("DerivedEC", "DERIVED_EC", "0"),
    ("NTPerBoard", "NTASKS_PER_BOARD", "0"), ("Origin", "ORIGIN", "NA"),
    ("OriginRaw", "ORIGIN_RAW", "NA"), 
    ("SiblingsActive", "ACTIVE_SIBLINGS", "NA"),
    ("SiblingsActiveRaw", "ACTIVE_SIBLINGS_RAW", "NA"), ("SiblingsViable", "VIABLE_SIBLINGS", "NA"),
    ("SiblingsViableRaw", "VIALBLE_SIBLINGS_RAW", "NA"), ("SPerBoard", "SOCKETS_PER_BOARD", "0"),
    ("system_comment", "SYSTEM_COMMENT", NULL),
)
# Options that are kept as they were given: the long name of each.
_KEPT = (
    ("admin_comment", "ADMIN_COMMENT", "admin-comment", NULL), ("BurstBuffer", "BURST_BUFFER", "bb", NULL),
    ("ClusterFeature", "CLUSTER_FEATURES", "cluster-constraint", NULL), ("Container", "CONTAINER", "container", NULL),
    ("MCSLabel", "MCSLABEL", "mcs-label", NULL), ("Network", "NETWORK", "network", NULL),
    ("NTPerCore", "NTASKS_PER_CORE", "ntasks-per-core", NOT_KNOWN),
    ("NTPerSocket", "NTASKS_PER_SOCKET", "ntasks-per-socket", NOT_KNOWN),
    ("Profile", "PROFILE", "profile", "NotSet"),
)
_GPUS = (
    ("cpus-per-tres", "CPUS_PER_TRES", "cpus-per-gpu"), ("mem-per-tres", "MEM_PER_TRES", "mem-per-gpu"),
    ("tres-per-socket", "TRES_PER_SOCKET", "gpus-per-socket"), ("tres-per-task", "TRES_PER_TASK", "gpus-per-task"),
)
_OF_GPUS = (("tres-bind", "TRES_BIND", "gpu-bind"), ("tres-freq", "TRES_FREQ", "gpu-freq"))
_OWN = (
    Field("AccrueTime", "", "ACCRUE_TIME", _ELIGIBLE, lambda job, view: moment(accrues(job), view)),
    Field("AllocNodes", "", "ALLOC_NODES", "submit_host", lambda job, view: job.submit_host),
    Field("AllocSID", "", "ALLOC_SID", "submit_session", lambda job, view: str(job.submit_session)),
    Field("AssocID", "", "ASSOC_ID", "account user",
          lambda job, view: str(view.associations.get((job.account, job.user), 0))),
    Field("BatchFlag", "", "BATCH_FLAG", "script", lambda job, view: str(int(job.is_batch))),
    Field("Cluster", "", "CLUSTER", "", lambda job, view: job.__dict__.get("cluster", view.cluster)),
    Field("cpus-per-task", "", "CPUS_PER_TASK", "cpus_per_task", lambda job, view: str(job.cpus_per_task or 1)),
    Field("Deadline", "", "DEADLINE", "deadline", lambda job, view: moment(job.deadline, view)),
    Field("DelayBoot", "", "DELAY_BOOT", "extra", lambda job, view: _delay(job)),
    Field("EligibleTime", "", "ELIGIBLE_TIME", _ELIGIBLE, lambda job, view: moment(eligible(job), view)),
    Field("exit_code", "", "EXIT_CODE", "exit_code exit_signal", lambda job, view: str(tres.wait_status(job))),
    Field("HetJobID", "", "HET_JOB_ID", "het_job_id", lambda job, view: str(job.het_job_id or NOT_KNOWN)),
    Field("HetJobIDSet", "", "HET_JOB_ID_SET", "het_job_id het_size", lambda job, view: het_set(job) or NOT_KNOWN),
    Field("HetJobOffset", "", "HET_JOB_OFFSET", "het_job_id het_offset",
          lambda job, view: str(job.het_offset) if job.het_job_id else NOT_KNOWN),
    Field("LastSchedEval", "", "LAST_SCHED_EVAL", _STARTS, _evaluated),
    Field("MaxCPUs", "", "MAX_CPUS", _TRES, lambda job, view: str(tres.cpus(job))),
    Field("MaxNodes", "", "MAX_NODES", "nodes max_nodes state node node_list", lambda job, view: _max_nodes(job)),
    Field("MinTime", "", "TIME_MIN", "time_min", lambda job, view: span(job.time_min or 0)),
    Field("NTPerNode", "", "NTASKS_PER_NODE", "ntasks_per_node", lambda job, view: str(job.ntasks_per_node or 0)),
    Field("NumTasks", "", "TASKS", _TASKS, lambda job, view: _tasks(job)),
    Field("PendingTime", "", "PENDING_TIME", _STARTS + " end_time", _pending),
    Field("ResizeTime", "", "RESIZE_TIME", "resize_time",
          lambda job, view: "INVALID" if job.resize_time else NOT_KNOWN),  # Slurm takes the moment for a span
    Field("PreemptTime", "", "PREEMPT_TIME", "preempt_time", lambda job, view: moment(job.preempt_time, view)),
    Field("Reboot", "", "REBOOT", "extra", lambda job, view: str(int("reboot" in extra(job)))),
    Field("ReqSwitch", "", "REQ_SWITCH", "extra", lambda job, view: _switches(job)[0]),
    Field("Requeue", "", "REQUEUE", "requeue", lambda job, view: str(job.requeue)),
    Field("RestartCnt", "", "RESTART_COUNT", "restarts", lambda job, view: str(job.restarts)),
    Field("STDERR", "", "STDERR", _FILE, lambda job, view: _errors(job)),
    Field("STDIN", "", "STDIN", _FILE, lambda job, view: file_in(job, job.std_in or "/dev/null") or NULL),
    Field("STDOUT", "", "STDOUT", _FILE, lambda job, view: file_in(job, job.std_out) or _default_file(job)),
    Field("tres-alloc", "", "TRES_ALLOC", _TRES + " partition",
          lambda job, view: tres.shown(job, view.whole_memory)),
    Field("tres-per-job", "", "TRES_PER_JOB", "gpus",
          lambda job, view: gres(job.gpus and f"gpu:{job.gpus}") or NOT_KNOWN),
    Field("Wait4Switch", "", "WAIT4SWITCH", "extra", lambda job, view: _switches(job)[1]),
)
# fmt: on

NAMED_FIELDS = (
    *JOB_FIELDS,
    *_OWN,
    *(Field(name, "", header, "", _constant(text)) for name, header, text in _ABSENT),
    *(Field(name, "", header, "extra", option(kept, absent)) for name, header, kept, absent in _KEPT),
    Field("Prefer", "", "PREFER", "extra state", lambda job, view: open_preference(job) or NULL),
    *(Field(name, "", header, "extra", _per(kept)) for name, header, kept in _GPUS),
    *(Field(name, "", header, "extra", _of_gpus(kept)) for name, header, kept in _OF_GPUS),
)
# further names of the same columns, in lower case
ALIASES = {
    "gres": "tres-per-node", "tres": "tres-alloc", "shared": "oversubscribe", "cpuspertask": "cpus-per-task",
    "packjobid": "hetjobid", "packjoboffset": "hetjoboffset", "packjobidset": "hetjobidset",
    "numtask": "numtasks",
}  # fmt: skip
