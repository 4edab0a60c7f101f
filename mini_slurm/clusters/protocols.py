"""What a kind of cluster, and a way to its commands, have to be. For type checkers: no command loads this."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mini_slurm.clusters.base import Answer, Call, Goal, Order, Site, unheard
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.foreign import ForeignJob

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.clusters.base import Hear


class Runner(Protocol):
    """What makes calls happen."""

    remote: bool  # on another machine, whose files are not ours

    def run(self, call: Call, hear: Hear = unheard) -> Answer:
        """Run it to its end. Raises NotMade, Lost, and Refused where there is no such program.

        `hear` is told what a call whose patience has no end has printed so far.
        """


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

    def find(self, jobs: Sequence[ForeignJob]) -> Call:
        """Every job of this user, with those that have these jobs' tags even if they are over; for `read_states`."""

    def name(self, job: ForeignJob) -> str:
        """What the system calls the submission that this job, maybe a task of an array, belongs to."""

    def states(self, jobs: Sequence[ForeignJob] | None) -> Call:
        """How these jobs are, in one call; None: all jobs of everybody."""

    def read_states(self, answer: Answer, known: Sequence[ForeignJob]) -> list[ForeignJob]:
        """The jobs, new records; `known` are those from here, as they were. Raises Unanswered.

        Some of them may have no name there yet, as the answer to their submission is not known: those go by their tag.
        """

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
