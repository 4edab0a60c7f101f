"""The lines of sacct: jobs and their steps. The batch script is a step of its job, too."""

from __future__ import annotations

import signal

from mini_slurm.model.job import Job, single_id
from mini_slurm.model.states import HELD_BY_USER, REQUEUED_HELD, SPECIAL_EXIT, JobState
from mini_slurm.model.step import Step
from mini_slurm.output import tres
from mini_slurm.output.values import waiting_tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mini_slurm.output.layout import View

BATCH = -5  # the batch step's number, as Slurm's accounting has it
UNSEEN = 2  # seconds: of a job that was cancelled sooner no pass has told the accounting why it waits
WITHOUT_CODE = frozenset(
    {JobState.CANCELLED, JobState.PREEMPTED, JobState.REQUEUED, JobState.TIMEOUT}
)  # the job's own exit code stays 0:0 then

ENDED_FROM_OUTSIDE = WITHOUT_CODE | {JobState.PREEMPTED, JobState.DEADLINE, JobState.NODE_FAIL}
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGKILL)
TOGETHER = 1.0  # seconds: a job and a step of it that are ended by one signal end so near to each other


class Line:
    """One line: a job with its steps, or with `step` one of these."""

    __slots__ = ("ended", "job", "started", "state", "step", "steps")

    def __init__(self, job: Job, step: Step | None = None, steps: Sequence[Step] = ()) -> None:
        self.job = job
        self.step = step
        self.steps = steps  # of srun
        self.state = state_of(job) if step is None else step.state
        self.started: float | None
        if step is not None:
            self.started, self.ended = step.start_time, step.end_time
            return
        self.started = None if self.state is JobState.PENDING else job.start_time
        self.ended = job.end_time if self.state.is_over else None

    def cut(self, since: float, until: float) -> None:
        """Show only what lies in this span of time; what never started is a moment at its end."""
        self.ended = min(self.ended or until, until)
        self.started = self.ended if self.started is None else max(self.started, since)

    @property
    def step_name(self) -> str:
        """What the step is called after the dot; "" for a job."""
        if self.step is None:
            return ""
        return "batch" if self.step.number == BATCH else self.step.shown

    def number(self, view: View) -> str:
        """The job's number as users know it, with the step's name."""
        job = self.job
        if job.array_tasks is not None:
            return f"{job.array_job_id}_[{waiting_tasks(job.array_tasks, view.shown_tasks)}]"
        return f"{single_id(job)}.{self.step_name}" if self.step else single_id(job)

    def elapsed(self, now: float) -> int:
        """Whole seconds that it has run."""
        if self.started is None:
            return 0
        return max(int(self.ended or now) - int(self.started) - int(self.suspended(now)), 0)

    def suspended(self, now: float) -> float:
        """Seconds for which it was suspended, until now if it is."""
        before = self.job.suspended_seconds if self.step is None else self.step.suspended_seconds
        since = self.job.suspend_time if self.state is JobState.SUSPENDED else None
        return before if since is None else before + max(now - since, 0.0)

    @property
    def cpus(self) -> int:
        """CPUs that it has or had, or asks for."""
        return tres.cpus(self.job) if self.step is None else self.step.cpus

    @property
    def reason(self) -> str:
        """Why a job waits, or waited last, unless for its turn or for room."""
        job = self.job
        if self.started is None and self.state.is_over and (job.end_time or 0) - job.submit_time < UNSEEN:
            return "None"
        reason = job.wait_reason or "None"
        return HELD_BY_USER if reason.startswith((REQUEUED_HELD, SPECIAL_EXIT)) else reason.partition(",")[0]

    @property
    def nodes(self) -> int:
        """Machines that it has or had, or asks for."""
        return tres.nodes(self.job) if self.step is None else self.step.nodes

    @property
    def node_list(self) -> str:
        """Where it is or was."""
        return tres.node_list(self.job) if self.step is None else self.step.node_list

    @property
    def user_seconds(self) -> float:
        """Processor time of its own instructions: a job has that of all its steps."""
        if self.step is not None:
            return self.step.user_seconds
        return self.job.user_seconds + sum(step.user_seconds for step in self.steps)

    @property
    def system_seconds(self) -> float:
        """Processor time of the kernel for it."""
        if self.step is not None:
            return self.step.system_seconds
        return self.job.system_seconds + sum(step.system_seconds for step in self.steps)

    @property
    def exit(self) -> tuple[int, int]:
        """Its exit code and the signal that ended it."""
        if self.step is not None:
            return self.step.exit_code, self.step.exit_signal
        if not self.state.is_over or (self.state in WITHOUT_CODE and not self.has_asked_again):
            return 0, 0
        return self.job.exit_code, self.job.exit_signal

    @property
    def has_asked_again(self) -> bool:
        """Is it a run whose exit code had the job requeued? Then it shows that."""
        return self.state is JobState.REQUEUED and self.job.asked_again

    @property
    def worst_exit(self) -> tuple[int, int]:
        """The exit of the step of srun that ended worst; accounting hears of it with the end of the job."""
        if not self.state.is_over or self.state is JobState.PREEMPTED:
            return 0, 0
        ends = [(step.exit_code << 8 | step.exit_signal, step) for step in self.steps if self._counts(step)]
        worst = max(ends, key=lambda end: end[0])[1] if ends else None
        return (0, 0) if worst is None else (worst.exit_code, worst.exit_signal)

    def _counts(self, step: Step) -> bool:
        """Did the step end by itself, while its job ran? What is ended with the job does not count."""
        if step.end_time is None or self.job.end_time is None:
            return step.end_time is not None
        was_ended, is_near = step.exit_signal in ENDING_SIGNALS, step.end_time >= self.job.end_time - TOGETHER
        if self.state in ENDED_FROM_OUTSIDE:
            return not (was_ended or is_near)
        if self.job.exit_signal:  # the script was ended alone, and what it had started then
            return not (was_ended and is_near)
        return step.end_time <= self.job.end_time


