"""The columns of sacct: one row of a table each. A record is a job, the batch step of one, or a step of srun's."""

from __future__ import annotations

from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.model.units import format_elapsed
from mini_slurm.output.layout import Field, View
from mini_slurm.output.values import processor_time, size, waiting_tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_slurm.model.step import Step
    from mini_slurm.output.layout import Value

DEFAULT = "jobid,jobname,partition,account,alloccpus,state,exitcode"
BRIEF = "jobid,state,exitcode"
LONG = (
    "jobid,jobidraw,jobname,partition,maxvmsize,maxvmsizenode,maxvmsizetask,avevmsize,maxrss,maxrssnode,maxrsstask,"
    "averss,maxpages,maxpagesnode,maxpagestask,avepages,mincpu,mincpunode,mincputask,avecpu,ntasks,alloccpus,elapsed,"
    "state,exitcode,avecpufreq,reqcpufreqmin,reqcpufreqmax,reqcpufreqgov,reqmem,consumedenergy,maxdiskread,"
    "maxdiskreadnode,maxdiskreadtask,avediskread,maxdiskwrite,maxdiskwritenode,maxdiskwritetask,avediskwrite,reqtres,"
    "alloctres,tresusageinave,tresusageinmax,tresusageinmaxnode,tresusageinmaxtask,tresusageinmin,tresusageinminnode,"
    "tresusageinmintask,tresusageintot,tresusageoutmax,tresusageoutmaxnode,tresusageoutmaxtask,tresusageoutave,"
    "tresusageouttot"
)
UNKNOWN = "Unknown"
# what a step has of its own, by the names that a job has for it
SHARED = (
    *("name", "state", "start_time", "end_time", "suspended_seconds", "exit_code", "exit_signal", "cancelled_by"),
    *("nodes", "max_rss", "user_seconds", "system_seconds"),
)
WITHOUT_CODE = frozenset({JobState.CANCELLED, JobState.TIMEOUT})  # the job's own exit code stays 0:0 then


class Line:
    """One line of sacct: a job, its batch step, or with `row` a step that srun started."""

    __slots__ = ("derived", "ended", "job", "row", "started", "state", "step")

    def __init__(self, job: Job, step: str = "", row: Step | None = None) -> None:
        self.job = job if row is None else _as_job(job, row)
        self.step = step
        self.row = row
        self.derived = 0  # the highest exit code of a job's steps
        self.state = state_of(self.job)
        waits = self.state is JobState.PENDING
        self.started = None if waits else self.job.start_time
        self.ended = self.job.end_time if self.state.is_over else None

    def cut(self, since: float, until: float) -> None:
        """Show only what lies in this span of time."""
        self.started = self.started and max(self.started, since)
        self.ended = min(self.ended or until, until) if self.started else self.ended

    def number(self, view: View) -> str:
        """The job's number as users know it, with the step's name."""
        job = self.job
        if job.array_tasks is not None:
            return f"{job.array_job_id}_[{waiting_tasks(job.array_tasks, view.shown_tasks)}]"
        shown = str(job.job_id) if job.array_task_id is None else f"{job.array_job_id}_{job.array_task_id}"
        return f"{shown}.{self.step}" if self.step else shown

    def elapsed(self, now: float) -> int:
        """Whole seconds that it has run."""
        if self.started is None:
            return 0
        return max(int(self.ended or now) - int(self.started), 0)


def _as_job(job: Job, row: Step) -> Job:
    """The step, with its job's values where it has none of its own."""
    own = {name: getattr(row, name) for name in SHARED}
    held = {"node": row.node_list, "alloc_cpus": row.cpus, "alloc_memory": row.memory, "alloc_gpus": row.gpus}
    return Job(**{**job.__dict__, **own, **held, "outcome": None})


def state_of(job: Job) -> JobState:
    """Accounting knows no COMPLETING and no CONFIGURING: the end is known, or the job runs."""
    if job.state is JobState.COMPLETING:
        return JobState[job.outcome] if job.outcome else JobState.RUNNING
    if job.state is JobState.CONFIGURING:
        return JobState.PENDING if job.start_time is None else JobState.RUNNING
    return job.state


def _state(line: Line, view: View) -> str:
    if line.step and line.row is None:
        return _step_state(line)
    if line.state is JobState.CANCELLED and line.job.cancelled_by is not None:
        return f"CANCELLED by {line.job.cancelled_by}"
    return line.state.name


def _step_state(line: Line) -> str:
    if not line.state.is_over or line.state in {JobState.OUT_OF_MEMORY, JobState.NODE_FAIL}:
        return JobState.CANCELLED.name if line.state is JobState.NODE_FAIL else line.state.name
    if line.job.exit_signal:
        return JobState.CANCELLED.name
    return JobState.FAILED.name if line.job.exit_code else JobState.COMPLETED.name


