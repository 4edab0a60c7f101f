"""The columns of sacct: one row of a table each. A record is a Line: a job, or a step of one."""

from __future__ import annotations

from mini_slurm.model.request import extra
from mini_slurm.model.states import JobState
from mini_slurm.model.units import format_elapsed, parse_memory
from mini_slurm.output import tres
from mini_slurm.output.layout import Field, View
from mini_slurm.output.values import processor_time, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_slurm.model.step import Step
    from mini_slurm.output.accounting_lines import Line
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
REMOVED = {"AllocGRES": "AllocTRES", "ReqGRES": "ReqTRES"}
UNKNOWN = "Unknown"
# As Slurm has it, spans of time stand out of a column that is too narrow, and moments are cut without a sign of it.
# times and numbers, which sacct shows whole however narrow their column is
UNCUT = frozenset(
    {
        *("CPUTime", "Elapsed", "Reserved", "ResvCPU", "Suspended"),
        *("AllocCPUS", "CPUTimeRAW", "ConsumedEnergyRaw", "DBIndex", "ElapsedRaw", "NCPUS", "Priority", "ResvCPURAW"),
        *("MaxDiskReadTask", "MaxDiskWriteTask", "MaxPagesTask", "MaxRSSTask", "MaxVMSizeTask", "MinCPUTask"),
        "WCKeyID",
    }
)
MOMENTS = frozenset({"Eligible", "End", "Start", "Submit"})
FIRST_SAMPLE = 5.0  # seconds after a step began
LARGE = 32 * 1024  # KiB


def _state(line: Line, view: View) -> str:
    by = line.job.cancelled_by if line.step is None else line.step.cancelled_by
    if line.state is JobState.CANCELLED and by is not None:
        return f"CANCELLED by {by}"
    return line.state.name


def _exit(code: int, signal: int) -> str:
    """What a shell makes of a signal's number is shown as that number."""
    return f"{code - 128 if code >= 128 else code}:{signal}"


def _derived(line: Line, view: View) -> str:
    code, signal = line.worst_exit
    return f"{code}:{signal}"


def _memory(line: Line, view: View) -> str:
    """What the job asks for on all its machines."""
    amounts = dict(part.split("=") for part in tres.requested(line.job).split(","))
    return size(parse_memory(amounts["mem"]), "M", view.unit, view.convert)


def _kibibytes(amount: int, view: View) -> str:
    return size(amount, "K", view.unit, view.convert) if amount else ""


def _by_name(resources: str, view: View) -> str:
    """Trackable resources in the order of their names, memory in the unit that is wanted."""
    parts = [part for part in resources.split(",") if part and not part.endswith("=0")]
    return ",".join(sorted(_in_unit(part, view.unit) for part in parts))


def _in_unit(part: str, unit: str) -> str:
    name, _, amount = part.partition("=")
    return f"mem={size(parse_memory(amount), 'M', unit)}" if unit and name == "mem" else part


def _allocated(line: Line, view: View) -> str:
    if line.started is None:
        return ""
    return _by_name(tres.of_step(line.step) if line.step else tres.allocated(line.job) or "", view)


def _requested(line: Line, view: View) -> str:
    return _by_name(tres.requested(line.job), view)


def _reserved(line: Line, view: View) -> int:
    """Seconds from the moment a job could start until it did."""
    since = line.job.eligible_time or line.job.submit_time
    if line.started is None and (line.state is not JobState.PENDING or line.job.reason.startswith("JobHeld")):
        return 0
    return max(int(line.started or view.now) - int(since), 0)


def _waited(line: Line, view: View) -> str:
    """How long it was eligible before it started; of one that was cancelled first Slurm cannot tell."""
    is_odd = line.started is None and line.state.is_over and not _is_held(line)
    return "INVALID" if is_odd else format_elapsed(_reserved(line, view))


def _is_held(line: Line) -> bool:
    """Was it held, or is it still, and has never been eligible?"""
    return line.started is None and line.job.reason.startswith("JobHeld")


def _reserved_cpus(line: Line, view: View) -> int:
    return _reserved(line, view) * tres.requested_cpus(line.job)


def _association(line: Line, view: View) -> str:
    return str(view.associations.get((line.job.account, line.job.user), 0))


def _moment(when: float | None, view: View) -> str:
    return UNKNOWN if not when else view.moment(when)


