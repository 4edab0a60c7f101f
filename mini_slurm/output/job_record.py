"""What `scontrol show job` tells of a job, line by line."""

from __future__ import annotations

from itertools import groupby

from mini_slurm.model.allocation import parse_allocation
from mini_slurm.model.arrays import format_tasks
from mini_slurm.model.hostlist import compress
from mini_slurm.model.preemption import OFF, exempt_until, mode
from mini_slurm.model.request import MOST_CPUS, extra, least_cpus, number, shown_nodes
from mini_slurm.model.resources import parse_gpus
from mini_slurm.model.states import JobState, told, written
from mini_slurm.model.units import format_elapsed
from mini_slurm.output import job_options, tres
from mini_slurm.output.job_fields import accrues, by_gpu, eligible, ends, has_run, in_order, starts, used
from mini_slurm.output.records import filled
from mini_slurm.output.values import NULL, gpus, het_set, ran_before_suspension, size, waiting_tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mini_slurm.model.job import Job
    from mini_slurm.output.records import RecordView, Value


def lines(job: Job, view: RecordView) -> list[str]:
    """The lines of one job."""
    if not view.details:
        return filled((*HEAD, *TIMES, *PLACES, *LIMITS, *job_options.LINES), job, view)
    before = filled((*HEAD, DERIVED, *TIMES, *PLACES), job, view)
    return [*before, *_held(job, view), *filled((*LIMITS, *job_options.LINES), job, view)]


def _constant(text: str) -> Value:
    return lambda job, view: text


def _task(job: Job, view: RecordView) -> str | None:
    """An array's waiting tasks, or the number of one."""
    if job.array_task_id is not None:
        return str(job.array_task_id)
    return None if job.array_tasks is None else waiting_tasks(job.array_tasks, view.shown_tasks)


def _throttle(job: Job, view: RecordView) -> str | None:
    limit = view.throttles.get(job.array_job_id or 0)
    return str(limit) if limit else None


def _start(job: Job, view: RecordView) -> float | None:
    """A job that never started has, once it is over, its end for a start."""
    return starts(job, view.now) or (job.end_time if job.state.is_over else None)


def _end(job: Job, view: RecordView) -> str:
    return view.when(ends(job, view.now))


def _scheduler(job: Job) -> str:
    """Which of Slurm's two schedulers saw to it: a heterogeneous job is started by the second one only."""
    if job.planned:
        return "Backfill:*"
    return "Backfill" if job.het_job_id is not None and has_run(job) else "Main"


def _preemptable(job: Job, view: RecordView) -> str | None:
    """From when on a job that has started may be told to make room; nothing where it never is."""
    if view.fleet is None or not has_run(job) or mode(view.fleet, job) == OFF:
        return None
    return view.when(exempt_until(view.fleet, job))


def _preempted(job: Job, view: RecordView) -> str | None:
    if _preemptable(job, view) is None:
        return None
    return view.when(job.preempt_time) if job.preempt_time else "None"


def _limit(seconds: int | None) -> str:
    return "UNLIMITED" if seconds is None else format_elapsed(seconds)


def _node_count(job: Job) -> str:
    if job.state is not JobState.PENDING or job.max_nodes is None or job.restarts:  # once run, it is no range any more
        return str(tres.nodes(job))
    return f"{min(shown_nodes(job), job.max_nodes)}-{job.max_nodes}"


def _cpu_count(job: Job, view: RecordView) -> str:
    most = number(job, MOST_CPUS) if job.state is JobState.PENDING else 0
    return f"{tres.cpus(job)}-{most}" if most else str(tres.cpus(job))


def _tasks(job: Job) -> str:
    count = tres.tasks(job)
    return "N/A" if count is None else str(count)


def _tres(job: Job, view: RecordView) -> str:
    return tres.shown(job, view.whole_memory)


def _memory_per(node: bool) -> Value:
    """The memory that was asked for by the node or by the CPU; --mem-per-cpu=0 is the node's too."""

    def show(job: Job, view: RecordView) -> str | None:
        if by_gpu(job):
            return "0" if node else None
        by_node = job.memory_per_node is not None or not job.memory_per_cpu
        return size(job.memory_per_node or (job.memory_per_cpu or 0)) if by_node is node else None

    return show


def _held(job: Job, view: RecordView) -> list[str]:
    """What the job holds on each of its machines; none for a job that never started."""
    if not has_run(job):
        return []
    held = ",".join(filter(None, [gpus(parse_gpus(job.alloc_gpus)), *_parts(job)]))
    return [f"JOB_GRES={held or NULL}", *(f"  {text}" for text in _on_machines(job, view))]


def _parts(job: Job) -> list[str]:
    return [f"{name}:{size(amount) if name == tres.GPU_MEMORY else amount}" for name, amount in tres.parts(job)]


def _on_machines(job: Job, view: RecordView) -> list[str]:
    if job.allocation == "{}":
        return [
            _on_machine(job.node or "", job.cpu_ids, job.alloc_memory, _gres(job, parse_gpus(job.alloc_gpus), view))
        ]
    shares = (_share(job, view, name) for name in parse_allocation(job.allocation))
    alike = groupby(shares, key=lambda share: share[1:])
    return [_on_machine(compress([name for name, *_ in some]), *what) for what, some in alike]


def _share(job: Job, view: RecordView, name: str) -> tuple[str, str, int, str]:
    """What the job holds on one machine: its name, CPUs, memory, and GPUs in words."""
    cpus, memory, held, *_ = parse_allocation(job.allocation)[name].resources
    own = name == job.node and job.cpu_ids
    return name, job.cpu_ids if own else "0" if cpus == 1 else f"0-{cpus - 1}", memory, _gres(job, held, view)


