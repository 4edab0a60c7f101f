"""What can be told beforehand of jobs that make room: for whom, and when."""

from __future__ import annotations

from collections.abc import Callable

from mini_slurm.model.allocation import Allocation
from mini_slurm.model.job import TO_MAKE_ROOM, Job, single_id
from mini_slurm.model.preemption import SUSPEND, exempt_until, grace_time, mode
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.eligible import eligible_machines, open_partitions
from mini_slurm.scheduler.evictions import Evictions, Vain
from mini_slurm.scheduler.preemption import could_preempt, grace_end, is_victim, value

SHOWN = 3  # jobs
Moment = Callable[[float], str]


def making_room(cluster: Cluster, job: Job, candidates: list[Books], now: float) -> tuple[Allocation, list[Job]] | None:
    """What the job would get now if others made room, and who they are; None: nobody can, or need."""
    partitions = open_partitions(cluster, job)
    if not could_preempt(cluster.fleet, job, partitions):
        return None
    found = Evictions(cluster, now).choose(job, partitions, candidates, job.time_limit, None, lambda taken: True)
    return None if isinstance(found, Vain) or not found[1] else found


def room_at(cluster: Cluster, victims: list[Job], now: float) -> float:
    """When these have made room, if they use up their grace time."""
    times = [0 if mode(cluster.fleet, one) == SUSPEND else grace_time(cluster.fleet, one) for one in victims]
    return now + max(times, default=0)


def of_waiting(cluster: Cluster, job: Job, now: float, moment: Moment) -> list[str]:
    """Who makes room for a waiting job, or may be told to, and when: a line for each."""
    partitions = open_partitions(cluster, job)
    if not could_preempt(cluster.fleet, job, partitions):
        return []
    numbers = {number for books in eligible_machines(cluster, job) for number in books.jobs}
    jobs = [cluster.jobs[number] for number in sorted(numbers)]
    found = []
    for one in jobs:
        end = grace_end(cluster.fleet, one)
        if one.preempt_time is not None and one.lent != TO_MAKE_ROOM:
            found.append(f"  {_named(one)} makes room{f' by {moment(end)}' if end is not None else ' now'}")
    able = [one for one in jobs if any(is_victim(cluster, job, partition, one) for partition in partitions)]
    for one in sorted(able, key=lambda one: value(cluster.fleet, one)):
        begin = exempt_until(cluster.fleet, one)
        found.append(f"  {_named(one)} may be told to ({mode(cluster.fleet, one)}){_from(begin, now, moment)}")
    more = [f"  and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    if not found:
        return ["No job that runs on its machines makes room for it."]
    return ["Jobs that make room for it, if the room of all that may suffices:", *found[:SHOWN], *more]


def _from(begin: float, now: float, moment: Moment) -> str:
    return f" from {moment(begin)} on" if begin > now else ""


def of_running(cluster: Cluster, job: Job, moment: Moment) -> list[str]:
    """What a job that is not waiting has to do with it."""
    if job.lent == TO_MAKE_ROOM:
        return ["It makes room: it goes on when the jobs have ended that have its CPUs."]
    if job.lent:
        return [_by_hand(job)]
    end = grace_end(cluster.fleet, job)
    return [] if end is None else [f"It makes room for another job: it has until {moment(end)}."]


def _by_hand(job: Job) -> str:
    if job.state is not JobState.SUSPENDED:
        return "It went on while others had its CPUs: it shares these with whoever is given them, as long as it runs."
    return f"Others may have its CPUs: mscontrol resume {single_id(job)} lets it go on, beside them if need be."


def _named(job: Job) -> str:
    return f"job {job.display_id} of {job.user or job.uid}"
