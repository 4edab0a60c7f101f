"""A job as `squeue --json` tells of it: one row for each key, in Slurm's order."""

from __future__ import annotations

import json

from mini_slurm.model.arrays import throttle_of
from mini_slurm.model.request import extra, least_cpus, open_preference, used_features
from mini_slurm.model.states import JobState, told, written
from mini_slurm.output import tres
from mini_slurm.output.documents import filled, numbered
from mini_slurm.output.job_fields import accrues, command_line, eligible, ends, file_in, has_run, in_order, starts
from mini_slurm.output.layout import View
from mini_slurm.output.values import gres, het_set, ran_before_suspension, waiting_tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_slurm.model.job import Job

    Value = Callable[[Job, View], object]

SHARING = {"NO": "none", "YES": "shared", "USER": "user", "MCS": "mcs"}
SHOWN = ["SHOW_ALL", "SHOW_DETAIL", "SHOW_LOCAL"]


def record(job: Job, view: View) -> dict[str, object]:
    """The job's values; what it holds is told of jobs that hold or held something."""
    values = filled(JOB, job, view)
    if not has_run(job):
        del values["job_resources"]
    return values


def _constant(value: object) -> Value:
    return lambda job, view: value


def _text(name: str) -> Value:
    """An attribute that may not be there."""
    return lambda job, view: getattr(job, name) or ""


def _kept(name: str) -> Value:
    """An option that jobs only keep."""
    return lambda job, view: extra(job).get(name, "")


def _number(name: str) -> Value:
    """An option that is a number, if it was given."""

    def show(job: Job, view: View) -> int | None:
        text = extra(job).get(name, "")
        return int(text) if text.isdecimal() else None

    return show


def _when(value: Callable[[Job, View], float | None]) -> Value:
    """Seconds since the epoch; 0 where there is no such moment."""
    return lambda job, view: int(value(job, view) or 0)


def _given(place: int) -> Value:
    """Sockets, cores or threads that were asked for."""

    def show(job: Job, view: View) -> int | None:
        text = tres.layout(job)[place]
        return int(text) if text.isdecimal() else None

    return show


def _flags(job: Job, view: View) -> list[str]:
    options, started = extra(job), has_run(job)
    kills = options.get("kill-on-invalid-dep", "").lower()[:1]
    binding = options.get("gres-flags", "").lower()
    by_user = job.memory_per_node is not None or job.memory_per_cpu != view.default_memory
    return numbered(
        (
            ("KILL_INV_DEP", kills == "y"),
            ("NO_KILL_INV_DEP", kills == "n"),
            ("GRES_ENFORCE_BIND", binding == "enforce-binding"),
            ("SPREAD_JOB", "spread-job" in options),
            ("USE_MIN_NODES", "use-min-nodes" in options),
            ("JOB_CPUS_SET", job.cpus_per_task is not None and "cpus-per-gpu" not in options),
            ("JOB_ACCRUE_OVER", started and accrues(job) is not None),
            ("GRES_DISABLE_BIND", binding == "disable-binding"),
            ("JOB_WAS_RUNNING", started and not job.state.is_over),
            ("JOB_MEM_SET", by_user),
        )
    )


def _resources(job: Job, view: View) -> dict[str, object]:
    """What it holds, machine by machine."""
    nodes = [_on_node(job, *share) for share in _shares(job)]
    return {
        "nodes": tres.node_list(job),
        "allocated_cpus": job.alloc_cpus,
        "allocated_hosts": len(nodes),
        "allocated_nodes": nodes,
    }


def _shares(job: Job) -> list[tuple[str, int, int]]:
    """Machine, CPUs, MiB."""
    if job.allocation == "{}":
        return [(job.node or "", job.alloc_cpus, job.alloc_memory)]
    return [(name, cpus, memory) for name, (cpus, memory, *_) in json.loads(job.allocation).items()]


def _on_node(job: Job, name: str, cpus: int, memory: int) -> dict[str, object]:
    """A machine's part: each CPU counts as a socket with one core."""
    numbers = _numbers(job.cpu_ids) if name == job.node and job.cpu_ids else list(range(cpus))
    return {
        "sockets": {str(number): {"cores": {"0": "allocated"}} for number in numbers},
        "nodename": name,
        "cpus_used": 0,
        "memory_used": 0,
        "memory_allocated": memory,
    }


def _numbers(text: str) -> list[int]:
    spans = (piece.partition("-") for piece in text.split(","))
    return [number for first, _, last in spans for number in range(int(first), int(last or first) + 1)]


