"""What a job asks of a machine, and what a machine has to give. Commands load this too: it stays light."""

from __future__ import annotations

from functools import lru_cache

from mini_slurm.model.fleet import Fleet, MachineEntry
from mini_slurm.model.job import Job
from mini_slurm.model.resources import NO_GPUS, Resources, parse_gpus


def with_entry(found: Resources, entry: MachineEntry) -> Resources:
    """What the machine said of itself, where the fleet file does not say otherwise."""
    return Resources(
        found.cpus if entry.cpus is None else entry.cpus,
        found.memory if entry.memory is None else entry.memory,
        found.gpus if entry.gpus is None else entry.gpus,
    )


def request(job: Job, total: Resources, fleet: Fleet) -> Resources:
    """What the job asks of a machine that has `total`."""
    gpus = requested_gpus(job.gres, job.gpus)
    if job.exclusive:
        return Resources(max(job.cpus, total.cpus), _memory(job, total, fleet, max(job.cpus, total.cpus)), gpus)
    return Resources(job.cpus, _memory(job, total, fleet, job.cpus), gpus)


def _memory(job: Job, total: Resources, fleet: Fleet, cpus: int) -> int:
    if job.memory_per_node == 0 or job.memory_per_cpu == 0:
        return total.memory
    if job.memory_per_node is not None:
        return job.memory_per_node
    return (job.memory_per_cpu or fleet.default_memory_per_cpu or 0) * cpus


@lru_cache(maxsize=1024)
def requested_gpus(gres: str | None, gpus: str | None) -> dict[str, int]:
    """GPUs by type ("" for any) that --gres and --gpus ask for. Raises ValueError."""
    wanted: dict[str, int] = dict(parse_gpus(gpus) if gpus else NO_GPUS)
    for part in (gres or "").split(","):
        words = part.split(":")
        if words[0] != "gpu":
            continue
        count = int(words[-1]) if len(words) > 1 and _is_number(words[-1]) else 1
        kind = words[1] if len(words) > 1 and not _is_number(words[1]) else ""
        wanted[kind] = max(wanted.get(kind, 0), count)
    return {kind: count for kind, count in wanted.items() if count}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9
