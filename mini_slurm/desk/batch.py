"""A batch job, whole: from its options and its script to its number."""

from __future__ import annotations

from mini_slurm.desk import admit, submission
from mini_slurm.desk.submission import Script
from mini_slurm.model.job import Job
from mini_slurm.options.collect import Values
from mini_slurm.options.grammar import Setting
from mini_slurm.options.script import has_parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from mini_slurm.desk.memory import Memory
    from mini_slurm.desk.submission import Say

NONE: Mapping[str, str] = {}


class Batch:
    """A job, or the parts of a heterogeneous one, with the script and the environment that they are given."""

    def __init__(self, values: list[Values], jobs: list[Job], script: bytes, environment: bytes) -> None:
        self.values = values
        self.jobs = jobs
        self.script = script
        self.environment = environment

    def admit(self, db: sqlite3.Connection, *, strict: bool, memory: Memory | None = None) -> None:
        """Let the fleet complete the jobs. Raises Refused when it does not take one."""
        admit.admit_all(self.jobs, self.values, db, strict=strict, memory=memory)

    def stage(self, state: str, note: Callable[[int, int], None]) -> None:
        """Note what is to be brought to the machines and home, and take the snapshot. Raises Refused.

        `note` hears how many of the snapshot's files are done, and how many there are.
        """
        from mini_slurm.desk.staging import attach

        attach(self.jobs, self.values, state, note)

    def store(self, db: sqlite3.Connection) -> int:
        """Hand it in; its number. It is on disk then, and the controller has to be woken. Raises StateError."""
        from mini_slurm.store.database import submit, submit_parts

        if len(self.jobs) == 1:
            return submit(db, self.jobs[0], self.script, self.environment)
        return submit_parts(db, self.jobs, self.script, self.environment)


def make(
    program: str,
    parts: list[list[Setting]],
    script: Script,
    words: list[str],
    line: str,
    say: Say,
    variables: Mapping[str, str] = NONE,
    memory: Memory | None = None,
) -> Batch:
    """What is asked for, from all sources. Raises MiniSlurmError.

    `words`: the script's arguments; `line`: the command line, as accounting keeps it; `say` takes what the user is
    told, line by line; `variables` join those of this process; `memory` is that of submissions before this one.
    """
    values = _read(program, parts, script, say)
    script.data = admit.splice(script, values[0])
    jobs = _describe(values, script, words, line)
    return Batch(values, jobs, script.data, admit.environment(jobs[0], values, variables, memory))


def _read(program: str, parts: list[list[Setting]], script: Script, say: Say) -> list[Values]:
    """What is asked for, of each part of the job. Raises MiniSlurmError."""
    least: list[Setting] = []
    if len(parts) > 1 or has_parts(script.data):
        from mini_slurm.desk.heterogeneous import complete, read_first

        least, parts = read_first(parts), complete(parts, script)
    return [submission.read_values(program, part, script, say, number, least) for number, part in enumerate(parts)]


def _describe(values: list[Values], script: Script, words: list[str], line: str) -> list[Job]:
    """The job, or all its parts. Raises MiniSlurmError."""
    jobs = [submission.describe(one, script, words) for one in values]
    for job in jobs:
        job.submit_line = line
    if len(jobs) > 1:
        from mini_slurm.desk.heterogeneous import check

        check(jobs)
    return jobs