def _begin(line: Line, view: View) -> str:
    """A step is submitted and eligible when it starts; a held job is not eligible."""
    if line.step:
        return _moment(line.started, view)
    return UNKNOWN if _is_held(line) else _moment(line.job.eligible_time or line.job.submit_time, view)


def _start(line: Line, view: View) -> str:
    if line.started is None and line.state.is_over:
        return _moment(line.ended, view) if _is_held(line) and line.job.array_tasks is None else "None"
    return _moment(line.started, view)


def _code(line: Line, view: View) -> str:
    """Exit code and signal; nobody knows them of a step that was lost with its machine."""
    is_lost = line.step is not None and line.job.state is JobState.NODE_FAIL and line.state is JobState.CANCELLED
    return "" if is_lost else _exit(*line.exit)


def _limit(line: Line, view: View) -> str:
    return "UNLIMITED" if line.job.time_limit is None else format_elapsed(line.job.time_limit)


def _energy(line: Line, view: View) -> str:
    """What Slurm counts without a meter: nothing, where something can have been used."""
    if line.step is None and line.started is not None and not any(step.end_time for step in line.steps):
        return ""
    return "0"


def _frequency(line: Line, view: View) -> str:
    return "0" if line.step_name == "batch" else UNKNOWN


def _flags(line: Line, view: View) -> str:
    if not line.started:
        return "StartRecieved"
    if line.job.het_job_id is not None:  # Slurm's backfill alone starts these
        return "SchedBackfill,StartRecieved"
    return "SchedMain,StartRecieved" if line.job.script else "SchedSubmit,StartRecieved"


def _raw_id(line: Line, view: View) -> str:
    return f"{line.job.job_id}.{line.step_name}" if line.step else str(line.job.job_id)


def _submit(line: Line, view: View) -> str:
    return _moment(line.started if line.step else line.job.submit_time, view)


