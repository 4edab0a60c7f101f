"""What squeue and sacct print of a job, read into ours: a row a field, all in one answer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence

from mini_slurm.model.foreign import ForeignJob
from mini_slurm.model.hostlist import expand
from mini_slurm.model.states import JobState
from mini_slurm.model.units import parse_time_limit

SEPARATOR, END = "\x1f", "\x1e"  # of fields and of records: no value has them
CLOCK = {"SLURM_TIME_FORMAT": "%s"}  # moments as seconds since the epoch
NOTHING = frozenset({"", "(null)", "N/A", "n/a", "NONE", "Unknown", "None assigned"})
# Slurm's states that are none of ours: what a job in them is to its user
STATES = {
    **{state.name: state for state in JobState},
    "STOPPED": JobState.SUSPENDED, "RESIZING": JobState.RUNNING, "SIGNALING": JobState.RUNNING,
    "STAGE_OUT": JobState.COMPLETING, "REQUEUED": JobState.PENDING, "REQUEUE_HOLD": JobState.PENDING,
    "REQUEUE_FED": JobState.PENDING, "RESV_DEL_HOLD": JobState.PENDING, "SPECIAL_EXIT": JobState.PENDING,
    "REVOKED": JobState.CANCELLED,
}  # fmt: skip

Reader = Callable[[str], object]


def text(value: str) -> str | None:
    """A text, or that there is none."""
    return None if value in NOTHING else value


def word(value: str) -> str:
    """A text that may be empty."""
    return text(value) or ""


def number(value: str) -> int:
    """A number at the beginning of the value; 0: none."""
    digits = value.partition("-")[0].rstrip("KMGTP+")
    return int(digits) if digits.isdigit() else 0


def count(value: str) -> int | None:
    """A number, or that there is none."""
    return number(value) or None


def moment(value: str) -> float | None:
    """Seconds since the epoch."""
    return float(value) if value.isdigit() and int(value) else None


def kibibytes(value: str) -> int:
    """An amount of memory in KiB: `1.5G`, `300K`, a plain number of MiB; 0 where it is none."""
    digits, unit = value.rstrip("KMGTPBnc"), value.lstrip("0123456789.")[:1]
    if not digits.replace(".", "", 1).isdigit():
        return 0
    return int(float(digits) * 1024 ** " KMGTP".index(unit if unit in "KMGTP" and unit else "M") / 1024)


def limit(value: str) -> int | None:
    """A time limit in seconds; None: no limit."""
    try:
        return parse_time_limit(value)
    except ValueError:
        return None


def state(value: str) -> JobState:
    """The state; sacct adds who cancelled it."""
    return STATES.get(value.partition(" ")[0].rstrip("+"), JobState.RUNNING)


# fmt: off
QUEUE: tuple[tuple[str, str, Reader], ...] = (
    ("JobID", "foreign_id", str), ("ArrayJobID", "array_job_id", number), ("ArrayTaskID", "array_tasks", text),
    ("UserID", "uid", number), ("UserName", "user", word), ("GroupID", "gid", number),
    ("GroupName", "group_name", word), ("Name", "name", word), ("Partition", "partition", word),
    ("Account", "account", text), ("QOS", "qos", text), ("Comment", "comment", text), ("NumNodes", "nodes", number),
    ("NumTasks", "ntasks", count), ("NumCPUs", "alloc_cpus", number), ("cpus-per-task", "cpus_per_task", count),
    ("MinMemory", "memory", word), ("tres-alloc", "tres", word), ("tres-per-node", "gres", text),
    ("Feature", "features", text), ("ReqNodes", "required_nodes", text), ("TimeLimit", "time_limit", limit),
    ("Dependency", "dependency", text), ("Nice", "nice", lambda value: int(value or 0)),
    ("Licenses", "licenses", text), ("Reservation", "reservation", text), ("WorkDir", "work_dir", word),
    ("STDIN", "std_in", text), ("STDOUT", "std_out", text), ("STDERR", "std_err", text), ("Command", "command", text),
    ("State", "state", state), ("Reason", "reason", str), ("PriorityLong", "priority", number),
    ("SubmitTime", "submit_time", moment), ("EligibleTime", "eligible_time", moment),
    ("StartTime", "start_time", moment), ("EndTime", "end_time", moment), ("NodeList", "node_list", text),
    ("BatchHost", "node", text), ("exit_code", "status", number), ("restartcnt", "restarts", number),
    ("Requeue", "requeue", number),
)
ACCOUNT = (
    "JobIDRaw", "JobID", "State", "ExitCode", "Start", "End", "Eligible", "AllocCPUS", "AllocTRES", "NodeList",
    "Partition", "Account", "QOS", "Timelimit", "MaxRSS", "UserCPU", "SystemCPU", "NNodes",
)
# fmt: on
QUEUE_FORMAT = ",".join(f"{name}:{END if row == len(QUEUE) - 1 else SEPARATOR}" for row, (name, *_) in enumerate(QUEUE))
ACCOUNT_FORMAT = ",".join(ACCOUNT)


def rows(output: bytes) -> Iterator[list[str]]:
    """The fields of each record of squeue."""
    for record in output.decode("utf-8", "backslashreplace").split(END):
        fields = record.removeprefix("\n").split(SEPARATOR)
        if len(fields) == len(QUEUE):
            yield fields


def queued(fields: Sequence[str], cluster: str) -> ForeignJob:
    """One record of squeue as a job."""
    values = {field: read(text) for (_, field, read), text in zip(QUEUE, fields, strict=True)}
    job = ForeignJob(cluster=cluster, ours=0)
    extra = {field: str(values.pop(field)) for field in ("memory", "tres")}
    status = values.pop("status")
    assert isinstance(status, int)
    job.__dict__.update(values)
    job.job_id = number(job.foreign_id)
    job.exit_code, job.exit_signal = os.waitstatus_to_exitcode(status), 0
    if job.exit_code < 0:
        job.exit_code, job.exit_signal = 0, -job.exit_code
    _settle_array(job)
    _settle_memory(job, extra["memory"])
    _settle_moments(job)
    if job.state is JobState.PENDING:
        job.alloc_cpus, job.node, job.node_list = 0, None, None
    else:
        _settle_resources(job, extra["tres"])
        _settle_nodes(job)
    if job.reason in NOTHING:
        job.reason = "None"
    return job


def _settle_array(job: ForeignJob) -> None:
    """A task that has its own record, or the tasks that wait."""
    tasks, job.array_tasks = job.array_tasks, None
    if tasks is None:
        job.array_job_id = None
    elif tasks.isdigit():
        job.array_task_id = int(tasks)
    else:
        job.array_tasks = tasks.strip("[]")


def _settle_memory(job: ForeignJob, amount: str) -> None:
    found = kibibytes(amount) // 1024 if amount else None
    if amount.endswith("c"):
        job.memory_per_cpu = found
    else:
        job.memory_per_node = found


def _settle_moments(job: ForeignJob) -> None:
    """squeue shows when a job is expected to start and end, too: that has not happened."""
    job.submit_time = job.submit_time or 0.0
    if job.state is JobState.PENDING:
        job.begin_time = job.start_time if job.reason == "BeginTime" else None
        job.start_time = None
    if not job.state.is_over:
        job.end_time = None


def _settle_resources(job: ForeignJob, text: str) -> None:
    tres = dict(part.partition("=")[::2] for part in text.split(","))
    job.alloc_cpus = number(tres.get("cpu", "")) or job.alloc_cpus
    job.alloc_memory = kibibytes(tres.get("mem", "")) // 1024
    job.alloc_gpus = tres.get("gres/gpu", "")


def _settle_nodes(job: ForeignJob) -> None:
    """Slurm tells the sum of all nodes; each is taken to give the same."""
    try:
        names = expand(job.node_list or "")
    except ValueError:
        return
    each = max(len(names), 1)
    share = [job.alloc_cpus // each, job.alloc_memory // each, "", max((job.ntasks or 1) // each, 1)]
    job.allocation = json.dumps(dict.fromkeys(names, share))


# --- sacct


def accounted(output: bytes, jobs: Sequence[ForeignJob]) -> list[ForeignJob]:
    """New records of those of the jobs that accounting says are over. A job's last line of several is its last run."""
    mine = {job.foreign_id: job for job in jobs}
    arrays = {str(job.array_job_id): job for job in jobs if job.array_tasks is not None}
    found: dict[str, ForeignJob] = {}
    for line in output.decode("utf-8", "backslashreplace").splitlines():
        fields = dict(zip(ACCOUNT, line.split(SEPARATOR), strict=False))
        raw, _, step = fields.get("JobIDRaw", "").partition(".")
        array, _, task = fields.get("JobID", "").partition(".")[0].partition("_")
        if array in arrays and task.isdigit():  # the array ended before any of its tasks was seen
            mine[raw] = _task(arrays[array], raw, int(task))
        if len(fields) != len(ACCOUNT) or raw not in mine:
            continue
        if not step:
            found[raw] = _ended(mine[raw], fields)
        elif raw in found:
            _add_use(found[raw], fields)
    return [job for job in found.values() if job.state.is_over]


