"""What users and administrators do to jobs that run: have them run again, stop them, let them go on."""

from __future__ import annotations

from mini_slurm.model.job import BY_HAND, TO_MAKE_ROOM, Job
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.cluster import Cluster, allocation
from mini_slurm.scheduler.decisions import Answer, Decision, End, Limit, Measure, Notify
from mini_slurm.scheduler.ending import requeue
from mini_slurm.scheduler.ends import count_suspension
from mini_slurm.scheduler.events import (
    MeasureRequested,
    NotifyRequested,
    RequeueRequested,
    StepLimitRequested,
    SuspendRequested,
)
from mini_slurm.scheduler.lending import go_on, lend
from mini_slurm.scheduler.priority import set_priority
from mini_slurm.scheduler.starting import be_quiet
from mini_slurm.scheduler.targets import DENIED, NOT_LEADER, Refusal, answer, is_operator, owns

DISABLED = "Requested operation is presently disabled"
NOT_YOURS = "Invalid user id"
UNKNOWN = "Invalid job id specified"
BATCH_ONLY = "Only batch jobs are accepted or processed"
PENDING = "Job is pending execution"
DONE = "Job/step already completing or completed"
NOT_RUNNING = "Job is not running"
NOT_SUSPENDED = "Job is not suspended"
MEASURED = frozenset({JobState.RUNNING, JobState.SUSPENDED})
RUNNING = frozenset({JobState.CONFIGURING, JobState.RUNNING, JobState.SUSPENDED})


def on_requeue_requested(cluster: Cluster, event: RequeueRequested, now: float) -> list[Decision]:
    """What runs is ended first, and goes back into the queue then; what has ended goes there at once."""
    decisions: list[Decision] = []

    def act(job: Job) -> None:
        if not owns(cluster, event.request.by, job):
            raise Refusal(DENIED)
        if event.only_running and job.state not in RUNNING:
            return
        if not job.is_batch:
            raise Refusal(BATCH_ONLY)
        if not job.requeue or (job.het_size and job.state.is_over):  # its further parts are not known any more
            raise Refusal(DISABLED)
        if job.state is JobState.PENDING or job.outcome == JobState.REQUEUED.name:
            raise Refusal(PENDING)
        decisions.extend(_end(cluster, job, now, held=bool(event.reason)))
        if event.reason:
            job.priority, job.reason = 0, event.reason
        cluster.touch(job)

    said = answer(cluster, event.request, act, split=False, of_part=NOT_LEADER)
    return [*decisions, said]


def _end(cluster: Cluster, job: Job, now: float, *, held: bool) -> list[Decision]:
    if job.state.is_over:
        cluster.add(job)
        code, signal = job.exit_code, job.exit_signal
        requeue(cluster, job, JobState.REQUEUED, now, cluster.fleet.requeue_delay)
        if held:
            job.exit_code, job.exit_signal = code, signal  # is told until it is released
        be_quiet(cluster, job, now)
        return []
    is_ending = job.state is JobState.COMPLETING
    count_suspension(job, now)
    job.outcome, job.state = JobState.REQUEUED.name, JobState.COMPLETING
    return [] if is_ending else [End(job.node or "", cluster.attempt_name(job), "JOB REQUEUE")]


def on_suspend_requested(cluster: Cluster, event: SuspendRequested, now: float) -> list[Decision]:
    """Whoever looks after the fleet may stop jobs; others may have their CPUs then, and their time stands still.

    As in Slurm they have no priority until they go on: one that is requeued before is held by the administrator.
    """
    decisions: list[Decision] = []

    def act(job: Job) -> None:
        if not is_operator(cluster, event.request.by):
            raise Refusal(DENIED)
        _check_state(job, event.resume)
        if not event.resume and job.state is JobState.SUSPENDED:
            return
        count_suspension(job, now)
        job.priority, job.priority_set = int(event.resume), 0
        set_priority(cluster, job, now)
        job.state = JobState.RUNNING if event.resume else JobState.SUSPENDED
        job.suspend_time, job.stopped = now, 0
        cluster.touch(job)
        for name in allocation(job):
            cluster.note(name)  # who runs may make room, who is suspended may not
        decisions.extend(go_on(cluster, job) if event.resume else lend(cluster, job, BY_HAND))

    said = answer(cluster, event.request, act, split=False)
    return [*decisions, said]


def on_notify_requested(cluster: Cluster, event: NotifyRequested, now: float) -> list[Decision]:
    """Only the script of a running job can be told something."""
    decisions: list[Decision] = []

    def act(job: Job) -> None:
        if not owns(cluster, event.request.by, job):
            raise Refusal(NOT_YOURS)
        if job.state.is_over or job.state in (JobState.COMPLETING, JobState.SUSPENDED):
            raise Refusal(DONE)
        if job.state is not JobState.RUNNING:
            raise Refusal(DISABLED)
        decisions.append(Notify(job.node or "", cluster.attempt_name(job), event.text))

    said = answer(cluster, event.request, act, split=False)
    return [*decisions, said]


def on_step_limit_requested(cluster: Cluster, event: StepLimitRequested, now: float) -> list[Decision]:
    """Which steps there are the machine knows, and the command: only a running job has some."""
    part = cluster.jobs.get(event.job_id)
    job = cluster.jobs.get(part.het_job_id or part.job_id) if part else None
    if part is None or job is None or job.state not in MEASURED or job.node is None:
        return [Answer(event.number, UNKNOWN)]
    if not owns(cluster, event.by, job):
        return [Answer(event.number, NOT_YOURS)]
    limit = Limit(job.node, cluster.attempt_name(job), event.seconds, event.step, part.het_offset)
    return [limit, Answer(event.number)]


def _check_state(job: Job, resume: bool) -> None:
    """Raises Refusal when a job in this state cannot be suspended or resumed."""
    if job.state is JobState.PENDING:
        raise Refusal(PENDING)
    if job.state.is_over or job.state is JobState.COMPLETING:
        raise Refusal(DONE)
    if job.lent == TO_MAKE_ROOM:  # it goes on when those end that have its CPUs
        raise Refusal(DISABLED)
    if resume and job.state is not JobState.SUSPENDED:
        raise Refusal(NOT_SUSPENDED)
    if job.state not in (JobState.RUNNING, JobState.SUSPENDED):
        raise Refusal(NOT_RUNNING)


def on_measure_requested(cluster: Cluster, event: MeasureRequested, now: float) -> list[Decision]:
    """Those machines of a running job are asked that answer now."""
    job = cluster.jobs.get(event.job_id)
    if job is None or job.state not in MEASURED:
        return [Answer(event.number, f"No steps running for job {event.job_id}")]
    machines = [name for name in allocation(job) if name in cluster.machines and cluster.machines[name].is_up]
    if not machines:
        return [Answer(event.number, f"no machine of job {event.job_id} answers")]
    return [Measure(name, cluster.attempt_name(job), event.number) for name in machines]