def _exit_code(line: Line, view: View) -> str:
    if not line.state.is_over or (not line.step and line.state in WITHOUT_CODE):
        return "0:0"
    return f"{line.job.exit_code}:{line.job.exit_signal}"


def _cpus(line: Line) -> int:
    job = line.job
    return job.alloc_cpus or max(job.cpus, job.nodes)


def _requested_memory(line: Line) -> int:
    job = line.job
    if job.memory_per_node is not None:
        return job.memory_per_node * job.nodes
    return (job.memory_per_cpu or 0) * _cpus(line)


def _resident(line: Line, view: View) -> str:
    return size(line.job.max_rss, "K", view.unit, view.convert) if line.step and line.job.max_rss else ""


def _gpus(text: str | None) -> int:
    return sum(int(count) for part in (text or "").split(",") if (count := part.rpartition(":")[2]).isdigit())


def _resources(line: Line, memory: int, gpus: int) -> str:
    """Trackable resources in the order of their names, as sacct sorts them."""
    cpus = _cpus(line)
    parts = [] if line.step else [f"billing={cpus}"]
    parts.append(f"cpu={cpus}")
    if gpus:
        parts.append(f"gres/gpu={gpus}")
    if memory:
        parts.append(f"mem={size(memory)}")
    return ",".join([*parts, f"node={_machines(line)}"])


def _machines(line: Line) -> int:
    """How many machines it has: a batch script has one."""
    return line.row.nodes if line.row else 1 if line.step else line.job.nodes


def _allocated(line: Line, view: View) -> str:
    job = line.job
    return _resources(line, job.alloc_memory or _requested_memory(line), _gpus(job.alloc_gpus)) if line.started else ""


def _requested(line: Line, view: View) -> str:
    job = line.job
    return _resources(line, _requested_memory(line), _gpus(job.gres) or _gpus(job.gpus))


def _reserved(line: Line, view: View) -> int:
    """Seconds from the moment a job could start until it did."""
    since = line.job.eligible_time or line.job.submit_time
    if line.started is None:
        return 0
    return max(int(line.started) - int(since), 0)


def _moment(when: float | None, view: View) -> str:
    return UNKNOWN if not when else view.moment(when)


def _begin(line: Line, view: View) -> str:
    """A step is submitted and eligible when it starts; a held job is not eligible."""
    if line.step:
        return _moment(line.started, view)
    held = line.state is JobState.PENDING and line.job.reason.startswith("JobHeld")
    return UNKNOWN if held else _moment(line.job.eligible_time or line.job.submit_time, view)


def _limit(line: Line, view: View) -> str:
    return "UNLIMITED" if line.job.time_limit is None else format_elapsed(line.job.time_limit)


def _node(line: Line) -> str:
    nodes = line.job.node if line.step else line.job.node_list or line.job.node
    return (nodes or "None assigned") if line.started else "None assigned"


def _flags(line: Line, view: View) -> str:
    return "SchedMain,StartRecieved" if line.started else "StartRecieved"


def _raw_id(line: Line, view: View) -> str:
    return f"{line.job.job_id}.{line.step}" if line.step else str(line.job.job_id)


def _mean_resident(line: Line, view: View) -> str:
    mean = line.row.mean_rss if line.row else line.job.max_rss
    return size(mean, "K", view.unit, view.convert) if line.step and mean else ""


def _resident_task(line: Line, view: View) -> str:
    return str(line.row.max_rss_task if line.row else 0) if line.job.max_rss else ""


def _resident_node(line: Line, view: View) -> str:
    if line.row:
        return line.row.max_rss_node if line.row.max_rss else ""
    return line.job.node or "" if line.job.max_rss else ""


def _memory(line: Line, view: View) -> str:
    return size(_requested_memory(line), "M", view.unit, view.convert)


def _submit(line: Line, view: View) -> str:
    return _moment(line.started if line.step else line.job.submit_time, view)


