"""The columns of squeue: one row of a table each. Records are jobs."""

from __future__ import annotations

from mini_slurm.model.job import single_id
from mini_slurm.model.request import extra, least_cpus, used_features
from mini_slurm.model.states import REQUEUED_HELD, JobState, told, written
from mini_slurm.model.units import format_duration
from mini_slurm.output import tres
from mini_slurm.output.layout import Field, View
from mini_slurm.output.values import NOT_KNOWN, NULL, gres, size, waiting_tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.job import Job
    from mini_slurm.output.layout import Value

DEFAULT = "%.18i %.9P %.8j %.8u %.2t %.10M %.6D %R"
LONG = "%.18i %.9P %.8j %.8u %.8T %.10M %.9l %.6D %R"
START = "%.18i %.9P %.8j %.8u %.2t %.19S %.6D %20Y %R"

WITH_REASON = frozenset({JobState.TIMEOUT, JobState.OUT_OF_MEMORY, JobState.DEADLINE, JobState.FAILED})
KEPT_BACK = frozenset({"Dependency", "JobArrayTaskLimit"})
LONGEST_ID = 31  # letters of a number with its waiting tasks
LONGEST_SPAN = 365 * 86400  # seconds; squeue calls anything longer invalid


def used(job: Job, now: float) -> float:
    """Seconds that a job has run; a time of suspension does not count."""
    if job.start_time is None or job.state is JobState.PENDING or is_going_back(job):
        return 0
    until = job.end_time or now
    if job.state is JobState.SUSPENDED and job.suspend_time is not None:
        until = job.suspend_time
    return max(until - job.start_time - job.suspended_seconds, 0)


def _written(job: Job) -> tuple[str, str]:
    return written(job.state, job.reason, job.stopped)


def is_going_back(job: Job) -> bool:
    """Is its run being ended so that it waits again? Then it has used none of its time, as in Slurm."""
    return job.state is JobState.COMPLETING and job.outcome == JobState.REQUEUED.name


def starts(job: Job, now: float) -> float | None:
    """When a job started, or may start at the earliest if that is still to come."""
    if job.state is not JobState.PENDING:  # who is cancelled while he waits starts and ends at once
        return job.start_time or (job.end_time if job.state.is_over else None)
    if job.planned is not None:
        return max(job.planned[0], job.begin_time or 0)
    return job.begin_time if job.begin_time and job.begin_time > now else None


def ends(job: Job, now: float) -> float | None:
    """When a job ended, or will have used up its time."""
    if job.end_time and job.state is not JobState.PENDING:
        return job.end_time
    start = starts(job, now)
    return None if start is None or job.time_limit is None else start + job.suspended_seconds + job.time_limit


def eligible(job: Job) -> float | None:
    """Since when nothing but its turn kept a job, or from when on.

    While it is held or waits for another, only the moment is known that it is not to start before.
    """
    if not has_run(job) and (job.reason.startswith("JobHeld") or job.reason in KEPT_BACK):
        return job.begin_time
    return job.eligible_time or job.submit_time


def accrues(job: Job) -> float | None:
    """Since when a job grows older: waiting for something else than its turn does not count."""
    if has_run(job):
        at_once = not job.is_batch and int(job.start_time or 0) == int(job.submit_time)
        return None if at_once else eligible(job)
    if job.reason == "JobArrayTaskLimit":
        return job.eligible_time or job.submit_time
    is_kept = job.reason in ("BeginTime", REQUEUED_HELD) or job.reason.startswith("JobHeld") or job.reason in KEPT_BACK
    return None if is_kept else eligible(job)


def has_run(job: Job) -> bool:
    """Does it run, or has it done so before it ended?"""
    return job.state is not JobState.PENDING and job.alloc_cpus > 0


def by_gpu(job: Job) -> bool:
    """Has it run with the memory of its GPUs? Slurm then shows none for its machines."""
    return has_run(job) and job.memory_per_node is None and bool(tres.memory_by_gpu(job))


def job_id(job: Job, view: View) -> str:
    """The number as users know it; an array's waiting tasks are cut when they are many."""
    if job.array_tasks is not None:
        text = f"{job.array_job_id}_[{waiting_tasks(job.array_tasks, view.shown_tasks)}]"
        return text if view.whole_ids else text[:LONGEST_ID]
    return single_id(job)


def moment(when: float | None, view: View) -> str:
    """A moment, or that it is not known."""
    return view.moment(when) if when else NOT_KNOWN


def span(seconds: float) -> str:
    """A span of time as squeue writes it."""
    return format_duration(seconds) if 0 <= seconds <= LONGEST_SPAN else "INVALID"


def limit(seconds: int | None) -> str:
    """A time limit."""
    return "UNLIMITED" if seconds is None else span(seconds)


