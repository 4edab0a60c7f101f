"""Settled values to a Job, and what of the options is kept with it to be shown."""

from __future__ import annotations

from mini_slurm.errors import Refused
from mini_slurm.model import arrays
from mini_slurm.model.job import COLUMNS, Job
from mini_slurm.options.table import OPTIONS, OURS
from mini_slurm.options.words import shown_mail_types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.options.collect import Values

KEPT = {option.field: option.long for option in (*OPTIONS, *OURS) if option.kept} | {
    "ntasks_per_tres": "ntasks-per-gpu"
}
SIZES = frozenset({"mem_per_gpu", "tmp"})  # MiB


def make_job(values: Values) -> Job:
    """The job that settled values describe. Raises Refused."""
    given = {field: value for field, value in values.of.items() if value is not None or field == "time_limit"}
    job = Job(**{field: value for field, value in given.items() if field in COLUMNS and field != "priority"})
    kept = {long: shown for field, long in KEPT.items() if (shown := _shown(values, field)) is not None}
    if kept:
        import json

        job.extra = json.dumps(kept)
    if given.get("hold"):
        job.priority, job.reason = 0, "JobHeldUser"
    if job.account is not None:
        job.account = job.account.lower()
    if given.get("array"):
        make_array(job, str(given["array"]))
    return job


def _shown(values: Values, field: str) -> str | None:
    """What is kept of an option: a text that its reader takes; None for what is not kept."""
    value = values.of.get(field)
    if value is None or (value in (0, frozenset()) and field != "mem_per_gpu"):
        return None
    if isinstance(value, frozenset):
        return shown_mail_types(value)
    if field in SIZES:
        return f"{value}M"
    if field == "wckey":
        return str(value).lower()
    if field == "switches" and "switch_wait" in values.of:
        return f"{str(value).partition('@')[0]}@{values.of['switch_wait']}"
    return str(value)


def make_array(job: Job, expression: str) -> None:
    """Make the job an array of these tasks. Raises Refused."""
    try:
        tasks, throttle, step = arrays.parse(expression)
    except ValueError:
        raise Refused(
            arrays.INVALID,
            hint=f"write for example --array=0-9 or --array=1,4,7%2, with numbers below {arrays.MAX_ARRAY_SIZE}",
        ) from None
    if tasks:
        job.array_tasks = arrays.format_tasks(tasks, throttle)
        job.array_size, job.array_min, job.array_max, job.array_step = len(tasks), tasks[0], tasks[-1], step