def _minutes(line: Line, view: View) -> str:
    return "UNLIMITED" if line.job.time_limit is None else str(line.job.time_limit // 60)


def _total_time(line: Line, view: View) -> str:
    return processor_time(line.job.user_seconds + line.job.system_seconds)


def _job(value: Callable[[Line, View], str]) -> Value:
    """A value that only jobs have."""
    return lambda line, view: "" if line.step else value(line, view)


def _step(value: Callable[[Line, View], str]) -> Value:
    """A value that only steps have."""
    return lambda line, view: value(line, view) if line.step else ""


def _row(name: str, width: int, columns: str, value: Value) -> Field:
    return Field(name, "", name, columns, value, width=width)


def _each(job: str = "", step: str = "") -> Value:
    return lambda line, view: step if line.step else job


_energy = _step(lambda line, view: "energy=0" if line.ended else "")

ALWAYS = (
    "job_id array_job_id array_task_id array_tasks state outcome start_time end_time submit_time eligible_time reason"
    " cancelled_by allocation"
)
_CPUS = "alloc_cpus ntasks cpus_per_task nodes"
_MEMORY = _CPUS + " memory_per_node memory_per_cpu"
_USED = "user_seconds system_seconds"

# fmt: off
ACCOUNTING_FIELDS = (
    _row("Account", 10, "account", lambda line, view: line.job.account or ""),
    _row("AdminComment", 15, "", _each()),
    _row("AllocCPUS", 10, _CPUS, lambda line, view: str(_cpus(line))),
    _row("AllocNodes", 10, "nodes", lambda line, view: str(_machines(line)) if line.started else "0"),
    _row("AllocTRES", 10, _MEMORY + " alloc_memory alloc_gpus", _allocated),
    _row("AssocID", 7, "", _each("0", "0")),
    _row("AveCPU", 10, "", _each()),
    _row("AveCPUFreq", 10, "", _each("", "0")),
    _row("AveDiskRead", 14, "", _each()),
    _row("AveDiskWrite", 14, "", _each()),
    _row("AvePages", 10, "", _each()),
    _row("AveRSS", 10, "max_rss", _mean_resident),
    _row("AveVMSize", 10, "", _each()),
    _row("BlockID", 16, "", _each()),
    _row("Cluster", 10, "", lambda line, view: view.cluster),
    _row("Comment", 14, "comment", _job(lambda line, view: line.job.comment or "")),
    _row("Constraints", 19, "features", _job(lambda line, view: line.job.features or "")),
    _row("ConsumedEnergy", 14, "", _each("", "0")),
    _row("ConsumedEnergyRaw", 17, "", _each("", "0")),
    _row("Container", 19, "", _each()),
    _row("CPUTime", 10, _CPUS, lambda line, view: format_elapsed(line.elapsed(view.now) * _cpus(line))),
    _row("CPUTimeRAW", 10, _CPUS, lambda line, view: str(line.elapsed(view.now) * _cpus(line))),
    _row("DBIndex", -10, "", lambda line, view: str(line.job.job_id)),
    _row("DerivedExitCode", 15, "", _job(lambda line, view: f"{line.derived}:0")),
    _row("Elapsed", 10, "", lambda line, view: format_elapsed(line.elapsed(view.now))),
    _row("ElapsedRaw", 10, "", lambda line, view: str(line.elapsed(view.now))),
    _row("Eligible", 19, "", _begin),
    _row("End", 19, "", lambda line, view: _moment(line.ended, view)),
    _row("ExitCode", 8, "exit_code exit_signal", _exit_code),
    _row("Flags", 19, "", _job(_flags)),
    _row("GID", 6, "gid", _job(lambda line, view: str(line.job.gid))),
    _row("Group", 9, "group_name", _job(lambda line, view: line.job.group_name)),
    _row("JobID", -12, "", lambda line, view: line.number(view)),
    _row("JobIDRaw", -12, "", _raw_id),
    _row("JobName", 10, "name", lambda line, view: line.job.name if line.row else line.step or line.job.name),
    _row("Layout", 9, "", _step(lambda line, view: line.row.distribution if line.row else UNKNOWN)),
    _row("MaxDiskRead", 12, "", _each()),
    _row("MaxDiskReadNode", 15, "", _each()),
    _row("MaxDiskReadTask", 15, "", _each()),
    _row("MaxDiskWrite", 12, "", _each()),
    _row("MaxDiskWriteNode", 16, "", _each()),
    _row("MaxDiskWriteTask", 16, "", _each()),
    _row("MaxPages", 8, "", _each()),
    _row("MaxPagesNode", 12, "", _each()),
    _row("MaxPagesTask", 14, "", _each()),
    _row("MaxRSS", 10, "max_rss", _resident),
    _row("MaxRSSNode", 10, "max_rss node", _step(_resident_node)),
    _row("MaxRSSTask", 10, "max_rss", _step(_resident_task)),
    _row("MaxVMSize", 10, "", _each()),
    _row("MaxVMSizeNode", 14, "", _each()),
    _row("MaxVMSizeTask", 14, "", _each()),
    _row("McsLabel", 12, "", _each()),
    _row("MinCPU", 10, "", _each()),
    _row("MinCPUNode", 10, "", _each()),
    _row("MinCPUTask", 10, "", _each()),
    _row("NCPUS", 10, _CPUS, lambda line, view: str(_cpus(line))),
    _row("NNodes", 8, "nodes", lambda line, view: str(_machines(line))),
    _row("NodeList", 15, "node node_list", lambda line, view: _node(line)),
    _row("NTasks", 8, "", _step(lambda line, view: str(line.row.ntasks if line.row else 1))),
    _row("Partition", 10, "partition", _job(lambda line, view: line.job.partition)),
    _row("Priority", 10, "priority", _job(lambda line, view: str(line.job.priority))),
    _row("QOS", 10, "qos", _job(lambda line, view: line.job.qos or "")),
    _row("QOSRAW", 6, "qos", _each("0", "")),
    _row("Reason", 22, "", _job(lambda line, view: line.job.reason)),
    _row("ReqCPUFreq", 10, "", _each(UNKNOWN, "0")),
    _row("ReqCPUFreqGov", 13, "", _each(UNKNOWN, "0")),
    _row("ReqCPUFreqMax", 13, "", _each(UNKNOWN, "0")),
    _row("ReqCPUFreqMin", 13, "", _each(UNKNOWN, "0")),
    _row("ReqCPUS", 8, _CPUS, lambda line, view: str(_cpus(line))),
    _row("ReqMem", 10, _MEMORY, _job(_memory)),
    _row("ReqNodes", 8, "nodes", lambda line, view: str(line.job.nodes)),
    _row("ReqTRES", 10, _MEMORY + " gres gpus", _job(_requested)),
    _row("Reservation", 20, "", _each()),
    _row("ReservationId", 8, "", _each()),
    _row("Reserved", 10, "", _job(lambda line, view: format_elapsed(_reserved(line, view)))),
    _row("ResvCPU", 10, _CPUS, _job(lambda line, view: format_elapsed(_reserved(line, view) * _cpus(line)))),
    _row("ResvCPURAW", 10, _CPUS, _job(lambda line, view: str(_reserved(line, view) * _cpus(line)))),
    _row("Start", 19, "", lambda line, view: _moment(line.started, view)),
    _row("State", 10, "exit_code exit_signal", _state),
    _row("Submit", 19, "", _submit),
    _row("SubmitLine", 20, "", _each()),
    _row("Suspended", 10, "", _each("00:00:00", "00:00:00")),
    _row("SystemComment", 15, "", _each()),
    _row("SystemCPU", 10, _USED, lambda line, view: processor_time(line.job.system_seconds)),
    _row("Timelimit", 10, "time_limit", _job(_limit)),
    _row("TimelimitRaw", 10, "time_limit", _job(_minutes)),
    _row("TotalCPU", 10, _USED, _total_time),
    _row("TRESUsageInAve", 14, "", _energy),
    _row("TRESUsageInMax", 14, "", _each()),
    _row("TRESUsageInMaxNode", 18, "", _each()),
    _row("TRESUsageInMaxTask", 18, "", _each()),
    _row("TRESUsageInMin", 14, "", _each()),
    _row("TRESUsageInMinNode", 18, "", _each()),
    _row("TRESUsageInMinTask", 18, "", _each()),
    _row("TRESUsageInTot", 14, "", _energy),
    _row("TRESUsageOutAve", 15, "", _energy),
    _row("TRESUsageOutMax", 15, "", _each()),
    _row("TRESUsageOutMaxNode", 19, "", _each()),
    _row("TRESUsageOutMaxTask", 19, "", _each()),
    _row("TRESUsageOutMin", 15, "", _each()),
    _row("TRESUsageOutMinNode", 19, "", _each()),
    _row("TRESUsageOutMinTask", 19, "", _each()),
    _row("TRESUsageOutTot", 15, "", _energy),
    _row("UID", 6, "uid", _job(lambda line, view: str(line.job.uid))),
    _row("User", 9, "user", _job(lambda line, view: line.job.user)),
    _row("UserCPU", 10, _USED, lambda line, view: processor_time(line.job.user_seconds)),
    _row("WCKey", 10, "", _each()),
    _row("WCKeyID", 8, "", _each("0", "")),
    _row("WorkDir", 20, "work_dir", _job(lambda line, view: line.job.work_dir)),
)
# fmt: on


def field_list() -> str:
    """The names of all columns, four on a line, as `sacct -e` shows them."""
    names = [f"{field.name:<19}" for field in ACCOUNTING_FIELDS]
    return "\n".join(" ".join(names[row : row + 4]) for row in range(0, len(names), 4))