def state_of(job: Job) -> JobState:
    """Accounting knows no COMPLETING and no CONFIGURING: the end is known, or the job runs."""
    if job.state is JobState.COMPLETING:
        return JobState[job.outcome] if job.outcome else JobState.RUNNING
    if job.state is JobState.CONFIGURING:
        return JobState.PENDING if job.start_time is None else JobState.RUNNING
    return job.state


def settled(step: Step, job: Job) -> Step:
    """A step that nothing was heard of when its job ended, or became smaller, has ended with it."""
    state = state_of(job)
    if state is JobState.RESIZING and (step.end_time is None or step.end_time > (job.end_time or 0)):
        return Step(**{**step.__dict__, "state": state, "end_time": job.end_time, "exit_code": 0, "exit_signal": 0})
    if step.end_time is None and state is JobState.SUSPENDED:
        return Step(**{**step.__dict__, "state": state})
    if step.end_time is not None or not state.is_over:
        return step
    return Step(**{**step.__dict__, "state": state, "end_time": job.end_time})


def booked(job: Job) -> Job:
    """As accounting has it: with its new size a job that gave machines back begins a row, as if submitted then."""
    moment = job.resize_time
    return job if moment is None else Job(**{**job.__dict__, "submit_time": moment, "eligible_time": moment})


def is_of(step: Step, job: Job) -> bool:
    """Did the step begin while the job had the machines of this row?"""
    is_before = state_of(job) is JobState.RESIZING and step.start_time >= (job.end_time or 0)
    return step.start_time >= (job.resize_time or 0) and not is_before


def batch_step(job: Job) -> Step:
    """The batch script of a job that has started."""
    cpus, memory, gpus = job.alloc_cpus, job.alloc_memory, job.alloc_gpus
    if job.allocation != "{}" and job.node:
        from mini_slurm.model.allocation import parse_allocation
        from mini_slurm.model.resources import format_gpus

        share = parse_allocation(job.allocation).get(job.node)
        if share is not None:
            held = share.resources
            cpus, memory, gpus = held.cpus, held.memory, format_gpus(held.gpus)
    state = state_of(job)
    return Step(
        job_id=job.job_id, attempt=job.attempt, number=BATCH, name="batch", state=_batch_state(job, state),
        start_time=job.start_time, end_time=job.end_time if state.is_over else None,
        suspended_seconds=job.suspended_seconds, exit_code=job.exit_code if state.is_over else 0,
        exit_signal=job.exit_signal if state.is_over else 0, node_list=job.node or "", cpus=cpus, memory=memory,
        gpus=gpus, distribution="Unknown", max_rss=job.max_rss, mean_rss=job.max_rss, max_rss_node=job.node or "",
        user_seconds=job.user_seconds, system_seconds=job.system_seconds,
    )  # fmt: skip


def _batch_state(job: Job, state: JobState) -> JobState:
    if not state.is_over or state in (JobState.OUT_OF_MEMORY, JobState.RESIZING) or job.end_time is None:
        return state  # a script that is being ended has the state of its job until it has ended
    if state is JobState.NODE_FAIL or job.exit_signal:
        return JobState.CANCELLED
    return JobState.FAILED if job.exit_code else JobState.COMPLETED
