"""A job as `sacct --json` tells of it: one row for each key, in the order of Slurm 22.05.

As there, an exit is told as a success unless a signal was its cause, and a job's processor time is in its steps.
"""

from __future__ import annotations

import signal

from mini_slurm.model.arrays import tasks_of, throttle_of
from mini_slurm.model.request import extra
from mini_slurm.output import tres
from mini_slurm.output.documents import filled, numbered
from mini_slurm.output.yaml_text import Empty

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mini_slurm.model.step import Step
    from mini_slurm.output.accounting_lines import Line
    from mini_slurm.output.layout import View

    Rows = tuple[tuple[str, Callable[[Line, View], object]], ...]

NUMBERS = {"cpu": 1, "mem": 2, "energy": 3, "node": 4, "billing": 5, "gres/gpu": 1001}  # of what is counted
ENERGY = [{"type": "energy", "name": None, "id": 3, "count": 0}]
GOVERNORS = ["Conservative", "Performance", "PowerSave", "OnDemand", "UserSpace"]
MICRO = 1_000_000


def record(line: Line, steps: Sequence[Line], view: View) -> dict[str, object]:
    """A job's values, with those of its steps."""
    return {**filled(JOB, line, view), "steps": [filled(STEP, step, view) for step in steps]}


def _exit(code: int, number: int) -> dict[str, object]:
    if not number:
        return {"status": "SUCCESS", "return_code": 0}
    name = signal.strsignal(number) if number in signal.valid_signals() else None
    return {"status": "SIGNALED", "return_code": None, "signal": {"signal_id": number, "name": name}}


def _exit_of(line: Line, view: View) -> object:
    if line.step is not None and line.ended is None and line.step_name != "batch":
        return _exit(0, signal.SIGTERM)  # as Slurm tells of a step that still runs
    return _exit(*line.exit)


def _derived(line: Line, view: View) -> object:
    return _exit(*line.worst_exit)


def _array(line: Line, view: View) -> object:
    job = line.job
    tasks = None if job.array_tasks is None else f"0x{sum(1 << task for task in tasks_of(job.array_tasks)):X}"
    throttle = 0 if job.array_tasks is None else throttle_of(job.array_tasks) or 0
    return {
        "job_id": job.array_job_id or 0,
        "limits": {"max": {"running": {"tasks": throttle}}},
        "task": tasks,
        "task_id": job.array_task_id,
    }


def _seconds(amount: float) -> dict[str, object]:
    whole = int(amount)
    return {"seconds": whole, "microseconds": int((amount - whole) * MICRO)}


def _job_time(line: Line, view: View) -> object:
    job = line.job
    held = line.started is None and job.reason.startswith("JobHeld")
    return {
        "elapsed": line.elapsed(view.now),
        "eligible": 0 if held else int(job.eligible_time or job.submit_time),
        "end": int(line.ended or 0),
        "start": int(line.started or 0),
        "submission": int(job.submit_time),
        "suspended": int(line.suspended(view.now)),
        "system": _seconds(0),
        "limit": None if job.time_limit is None else job.time_limit // 60,
        "total": _seconds(0),
        "user": _seconds(0),
    }


def _step_time(line: Line, view: View) -> object:
    return {
        "elapsed": line.elapsed(view.now),
        "end": int(line.ended or 0),
        "start": int(line.started or 0),
        "suspended": int(line.suspended(view.now)),
        "system": _seconds(line.system_seconds),
        "total": _seconds(line.system_seconds + line.user_seconds),
        "user": _seconds(line.user_seconds),
    }


def _counted(text: str | None, *, energy: bool = False) -> list[dict[str, object]]:
    """Trackable resources by their numbers; `energy` has a place where nothing meters it."""
    amounts: dict[str, int | None] = {"energy": None} if energy else {}
    for part in filter(None, (text or "").split(",")):
        name, _, amount = part.partition("=")
        amounts[name] = _plain(amount)
    kinds = sorted(amounts, key=lambda name: NUMBERS[name])
    return [
        {
            "type": kind.partition("/")[0],
            "name": kind.partition("/")[2] or None,
            "id": NUMBERS[kind],
            "count": amounts[kind],
        }
        for kind in kinds
    ]


def _plain(amount: str) -> int:
    """A count; memory in MiB."""
    if amount.isdecimal():
        return int(amount)
    from mini_slurm.model.units import parse_memory

    return parse_memory(amount)


def _memory(line: Line) -> int:
    """As it was asked for, be it for each CPU or for each machine."""
    job = line.job
    return (job.memory_per_cpu if job.memory_per_node is None else job.memory_per_node) or 0


