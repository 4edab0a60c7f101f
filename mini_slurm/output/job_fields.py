"""The columns of squeue: one row of a table each. Records are jobs; of steps there is the batch script's own."""

from __future__ import annotations

from mini_slurm.model.states import JobState
from mini_slurm.model.units import format_duration, format_limit
from mini_slurm.output.layout import Field, View
from mini_slurm.output.values import NOT_KNOWN, NULL, gres, percent_array, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.job import Job

DEFAULT = "%.18i %.9P %.8j %.8u %.2t %.10M %.6D %R"
LONG = "%.18i %.9P %.8j %.8u %.8T %.10M %.9l %.6D %R"
START = "%.18i %.9P %.8j %.8u %.2t %.19S %.6D %20Y %R"
STEPS = "%.15i %.8j %.9P %.8u %.9M %N"
SORT = "P,t,-p"

WITH_REASON = frozenset({JobState.TIMEOUT, JobState.OUT_OF_MEMORY, JobState.DEADLINE, JobState.FAILED})
SHARING = {0: "OK", 1: "NO", 2: "USER", 3: "MCS"}


def used(job: Job, now: float) -> float:
    """Seconds that a job has run."""
    if job.start_time is None or job.state is JobState.PENDING:
        return 0
    return max((job.end_time or now) - job.start_time, 0)


def cpus(job: Job) -> int:
    """CPUs allocated, or those that a waiting job will get at least."""
    return job.alloc_cpus or max(job.cpus, job.nodes or 1)


def starts(job: Job, now: float) -> float | None:
    """When a job started, or may start at the earliest if that is still to come."""
    if job.state is not JobState.PENDING:
        return job.start_time
    return job.begin_time if job.begin_time and job.begin_time > now else None


def ends(job: Job, now: float) -> float | None:
    """When a job ended, or will have used up its time."""
    if job.end_time and job.state is not JobState.PENDING:
        return job.end_time
    start = starts(job, now)
    return None if start is None or job.time_limit is None else start + job.time_limit


def eligible(job: Job) -> float | None:
    """Since when nothing but its turn kept a job, or from when on: not known while it is held or waits for another."""
    if not has_run(job) and (job.reason.startswith("JobHeld") or job.reason == "Dependency"):
        return None
    return job.eligible_time or job.submit_time


def accrues(job: Job) -> float | None:
    """Since when a job grows older: waiting for something else than its turn does not count."""
    return None if not has_run(job) and job.reason == "BeginTime" else eligible(job)


def has_run(job: Job) -> bool:
    """Does it run, or has it done so before it ended?"""
    return job.state is not JobState.PENDING and job.alloc_cpus > 0


def job_id(job: Job, view: View) -> str:
    """The number as users know it; an array's waiting tasks are cut when they are many."""
    if job.array_tasks is not None:
        return f"{job.array_job_id}_[{percent_array(job.array_tasks, view.shown_tasks)}]"
    if job.array_task_id is not None:
        return f"{job.array_job_id}_{job.array_task_id}"
    return str(job.job_id)


def _used(job: Job, now: float) -> str:
    return "0:00" if job.state is JobState.PENDING else format_duration(used(job, now))


def _task_id(job: Job, view: View) -> str:
    if job.array_tasks is not None:
        return percent_array(job.array_tasks, view.shown_tasks)
    return NOT_KNOWN if job.array_task_id is None else str(job.array_task_id)


def _reason_list(job: Job) -> str:
    if job.state is JobState.PENDING:  # most of a long queue: the quick way
        return f"({job.reason})"
    return f"({job.reason})" if job.state in WITH_REASON else job.node or ""


def _node(job: Job) -> str:
    """Where the job is or was; a job that waits again is nowhere."""
    return "" if job.state is JobState.PENDING else job.node or ""


def _memory(job: Job, view: View) -> str:
    amount = job.memory_per_cpu if job.memory_per_node is None else job.memory_per_node
    return size(amount or 0, convert=view.convert)


