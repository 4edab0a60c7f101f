"""The core's state as the store has it, for commands that ask the core a question. Nothing is stored."""

from __future__ import annotations

import sqlite3

from mini_slurm.cli import common
from mini_slurm.model.job import Job
from mini_slurm.model.resources import Resources, parse_gpus
from mini_slurm.scheduler.cluster import Cluster, held, make_cluster, occupies
from mini_slurm.scheduler.oversubscription import recount
from mini_slurm.scheduler.room import candidate
from mini_slurm.store.database import load_jobs, load_machines


def as_stored(job: Job, db: sqlite3.Connection) -> Cluster:
    """A machine that was never reached counts as idle, and as large enough for the job."""
    machines = load_machines(db)
    cluster = make_cluster(common.fleet(db), "", load_jobs(db), machines)
    for name, books in cluster.machines.items():
        known = machines.get(name)
        books.is_up = known is None or known.state != "DOWN"
        books.total = books.free = candidate(books.entry, known, job).total
        if known is not None and known.blocked_gpus:
            books.blocked = parse_gpus(known.blocked_gpus)
            books.free = books.free.minus(Resources(gpus=books.blocked))
        for other in filter(occupies, cluster.on_machine(name)):
            books.free = books.free.minus(held(other)[name])
        recount(cluster, name)
    return cluster