def _minutes(line: Line, view: View) -> str:
    return "UNLIMITED" if line.job.time_limit is None else str(line.job.time_limit // 60)


def _job(value: Callable[[Line, View], str]) -> Value:
    """A value that only jobs have."""
    return lambda line, view: "" if line.step else value(line, view)


def _step(value: Callable[[Step, View], str]) -> Value:
    """A value that only steps have."""
    return lambda line, view: value(line.step, view) if line.step else ""


def _sampled(value: Callable[[Step, View], str]) -> Value:
    """A step's memory. Slurm takes samples and has none of a step that was over before the first one: of these only
    what is more than a shell takes is shown."""

    def show(step: Step, view: View) -> str:
        lasted = step.end_time is not None and step.end_time - step.start_time >= FIRST_SAMPLE
        return value(step, view) if step.max_rss and (lasted or step.max_rss >= LARGE) else ""

    return _step(show)


def _mean_cpu(step: Step) -> str:
    return format_elapsed(int((step.user_seconds + step.system_seconds) / max(step.ntasks or 1, 1)))


def _row(name: str, width: int, columns: str, value: Value) -> Field:
    return Field(name, "", name, columns, value, width=width, cut=name not in UNCUT, plain=name in MOMENTS)


def _each(job: str = "", step: str = "") -> Value:
    return lambda line, view: step if line.step else job


def _used_of_gpus(line: Line, view: View) -> str:
    """What a job's processes had of GPUs at the most, which is its script's."""
    job = line.job
    if line.step_name != "batch" or not (job.max_gpu_memory or job.max_gpu_utilization):
        return ""
    return f"gres/gpumem={size(job.max_gpu_memory)},gres/gpuutil={job.max_gpu_utilization}"


_used_energy = _step(lambda step, view: "energy=0" if step.end_time else "")

ALWAYS = (
    "job_id array_job_id array_task_id array_tasks het_job_id het_offset state outcome start_time"
    " end_time submit_time resize_time eligible_time begin_time reason cancelled_by attempt script"
    " suspend_time suspended_seconds exit_code exit_signal node allocation alloc_cpus alloc_memory alloc_gpus max_rss"
    " user_seconds system_seconds"
)
_CPUS = "alloc_cpus ntasks ntasks_per_node cpus_per_task nodes max_nodes min_cpus required_nodes extra"
_NODES = "nodes node node_list"
_HELD = f"{_CPUS} {_NODES} memory_per_node memory_per_cpu alloc_memory alloc_gpus gres gpus"
_USED = "user_seconds system_seconds"

# fmt: off
ACCOUNTING_FIELDS = (
    _row("Account", 10, "account", lambda line, view: line.job.account or ""),
    _row("AdminComment", 15, "", _each()),
    _row("AllocCPUS", 10, _CPUS, lambda line, view: str(line.cpus)),
    _row("AllocNodes", 10, _NODES, lambda line, view: str(line.nodes if line.started else 0)),
    _row("AllocTRES", 10, _HELD, _allocated),
    _row("AssocID", 7, "account user", _association),
    _row("AveCPU", 10, _USED, _sampled(lambda step, view: _mean_cpu(step))),
    _row("AveCPUFreq", 10, "", _each("", "0")),
    _row("AveDiskRead", 14, "", _each()),
    _row("AveDiskWrite", 14, "", _each()),
    _row("AvePages", 10, "", _each()),
    _row("AveRSS", 10, "max_rss", _sampled(lambda step, view: _kibibytes(step.mean_rss, view))),
    _row("AveVMSize", 10, "", _each()),
    _row("BlockID", 16, "", _each()),
    _row("Cluster", 10, "", lambda line, view: line.job.__dict__.get("cluster", view.cluster)),
    _row("Comment", 14, "comment", _job(lambda line, view: line.job.comment or "")),
    _row("Constraints", 19, "features", _job(lambda line, view: line.job.features or "")),
    _row("ConsumedEnergy", 14, "", _energy),
    _row("ConsumedEnergyRaw", 17, "", _energy),
    _row("Container", 19, "", _each()),
    _row("CPUTime", 10, _CPUS, lambda line, view: format_elapsed(line.elapsed(view.now) * line.cpus)),
    _row("CPUTimeRAW", 10, _CPUS, lambda line, view: str(line.elapsed(view.now) * line.cpus)),
    _row("DBIndex", -10, "", lambda line, view: str(line.job.job_id)),
    _row("DerivedExitCode", 15, "", _job(_derived)),
    _row("Elapsed", 10, "", lambda line, view: format_elapsed(line.elapsed(view.now))),
    _row("ElapsedRaw", 10, "", lambda line, view: str(line.elapsed(view.now))),
    _row("Eligible", 19, "", _begin),
    _row("End", 19, "", lambda line, view: _moment(line.ended, view)),
    _row("ExitCode", 8, "exit_code exit_signal", _code),
    _row("Flags", 19, "", _job(_flags)),
    _row("GID", 6, "gid", _job(lambda line, view: str(line.job.gid))),
    _row("Group", 9, "group_name", _job(lambda line, view: line.job.group_name)),
    _row("JobID", -12, "", lambda line, view: line.number(view)),
    _row("JobIDRaw", -12, "", _raw_id),
    _row("JobName", 10, "name", lambda line, view: line.step.name if line.step else line.job.name),
    _row("Layout", 9, "", _step(lambda step, view: step.distribution)),
    _row("MaxDiskRead", 12, "", _each()),
    _row("MaxDiskReadNode", 15, "", _each()),
    _row("MaxDiskReadTask", 15, "", _each()),
    _row("MaxDiskWrite", 12, "", _each()),
    _row("MaxDiskWriteNode", 16, "", _each()),
    _row("MaxDiskWriteTask", 16, "", _each()),
    _row("MaxPages", 8, "", _each()),
    _row("MaxPagesNode", 12, "", _each()),
    _row("MaxPagesTask", 14, "", _each()),
    _row("MaxRSS", 10, "max_rss", _sampled(lambda step, view: _kibibytes(step.max_rss, view))),
    _row("MaxRSSNode", 10, "max_rss node", _sampled(lambda step, view: step.max_rss_node)),
    _row("MaxRSSTask", 10, "max_rss", _sampled(lambda step, view: str(step.max_rss_task))),
    _row("MaxVMSize", 10, "", _each()),
    _row("MaxVMSizeNode", 14, "", _each()),
    _row("MaxVMSizeTask", 14, "", _each()),
    _row("McsLabel", 12, "", _each()),
    _row("MinCPU", 10, "", _each()),
    _row("MinCPUNode", 10, "", _each()),
    _row("MinCPUTask", 10, "", _each()),
    _row("NCPUS", 10, _CPUS, lambda line, view: str(line.cpus)),
    _row("NNodes", 8, _NODES, lambda line, view: str(line.nodes)),
    _row("NodeList", 15, _NODES, lambda line, view: (line.started and line.node_list) or "None assigned"),
    _row("NTasks", 8, "", _step(lambda step, view: str(step.ntasks))),
    _row("Partition", 10, "partition", _job(lambda line, view: line.job.partition)),
    _row("Priority", 10, "priority", _job(lambda line, view: str(line.job.priority))),
    _row("QOS", 10, "qos", _job(lambda line, view: line.job.qos or "")),
    _row("QOSRAW", 6, "qos", _job(lambda line, view: str(view.qualities.get(line.job.qos, 0)))),
    _row("Reason", 22, "wait_reason submit_time end_time state", _job(lambda line, view: line.reason)),
    _row("ReqCPUFreq", 10, "", _frequency),
    _row("ReqCPUFreqGov", 13, "", _frequency),
    _row("ReqCPUFreqMax", 13, "", _frequency),
    _row("ReqCPUFreqMin", 13, "", _frequency),
    _row("ReqCPUS", 8, _CPUS, lambda line, view: str(line.step.cpus if line.step else tres.requested_cpus(line.job))),
    _row("ReqMem", 10, _HELD, _job(_memory)),
    _row("ReqNodes", 8, "nodes", lambda line, view: str(line.step.nodes if line.step else line.job.nodes)),
    _row("ReqTRES", 10, _HELD, _job(_requested)),
    _row("Reservation", 20, "reservation", _job(lambda line, view: line.job.reservation or "")),
    _row("ReservationId", 8, "", _each()),
    _row("Reserved", 10, "", _job(_waited)),
    _row("ResvCPU", 10, _CPUS, _job(lambda line, view: format_elapsed(_reserved_cpus(line, view)))),
    _row("ResvCPURAW", 10, _CPUS, _job(lambda line, view: str(_reserved_cpus(line, view)))),
    _row("Start", 19, "", _start),
    _row("State", 10, "exit_code exit_signal", _state),
    _row("Submit", 19, "", _submit),
    _row("SubmitLine", 20, "submit_line", lambda line, view: (line.step or line.job).submit_line or ""),
    _row("Suspended", 10, "", lambda line, view: format_elapsed(int(line.suspended(view.now)))),
    _row("SystemComment", 15, "", _each()),
    _row("SystemCPU", 10, _USED, lambda line, view: processor_time(line.system_seconds)),
    _row("Timelimit", 10, "time_limit", _job(_limit)),
    _row("TimelimitRaw", 10, "time_limit", _job(_minutes)),
    _row("TotalCPU", 10, _USED, lambda line, view: processor_time(line.user_seconds + line.system_seconds)),
    _row("TRESUsageInAve", 14, "", _used_energy),
    _row("TRESUsageInMax", 14, "max_gpu_memory max_gpu_utilization", _used_of_gpus),
    _row("TRESUsageInMaxNode", 18, "", _each()),
    _row("TRESUsageInMaxTask", 18, "", _each()),
    _row("TRESUsageInMin", 14, "", _each()),
    _row("TRESUsageInMinNode", 18, "", _each()),
    _row("TRESUsageInMinTask", 18, "", _each()),
    _row("TRESUsageInTot", 14, "", _used_energy),
    _row("TRESUsageOutAve", 15, "", _used_energy),
    _row("TRESUsageOutMax", 15, "", _each()),
    _row("TRESUsageOutMaxNode", 19, "", _each()),
    _row("TRESUsageOutMaxTask", 19, "", _each()),
    _row("TRESUsageOutMin", 15, "", _each()),
    _row("TRESUsageOutMinNode", 19, "", _each()),
    _row("TRESUsageOutMinTask", 19, "", _each()),
    _row("TRESUsageOutTot", 15, "", _used_energy),
    _row("UID", 6, "uid", _job(lambda line, view: str(line.job.uid))),
    _row("User", 9, "user", _job(lambda line, view: line.job.user)),
    _row("UserCPU", 10, _USED, lambda line, view: processor_time(line.user_seconds)),
    _row("WCKey", 10, "extra", _job(lambda line, view: extra(line.job).get("wckey", ""))),
    _row("WCKeyID", 10, "", _each("0", "")),
    _row("WorkDir", 20, "work_dir", _job(lambda line, view: line.job.work_dir)),
)
# fmt: on


def field_list() -> str:
    """The names of all columns, four on a line, as `sacct -e` shows them."""
    names = [f"{field.name:<19}" for field in ACCOUNTING_FIELDS]
    return "\n".join(" ".join(names[row : row + 4]) for row in range(0, len(names), 4))
