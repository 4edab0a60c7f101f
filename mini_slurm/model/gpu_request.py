"""The GPUs that a job asks for, worked out of all the options that say something of them."""

from __future__ import annotations

from mini_slurm.model.gres import Part, by_type, parse, parse_gpus, parts, prefixed
from mini_slurm.model.request import extra, number
from mini_slurm.model.units import parse_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.job import Job


def memory_per_gpu(job: Job) -> int:
    """MiB for each GPU; 0: memory is not counted by GPUs."""
    text = extra(job).get("mem-per-gpu")
    return parse_memory(text) if text else 0


def gpus_per_node(job: Job) -> dict[str, int]:
    """GPUs by type ("" for any) on each machine."""
    if job.gres is None and job.extra == "{}":
        return {}
    found = by_type(parse(job.gres or ""))
    per_socket = by_type(parse_gpus(extra(job).get("gpus-per-socket", "")))
    sockets = number(job, "sockets-per-node") or 1
    return {**{kind: count * sockets for kind, count in per_socket.items()}, **found}


def asked_gpus(job: Job) -> list[str]:
    """What the job asks for by machine, in all, by socket and by task, each as --gres writes it."""
    given = [job.gpus or "", *(extra(job).get(name, "") for name in ("gpus-per-socket", "gpus-per-task"))]
    return [job.gres or "", *map(prefixed, given)]


def gpu_parts(job: Job) -> tuple[Part, ...]:
    """The parts of GPUs on each machine."""
    return parts(parse(job.gres)) if job.gres else ()


def gpus_per_job(job: Job) -> dict[str, int]:
    """GPUs by type ("" for any) of all machines together, beside those of each machine."""
    found = by_type(parse_gpus(job.gpus)) if job.gpus else {}
    if job.extra == "{}":
        return found
    tasks = job.ntasks or 1
    per_task = by_type(parse_gpus(extra(job).get("gpus-per-task", "")))
    for kind, count in per_task.items():
        found.setdefault(kind, count * tasks)
    per_gpu = number(job, "ntasks-per-gpu")
    if per_gpu and not found and not job.gres:
        found[""] = tasks // per_gpu
    return found
