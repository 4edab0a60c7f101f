"""What the job interface is spoken in: what a job needs, its states, what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from mini_slurm.model.states import JobState


class JobStatus(Enum):
    """How far a job is, in the words that all schedulers share."""

    PENDING = "pending"  # queued, waiting for resources
    RUNNING = "running"
    COMPLETED = "completed"  # ended well
    FAILED = "failed"  # ended with an error, or its machine failed
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"  # exceeded its time limit
    UNKNOWN = "unknown"  # there is no such job, or nothing is to be learnt of it

    @property
    def is_over(self) -> bool:
        """Will it change no more?"""
        return self not in (JobStatus.PENDING, JobStatus.RUNNING)


STATUS = {
    **dict.fromkeys((JobState.PENDING, JobState.REQUEUED), JobStatus.PENDING),
    **dict.fromkeys(
        (JobState.CONFIGURING, JobState.RUNNING, JobState.SUSPENDED, JobState.COMPLETING, JobState.RESIZING),
        JobStatus.RUNNING,
    ),
    JobState.COMPLETED: JobStatus.COMPLETED,
    **dict.fromkeys(
        (JobState.FAILED, JobState.OUT_OF_MEMORY, JobState.NODE_FAIL, JobState.BOOT_FAIL), JobStatus.FAILED
    ),
    **dict.fromkeys((JobState.CANCELLED, JobState.PREEMPTED), JobStatus.CANCELLED),
    **dict.fromkeys((JobState.TIMEOUT, JobState.DEADLINE), JobStatus.TIMEOUT),
}


@dataclass
class ResourceRequirements:
    """What a job needs."""

    nodes: int = 1  # machines
    tasks_per_node: int = 1  # tasks, of MPI for example, on each machine
    cpus_per_task: int = 1
    gpus_per_node: int = 0
    memory_gb: int = 8  # GiB on each machine
    time_hours: float = 1.0  # time limit
    partition: str | None = None  # partition or queue
    qos: str | None = None  # quality of service
    account: str | None = None  # that it is charged to
    constraint: str | None = None  # features that the machines must have


@dataclass
class JobInfo:
    """What is known of a job. Moments have a time zone."""

    job_id: str
    name: str
    status: JobStatus
    user: str = ""
    partition: str = ""
    nodes: list[str] = field(default_factory=list)
    reason: str = ""  # why it waits or ended so, in Slurm's words
    submit_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    exit_code: int | None = None  # None: it is not over
    stdout: str = ""  # paths
    stderr: str = ""
    restarts: int = 0  # how often it ran before


@dataclass(frozen=True)
class Checkpoint:
    """How a job that can go on where it was is run to its end, in as many runs as that takes.

    Before its time is up the script gets `signal`; it writes down where it is and exits with `exit_code`. The job then
    goes back into the queue, and its next run reads in SLURM_RESTART_COUNT how many there were before. A run that
    does not get as far as that exit is repeated, too, if its time was up.
    """

    exit_code: int = 85  # that asks for another run
    signal: str = "USR1"  # to the script alone
    warn_seconds: int = 60  # before the time limit
    pause: int = 0  # seconds until the next run may start
