"""What is to be done: values that the hands perform after they are committed. Each may be performed twice."""

from __future__ import annotations

from typing import NamedTuple

from mini_slurm.model.job import Job


class Start(NamedTuple):
    """Start the job's script on its batch host."""

    job: Job


class Hold(NamedTuple):
    """Claim what the job's attempt gets on one of its other machines."""

    job: Job
    machine: str


class Resume(NamedTuple):
    """The machine has answered again and knows the job's attempt: go on taking its output."""

    job: Job


class Signal(NamedTuple):
    """Send a signal to an attempt."""

    machine: str
    attempt: str
    signal: int
    whole: bool


class End(NamedTuple):
    """End an attempt: SIGTERM, then SIGKILL."""

    machine: str
    attempt: str


class Forget(NamedTuple):
    """An attempt is over and booked: its machine may drop what it keeps of it."""

    machine: str
    attempt: str


class Drop(NamedTuple):
    """An attempt was given up: nothing more of its output is taken, as another attempt may write to the same files."""

    attempt: str


Decision = Start | Hold | Resume | Signal | End | Forget | Drop