def command_line(job: Job) -> str:
    """The script with its arguments, as the user wrote them."""
    if not job.command:
        return NULL
    if job.arguments == "[]":
        return job.command
    import json  # few jobs have arguments, and fewer are asked for them

    return " ".join([job.command, *map(str, json.loads(job.arguments))])


def file_in(job: Job, name: str | None) -> str:
    """A file of a batch script as it was named, seen from its folder; "" for none."""
    if not name or not job.is_batch:
        return ""
    return name if name.startswith("/") else f"{job.work_dir}/{name}"


def option(name: str, absent: str) -> Value:
    """An option that jobs only keep, as it was given."""
    return lambda job, view: extra(job).get(name, absent)


def _features(job: Job, view: View) -> str:
    used = used_features(job)
    return NULL if used is None else used


def _used(job: Job, view: View) -> str:
    return "0:00" if job.state is JobState.PENDING else span(used(job, view.now))


def _left(job: Job, view: View) -> str:
    return "UNLIMITED" if job.time_limit is None else span(job.time_limit - int(used(job, view.now)))


def _end(job: Job, view: View) -> str:
    end = ends(job, view.now)
    return "NONE" if job.time_limit is None and end is not None and end > view.now else moment(end, view)


def _host(job: Job) -> str:
    """Where the script runs, or where an allocation without one was asked for."""
    return ((tres.node_list(job) and job.node) if job.is_batch else job.submit_host) or "n/a"


def _task_id(job: Job, view: View) -> str:
    if job.array_tasks is not None:
        return waiting_tasks(job.array_tasks, view.shown_tasks)
    return NOT_KNOWN if job.array_task_id is None else str(job.array_task_id)


def _reason_list(job: Job) -> str:
    if job.state is JobState.PENDING:  # most of a long queue: the quick way
        return f"({told(job.reason)})"
    return f"({told(job.reason)})" if job.state in WITH_REASON else job.node_list or job.node or ""


def in_order(text: str | None) -> str:
    """The nodes that were named, as a hostlist of their names in order."""
    if not text or ("," not in text and "[" not in text):
        return text or ""
    from mini_slurm.model.hostlist import compress, expand, natural

    return compress(sorted(set(expand(text)), key=natural))


def _memory(job: Job, view: View) -> str:
    if by_gpu(job):
        return "0"
    amount = job.memory_per_cpu if job.memory_per_node is None else job.memory_per_node
    return size(amount or 0, convert=view.convert)


def _priority(job: Job) -> str:
    return f"{job.priority / 0xFFFFFFFF:16.14f}"


def _layout(job: Job) -> str:
    """Sockets, cores and threads that were asked for."""
    return ":".join(tres.layout(job))


def _core_spec(job: Job) -> str:
    options = extra(job)
    return f"{options['thread-spec']} Threads" if "thread-spec" in options else options.get("core-spec", NOT_KNOWN)


_ID = "job_id array_job_id array_task_id array_tasks het_job_id het_offset"
_CPUS = "state alloc_cpus ntasks ntasks_per_node cpus_per_task nodes max_nodes min_cpus required_nodes extra"
_NODES = "state node node_list"
_USED = "state outcome start_time end_time suspend_time suspended_seconds"
_STARTS = "state start_time begin_time end_time"
_ENDS = _STARTS + " suspended_seconds time_limit"
_MEMORY = "state alloc_cpus memory_per_node memory_per_cpu extra"
_MIN_CPUS = "cpus_per_task nodes ntasks ntasks_per_node extra"