def _left(job: Job, now: float) -> str:
    if job.time_limit is None:
        return "UNLIMITED"
    left = job.time_limit - int(used(job, now))
    return "INVALID" if left < 0 else format_duration(left)


def _moment(when: float | None, view: View) -> str:
    return NOT_KNOWN if when is None else view.moment(when)


def command_line(job: Job) -> str:
    """The script with its arguments, as the user wrote them."""
    if not job.command:
        return NULL
    if job.arguments == "[]":
        return job.command
    import json  # few jobs have arguments, and fewer are asked for them

    return " ".join([job.command, *map(str, json.loads(job.arguments))])


def _priority(job: Job) -> str:
    return f"{job.priority / 0xFFFFFFFF:16.14f}"


_ID = "job_id array_job_id array_task_id array_tasks"
_CPUS = "alloc_cpus ntasks cpus_per_task nodes"
_USED = "state start_time end_time"
_STARTS = "state start_time begin_time"
_ENDS = _STARTS + " end_time time_limit"
_MEMORY = "memory_per_node memory_per_cpu"

# fmt: off
JOB_FIELDS = (
    Field("Account", "a", "ACCOUNT", "account", lambda job, view: job.account or NULL),
    Field("ArrayOrJobID", "A", "JOBID", "job_id", lambda job, view: str(job.job_id)),
    Field("tres-per-node", "b", "TRES_PER_NODE", "gres", lambda job, view: gres(job.gres) or NOT_KNOWN),
    Field("BatchHost", "B", "EXEC_HOST", "state node", lambda job, view: _node(job) or "n/a"),
    Field("MinCpus", "c", "MIN_CPUS", "cpus_per_task", lambda job, view: str(job.cpus_per_task or 1)),
    Field("NumCPUs", "C", "CPUS", _CPUS, lambda job, view: str(cpus(job))),
    Field("MinTmpDisk", "d", "MIN_TMP_DISK", "", lambda job, view: "0"),
    Field("NumNodes", "D", "NODES", "nodes", lambda job, view: str(job.nodes)),
    Field("EndTime", "e", "END_TIME", _ENDS, lambda job, view: _moment(ends(job, view.now), view)),
    Field("Dependency", "E", "DEPENDENCY", "", lambda job, view: NULL),
    Field("Feature", "f", "FEATURES", "features", lambda job, view: job.features or NULL),
    Field("ArrayJobID", "F", "ARRAY_JOB_ID", _ID, lambda job, view: str(job.array_job_id or job.job_id)),
    Field("GroupName", "g", "GROUP", "group_name", lambda job, view: job.group_name),
    Field("GroupID", "G", "GROUP", "gid", lambda job, view: str(job.gid)),
    Field("OverSubscribe", "h", "OVER_SUBSCRIBE", "exclusive", lambda job, view: SHARING.get(job.exclusive, "OK")),
    Field("Sockets", "H", "SOCKETS_PER_NODE", "", lambda job, view: "*"),
    Field("JobArrayID", "i", "JOBID", _ID, job_id),
    Field("Cores", "I", "CORES_PER_SOCKET", "", lambda job, view: "*"),
    Field("Name", "j", "NAME", "name", lambda job, view: job.name),
    Field("Threads", "J", "THREADS_PER_CORE", "", lambda job, view: "*"),
    Field("Comment", "k", "COMMENT", "comment", lambda job, view: job.comment or NULL),
    Field("ArrayTaskID", "K", "ARRAY_TASK_ID", _ID, _task_id),
    Field("TimeLimit", "l", "TIME_LIMIT", "time_limit", lambda job, view: format_limit(job.time_limit)),
    Field("TimeLeft", "L", "TIME_LEFT", _USED + " time_limit", lambda job, view: _left(job, view.now)),
    Field("MinMemory", "m", "MIN_MEMORY", _MEMORY, _memory),
    Field("TimeUsed", "M", "TIME", _USED, lambda job, view: _used(job, view.now)),
    Field("ReqNodes", "n", "REQ_NODES", "required_nodes", lambda job, view: job.required_nodes or ""),
    Field("NodeList", "N", "NODELIST", "state node", lambda job, view: _node(job), cut=False),
    Field("Command", "o", "COMMAND", "command arguments", lambda job, view: command_line(job)),
    Field("Contiguous", "O", "CONTIGUOUS", "", lambda job, view: "0"),
    Field("Priority", "p", "PRIORITY", "priority", lambda job, view: _priority(job)),
    Field("Partition", "P", "PARTITION", "partition", lambda job, view: job.partition),
    Field("QOS", "q", "QOS", "qos", lambda job, view: job.qos or NULL),
    Field("PriorityLong", "Q", "PRIORITY", "priority", lambda job, view: str(job.priority)),
    Field("Reason", "r", "REASON", "reason", lambda job, view: job.reason),
    Field("ReasonList", "R", "NODELIST(REASON)", "state node reason", lambda job, view: _reason_list(job)),
    Field("SelectJobInfo", "s", "", "", lambda job, view: ""),
    Field("StartTime", "S", "START_TIME", _STARTS, lambda job, view: _moment(starts(job, view.now), view)),
    Field("StateCompact", "t", "ST", "state", lambda job, view: job.state.value),
    Field("State", "T", "STATE", "state", lambda job, view: job.state.name),
    Field("UserName", "u", "USER", "user", lambda job, view: job.user),
    Field("UserID", "U", "UID", "uid", lambda job, view: str(job.uid)),
    Field("Reservation", "v", "RESERVATION", "", lambda job, view: NULL),
    Field("SubmitTime", "V", "SUBMIT_TIME", "submit_time", lambda job, view: _moment(job.submit_time, view)),
    Field("WCKey", "w", "WCKEY", "", lambda job, view: NULL),
    Field("Licenses", "W", "LICENSES", "", lambda job, view: NULL),
    Field("ExcNodesList", "x", "EXC_NODES", "excluded_nodes", lambda job, view: job.excluded_nodes or ""),
    Field("CoreSpec", "X", "CORE_SPEC", "", lambda job, view: NOT_KNOWN),
    Field("Nice", "y", "NICE", "", lambda job, view: "0"),
    Field("SchedNodes", "Y", "SCHEDNODES", "", lambda job, view: NULL),
    Field("SCT", "z", "S:C:T", "", lambda job, view: "*:*:*"),
    Field("WorkDir", "Z", "WORK_DIR", "work_dir", lambda job, view: job.work_dir),
)

STEP_FIELDS = (
    Field("StepID", "i", "STEPID", _ID, lambda job, view: f"{job_id(job, view)}.batch"),
    Field("NumTasks", "A", "TASKS", "", lambda job, view: "1"),
    Field("tres-per-node", "b", "TRES_PER_NODE", "", lambda job, view: NULL),
    Field("StepName", "j", "NAME", "", lambda job, view: "batch"),
    Field("TimeLimit", "l", "TIME_LIMIT", "time_limit", lambda job, view: format_limit(job.time_limit)),
    Field("TimeUsed", "M", "TIME", _USED, lambda job, view: format_duration(used(job, view.now))),
    Field("Nodes", "N", "NODELIST", "state node", lambda job, view: _node(job), cut=False),
    Field("Partition", "P", "PARTITION", "partition", lambda job, view: job.partition),
    Field("StartTime", "S", "START_TIME", _STARTS, lambda job, view: _moment(starts(job, view.now), view)),
    Field("UserName", "u", "USER", "user", lambda job, view: job.user),
    Field("UserID", "U", "UID", "uid", lambda job, view: str(job.uid)),
)
# fmt: on
