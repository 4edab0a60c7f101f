"""What a cluster is to us: questions for its commands, and readers of the answers.

A question is a Call, a value; a Runner makes it happen, here or on a login node. A Cluster runs nothing itself, so what
it reads can be tried on recorded answers. What a Cluster and a Runner have to be is told in protocols.py.
"""

from __future__ import annotations

from mini_slurm.errors import MiniSlurmError
from mini_slurm.model.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mini_slurm.model.fleet import Fleet
    from mini_slurm.model.foreign import ForeignJob
    from mini_slurm.model.job import Job
    from mini_slurm.model.machine import Machine

    Hear = Callable[[bytes], None]  # is told what a program has printed, now and then while it stays

SUBMISSION = 300.0  # seconds that a submission may take


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
    patience: float | None = 60.0  # seconds that it may take; None: as long as it does
    once: str = ""  # a name under which it is started once, however often it is asked for
    asks: int = 1  # how many questions to the system it may come to


class Answer(NamedTuple):
    """What came of a call."""

    code: int  # exit status; -N: ended by signal N
    out: bytes
    err: bytes


def unheard(out: bytes) -> None:
    """What a program prints before it ends matters to nobody."""


class Unanswered(MiniSlurmError):
    """A question was not answered as it is when all is well. Nothing follows from that for any job."""


class NotMade(MiniSlurmError):
    """A call that was never made: nothing can have come of it."""


class Lost(MiniSlurmError):
    """A call of which nobody knows what came of it."""


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
