"""What becomes of attempts: machines that come and go, starts, ends, and output that is stored or cannot be.

An attempt lies on all machines of its allocation: its script on the batch host, on the others a claim on what the job
gets of them. All or none: the script is sent when the others have said yes, and one that is lost takes the rest along.
"""

from __future__ import annotations

from mini_slurm.model.job import Job
from mini_slurm.model.resources import Resources
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.again import run_again
from mini_slurm.scheduler.books import LONGEST_PAUSE
from mini_slurm.scheduler.cluster import Cluster, allocation, held, occupies
from mini_slurm.scheduler.decisions import Decision, Drop, End, Forget, Hold, Limit, Resume, Shrink, Start, Suspend
from mini_slurm.scheduler.demand import with_entry
from mini_slurm.scheduler.ending import finish, leave, lose, put_back, release
from mini_slurm.scheduler.events import (
    AttemptEnded,
    AttemptRefused,
    AttemptStarted,
    AttemptUnknown,
    MachineConnected,
    MachineDisconnected,
    MachineLost,
    OutputFailed,
    OutputStored,
    UseSeen,
)
from mini_slurm.scheduler.oversubscription import recount
from mini_slurm.scheduler.staging import brings_home
from mini_slurm.scheduler.yielding import outcome

BUSY_PAUSE = 5.0  # seconds until a machine is asked again whose CPUs or GPUs others hold
TROUBLE_PAUSE = LONGEST_PAUSE  # ... and one that could not start the job at all
OUTPUT_NOT_OPENED = 53  # exit signal of a job whose output file cannot be made, as in Slurm


def on_machine_connected(cluster: Cluster, event: MachineConnected, now: float) -> list[Decision]:
    """Books are made anew, and both sides' views of the attempts there are brought together."""
    books = cluster.machines.get(event.name)
    if books is None:
        return []
    total = with_entry(event.total, books.entry)
    if total != books.total:
        books.total = total
        cluster.reorder()
    cluster.note(event.name)
    books.is_up, books.is_awaited, books.boot_id, books.paused_until = True, False, event.boot_id, 0.0
    here = cluster.on_machine(event.name)
    books.free, books.blocked = books.total, {}
    for job in here:
        if occupies(job):
            books.free = books.free.minus(held(job)[event.name])
    went_on = any(job.suspend_time is not None for job in here)  # maybe beside others: see lending.py
    if books.free.cpus < 0 and not went_on:  # jobs have shared CPUs there, and may not any more
        cluster.shared_machines |= {event.name}
    recount(cluster, event.name)
    decisions: list[Decision] = []
    for job in here:
        decisions += _meet(cluster, job, event, now)
    wanted = {cluster.attempt_name(job) for job in cluster.on_machine(event.name) if _is_wanted(job, event.name)}
    books.unwanted = {name for name in event.attempts if name not in wanted}
    return decisions + [End(event.name, name) for name in sorted(books.unwanted)]


def on_use_seen(cluster: Cluster, event: UseSeen, now: float) -> list[Decision]:
    """Other GPUs are in use by hand than before."""
    books = cluster.machines.get(event.name)
    if books is not None and books.is_up and books.blocked != event.blocked:
        known = {kind: count for kind, count in event.blocked.items() if kind in books.total.gpus}
        books.free = books.free.plus(Resources(gpus=books.blocked)).minus(Resources(gpus=known))
        books.blocked = known
        cluster.note(event.name)
    return []


def _is_wanted(job: Job, machine: str) -> bool:
    """With the script the attempt is over on all machines but the batch host, which keeps its output."""
    return job.end_time is None or machine == job.node


def _meet(cluster: Cluster, job: Job, event: MachineConnected, now: float) -> list[Decision]:
    """One job that should be on the machine that has just connected."""
    name = cluster.attempt_name(job)
    is_known = name in event.attempts
    if event.name != job.node:
        return _meet_member(cluster, job, event, now, is_known)
    if is_known:
        must_end = job.outcome is not None and job.end_time is None
        if job.reason != "None":
            job.reason = "None"
            cluster.touch(job)
        return [Resume(job), *_orders(job, name), *([End(event.name, name)] if must_end else [])]
    if job.state is JobState.CONFIGURING and job.boot_id == event.boot_id:
        return start_when_ready(cluster, job)
    return _settle_unknown(cluster, job, now)


def _orders(job: Job, name: str) -> list[Decision]:
    """What the batch host may not have heard while it could not be reached."""
    if job.state not in (JobState.RUNNING, JobState.SUSPENDED) or job.node is None:
        return []
    is_suspended = job.state is JobState.SUSPENDED
    order = Suspend(job.node, name, resume=not is_suspended, lends=bool(job.lent))
    size = [Shrink(job.node, name, tuple(allocation(job)))] if job.resize_time is not None else []
    return [Limit(job.node, name, job.time_limit), order, *size]


