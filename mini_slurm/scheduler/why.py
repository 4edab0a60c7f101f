"""Why a job waits, in plain words: what it waits for, which machines come nearest, who holds what it lacks there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from mini_slurm.model.dependencies import BadDependency, parse
from mini_slurm.model.gres import Part
from mini_slurm.model.job import Job, single_id
from mini_slurm.model.reservation import named
from mini_slurm.model.resources import Resources
from mini_slurm.model.states import JobState
from mini_slurm.model.units import format_limit, format_memory
from mini_slurm.scheduler import licenses
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.cluster import Cluster, held, occupies
from mini_slurm.scheduler.demand import Demand, capacity, demand
from mini_slurm.scheduler.eligible import eligible_machines, open_partitions
from mini_slurm.scheduler.ends import NEVER, expected_end
from mini_slurm.scheduler.foresight import of_running, of_waiting
from mini_slurm.scheduler.oversubscription import Leaving
from mini_slurm.scheduler.owners import Owners, is_selfish
from mini_slurm.scheduler.policy import pending_in_order
from mini_slurm.scheduler.reservations import Reserved
from mini_slurm.scheduler.sharing import pick

NOBODY: frozenset[int] = frozenset()
NO_FAULTS: Mapping[str, str] = MappingProxyType({})
SHOWN = 3  # machines, jobs that go before, holders on a machine

Moment = Callable[[float], str]


class Site(NamedTuple):
    """One machine, seen by the job: what it lacks there, and when that is free at the latest."""

    books: Books
    lacks: tuple[str, ...]
    why: str  # that has nothing to do with what is free; "": nothing
    fits: bool  # would it, if the machine were empty?
    begin: float
    others: frozenset[int] = NOBODY  # jobs of other users that it must not meet there


def explain(cluster: Cluster, job: Job, now: float, moment: Moment, faults: Mapping[str, str] = NO_FAULTS) -> list[str]:
    """A line for each thing that there is to say. `faults`: machines that are not reached, and why."""
    title = f"Job {single_id(job) if job.het_size else job.display_id} ({job.name or 'no name'}, {job.user or job.uid})"
    if job.state is not JobState.PENDING:
        where = f" on {job.node_list}" if job.node_list else ""
        return [
            f"{title} does not wait: it is {job.state.name}{where}.",
            *_kept(job),
            *of_running(cluster, job, moment),
        ]
    found = [f"{title} waits: {job.reason}.", *_reason(cluster, job, now, moment)]
    if job.het_size:
        found.append(f"It starts together with the other parts of job {job.het_job_id}, or not at all.")
    if job.priority == 0 or job.dependency is not None or (job.begin_time or 0) > now:
        return found
    found += [*_before(cluster, job), f"It wants {_wish(cluster, job)}.", *_nearest(cluster, job, now, moment, faults)]
    return found + of_waiting(cluster, job, now, moment)


def _kept(job: Job) -> list[str]:
    """What keeps a job from being over that has ended."""
    if job.state is not JobState.COMPLETING or job.end_time is None or job.reason == "None":
        return []
    way_out = f"mscancel {job.display_id} gives up what has not come; filters as -u pass over it, as in Slurm"
    return [f"It has ended, but {job.reason}: that is tried again. {way_out}."]


# --- what Slurm's reason means


def _reason(cluster: Cluster, job: Job, now: float, moment: Moment) -> list[str]:
    if job.priority == 0:
        return [f"It is held: mscontrol release {job.display_id} lets it go."]
    if job.dependency is not None:
        return _dependency(cluster, job, moment)
    if job.begin_time is not None and job.begin_time > now:
        return [f"It may not start before {moment(job.begin_time)}."]
    if job.reservation is not None:
        return _reservation(cluster, job, now, moment)
    if job.reason == "Licenses":
        return _licenses(cluster, job, moment)
    if job.reason.startswith(("QOS", "Assoc")):
        return [
            f"Its {_whose(job)} allows no more: msacctmgr show qos and show assoc show how much, msqueue who has it."
        ]
    return [MEANING[job.reason]] if job.reason in MEANING else []


def _whose(job: Job) -> str:
    """Whose limit keeps the job waiting."""
    return f"QOS {job.qos}" if job.reason.startswith("QOS") else f"account {job.account}"


MEANING = {
    "Priority": "Others go before it, and it would delay them.",
    "Resources": "It goes first of those that want the same machines, and there is not enough free for it.",
    "PartitionDown": "Its partition is closed: nothing starts there until it is opened again.",
    "PartitionInactive": "Its partition is closed: nothing starts there until it is opened again.",
    "PartitionTimeLimit": "It asks for more time than its partition allows: ask for less with mscontrol update.",
    "PartitionNodeLimit": "It asks for more or fewer machines than its partition allows.",
    "PartitionConfig": "It asks for more than the machines of its partition have even when they are empty.",
    "BadConstraints": "No machine of its partition has what it asks for.",
    "JobArrayTaskLimit": "As many of its array's tasks run as its own % allows.",
}


def _dependency(cluster: Cluster, job: Job, moment: Moment) -> list[str]:
    try:
        conditions = parse(job.dependency or "").each
    except BadDependency:
        conditions = ()
    found = [f"It waits for {job.dependency}."]
    for number in dict.fromkeys(one.job_id for one in conditions if one.job_id):
        others = [cluster.jobs[key] for key in cluster.jobs if number in (key, cluster.jobs[key].array_job_id)]
        found += [f"  job {other.display_id} is {other.state.name}{_until(other, moment)}" for other in others[:SHOWN]]
    return found


def _reservation(cluster: Cluster, job: Job, now: float, moment: Moment) -> list[str]:
    found = []
    for one in named(cluster.fleet, job):
        if not one.admits(job.uid, job.account):
            found.append(f"Reservation {one.name} is not for {job.user or job.uid}.")
        elif one.start > now:
            found.append(f"Reservation {one.name} begins at {moment(one.start)}.")
        else:
            found.append(
                f"In reservation {one.name}, until {moment(one.end)}, others go before it or hold its machines."
            )
    return found or [f"There is no reservation {job.reservation} any more."]


def _licenses(cluster: Cluster, job: Job, moment: Moment) -> list[str]:
    holders = [other for other in cluster.jobs.values() if other.licenses and occupies(other)]
    free = licenses.Free(cluster.fleet.licenses, holders)
    found = []
    together = [one for one in cluster.jobs.values() if one.het_job_id == job.het_job_id] if job.het_size else [job]
    for name, count in licenses.in_all(licenses.parse(one.licenses) for one in together).items():
        if cluster.fleet.licenses.get(name, 0) < count:
            there = f"and there are {cluster.fleet.licenses.get(name, 0)} in all"
            found.append(f"It wants {count} of license {name}, {there}: it never starts, unless it asks for less.")
        elif free.count(name) < count:
            using = [other for other in holders if name in licenses.parse(other.licenses)]
            found.append(f"It wants {count} of license {name}, and {max(free.count(name), 0)} are free.")
            found += [f"  {_named(other)} holds {licenses.parse(other.licenses)[name]}{_until(other, moment)}"
                      for other in using[:SHOWN]]  # fmt: skip
    return found or ["The licenses that it wants are reserved for others."]


def _before(cluster: Cluster, job: Job) -> list[str]:
    """The jobs of its partitions that are looked at first."""
    mine = set(job.partition.split(","))
    queue = [other for other in pending_in_order(cluster) if mine.intersection(other.partition.split(","))]
    place = next((index for index, other in enumerate(queue) if other.job_id == job.job_id), 0)
    ahead = [other for other in queue[:place] if other.priority and other.dependency is None]
    ahead = [other for other in ahead if not other.het_size or other.het_job_id != job.het_job_id]
    if not ahead:
        return []
    rest = f" and {len(ahead) - SHOWN} more" if len(ahead) > SHOWN else ""
    return [f"Before it in the queue: {', '.join(map(_named, ahead[:SHOWN]))}{rest}."]


# --- machines


def _wish(cluster: Cluster, job: Job) -> str:
    wanted = demand(job, cluster.fleet)
    count = max(wanted.least, 1)
    need = _need(wanted, Resources(), count)
    parts = [_count(need.cpus, "CPU")] if not wanted.exclusive else ["all its CPUs"]
    if need.memory:
        parts.append(f"{format_memory(need.memory)} of memory")
    parts += [_gpus(kind, number) for kind, number in need.gpus.items()]
    parts += map(_part, wanted.parts)
    where = f"{_count(count, 'machine')} of {job.partition}{', each' if count > 1 else ''} with {' and '.join(parts)}"
    where += ", where no other user is" if is_selfish(cluster.fleet, job) else ""
    return f"{where}, {'without a time limit' if job.time_limit is None else 'for ' + format_limit(job.time_limit)}"


def _need(wanted: Demand, total: Resources, nodes: int) -> Resources:
    """What one machine has to give: an even part of all, where so many share."""
    tasks = max(-(-wanted.tasks // nodes), 1)
    gpus = {kind: -(-number // nodes) for kind, number in wanted.gpus.items()}
    gpus = {**gpus, **wanted.gpus_per_node}
    cpus = total.cpus if wanted.exclusive and total.cpus else wanted.cpus_for(tasks, sum(gpus.values()))
    memory = wanted.memory_per_cpu * cpus
    if wanted.memory_per_gpu:
        memory = wanted.memory_per_gpu * sum(gpus.values())
    elif wanted.memory_per_node is not None:
        memory = wanted.memory_per_node or total.memory
    return Resources(cpus, memory, gpus)


def _nearest(cluster: Cluster, job: Job, now: float, moment: Moment, faults: Mapping[str, str]) -> list[str]:
    candidates = eligible_machines(cluster, job)
    if not candidates:
        return ["No machine of its partition is one that it may use."]
    allowed = {one.entry.name for one in Reserved(cluster, now).allowed(job, candidates)}
    wanted = demand(job, cluster.fleet)
    nodes = _spread(wanted, candidates)
    needs = [_need(wanted, one.total, nodes) for one in candidates]
    hindering = Owners(cluster).hindering(job)
    leaving = Leaving(cluster, job, open_partitions(cluster, job))
    found = [
        _site(cluster, one, wanted, need, hindering.get(one.entry.name, NOBODY), leaving)._replace(
            why=_unreached(one, faults) or _closed(cluster, one, one.entry.name in allowed, now, moment)
        )
        for one, need in zip(candidates, needs, strict=True)
    ]
    found.sort(key=lambda site: (not site.fits, bool(site.why), site.begin, len(site.lacks), site.books.position))
    lines = ["The machines that come nearest:" if len(found) > 1 else "The only machine for it:"]
    for site in found[:SHOWN]:
        lines += _tell(cluster, site, moment)
    return lines + ([f"  {_count(len(found) - SHOWN, 'more machine')} farther off"] if len(found) > SHOWN else [])


def _spread(wanted: Demand, candidates: list[Books]) -> int:
    """Over how many machines: as few as asked for, or more where it would fit on none of them then."""
    nodes, most = max(wanted.least, 1), wanted.most or wanted.tasks
    while nodes < most and all(
        _lacking(_need(wanted, one.total, nodes), one.total, wanted.parts) for one in candidates
    ):
        nodes += 1
    return nodes


def _site(
    cluster: Cluster, books: Books, wanted: Demand, need: Resources, others: frozenset[int], leaving: Leaving
) -> Site:
    missing = _lacking(need, books.total, wanted.parts)
    if missing:
        return Site(books, missing, "", False, NEVER)
    lacks = _lacking(need, leaving.now(books), wanted.parts)
    if wanted.exclusive and books.jobs and not (lacks or wanted.shares):
        lacks = ("that others leave it",)
    elif others:
        lacks = (*lacks, "that other users leave it")
    begin = 0.0 if not lacks else _begin(cluster, books, wanted, need, others, leaving)
    return Site(books, lacks, "", True, begin, others)


def _unreached(books: Books, faults: Mapping[str, str]) -> str:
    fault = faults.get(books.entry.name)
    return f"is not reached: {fault.removeprefix(f'{books.entry.name}: ')}" if fault else ""


def _closed(cluster: Cluster, books: Books, allowed: bool, now: float, moment: Moment) -> str:
    """Why nothing of this job starts there, whatever is free."""
    order = books.entry.override
    if order.is_closed:
        return f"is {(order.state or '+'.join(order.flags)).lower()}{': ' + order.reason if order.reason else ''}"
    if not books.is_up:
        return "does not answer"
    if not allowed:
        keepers = [one for one in cluster.fleet.reservations.values() if books.entry.name in one.machines]
        keepers = sorted((one for one in keepers if one.end > now), key=lambda one: one.start)
        spans = [f"{one.name} from {moment(one.start)} to {moment(one.end)}" for one in keepers]
        return f"is reserved: {', '.join(spans[:SHOWN])}" if spans else "is not in its reservation"
    return ""


def _lacking(need: Resources, has: Resources, parts: tuple[Part, ...]) -> tuple[str, ...]:
    """`2 of 4 CPUs`: how much of each is missing of what it needs."""
    found = []
    if need.cpus > has.cpus:
        found.append(f"{need.cpus - max(has.cpus, 0)} of {_count(need.cpus, 'CPU')}")
    if need.memory > has.memory:
        found.append(f"{format_memory(need.memory - max(has.memory, 0))} of {format_memory(need.memory)} of memory")
    for kind, number in need.gpus.items():
        there = has.gpus.get(kind, 0) if kind else has.gpu_count
        if number > there:
            found.append(f"{number - max(there, 0)} of {_gpus(kind, number)}")
    if parts and pick(parts, has) is None:
        found.append(" and ".join(map(_part, parts)))
    return tuple(found)


def _begin(
    cluster: Cluster, books: Books, wanted: Demand, need: Resources, others: frozenset[int], leaving: Leaving
) -> float:
    """When the machine has enough free, if all that runs there uses up its time."""
    free = books.free
    name = books.entry.name
    gone: set[int] = set()
    for other in sorted(filter(occupies, cluster.on_machine(name)), key=expected_end):
        gone.add(other.job_id)
        free = leaving.left(books, gone) if name in leaving.machines else free.plus(held(other)[name])
        others -= {other.job_id}
        if others or _lacking(need, free, wanted.parts):
            continue
        if not wanted.exclusive or capacity(wanted, books.total, free):
            return expected_end(other)
    return NEVER


def _tell(cluster: Cluster, site: Site, moment: Moment) -> list[str]:
    name = site.books.entry.name
    if not site.fits:
        return [f"  {name} is too small: it lacks {', '.join(site.lacks)} even when it is empty"]
    if site.why:
        return [f"  {name} {site.why}"]
    if not site.lacks:
        return [f"  {name} has enough free now, but not for all of the job, or it is kept for a job before it"]
    when = "nobody knows when" if site.begin == NEVER else f"by {moment(site.begin)} at the latest"
    holders = [one for one in cluster.on_machine(name) if occupies(one)]
    holders.sort(key=lambda one: (one.job_id not in site.others, expected_end(one)))
    lines = [f"  {name} lacks {', '.join(site.lacks)}; free {when}"]
    lines += [f"    {_named(one)} holds {_held(one, name)}{_until(one, moment)}{_alone(cluster, one, name)}"
              for one in holders[:SHOWN]]  # fmt: skip
    lines += [f"    and {_count(len(holders) - SHOWN, 'job')} more"] if len(holders) > SHOWN else []
    blocked = [_gpus(kind, number) for kind, number in site.books.blocked.items()]
    return lines + ([f"    somebody uses {', '.join(blocked)} besides jobs: msinfo --foreign"] if blocked else [])


def _alone(cluster: Cluster, job: Job, machine: str) -> str:
    return ", with no other user beside it" if Owners(cluster).bears_none(job, machine) else ""


def _held(job: Job, machine: str) -> str:
    share = held(job)[machine]
    parts = [_count(share.cpus, "CPU")]
    if share.memory:
        parts.append(format_memory(share.memory))
    parts += [_gpus(kind, number) for kind, number in share.gpus.items() if number]
    parts += [f"{part * 100 // slot.size}% of {_gpus(slot.type, 1)}" for slot, part in share.shares.items()]
    return ", ".join(parts)


def _until(job: Job, moment: Moment) -> str:
    if job.state is JobState.PENDING:
        return ""
    return ", without a time limit" if expected_end(job) == NEVER else f" until {moment(expected_end(job))}"


def _named(job: Job) -> str:
    return f"job {job.display_id} of {job.user or job.uid}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"


def _part(part: Part) -> str:
    if part.shards:
        return _count(part.shards, "shard") + (f" of {_gpus(part.type, 1)}" if part.type else "")
    return f"{format_memory(part.memory)} of {_gpus(part.type, 1)}"


def _gpus(kind: str, number: int) -> str:
    return _count(number, "GPU") + (f" {kind}" if kind else "")
