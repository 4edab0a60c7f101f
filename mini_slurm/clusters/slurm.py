"""A real Slurm. What is asked of it passes through; only states and ends are read here."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mini_slurm.clusters import slurm_records as records
from mini_slurm.clusters.base import SUBMISSION, Answer, Call, Goal, Order, Site, Unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.cluster_entry import ClusterEntry
    from mini_slurm.model.foreign import ForeignJob

TAG = "mini_slurm:"  # begins the word that is put into a job's comment
NUMBER = re.compile(rb"^(?:Submitted batch job )?(\d+)(?:;[^\s;]+)?(?: on cluster \S+)?$", re.MULTILINE)
# What sbatch says when it is not known whether slurmctld has got the job.
UNCLEAR = re.compile(
    rb"timed out|Zero Bytes|reset by peer|Transport endpoint|Unexpected message|Communication connection"
)
NO_ACCOUNTING = b"accounting storage is disabled"


class Slurm:
    """A Slurm whose commands can be called."""

    native = True

    def __init__(self, entry: ClusterEntry) -> None:
        self.entry = entry

    def submission(self, order: Order, *, remote: bool) -> Call:
        """sbatch with the user's own options, and the tag at the end of the job's comment."""
        comment = f"{order.job.comment} {TAG}{order.job.tag}" if order.job.comment else f"{TAG}{order.job.tag}"
        words = ("sbatch", *self.entry.options, f"--comment={comment}", *order.arguments)
        if order.path is not None and order.script is not None and not remote:
            words = (*words, order.path, *order.script.arguments)
            return Call(words, order.stdin, patience=SUBMISSION, once=order.job.tag)
        folder = order.job.work_dir
        return Call(words, order.stdin, order.script, folder, patience=SUBMISSION, once=order.job.tag)

    def read_submission(self, answer: Answer) -> str | None:
        """The job's number; with --quiet none is printed, and the tag tells it."""
        found = NUMBER.findall(answer.out) if answer.code >= 0 else []
        return found[0].decode() if found else None

    def is_unclear(self, answer: Answer) -> bool:
        """Did it end well without a number, was it killed, or did the way to slurmctld break?"""
        return answer.code <= 0 or not answer.err.strip() or UNCLEAR.search(answer.err) is not None

    def find(self, jobs: Sequence[ForeignJob]) -> Call:
        """All jobs of this user."""
        return self.states(())

    def name(self, job: ForeignJob) -> str:
        """The array's number, or the job's."""
        return str(job.array_job_id or job.job_id)

    def states(self, jobs: Sequence[ForeignJob] | None) -> Call:
        """One squeue for all."""
        whose = ("--all",) if jobs is None else ("--me",)
        return Call(
            ("squeue", *whose, "--noheader", "--states=all", f"--Format={records.QUEUE_FORMAT}"),
            variables=records.CLOCK,
        )

    def read_states(self, answer: Answer, known: Sequence[ForeignJob]) -> list[ForeignJob]:
        """Every job that slurmctld knows."""
        _check(answer, "squeue")
        return [_tagged(records.queued(row, self.entry.name)) for row in records.rows(answer.out)]

    def ends(self, jobs: Sequence[ForeignJob]) -> Call | None:
        """One sacct for all."""
        numbers = ",".join(sorted(job.foreign_id for job in jobs))
        words = ("sacct", "--allusers", "--duplicates", "--noheader", "--parsable2", f"--delimiter={records.SEPARATOR}")
        return Call((*words, f"--jobs={numbers}", f"--format={records.ACCOUNT_FORMAT}"), variables=records.CLOCK)

    def read_ends(self, answer: Answer, jobs: Sequence[ForeignJob]) -> list[ForeignJob] | None:
        """What accounting knows of them; None: there is none."""
        if NO_ACCOUNTING in answer.err:
            return None
        _check(answer, "sacct")
        return records.accounted(answer.out, jobs)

    def cancel(self, goals: Sequence[Goal], signal: str | None, options: Sequence[str]) -> Call:
        """One scancel for all, with the options as they were given."""
        return Call(("scancel", *options, *map(_shown, goals)))

    def change(self, verb: str, goals: Sequence[Goal], words: Sequence[str]) -> list[Call]:
        """scontrol takes the line as it is."""
        return [Call(("scontrol", verb, *words))]

    def site(self) -> list[Call]:
        """sinfo and scontrol are handed our arguments as they are."""
        return []

    def read_site(self, answers: Sequence[Answer]) -> Site:
        """Nothing was asked."""
        raise Unanswered(f"cluster {self.entry.name} is asked by its own sinfo")


def _check(answer: Answer, command: str) -> None:
    if answer.code != 0:
        lines = answer.err.decode(errors="replace").strip().splitlines()
        raise Unanswered(lines[-1] if lines else f"{command} ended with exit status {answer.code}")


def _tagged(job: ForeignJob) -> ForeignJob:
    """The tag goes from the comment to where we keep it."""
    comment, mark, tag = (job.comment or "").rpartition(TAG)
    if mark:
        job.comment, job.tag = comment.rstrip() or None, tag
    return job


def _shown(goal: Goal) -> str:
    """A number as scancel takes it."""
    job = goal.job
    if goal.text:
        return goal.text
    if goal.whole or job.array_job_id is None:
        return str(job.array_job_id or job.job_id)
    return f"{job.array_job_id}_[{job.array_tasks}]" if job.array_tasks else f"{job.array_job_id}_{job.array_task_id}"
