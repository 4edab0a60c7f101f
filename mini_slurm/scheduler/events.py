"""What has happened: the core's only input besides the time. Moments are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mini_slurm.model.job import Job
from mini_slurm.model.resources import Resources


class JobSubmitted(NamedTuple):
    """A command stored a job."""

    job: Job


class CancelRequested(NamedTuple):
    """End one job record, one task of an array (`task`), or a whole array (`array`: job_id is the array's number)."""

    job_id: int
    task: int | None
    array: bool
    uid: int


class ReleaseRequested(NamedTuple):
    """Whoever held a job without a script is done with it; what it came to is the job's own end."""

    job_id: int
    uid: int
    exit_code: int
    exit_signal: int


class SignalRequested(NamedTuple):
    """Send a signal to a running job: to its batch script alone, to all its processes, or to one of its steps."""

    job_id: int
    signal: int
    whole: bool
    uid: int
    step: int | None = None
    ends: bool = False  # the step is cancelled, and accounting tells by whom; a signal's sender is not told
    is_noted: bool = False  # nothing is sent: it went to the job's steps one by one, and the job itself may show it


class Caller(NamedTuple):
    """Who asks for something; whoever looks after the fleet may act as its administrator upon his own jobs too."""

    uid: int
    as_admin: bool = False


class Request(NamedTuple):
    """A command waits for the answer to the request of this number, about a job, an array or some of its tasks."""

    number: int
    by: Caller
    job_id: int
    tasks: tuple[int, ...] | None  # None: the job, or all of the array
    past: tuple[Job, ...] = ()  # those of them that were over not long ago


class UpdateRequested(NamedTuple):
    """Change what was asked for; the keys of `changes` are those of scheduler/changes.py."""

    request: Request
    changes: Mapping[str, Any]


class RequeueRequested(NamedTuple):
    """Run jobs again, which are ended first if they run. `reason`: they are held then, for this reason."""

    request: Request
    reason: str = ""
    only_running: bool = False


class SuspendRequested(NamedTuple):
    """Stop jobs where they are, or let them go on."""

    request: Request
    resume: bool


class MeasureRequested(NamedTuple):
    """Somebody wants to know what a running job uses."""

    number: int  # of the request
    job_id: int


class StepLimitRequested(NamedTuple):
    """A step that runs is to have another time limit, counted from its start; None: none of its own."""

    number: int  # of the request
    by: Caller
    job_id: int
    step: int
    seconds: int | None


class NotifyRequested(NamedTuple):
    """Write a line into the output of a running job."""

    request: Request
    text: str


class TopRequested(NamedTuple):
    """These jobs are to start before all others of their user, partition, account and QOS."""

    number: int
    by: Caller
    jobs: tuple[tuple[int, int | None], ...]  # job or array, and task


class NodesUpdateRequested(NamedTuple):
    """Change what is known of machines; the keys of `changes` are those of scheduler/nodes.py."""

    number: int
    by: Caller
    names: tuple[str, ...]
    changes: Mapping[str, Any]


class PartitionUpdateRequested(NamedTuple):
    """Change a partition, or make one; the keys of `changes` are the attributes of model.fleet.Partition."""

    number: int
    by: Caller
    name: str
    changes: Mapping[str, Any]
    create: bool = False


class PartitionDeleteRequested(NamedTuple):
    """Take a partition away in which there are no jobs."""

    number: int
    by: Caller
    name: str


class ReservationRequested(NamedTuple):
    """Reserve machines or licenses, or change a reservation; the keys of `changes` are those of options/reserve.py."""

    number: int
    by: Caller
    changes: Mapping[str, Any]
    create: bool = False


class ReservationDeleteRequested(NamedTuple):
    """Take a reservation away in which nothing runs."""

    number: int
    by: Caller
    name: str


class EndsRecalled(NamedTuple):
    """Jobs that ended before and that others, which are submitted or updated now, depend on."""

    jobs: tuple[Job, ...]


class MachineConnected(NamedTuple):
    """A machine's agent answered: what the machine has, and which attempts its spool knows."""

    name: str
    total: Resources
    boot_id: str
    attempts: frozenset[str]


class MachineDisconnected(NamedTuple):
    """A machine does not answer now; what runs there goes on, but nothing new is sent."""

    name: str


class MachineLost(NamedTuple):
    """A machine has not answered for node_timeout: what ran there is given up."""

    name: str


class UseSeen(NamedTuple):
    """Somebody uses GPUs of a machine by hand: so many of each type that no job holds are not to be had."""

    name: str
    blocked: Mapping[str, int]


class AttemptStarted(NamedTuple):
    """The agent's yes, for its machine's part of the allocation."""

    machine: str
    attempt: str
    started: float
    cpu_ids: str
    gpu_ids: str


class AttemptRefused(NamedTuple):
    """The agent's no: nothing was started. `busy`: others hold what the attempt needs there."""

    machine: str
    attempt: str
    busy: bool
    why: str


class AttemptEnded(NamedTuple):
    """No process of the attempt is left on the machine."""

    machine: str
    attempt: str
    ended: float
    cause: str
    exit_code: int
    exit_signal: int
    max_rss: int
    user_seconds: float
    system_seconds: float
    gpu_memory: int = 0  # MiB
    gpu_utilization: int = 0  # percent


class AttemptUnknown(NamedTuple):
    """The machine has no trace of an attempt that was sent there."""

    machine: str
    attempt: str


class OutputStored(NamedTuple):
    """Every byte that the attempt wrote is on disk at the submit side. `remark`: what its user should hear of that."""

    attempt: str
    remark: str = ""


class OutputFailed(NamedTuple):
    """The attempt's output cannot be stored. `opening`: its files could not even be made, and nothing was started."""

    attempt: str
    opening: bool
    why: str


class StageNews(NamedTuple):
    """How far files of the attempt are on their way, or why they are not; "None": nothing is to be said of it."""

    attempt: str
    reason: str


class StageFailed(NamedTuple):
    """The attempt's files cannot be brought to its machines: nothing was started."""

    attempt: str
    why: str


Event = (
    JobSubmitted
    | CancelRequested
    | ReleaseRequested
    | SignalRequested
    | UpdateRequested
    | RequeueRequested
    | SuspendRequested
    | MeasureRequested
    | StepLimitRequested
    | NotifyRequested
    | TopRequested
    | NodesUpdateRequested
    | PartitionUpdateRequested
    | PartitionDeleteRequested
    | ReservationRequested
    | ReservationDeleteRequested
    | EndsRecalled
    | MachineConnected
    | UseSeen
    | MachineDisconnected
    | MachineLost
    | AttemptStarted
    | AttemptRefused
    | AttemptEnded
    | AttemptUnknown
    | OutputStored
    | OutputFailed
    | StageNews
    | StageFailed
)