def _meet_member(cluster: Cluster, job: Job, event: MachineConnected, now: float, is_known: bool) -> list[Decision]:
    """A machine of the job that is not its batch host."""
    if is_known or job.end_time is not None:
        was_suspended = job.suspend_time is not None and job.state in (JobState.RUNNING, JobState.SUSPENDED)
        is_running, name = job.state is JobState.RUNNING, cluster.attempt_name(job)
        order = Suspend(event.name, name, resume=is_running, lends=bool(job.lent))
        return [order] if is_known and was_suspended else []
    if job.state is JobState.CONFIGURING and job.outcome is None:
        return [Hold(job, event.name)]
    return _give_up(cluster, job, now, event.name)


def _job_there(cluster: Cluster, machine: str, attempt: str) -> Job | None:
    """The job whose present attempt this is, unless it has given this machine back."""
    job = cluster.job_of(attempt)
    return job if job is not None and (machine == job.node or machine in allocation(job)) else None


def start_when_ready(cluster: Cluster, job: Job) -> list[Decision]:
    """The script may be sent once every other machine of the allocation has said yes."""
    others = set(allocation(job)) - {job.node}
    return [Start(job)] if others <= cluster.ready.get(job.job_id, set()) and job.outcome is None else []


def _give_up(cluster: Cluster, job: Job, now: float, gone: str) -> list[Decision]:
    """The job's part on one machine is lost, and with it the attempt."""
    decisions: list[Decision] = [Drop(cluster.attempt_name(job)), *leave(cluster, job, gone)]
    lose(cluster, job, now)
    return decisions


def on_machine_disconnected(cluster: Cluster, event: MachineDisconnected, now: float) -> list[Decision]:
    """Nothing new is sent there; what runs there is left alone."""
    books = cluster.machines.get(event.name)
    if books is not None:
        books.is_up = books.is_awaited = False
        cluster.note(event.name)
    return []


def on_machine_lost(cluster: Cluster, event: MachineLost, now: float) -> list[Decision]:
    """What ran there is given up; a job that has ended waits for its output as long as the machine is in the fleet."""
    books = cluster.machines.get(event.name)
    if books is not None:
        books.is_up = books.is_awaited = False
        cluster.note(event.name)
    decisions: list[Decision] = []
    for job in cluster.on_machine(event.name):
        if job.end_time is not None and event.name != job.node:
            continue
        if books is not None and job.end_time is not None:
            job.reason = f"its output waits on {event.name}, which does not answer"
            cluster.touch(job)
            continue
        decisions += [Drop(cluster.attempt_name(job)), *leave(cluster, job, event.name)]
        # a machine that left the fleet never comes back to have the attempt ended: it must not run a second time
        lose(cluster, job, now, again=books is not None)
    return decisions


def on_attempt_started(cluster: Cluster, event: AttemptStarted, now: float) -> list[Decision]:
    """The agent said yes; it may say so several times. An attempt that nobody wants any more is ended."""
    job = _job_there(cluster, event.machine, event.attempt)
    if job is None:
        books = cluster.machines.get(event.machine)
        if books is not None:
            books.unwanted.add(event.attempt)
            cluster.note(event.machine)
        return [End(event.machine, event.attempt)]
    if job.end_time is not None:
        return []
    if event.machine != job.node:
        return _on_member_ready(cluster, job, event.machine)
    job.start_time, job.cpu_ids, job.gpu_ids = event.started, event.cpu_ids, event.gpu_ids
    if job.state is JobState.CONFIGURING:
        job.state = JobState.RUNNING
        if cluster.fleet.preempt.is_on:
            cluster.note(event.machine)  # from now on it may be told to make room
        cluster.ready.pop(job.job_id, None)
    for name in cluster.shared_machines.intersection(allocation(job)):  # its place among the others may be another now
        recount(cluster, name)
        cluster.note(name)
    cluster.touch(job)
    return []


def _on_member_ready(cluster: Cluster, job: Job, machine: str) -> list[Decision]:
    ready = cluster.ready.setdefault(job.job_id, set())
    is_news = machine not in ready
    ready.add(machine)
    return start_when_ready(cluster, job) if is_news and job.state is JobState.CONFIGURING else []


def on_attempt_refused(cluster: Cluster, event: AttemptRefused, now: float) -> list[Decision]:
    """The agent said no: the job waits again, and the machine is left in peace for a while."""
    job = _job_there(cluster, event.machine, event.attempt)
    if job is None or job.end_time is not None:
        return _drop_unwanted(cluster, event.machine, event.attempt)
    books = cluster.machines.get(event.machine)
    if books is not None:
        books.paused_until = now + (BUSY_PAUSE if event.busy else TROUBLE_PAUSE)
        cluster.note(event.machine)
    decisions = leave(cluster, job, event.machine)
    if job.outcome is not None:
        finish(cluster, job, JobState[job.outcome], now)
    else:
        put_back(cluster, job)
    return [Drop(event.attempt), *decisions]


