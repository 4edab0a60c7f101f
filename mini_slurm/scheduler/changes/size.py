"""Changes of how much a job asks for: machines, tasks, CPUs, memory, GPUs; and of an array's throttle."""

from __future__ import annotations

import re

from mini_slurm.model.arrays import with_throttle
from mini_slurm.model.gpu_request import gpus_per_job, gpus_per_node
from mini_slurm.model.request import ASKED_NODES, LEAST_NODES, MEMORY_CPUS, MOST_CPUS, note_least_nodes, number
from mini_slurm.scheduler.changes import shrink
from mini_slurm.scheduler.changes.row import Setter, Update
from mini_slurm.scheduler.targets import DENIED, Refusal

BAD_CPUS = "CPU count specification invalid"
BAD_TASKS = "Task count specification invalid"
BAD_TRES = "Invalid Trackable RESource (TRES) specification"
BAD_GRES = "Invalid generic resource (gres) specification"
MIXED_GRES = "Invalid GRES specification (with and without type identification)"
GRES = re.compile(r"(?:gres:)?(\w+)((?::[\w.-]+)?:\d{1,9})?", re.ASCII)


def set_throttle(update: Update) -> None:
    """How many tasks of the array may run at once; 0: all."""
    job = update.job
    if "ArrayTaskThrottle" not in update.changes or job.array_job_id is None or not update.is_owner:
        return
    limit = update.changes["ArrayTaskThrottle"] or None
    if job.array_tasks is not None:
        job.array_tasks = with_throttle(job.array_tasks, limit)
    else:
        job.array_throttle = limit


# --- machines, tasks and CPUs: a least and a largest number


def check_node_count(update: Update, value: tuple[int, int | None]) -> None:
    """What runs can only give machines back."""
    if update.is_running:
        shrink.check_count(update, value)


def set_node_count(update: Update, value: tuple[int, int | None]) -> None:
    """There is at least one task on each machine."""
    if update.is_running:
        shrink.keep_first(update, value[0])
        return
    update.needs_pending()
    least, most = value
    job = update.job
    if least < 1 or (most or job.max_nodes or least) < least:
        raise Refusal(shrink.BAD_NODES)
    _raise_tasks(update, least)
    job.nodes, job.max_nodes = least, most or job.max_nodes
    update.option(ASKED_NODES, str(least))


def _raise_tasks(update: Update, machines: int) -> None:
    """There is at least one task on each machine, and there are CPUs for them; fewer machines do not change either."""
    job = update.job
    _keep_cpus(update)
    if job.ntasks is not None:
        job.ntasks = max(job.ntasks, machines)
    least = max((job.ntasks or machines) * (job.cpus_per_task or 1), number(job, "mincpus") * machines)
    if least > job.cpus:
        job.min_cpus = least
        update.option(MEMORY_CPUS, None)


def set_cpus(update: Update, value: tuple[int, int | None]) -> None:
    """CPUs of the whole job, however many its tasks use."""
    update.needs_pending()
    if value[0] < 1 or (value[1] or value[0]) < value[0]:
        raise Refusal(BAD_CPUS)
    _keep_memory(update)
    update.job.min_cpus = value[0]
    update.option(MOST_CPUS, str(value[1]) if value[1] else None)


def set_least_cpus(update: Update, value: int) -> None:
    """CPUs that each machine must have; the job then asks for as many on each."""
    if not value:
        return
    update.needs_pending()
    _keep_memory(update)
    update.option("mincpus", str(value))
    update.job.min_cpus = value * update.job.nodes


def _keep_memory(update: Update) -> None:
    """CPUs that are changed do not change how much memory Slurm shows for the job, until memory is changed too."""
    if not number(update.job, MEMORY_CPUS):
        update.option(MEMORY_CPUS, str(update.job.cpus))


def _keep_cpus(update: Update) -> None:
    """Tasks that are changed later do not change how many CPUs Slurm shows for the job."""
    if update.job.min_cpus is None:
        update.job.min_cpus = max(update.job.cpus, update.job.nodes)


def set_cpus_per_task(update: Update, value: int) -> None:
    """CPUs of each task."""
    update.needs_pending()
    _keep_cpus(update)
    update.job.cpus_per_task = value


def set_tasks(update: Update, value: int) -> None:
    """Number of tasks."""
    update.needs_pending()
    if value < 1:
        raise Refusal(BAD_TASKS)
    _keep_cpus(update)
    update.job.ntasks = value
    update.option(LEAST_NODES, None)
    note_least_nodes(update.job, -(-value // _most_cpus(update)))


def _most_cpus(update: Update) -> int:
    """CPUs of the largest machine."""
    return max((books.total.cpus for books in update.cluster.machines.values()), default=0) or 1


def set_tasks_per_node(update: Update, value: int) -> None:
    """Tasks on each machine: the administrator's to say."""
    update.needs_pending()
    if not update.is_operator:
        raise Refusal(DENIED)
    update.job.ntasks_per_node = value


# --- memory and GPUs


def set_memory(update: Update, value: tuple[str, int]) -> None:
    """MiB of each `node` or of each `cpu`; 0: all of the machine's."""
    update.needs_pending()
    update.option(MEMORY_CPUS, None)
    kind, amount = value
    by_cpu = kind == "cpu" and amount > 0
    update.job.memory_per_cpu = amount if by_cpu else None
    update.job.memory_per_node = None if by_cpu else amount


def check_gres(update: Update, value: str) -> None:
    """Only GPUs are known, each written as `gres:gpu:a100:2`; a job that has asked for some may leave out `gres:`."""
    update.needs_pending()
    has_some = bool(gpus_per_node(update.job) or gpus_per_job(update.job))
    for part in filter(None, value.split(",")):
        if not (has_some or part.startswith("gres:")):
            raise Refusal(BAD_TRES)
        found = GRES.fullmatch(part)
        if not found or found[1] != "gpu":
            raise Refusal(BAD_GRES)


def check_node_gres(update: Update, value: str) -> None:
    """GPUs are asked for either all by their type, or none."""
    check_gres(update, value)
    before, now = (_typed(text) for text in (update.job.gres or "", value.replace("gres:", "")))
    if before and now and before != now:
        raise Refusal(MIXED_GRES)


def _typed(text: str) -> set[bool]:
    """Do these parts name a type? Empty: there is none."""
    return {part.count(":") > 1 for part in text.split(",") if part}


def check_tres(update: Update, value: str) -> None:
    """What is said of GPUs in general begins with their name."""
    if value and not value.startswith("gpu:"):
        raise Refusal(BAD_TRES)


def set_tres(name: str) -> Setter:
    """An option that says something of GPUs in general; empty: none."""

    def set_option(update: Update, value: str) -> None:
        update.option(name, value.removeprefix("gpu:") or None)

    return set_option


def set_gres(update: Update, value: str) -> None:
    """GPUs of each machine; empty: none."""
    update.job.gres = value.replace("gres:", "") or None


def set_gpus(update: Update, value: str) -> None:
    """GPUs of the whole job."""
    update.job.gpus = _gpus(value) or None


def set_gpu_option(name: str) -> Setter:
    """A number that is kept as an option."""

    def set_option(update: Update, value: str) -> None:
        update.option(name, _gpus(value) or None)

    return set_option


def _gpus(value: str) -> str:
    """As options write them: `gres:gpu:a100:2` is `a100:2`, and `gpu` one of any type."""
    parts = (part.removeprefix("gres:").removeprefix("gpu").removeprefix(":") for part in value.split(",") if part)
    return ",".join(part or "1" for part in parts)
