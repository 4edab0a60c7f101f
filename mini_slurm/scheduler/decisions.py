"""What is to be done: values that the hands perform after they are committed. Each may be performed twice."""

from __future__ import annotations

from typing import NamedTuple

from mini_slurm.model.job import Job

NOBODY = -1  # a uid that is none


class Start(NamedTuple):
    """Start the job's script on its batch host."""

    job: Job


class Hold(NamedTuple):
    """Claim what the job's attempt gets on one of its other machines."""

    job: Job
    machine: str


class Resume(NamedTuple):
    """The machine knows the job's attempt, that runs or has ended: go on taking its output, or its results."""

    job: Job


class Signal(NamedTuple):
    """Send a signal to an attempt."""

    machine: str
    attempt: str
    signal: int
    whole: bool
    step: int | None = None  # of one of its steps
    uid: int = NOBODY  # who cancels the step
    part: int = 0  # ... and only where it runs in this further part of a heterogeneous job
    to_steps: bool = False  # to all of its steps, and not to its batch script


class Limit(NamedTuple):
    """The attempt, or one of its steps, gets another time limit, counted from its start; None: no limit."""

    machine: str
    attempt: str
    seconds: int | None
    step: int | None = None
    part: int = 0  # ... of this further part of a heterogeneous job


class Suspend(NamedTuple):
    """Stop every process of an attempt, or let them go on; one that `lends` its CPUs gives its claim on them up."""

    machine: str
    attempt: str
    resume: bool
    lends: bool = False


class Shrink(NamedTuple):
    """An attempt has these of its machines left."""

    machine: str
    attempt: str
    machines: tuple[str, ...]


class Notify(NamedTuple):
    """Write a line into the output of an attempt's script."""

    machine: str
    attempt: str
    text: str


class End(NamedTuple):
    """End an attempt: SIGTERM, then SIGKILL. Its output says why, if it is not that somebody cancelled it."""

    machine: str
    attempt: str
    why: str = ""


class Forget(NamedTuple):
    """An attempt is over and booked: its machine may drop what it keeps of it."""

    machine: str
    attempt: str


class Drop(NamedTuple):
    """An attempt was given up: nothing more of its output is taken, as another attempt may write to the same files."""

    attempt: str


class Measure(NamedTuple):
    """Ask a machine what the processes of an attempt use; its answer is the one to this request."""

    machine: str
    attempt: str
    request: int


class Answer(NamedTuple):
    """What a command hears of its request, in Slurm's words: an error for all of it, or errors of tasks; "": done.

    It is stored together with what was decided, and not performed.
    """

    request: int
    error: str = ""
    tasks: tuple[tuple[str, str], ...] = ()  # "12_1-3,7" and the error that all of these have in common
    name: str = ""  # of what was made


Decision = Start | Hold | Resume | Signal | Limit | Suspend | Shrink | Notify | End | Forget | Drop | Measure | Answer