def _job_tres(line: Line, view: View) -> object:
    held = tres.allocated(line.job) if line.started is not None else None
    return {
        "requested": _counted(tres.requested(line.job)),
        "allocated": _counted(held, energy=not line.steps) if held else [],
    }


def _het(line: Line, view: View) -> object:
    job = line.job
    return {"job_id": job.het_job_id or 0, "job_offset": None if job.het_job_id is None else job.het_offset}


def _cpu(line: Line, view: View) -> object:
    """What was said of the frequency: the batch script is not asked."""
    limit, governors = (0, []) if line.step_name == "batch" else (None, GOVERNORS)
    return {"requested_frequency": {"min": limit, "max": limit}, "governor": governors}


def _step_tres(line: Line, view: View) -> object:
    used = {"max": [], "min": [], "average": ENERGY, "total": ENERGY} if line.ended else _nothing_used()
    step = _step(line)
    return {"requested": used, "consumed": used, "allocated": _counted(tres.of_step(step))}


def _nothing_used() -> dict[str, list[dict[str, object]]]:
    return {"max": [], "min": [], "average": [], "total": []}


def _step(line: Line) -> Step:
    assert line.step is not None
    return line.step


def _step_nodes(line: Line, view: View) -> object:
    from mini_slurm.model.hostlist import expand

    return {"count": line.nodes, "range": line.node_list, "list": expand(line.node_list) if line.node_list else []}


def _step_id(line: Line, view: View) -> object:
    step = _step(line)
    number = "batch" if line.step_name == "batch" else step.number
    return {"job_id": line.job.job_id, "het": {"component": None}, "id": number, "name": step.name}


def _by(uid: int | None, view: View) -> str | None:
    return None if uid is None else view.user_name(uid) or str(uid)


def _flags(line: Line, view: View) -> list[str]:
    started = line.started is not None
    return numbered((("CLEAR_SCHEDULING", started), ("STARTED_ON_SCHEDULE", started)))


# fmt: off
JOB: Rows = (
    ("account", lambda line, view: line.job.account or ""),
    ("comment", lambda line, view: {"administrator": None, "job": line.job.comment, "system": None}),
    ("allocation_nodes", lambda line, view: line.nodes if line.started else 0),
    ("array", _array),
    ("association", lambda line, view: {
        "account": line.job.account, "cluster": view.cluster, "partition": None, "user": line.job.user}),
    ("cluster", lambda line, view: view.cluster),
    ("constraints", lambda line, view: line.job.features or Empty()),
    ("container", lambda line, view: None),
    ("derived_exit_code", _derived),
    ("time", _job_time),
    ("exit_code", _exit_of),
    ("flags", _flags),
    ("group", lambda line, view: line.job.group_name),
    ("het", _het),
    ("job_id", lambda line, view: line.job.job_id),
    ("name", lambda line, view: line.job.name),
    ("mcs", lambda line, view: {"label": ""}),
    ("nodes", lambda line, view: (line.started and line.node_list) or "None assigned"),
    ("partition", lambda line, view: line.job.partition),
    ("priority", lambda line, view: line.job.priority),
    ("qos", lambda line, view: line.job.qos or ""),
    ("required", lambda line, view: {"CPUs": tres.requested_cpus(line.job), "memory": _memory(line)}),
    ("kill_request_user", lambda line, view: _by(line.job.cancelled_by, view)),
    ("reservation", lambda line, view: {"id": 0, "name": 0}),
    ("state", lambda line, view: {"current": line.state.name, "reason": line.reason}),
    ("steps", lambda line, view: []),
    ("tres", _job_tres),
    ("user", lambda line, view: line.job.user),
    ("wckey", lambda line, view: {"wckey": extra(line.job).get("wckey", ""), "flags": []}),
    ("working_directory", lambda line, view: line.job.work_dir),
)
STEP: Rows = (
    ("time", _step_time),
    ("exit_code", _exit_of),
    ("nodes", _step_nodes),
    ("tasks", lambda line, view: {"count": _step(line).ntasks}),
    ("pid", lambda line, view: None),
    ("CPU", _cpu),
    ("kill_request_user", lambda line, view: _by(_step(line).cancelled_by, view)),
    ("state", lambda line, view: line.state.name),
    ("statistics", lambda line, view: {"CPU": {"actual_frequency": 0}, "energy": {"consumed": 0}}),
    ("step", _step_id),
    ("task", lambda line, view: {"distribution": _step(line).distribution}),
    ("tres", _step_tres),
)
# fmt: on