def _gres_detail(job: Job, view: View) -> list[str]:
    """The GPUs on each machine, with their places in it."""
    if not job.alloc_gpus or not has_run(job):
        return []
    count = sum(int(part.rpartition(":")[2]) for part in job.alloc_gpus.split(","))
    return [f"gpu:{job.alloc_gpus}(IDX:{f'0-{count - 1}' if count > 1 else 0})"]


def _memory(per_node: bool) -> Value:
    def show(job: Job, view: View) -> int | None:
        return (job.memory_per_node if per_node else job.memory_per_cpu) or None

    return show


def _reason(job: Job, view: View) -> str:
    """The word for what is told at length."""
    if job.reason.startswith("Nodes required"):
        return "Resources"
    return told(job.reason).partition(",")[0]


def _description(job: Job, view: View) -> str:
    return told(job.reason) if " " in job.reason else ""


def _core_spec(job: Job, view: View) -> int | None:
    text = extra(job).get("thread-spec")
    return int(text) | 0x8000 if text else None


def _profile(job: Job, view: View) -> list[str] | None:
    text = extra(job).get("profile")
    return [word.capitalize() for word in text.split(",")] if text else None


def _minutes(seconds: int | None) -> int | None:
    return None if seconds is None else seconds // 60


def _waiting(job: Job, view: View) -> str:
    return waiting_tasks(job.array_tasks, view.shown_tasks) if job.array_tasks else ""


def _delay(job: Job, view: View) -> int:
    text = extra(job).get("delay-boot")
    if not text:
        return 0
    from mini_slurm.model.units import parse_duration

    return parse_duration(text)


def _evaluated(job: Job, view: View) -> float | None:
    return starts(job, view.now) if has_run(job) else job.submit_time


