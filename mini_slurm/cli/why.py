"""msqueue --why JOB: in plain words, what a job waits for."""

from __future__ import annotations

import time

from mini_slurm.cli import common, listing, unreached
from mini_slurm.cli.forecast import as_stored
from mini_slurm.errors import BadUsage, visible
from mini_slurm.model.hostlist import compress
from mini_slurm.model.job import Job
from mini_slurm.options import job_ids
from mini_slurm.scheduler.plan import plan
from mini_slurm.scheduler.why import explain

NO_SUCH_JOB = "Invalid job id specified"


def show(program: str, word: str) -> int:
    """Print the explanation; the exit status. Raises BadUsage when there is no such job."""
    try:
        one = job_ids.parse_acted(word)
    except ValueError:
        raise BadUsage(f"{program}: error: Invalid job id: {word}", exit_code=1) from None
    _, db = common.open_store()
    try:
        cluster = as_stored(Job(), db)
        mine = [job for job in cluster.jobs.values() if one.number in _numbers(job, one)]
        mine = [job for job in mine if one.tasks is None or _has(job, one.tasks)]
        if not mine:
            raise BadUsage(
                f"{program}: error: {NO_SUCH_JOB}: {word}",
                hint="a job that is over waits for nothing: msacct tells of it",
                exit_code=1,
            )
        moment, now = listing.moment_format(), time.time()
        expected = plan(cluster, now, {job.job_id for job in mine})
        faults = unreached.faults(db)
        for job in mine:
            told = explain(cluster, job, now, moment, faults)
            more = [line for line in unreached.lines(job, job.reason, db) if not _is_told(line, told)]
            listing.show(visible(line) for line in [*told, *(f"Not reached: {line}" for line in more)])
            if job.job_id in expected:
                begin, names = expected[job.job_id]
                where = f"on {compress(list(names))}, if all before it use up their time limits"
                listing.show([f"Expected to start at {moment(begin)} {where}."])
    finally:
        db.close()
    return 0


def _is_told(fault: str, told: list[str]) -> bool:
    """Is a machine's fault, `node1: ...`, among these lines?"""
    what = fault.partition(": ")[2] or fault
    return any(line.endswith(what) for line in told)


def _numbers(job: Job, one: job_ids.JobId) -> tuple[int | None, ...]:
    """Those that mean the job: `12` all parts of a heterogeneous one, `12+0` the first."""
    return job.job_id, job.array_job_id, job.het_job_id if one.part_of is None else None


def _has(job: Job, tasks: frozenset[int]) -> bool:
    from mini_slurm.scheduler.targets import tasks_in

    return bool(tasks.intersection(tasks_in(job)))
