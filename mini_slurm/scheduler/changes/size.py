"""Changes of how much a job asks for: machines, tasks, CPUs, memory, GPUs; and of an array's throttle."""

from __future__ import annotations

import re

from mini_slurm.model import request
from mini_slurm.model.arrays import with_throttle
from mini_slurm.model.gpu_request import gpus_per_job, gpus_per_node
from mini_slurm.model.gres import prefixed
from mini_slurm.model.request import ASKED_NODES, LEAST_NODES, MEMORY_CPUS, MOST_CPUS, SHOWN, note_least_nodes, number
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
    update.option(request.LEAST_CPUS, None)
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
    job = update.job
    _keep_cpus(update)
    update.option(request.LEAST_CPUS, str(request.least_cpus(job)))
    job.cpus_per_task = value
    tasks = job.ntasks or 1
    update.option(LEAST_NODES, None)
    note_least_nodes(job, min(tasks, -(-tasks * value // _most_cpus(update))))


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
    kind, amount = value
    _note_memory(update, is_kept=kind == "cpu" and not amount)
    update.option(MEMORY_CPUS, None)
    by_cpu = kind == "cpu" and amount > 0
    update.job.memory_per_cpu = amount if by_cpu else None
    update.job.memory_per_node = None if by_cpu else amount


def _note_memory(update: Update, *, is_kept: bool) -> None:
    """All memory of a machine, said as 0 of each CPU, leaves what is shown for the job as it was."""
    job = update.job
    before = (job.memory_per_node or 0) * request.shown_nodes(job)
    before = before or (job.memory_per_cpu or 0) * (number(job, MEMORY_CPUS) or job.cpus)
    if not is_kept or (before and request.TRES_MEMORY not in request.extra(job)):
        update.option(request.TRES_MEMORY, str(before) if is_kept else None)


def check_gres(update: Update, value: str) -> None:
    """Only GPUs are known, each written as `gres:gpu:a100:2`."""
    update.needs_pending()
    if _is_text(update, value):
        return
    for part in filter(None, value.split(",")):
        if not part.startswith("gres:") or part == "gres:":
            raise Refusal(BAD_TRES)
        found = GRES.fullmatch(part)
        if not found or found[1] != "gpu":
            raise Refusal(BAD_GRES)


def _is_text(update: Update, value: str) -> bool:
    """Has the job GPUs, and does this not name any? Slurm then only shows it from now on, whatever it is."""
    has_some = bool(gpus_per_node(update.job) or gpus_per_job(update.job))
    return has_some and not any(part != "gres:" and part.startswith("gres:") for part in value.split(","))


def check_socket_gres(update: Update, value: str) -> None:
    """GPUs of each socket need to know how many sockets there are."""
    check_gres(update, value)
    if value and not _is_text(update, value) and not number(update.job, "sockets-per-node"):
        raise Refusal(BAD_GRES)


def check_gpu_memory(update: Update, value: str) -> None:
    """Memory of each GPU can be said at submission only; words that are no GPUs, of a job without any, are none."""
    check_gres(update, value)
    if value:
        raise Refusal(BAD_GRES)


def check_job_gres(update: Update, value: str) -> None:
    """GPUs of the whole job agree with those of each machine."""
    check_gres(update, value)
    if not _is_text(update, value):
        _check_sum(update, update.job.gres, value)


def _check_sum(update: Update, each: str | None, whole: str | None) -> None:
    job, (one, all_of_them) = update.job, (_count(text) for text in (each, whole))
    most = job.max_nodes or job.nodes
    if one and all_of_them and not one * job.nodes <= all_of_them <= one * most:
        raise Refusal(BAD_GRES)


def _count(text: str | None) -> int:
    """GPUs in a list such as `gres:gpu:a100:2`, `gpu:2` or `a100:2`; nothing is 0."""
    words = (part.rpartition(":")[2] for part in (text or "").split(",") if part)
    return sum(int(word) if word.isdigit() else 1 for word in words)


def check_node_gres(update: Update, value: str) -> None:
    """GPUs are asked for either all by their type, or none."""
    check_gres(update, value)
    if _is_text(update, value):
        return
    job, now = update.job, _typed(value.replace("gres:", ""))
    others = prefixed(",".join(filter(None, (job.gpus, request.extra(job).get("gpus-per-task")))))
    before = _typed(job.gres or others)
    if before and now and before != now:
        raise Refusal(MIXED_GRES)
    if now and others and job.max_nodes is None:  # Slurm then does not know of how many machines
        raise Refusal(BAD_GRES)
    _check_sum(update, value, job.gpus)


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


def _told(update: Update, key: str, value: str) -> bool:
    """Is this only to be shown? Then that is noted, else what was noted before is over."""
    is_text = _is_text(update, value)
    update.option(SHOWN + key, value if is_text else None)
    return is_text


def set_gres(update: Update, value: str) -> None:
    """GPUs of each machine; empty: none."""
    if _told(update, "TresPerNode", value):
        return
    update.job.gres = value.replace("gres:", "") or None


def set_gpus(update: Update, value: str) -> None:
    """GPUs of the whole job."""
    if _told(update, "TresPerJob", value):
        return
    update.job.gpus = _gpus(value) or None


def set_gpu_option(key: str, name: str) -> Setter:
    """A number that is kept as an option."""

    def set_option(update: Update, value: str) -> None:
        if _told(update, key, value):
            return
        update.option(name, _gpus(value) or None)

    return set_option


def _gpus(value: str) -> str:
    """As options write them: `gres:gpu:a100:2` is `a100:2`, and `gpu` one of any type."""
    parts = (part.removeprefix("gres:").removeprefix("gpu").removeprefix(":") for part in value.split(",") if part)
    return ",".join(part or "1" for part in parts)