# fmt: off
JOB_FIELDS = (
    Field("Account", "a", "ACCOUNT", "account", lambda job, view: job.account or NULL),
    Field("JobID", "A", "JOBID", "job_id", lambda job, view: str(job.job_id)),
    Field("tres-per-node", "b", "TRES_PER_NODE", "gres", lambda job, view: gres(job.gres) or NOT_KNOWN),
    Field("BatchHost", "B", "EXEC_HOST", _NODES + " script submit_host", lambda job, view: _host(job)),
    Field("MinCpus", "c", "MIN_CPUS", _MIN_CPUS, lambda job, view: str(least_cpus(job))),
    Field("NumCPUs", "C", "CPUS", _CPUS, lambda job, view: str(tres.cpus(job))),
    Field("MinTmpDisk", "d", "MIN_TMP_DISK", "extra", lambda job, view: size(tres.disk(job), convert=view.convert)),
    Field("NumNodes", "D", "NODES", "nodes " + _NODES, lambda job, view: str(tres.nodes(job))),
    Field("EndTime", "e", "END_TIME", _ENDS, _end),
    Field("Dependency", "E", "DEPENDENCY", "dependency", lambda job, view: job.dependency or NULL),
    Field("Feature", "f", "FEATURES", "features extra state", _features),
    Field("ArrayJobID", "F", "ARRAY_JOB_ID", _ID, lambda job, view: str(job.array_job_id or job.job_id)),
    Field("GroupName", "g", "GROUP", "group_name", lambda job, view: job.group_name),
    Field("GroupID", "G", "GROUP", "gid", lambda job, view: str(job.gid)),
    Field("OverSubscribe", "h", "OVER_SUBSCRIBE", "exclusive extra", lambda job, view: tres.sharing(job)),
    Field("Sockets", "H", "SOCKETS_PER_NODE", "extra", lambda job, view: tres.layout(job)[0]),
    Field("JobArrayID", "i", "JOBID", _ID, job_id),
    Field("Cores", "I", "CORES_PER_SOCKET", "extra", lambda job, view: tres.layout(job)[1]),
    Field("Name", "j", "NAME", "name", lambda job, view: job.name),
    Field("Threads", "J", "THREADS_PER_CORE", "extra", lambda job, view: tres.layout(job)[2]),
    Field("Comment", "k", "COMMENT", "comment", lambda job, view: NULL if job.comment is None else job.comment),
    Field("ArrayTaskID", "K", "ARRAY_TASK_ID", _ID, _task_id),
    Field("TimeLimit", "l", "TIME_LIMIT", "time_limit", lambda job, view: limit(job.time_limit), cut=False),
    Field("TimeLeft", "L", "TIME_LEFT", _USED + " time_limit", _left, cut=False),
    Field("MinMemory", "m", "MIN_MEMORY", _MEMORY, _memory),
    Field("TimeUsed", "M", "TIME", _USED, _used, cut=False),
    Field("ReqNodes", "n", "REQ_NODES", "required_nodes", lambda job, view: in_order(job.required_nodes), cut=False),
    Field("NodeList", "N", "NODELIST", _NODES, lambda job, view: tres.node_list(job), cut=False, cut_header=False),
    Field("Command", "o", "COMMAND", "command arguments", lambda job, view: command_line(job)),
    Field("Contiguous", "O", "CONTIGUOUS", "extra", lambda job, view: str(int("contiguous" in extra(job)))),
    Field("Priority", "p", "PRIORITY", "priority", lambda job, view: _priority(job)),
    Field("Partition", "P", "PARTITION", "partition", lambda job, view: job.partition),
    Field("QOS", "q", "QOS", "qos", lambda job, view: job.qos or NULL),
    Field("PriorityLong", "Q", "PRIORITY", "priority", lambda job, view: str(job.priority)),
    Field("Reason", "r", "REASON", "reason", lambda job, view: told(job.reason)),
    Field("ReasonList", "R", "NODELIST(REASON)", _NODES + " reason",
          lambda job, view: _reason_list(job), cut=False, cut_from="(", cut_header=False),
    Field("SelectJobInfo", "s", "", "", lambda job, view: ""),
    Field("StartTime", "S", "START_TIME", _STARTS, lambda job, view: moment(starts(job, view.now), view)),
    Field("StateCompact", "t", "ST", "state reason stopped", lambda job, view: _written(job)[1]),
    Field("State", "T", "STATE", "state reason stopped", lambda job, view: _written(job)[0]),
    Field("UserName", "u", "USER", "user", lambda job, view: job.user),
    Field("UserID", "U", "UID", "uid", lambda job, view: str(job.uid)),
    Field("Reservation", "v", "RESERVATION", "reservation", lambda job, view: job.reservation or NULL),
    Field("SubmitTime", "V", "SUBMIT_TIME", "submit_time", lambda job, view: moment(job.submit_time, view)),
    Field("WCKey", "w", "WCKEY", "extra", option("wckey", NULL)),
    Field("Licenses", "W", "LICENSES", "licenses", lambda job, view: NULL if job.licenses is None else job.licenses),
    Field("", "x", "EXC_NODES", "excluded_nodes", lambda job, view: in_order(job.excluded_nodes), cut=False),
    Field("CoreSpec", "X", "CORE_SPEC", "extra", lambda job, view: _core_spec(job)),
    Field("Nice", "y", "NICE", "nice", lambda job, view: str(job.nice)),
    Field("SchedNodes", "Y", "SCHEDNODES", _STARTS, lambda job, view: job.planned[1] if job.planned else NULL,
          cut=False, cut_header=False),
    Field("SCT", "z", "S:C:T", "extra", lambda job, view: _layout(job)),
    Field("WorkDir", "Z", "WORK_DIR", "work_dir", lambda job, view: job.work_dir),
)
# fmt: on