# fmt: off
JOB: tuple[tuple[str, Value], ...] = (
    ("account", _text("account")),
    ("accrue_time", _when(lambda job, view: accrues(job))),
    ("admin_comment", _kept("admin-comment")),
    ("array_job_id", lambda job, view: job.array_job_id or 0),
    ("array_task_id", lambda job, view: job.array_task_id),
    ("array_max_tasks", lambda job, view: (throttle_of(job.array_tasks) if job.array_tasks else 0) or 0),
    ("array_task_string", _waiting),
    ("association_id", lambda job, view: view.associations.get((job.account, job.user), 0)),
    ("batch_features", _constant("")),
    ("batch_flag", lambda job, view: job.is_batch),
    ("batch_host", lambda job, view: job.node or "" if tres.node_list(job) else ""),
    ("flags", _flags),
    ("burst_buffer", _kept("bb")),
    ("burst_buffer_state", _constant("")),
    ("cluster", lambda job, view: getattr(job, "cluster", "") or view.cluster),
    ("cluster_features", _kept("cluster-constraint")),
    ("command", lambda job, view: command_line(job) if job.command else ""),
    ("comment", _text("comment")),
    ("container", _kept("container")),
    ("contiguous", lambda job, view: "contiguous" in extra(job)),
    ("core_spec", _core_spec),
    ("thread_spec", _number("core-spec")),
    ("cores_per_socket", _given(1)),
    ("billable_tres", lambda job, view: float(tres.cpus(job)) if has_run(job) else None),
    ("cpus_per_task", _constant(None)),
    ("cpu_frequency_minimum", _constant(None)),
    ("cpu_frequency_maximum", _constant(None)),
    ("cpu_frequency_governor", _constant(None)),
    ("cpus_per_tres", lambda job, view: tres.per_gpu(job, "cpus-per-gpu") or ""),
    ("deadline", _when(lambda job, view: job.deadline)),
    ("delay_boot", _delay),
    ("dependency", _text("dependency")),
    ("derived_exit_code", _constant(0)),
    ("eligible_time", _when(lambda job, view: eligible(job))),
    ("end_time", _when(lambda job, view: ends(job, view.now))),
    ("excluded_nodes", lambda job, view: in_order(job.excluded_nodes)),
    ("exit_code", lambda job, view: tres.wait_status(job)),
    ("features", lambda job, view: used_features(job) or ""),
    ("federation_origin", _constant("")),
    ("federation_siblings_active", _constant("")),
    ("federation_siblings_viable", _constant("")),
    ("gres_detail", _gres_detail),
    ("group_id", lambda job, view: job.gid),
    ("group_name", _text("group_name")),
    ("job_id", lambda job, view: job.job_id),
    ("job_resources", _resources),
    ("job_state", lambda job, view: written(job.state, job.reason, job.stopped)[0]),
    ("last_sched_evaluation", _when(_evaluated)),
    ("licenses", _text("licenses")),
    ("max_cpus", _constant(0)),
    ("max_nodes", lambda job, view: (job.max_nodes or 0) if job.state is JobState.PENDING else 0),
    ("mcs_label", _kept("mcs-label")),
    ("memory_per_tres", lambda job, view: tres.per_gpu(job, "mem-per-gpu") or ""),
    ("name", _text("name")),
    ("nodes", lambda job, view: tres.node_list(job)),
    ("nice", lambda job, view: job.nice or None),
    ("tasks_per_core", _number("ntasks-per-core")),
    ("tasks_per_node", lambda job, view: job.ntasks_per_node or 0),
    ("tasks_per_socket", _number("ntasks-per-socket")),
    ("tasks_per_board", _constant(0)),
    ("cpus", lambda job, view: tres.cpus(job) if has_run(job) or not job.state.is_over else None),
    ("node_count", lambda job, view: tres.nodes(job)),
    ("tasks", lambda job, view: tres.tasks(job)),
    ("het_job_id", lambda job, view: job.het_job_id or 0),
    ("het_job_id_set", lambda job, view: het_set(job)),
    ("het_job_offset", lambda job, view: job.het_offset),
    ("partition", _text("partition")),
    ("prefer", lambda job, view: open_preference(job) or ""),
    ("memory_per_node", _memory(True)),
    ("memory_per_cpu", _memory(False)),
    ("minimum_cpus_per_node", lambda job, view: least_cpus(job)),
    ("minimum_tmp_disk_per_node", lambda job, view: tres.disk(job)),
    ("preempt_time", lambda job, view: int(job.preempt_time or 0)),
    ("pre_sus_time", lambda job, view: ran_before_suspension(job)),
    ("priority", lambda job, view: job.priority),
    ("profile", _profile),
    ("qos", _text("qos")),
    ("reboot", lambda job, view: "reboot" in extra(job)),
    ("required_nodes", lambda job, view: in_order(job.required_nodes)),
    ("requeue", lambda job, view: bool(job.requeue)),
    ("resize_time", lambda job, view: int(job.resize_time or 0)),
    ("restart_cnt", lambda job, view: job.restarts),
    ("resv_name", _text("reservation")),
    ("shared", lambda job, view: SHARING.get(tres.sharing(job))),
    ("show_flags", _constant(SHOWN)),
    ("sockets_per_board", _constant(0)),
    ("sockets_per_node", _given(0)),
    ("start_time", _when(lambda job, view: starts(job, view.now))),
    ("state_description", _description),
    ("state_reason", _reason),
    ("standard_error", lambda job, view: file_in(job, job.std_err)),
    ("standard_input", lambda job, view: file_in(job, job.std_in or "/dev/null")),
    ("standard_output", lambda job, view: file_in(job, job.std_out)),
    ("submit_time", _when(lambda job, view: job.submit_time)),
    ("suspend_time", _when(lambda job, view: job.suspend_time)),
    ("system_comment", _constant("")),
    ("time_limit", lambda job, view: _minutes(job.time_limit)),
    ("time_minimum", lambda job, view: _minutes(job.time_min or 0)),
    ("threads_per_core", _given(2)),
    ("tres_bind", lambda job, view: f"gpu:{text}" if (text := extra(job).get("gpu-bind")) else ""),
    ("tres_freq", lambda job, view: f"gpu:{text}" if (text := extra(job).get("gpu-freq")) else ""),
    ("tres_per_job", lambda job, view: gres(job.gpus and f"gpu:{job.gpus}") or ""),
    ("tres_per_node", lambda job, view: gres(job.gres) or ""),
    ("tres_per_socket", lambda job, view: tres.per_gpu(job, "gpus-per-socket") or ""),
    ("tres_per_task", lambda job, view: tres.per_gpu(job, "gpus-per-task") or ""),
    ("tres_req_str", lambda job, view: tres.requested(job)),
    ("tres_alloc_str", lambda job, view: tres.allocated(job) or ""),
    ("user_id", lambda job, view: job.uid),
    ("user_name", _text("user")),
    ("wckey", _kept("wckey")),
    ("current_working_directory", _text("work_dir")),
)
# fmt: on