def _on_machine(name: str, ids: str, memory: int, gres: str) -> str:
    return f"Nodes={name} CPU_IDs={ids} Mem={memory} GRES={gres}"


def _gres(job: Job, held: Mapping[str, int], view: RecordView) -> str:
    """The GPUs held on one machine, and which of its GPUs these are."""
    if job.state.is_over:
        return ""
    places = sorted(view.gpu_places[uuid] for uuid in job.gpu_ids.split(",") if uuid in view.gpu_places)
    index = f"(IDX:{format_tasks(places)})" if places else ""
    return ",".join(part + index for part in [*(gpus(held) or "").split(","), *_parts(job)] if part)


# fmt: off
HEAD = (
    (("JobId", lambda job, view: str(job.job_id)),
     ("ArrayJobId", lambda job, view: None if job.array_job_id is None else str(job.array_job_id)),
     ("ArrayTaskId", _task),
     ("ArrayTaskThrottle", _throttle),
     ("HetJobId", lambda job, view: None if job.het_job_id is None else str(job.het_job_id)),
     ("HetJobOffset", lambda job, view: None if job.het_job_id is None else str(job.het_offset)),
     ("JobName", lambda job, view: job.name)),
    (("HetJobIdSet", lambda job, view: het_set(job) or None),),
    (("UserId", lambda job, view: f"{job.user}({job.uid})"),
     ("GroupId", lambda job, view: f"{job.group_name}({job.gid})"),
     ("MCS_label", lambda job, view: extra(job).get("mcs-label", "N/A"))),
    (("Priority", lambda job, view: str(job.priority)),
     ("Nice", lambda job, view: str(job.nice)),
     ("Account", lambda job, view: job.account or NULL),
     ("QOS", lambda job, view: job.qos or NULL)),
    (("JobState", lambda job, view: written(job.state, job.reason, job.stopped)[0]),
     ("Reason", lambda job, view: "_".join(told(job.reason).split()) or "None"),
     ("Dependency", lambda job, view: job.dependency or NULL)),
    (("Requeue", lambda job, view: str(job.requeue)),
     ("Restarts", lambda job, view: str(job.restarts)),
     ("BatchFlag", lambda job, view: str(int(job.is_batch))),
     ("Reboot", lambda job, view: str(int("reboot" in extra(job)))),
     ("ExitCode", lambda job, view: f"{job.exit_code}:{job.exit_signal}")),
)
DERIVED = (("DerivedExitCode", _constant("0:0")),)
TIMES = (
    (("RunTime", lambda job, view: format_elapsed(used(job, view.now))),
     ("TimeLimit", lambda job, view: _limit(job.time_limit)),
     ("TimeMin", lambda job, view: format_elapsed(job.time_min) if job.time_min else "N/A")),
    (("SubmitTime", lambda job, view: view.when(job.submit_time)),
     ("EligibleTime", lambda job, view: view.when(eligible(job)))),
    (("AccrueTime", lambda job, view: view.when(accrues(job))),),
    (("ResizeTime", lambda job, view: view.when(job.resize_time) if job.resize_time else None),),
    (("StartTime", lambda job, view: view.when(_start(job, view))),
     ("EndTime", _end),
     ("Deadline", lambda job, view: view.when(job.deadline) if job.deadline else "N/A")),
    (("PreemptEligibleTime", _preemptable),
     ("PreemptTime", _preempted)),
    (("SuspendTime", lambda job, view: view.when(job.suspend_time) if job.suspend_time else "None"),
     ("SecsPreSuspend", lambda job, view: str(ran_before_suspension(job))),
     ("LastSchedEval", lambda job, view: view.when(_start(job, view) if has_run(job) else job.submit_time)),
     ("Scheduler", lambda job, view: _scheduler(job))),
)
PLACES = (
    (("Partition", lambda job, view: job.partition),
     ("AllocNode:Sid", lambda job, view: f"{job.submit_host}:{job.submit_session}")),
    (("ReqNodeList", lambda job, view: NULL if job.required_nodes is None else in_order(job.required_nodes)),
     ("ExcNodeList", lambda job, view: NULL if job.excluded_nodes is None else in_order(job.excluded_nodes))),
    (("NodeList", lambda job, view: tres.node_list(job)),
     ("SchedNodeList", lambda job, view: job.planned[1] if job.planned else None)),
    (("BatchFeatures", lambda job, view: extra(job).get("batch")),),
    (("BatchHost", lambda job, view: (job.node if tres.node_list(job) else None)),),
    (("NumNodes", lambda job, view: _node_count(job)),
     ("NumCPUs", _cpu_count),
     ("NumTasks", lambda job, view: _tasks(job)),
     ("CPUs/Task", lambda job, view: str(1 if job.cpus_per_task is None else job.cpus_per_task)),
     ("ReqB:S:C:T", job_options.layout)),
    (("TRES", _tres),),
    (("Socks/Node", lambda job, view: tres.layout(job)[0]),
     ("NtasksPerN:B:S:C", job_options.tasks_per),
     ("CoreSpec", job_options.core_spec),
     ("ThreadSpec", lambda job, view: extra(job).get("thread-spec"))),
)
LIMITS = (
    (("MinCPUsNode", lambda job, view: str(least_cpus(job))),
     ("MinMemoryNode", _memory_per(True)),
     ("MinMemoryCPU", _memory_per(False)),
     ("MinTmpDiskNode", lambda job, view: size(tres.disk(job)))),
)
# fmt: on