def on_attempt_ended(cluster: Cluster, event: AttemptEnded, now: float) -> list[Decision]:
    """The job is COMPLETING until its output is stored; an attempt that nobody wants any more may be forgotten."""
    job = _job_there(cluster, event.machine, event.attempt)
    if job is None or (event.machine != job.node and job.end_time is not None):
        return _drop_unwanted(cluster, event.machine, event.attempt)
    if job.end_time is not None:
        return []
    if event.machine != job.node:
        return [Forget(event.machine, event.attempt), *_give_up(cluster, job, now, event.machine)]
    machine = job.node or ""
    decisions = leave(cluster, job, machine)
    release(cluster, job)
    if event.cause == "NODE_FAIL" and job.outcome is None and job.may_run_again and cluster.fleet.requeue:
        job.state = JobState.PENDING  # released already
        lose(cluster, job, now)
        return [*decisions, Forget(machine, event.attempt)]
    job.state, job.end_time = JobState.COMPLETING, event.ended
    job.outcome = job.outcome or _or_again(cluster, job, event).name
    job.max_rss, job.user_seconds, job.system_seconds = event.max_rss, event.user_seconds, event.system_seconds
    job.max_gpu_memory, job.max_gpu_utilization = event.gpu_memory, event.gpu_utilization
    cluster.touch(job)
    if not job.is_batch:  # its exit status came from whoever it was for, who has its output, too
        if brings_home(cluster, job):
            return [*decisions, Resume(job)]
        finish(cluster, job, JobState[job.outcome], now)
        return [*decisions, Forget(machine, event.attempt)]
    job.exit_code, job.exit_signal = event.exit_code, event.exit_signal
    return decisions


def _outcome(cluster: Cluster, job: Job, event: AttemptEnded) -> JobState:
    if event.cause in ("TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "CANCELLED"):
        return JobState[event.cause]
    if not (event.exit_code or event.exit_signal):
        return JobState.COMPLETED
    # in its grace time a job fails as it was warned
    return JobState.FAILED if job.preempt_time is None else outcome(cluster, job)


def _or_again(cluster: Cluster, job: Job, event: AttemptEnded) -> JobState:
    """How a run ended; or REQUEUED, where another is to follow it."""
    state = _outcome(cluster, job, event)
    is_again = job.preempt_time is None and run_again(cluster, job, state, event)
    return JobState.REQUEUED if is_again else state


def _drop_unwanted(cluster: Cluster, machine: str, attempt: str) -> list[Decision]:
    books = cluster.machines.get(machine)
    if books is None or attempt not in books.unwanted:
        return []
    books.unwanted.discard(attempt)
    cluster.note(machine)
    return [Forget(machine, attempt)]


def on_attempt_unknown(cluster: Cluster, event: AttemptUnknown, now: float) -> list[Decision]:
    """The machine lost its spool, or never had this attempt."""
    books = cluster.machines.get(event.machine)
    if books is not None:
        books.unwanted.discard(event.attempt)
        cluster.note(event.machine)
    job = _job_there(cluster, event.machine, event.attempt)
    if job is None:
        return []
    if event.machine != job.node:
        return [] if job.end_time is not None else _give_up(cluster, job, now, event.machine)
    return _settle_unknown(cluster, job, now)


def _settle_unknown(cluster: Cluster, job: Job, now: float) -> list[Decision]:
    """Where the spool is gone, what was not stored by now never will be."""
    if job.end_time is None:
        return _give_up(cluster, job, now, job.node or "")
    decision = Drop(cluster.attempt_name(job))
    finish(cluster, job, JobState[job.outcome or "NODE_FAIL"], now)
    return [decision]


def on_output_stored(cluster: Cluster, event: OutputStored, now: float) -> list[Decision]:
    """With its output on disk the job is over, and its machine may drop what it keeps."""
    job = cluster.job_of(event.attempt)
    if job is None or job.end_time is None:
        return []
    machine = job.node or ""
    finish(cluster, job, JobState[job.outcome or "COMPLETED"], now)
    job.reason = event.remark or job.reason
    return [Forget(machine, event.attempt)]


def on_output_failed(cluster: Cluster, event: OutputFailed, now: float) -> list[Decision]:
    """Output files that cannot be made fail the job before it starts; later trouble is waited out, with its reason."""
    job = cluster.job_of(event.attempt)
    if job is None:
        return []
    if event.opening and job.state is JobState.CONFIGURING:
        job.exit_signal = OUTPUT_NOT_OPENED
        finish(cluster, job, JobState.FAILED, now)
    elif job.reason != event.why:
        job.reason = event.why
        cluster.touch(job)
    return []
