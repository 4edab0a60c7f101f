"""What has happened: the core's only input besides the time. Moments are seconds since the epoch."""

from __future__ import annotations

from typing import NamedTuple

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


class SignalRequested(NamedTuple):
    """Send a signal to a running job: to its batch script alone, or to all its processes."""

    job_id: int
    signal: int
    whole: bool
    uid: int


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


class AttemptUnknown(NamedTuple):
    """The machine has no trace of an attempt that was sent there."""

    machine: str
    attempt: str


class OutputStored(NamedTuple):
    """Every byte that the attempt wrote is on disk at the submit side."""

    attempt: str


class OutputFailed(NamedTuple):
    """The attempt's output cannot be stored. `opening`: its files could not even be made, and nothing was started."""

    attempt: str
    opening: bool
    why: str


Event = (
    JobSubmitted
    | CancelRequested
    | SignalRequested
    | MachineConnected
    | MachineDisconnected
    | MachineLost
    | AttemptStarted
    | AttemptRefused
    | AttemptEnded
    | AttemptUnknown
    | OutputStored
    | OutputFailed
)
