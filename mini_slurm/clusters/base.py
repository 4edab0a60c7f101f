"""What a cluster is to us: questions for its commands, and readers of the answers.

A question is a Call, a value; a Runner makes it happen, here or on a login node. A Cluster runs nothing itself, so what
it reads can be tried on recorded answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from mini_slurm.errors import MiniSlurmError
from mini_slurm.model.fleet import ClusterEntry, Fleet
from mini_slurm.model.foreign import ForeignJob
from mini_slurm.model.job import Job
from mini_slurm.model.machine import Machine


class Script(NamedTuple):
    """A file that a program is to get: put into a private folder under its name; its path follows the call's words."""

    name: str
    data: bytes
    arguments: tuple[str, ...] = ()


class Call(NamedTuple):
    """One program to run where the cluster's commands are. No shell reads any of it."""

    words: tuple[str, ...]  # the first is the command's name
    stdin: bytes = b""
    script: Script | None = None
    folder: str | None = None  # on a login node: to run it in; where there is none of this name, the home folder
    variables: Mapping[str, str] = {}  # on top of the environment it finds
    once: str = ""  # a name under which it is started once, however often it is asked for


class Answer(NamedTuple):
    """What came of a call."""

    code: int  # exit status; -N: ended by signal N
    out: bytes
    err: bytes


class Unanswered(MiniSlurmError):
    """A question was not answered as it is when all is well. Nothing follows from that for any job."""


class NotMade(MiniSlurmError):
    """A call that was never made: nothing can have come of it."""


class Lost(MiniSlurmError):
    """A call of which nobody knows what came of it."""


class Runner(Protocol):
    """What makes calls happen."""

    remote: bool  # on another machine, whose files are not ours

    def run(self, call: Call) -> Answer:
        """Run it to its end. Raises NotMade, Lost, and Refused where there is no such program."""


class Order(NamedTuple):
    """A submission as a cluster is asked for it."""

    arguments: tuple[str, ...]  # the user's options, without those that are ours alone
    script: Script | None  # None: the script is standard input
    stdin: bytes
    job: ForeignJob  # what is known of it, with its tag
    path: str | None = None  # of the script's file, where the user named one
    source: bytes = b""  # what is kept of it
    # where the cluster's commands are not Slurm's:
    asked: Mapping[str, object] = {}  # what was asked for, by field
    others: Mapping[int, ForeignJob] = {}  # the jobs that it depends on
    folder: str = "/"  # that it is submitted in
    is_theirs: bool = False  # a script of that system's own


class Goal(NamedTuple):
    """A job that something is done to."""

    job: ForeignJob
    tasks: frozenset[int] | None = None  # only these of the array that it belongs to
    whole: bool = False  # the whole array that it belongs to
    text: str = ""  # as it was named, where it was


class Site(NamedTuple):
    """The machines and partitions of a cluster, told as those of a fleet are."""

    fleet: Fleet
    machines: Mapping[str, Machine]
    held: Sequence[Job]  # what is taken of each machine


class Cluster(Protocol):
    """One kind of system. A pair `x` and `read_x` is a question and the reader of its answer."""

    entry: ClusterEntry
    native: bool  # its commands are Slurm's: they take our arguments as they are

    def submission(self, order: Order, *, remote: bool) -> Call:
        """Submit a job. Raises Refused, naming it, for what the system has no words for."""

    def read_submission(self, answer: Answer) -> str | None:
        """What the system calls the job; None: it was refused, or the answer is unclear."""

    def is_unclear(self, answer: Answer) -> bool:
        """May the job have been submitted although the answer does not say so?"""

    def find(self, job: ForeignJob) -> Call:
        """Every job of this user that may be the one with this job's tag; read by `read_states`."""

    def name(self, job: ForeignJob) -> str:
        """What the system calls the submission that this job, maybe a task of an array, belongs to."""

    def states(self, jobs: Sequence[ForeignJob] | None) -> Call:
        """How these jobs are, in one call; None: all jobs of everybody."""

    def read_states(self, answer: Answer, known: Sequence[ForeignJob]) -> list[ForeignJob]:
        """The jobs, new records; `known` are those from here, as they were. Raises Unanswered."""

    def ends(self, jobs: Sequence[ForeignJob]) -> Call | None:
        """How these jobs ended, where `states` does not tell it all; None: there is nobody to ask."""

    def read_ends(self, answer: Answer, jobs: Sequence[ForeignJob]) -> list[ForeignJob] | None:
        """Those of the jobs whose end is told, new records; None: nothing is kept there. Raises Unanswered."""

    def cancel(self, goals: Sequence[Goal], signal: str | None, options: Sequence[str]) -> Call:
        """End these jobs, or send them a signal; `options`: what was given to mscancel besides."""

    def change(self, verb: str, goals: Sequence[Goal], words: Sequence[str]) -> list[Call]:
        """scontrol's hold, release, update ... of these jobs; `words` follow the verb. Raises Refused."""

    def site(self) -> list[Call]:
        """What there is, and how much of it is taken; none where sinfo is passed through."""

    def read_site(self, answers: Sequence[Answer]) -> Site:
        """The machines and partitions. Raises Unanswered."""
