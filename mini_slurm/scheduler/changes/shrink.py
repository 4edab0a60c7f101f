"""A job that runs gives machines back: it keeps some of its own, always the one on which its script is."""

from __future__ import annotations

import signal
from collections.abc import Collection

from mini_slurm.model.allocation import format_allocation, total
from mini_slurm.model.hostlist import compress
from mini_slurm.model.job import Job
from mini_slurm.model.request import number
from mini_slurm.model.resources import format_gpus
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.attempts import start_when_ready
from mini_slurm.scheduler.changes.row import NOT_PENDING, NOT_SUPPORTED, Update
from mini_slurm.scheduler.cluster import allocation, held
from mini_slurm.scheduler.decisions import End, Shrink, Signal
from mini_slurm.scheduler.oversubscription import recount
from mini_slurm.scheduler.targets import Refusal

BAD_NODE = "Invalid node name specified"
BAD_NODES = "Node count specification invalid"


def check_count(update: Update, value: tuple[int, int | None]) -> None:
    """Fewer machines, and no largest number. What is left has to have the CPUs of all tasks, as Slurm counts them."""
    job, (least, most) = update.job, value
    have = len(allocation(job))
    if least > have or (least < have and job.het_job_id is not None):
        raise Refusal(NOT_SUPPORTED)
    cpus = max((job.ntasks or least) * (job.cpus_per_task or 1), number(job, "mincpus") * least)
    if most is not None or cpus > job.alloc_cpus:
        raise Refusal(NOT_PENDING)
    if least < 1:
        raise Refusal(BAD_NODES)


def check_names(update: Update, names: Collection[str]) -> None:
    """Machines of its own, among them its first."""
    job, own = update.job, allocation(update.job)
    if not names or job.node not in names or not own.keys() >= set(names):
        raise Refusal(BAD_NODE)
    if job.het_job_id is not None:
        raise Refusal(NOT_SUPPORTED)


def keep_first(update: Update, count: int) -> None:
    """So many machines are left."""
    names = list(allocation(update.job))
    if count < len(names):
        keep(update, names[:count])


def keep(update: Update, names: Collection[str]) -> None:
    """Only these machines are left. Accounting has what there was before as a row of its own, as in Slurm."""
    cluster, job = update.cluster, update.job
    cluster.sizes.append(_former(job, update.now))
    attempt = cluster.attempt_name(job)
    shares = allocation(job)
    for name in [name for name in shares if name not in names]:
        books = cluster.machines.get(name)
        if books is None:  # it has left the fleet
            continue
        books.free = books.free.plus(held(job)[name])
        books.jobs.discard(job.job_id)
        recount(cluster, name)
        books.unwanted.add(attempt)
        cluster.note(name)
        update.decisions += [Signal(name, attempt, signal.SIGKILL, True, to_steps=True), End(name, attempt)]
    left = {name: share for name, share in shares.items() if name in names}
    together = total(left)
    job.node_list, job.allocation = compress(list(left)), format_allocation(left)
    job.alloc_cpus, job.alloc_memory, job.alloc_gpus = together.cpus, together.memory, format_gpus(together.gpus)
    job.resize_time = update.now
    assert job.node is not None
    update.decisions.append(Shrink(job.node, attempt, tuple(left)))
    if job.state is JobState.CONFIGURING:
        update.decisions += start_when_ready(cluster, job)


def _former(job: Job, now: float) -> Job:
    """The job as it was until now."""
    former = Job(**job.__dict__)
    former.state, former.outcome, former.end_time = JobState.RESIZING, None, now
    return former
