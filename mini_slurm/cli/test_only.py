"""msbatch --test-only: when and where a job would start, asked of the core itself. Nothing is stored."""

from __future__ import annotations

import sqlite3
import time

from mini_slurm.cli import common
from mini_slurm.cli.forecast import as_stored
from mini_slurm.desk import admit
from mini_slurm.errors import BadUsage, Refused
from mini_slurm.model.allocation import Share
from mini_slurm.model.hostlist import compress
from mini_slurm.model.job import Job
from mini_slurm.model.reservation import named
from mini_slurm.model.resources import Resources
from mini_slurm.options.collect import Values
from mini_slurm.scheduler.admission import FAILED
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.eligible import eligible_machines, open_partitions, sites
from mini_slurm.scheduler.evictions import for_nobody
from mini_slurm.scheduler.foresight import making_room, room_at
from mini_slurm.scheduler.oversubscription import Leaving
from mini_slurm.scheduler.owners import Owners, without
from mini_slurm.scheduler.placement import place
from mini_slurm.scheduler.policy import reserve
from mini_slurm.scheduler.reservations import Reserved
from mini_slurm.scheduler.room import UNAVAILABLE
from mini_slurm.scheduler.starting import partition_of
from mini_slurm.store.database import get_setting


def test_only(program: str, job: Job, values: Values, db: sqlite3.Connection) -> int:
    """Print the forecast on standard error; the exit status. Raises BadUsage when the job can never start."""
    try:
        admit.admit(job, values, db, strict=not common.is_slurms_name(program))
    except Refused as error:
        raise _refusal(program, error) from None
    now = time.time()
    job.job_id = 0  # it has none yet
    cluster = as_stored(job, db)
    found = forecast(job, cluster, now)
    if found is None:
        raise _refusal(program, Refused(UNAVAILABLE))
    begin, names, victims = found
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(max(begin, job.begin_time or 0)))
    number = get_setting(db, "next_job_id") or "1"
    held = dict.fromkeys(names, Share(Resources(), 0))
    common.say(
        f"{program}: Job {number} to start at {moment} using {_cpus(job, names, cluster)} processors"
        f" on nodes {compress(names)} in partition {partition_of(cluster, job, held)}"
    )
    if victims:
        common.say(f"{program}:   Preempts: {','.join(str(one.job_id) for one in victims)}")
    return 0


def _cpus(job: Job, names: list[str], cluster: Cluster) -> int:
    """The CPUs that it would hold: all of machines that it shares with nobody."""
    if not job.is_exclusive:
        return job.cpus
    return sum(cluster.machines[name].total.cpus for name in names)


def _refusal(program: str, error: Refused) -> BadUsage:
    """A refused submission, in the words that sbatch has for a forecast."""
    *first, last = error.lines
    lines = [f"{program}: error: {line}" for line in first]
    if last.startswith(FAILED):
        lines.append(f"allocation failure: {last.removeprefix(FAILED)}")
    else:
        lines.append(f"{program}: error: {last}")
    return BadUsage(*lines, hint=error.hint, exit_code=error.exit_code)


def forecast(job: Job, cluster: Cluster, now: float) -> tuple[float, list[str], list[Job]] | None:
    """When and where the job would start, and who would make room for it."""
    candidates = eligible_machines(cluster, job)
    reserved = Reserved(cluster, now)
    own = named(cluster.fleet, job)
    if own and reserved.own(job) is None:  # it begins later
        begin = min(one.start for one in own)
        now, reserved = begin, Reserved(cluster, begin)
    candidates = reserved.allowed(job, candidates)
    hindering = Owners(cluster).hindering(job)
    up = without([books for books in candidates if books.is_up], hindering)
    taken = place(job, sites(up, Leaving(cluster, job, open_partitions(cluster, job)).now), cluster.fleet)
    if taken is not None:
        return now, list(taken), []
    room = making_room(cluster, job, without(candidates, hindering), now)
    if room is not None:
        return room_at(cluster, room[1], now), list(room[0]), room[1]
    reservation = reserve(job, candidates, cluster, now, for_nobody(cluster), hindering)
    return (reservation.begin, list(reservation.spare), []) if reservation is not None else None