def _task(array: ForeignJob, number: str, task: int) -> ForeignJob:
    own = {"foreign_id": number, "job_id": int(number), "array_task_id": task, "array_tasks": None}
    return ForeignJob(**{**array.__dict__, **own})


def _ended(before: ForeignJob, fields: dict[str, str]) -> ForeignJob:
    job = ForeignJob(**{**before.__dict__, "max_rss": 0})
    job.state = state(fields["State"])
    code, _, signal = fields["ExitCode"].partition(":")
    if job.state.is_over:
        job.exit_code, job.exit_signal = number(code), number(signal)
    job.start_time, job.end_time = moment(fields["Start"]), moment(fields["End"])
    job.eligible_time = moment(fields["Eligible"])
    job.node_list = text(fields["NodeList"])
    job.alloc_cpus = number(fields["AllocCPUS"])
    job.nodes = number(fields["NNodes"]) or job.nodes
    job.partition, job.account, job.qos = (
        word(fields["Partition"]) or job.partition,
        text(fields["Account"]),
        text(fields["QOS"]),
    )
    job.time_limit = limit(fields["Timelimit"])
    _settle_resources(job, fields["AllocTRES"])
    _, by, uid = fields["State"].partition(" by ")
    job.cancelled_by = number(uid) if by else job.cancelled_by
    job.user_seconds, job.system_seconds = seconds(fields["UserCPU"]), seconds(fields["SystemCPU"])
    return job


def _add_use(job: ForeignJob, fields: dict[str, str]) -> None:
    """A step's memory: the largest counts for the job."""
    job.max_rss = max(job.max_rss, kibibytes(fields["MaxRSS"]))


def seconds(value: str) -> float:
    """Processor time: [D-[HH:]]MM:SS[.mmm]."""
    days, _, rest = value.rpartition("-")
    total = 0.0
    for part in rest.split(":"):
        total = total * 60 + (float(part) if part.replace(".", "", 1).isdigit() else 0.0)
    return total + number(days) * 86400
