"""msattach: look at a step that runs, from the login node; steps/sattach.py is the one in jobs."""

from __future__ import annotations

import time

from mini_slurm.cli import common
from mini_slurm.cli.allocation import DONE
from mini_slurm.cli.running_job import ControllerTalk, find
from mini_slurm.errors import Refused
from mini_slurm.model.states import JobState
from mini_slurm.options import sattach
from mini_slurm.steps import sattach as steps
from mini_slurm.steps.attach import STEP_GONE
from mini_slurm.store.queries import MIN_JOB_AGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.job import Job
    from mini_slurm.options.grammar import Option

ABOUT = "Look at a step that runs, and write to its tasks."
WORDS = "JOB.STEP"


def main() -> None:
    """The console script."""
    common.leave(common.run("msattach", msattach, options))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, sattach.OPTIONS)


def msattach(program: str, arguments: list[str]) -> int:
    """Look at the step that the arguments name; the exit status."""
    from mini_slurm.options.grammar import parse

    settings, words = parse(program, arguments, options(program), permute=False, exit_code=1)
    parts = common.take_first(program, "msattach", [settings])
    if parts is None:
        return 0
    given: dict[str, list[str]] = {}
    for setting in parts[0]:
        given.setdefault(setting.option.long, []).append(setting.text or "")
    state, db = common.open_store()

    def number(text: str) -> tuple[str, int]:
        """The job with this number, and which part of it that is."""
        job = find(text, db) or find(text.partition("_")[0], db)  # Slurm passes over the task of what is no array
        if job is None or _is_forgotten(job):
            raise Refused(steps.NO_JOB)
        if job.state.is_over or job.outcome is not None:
            raise Refused(STEP_GONE + DONE)
        if job.state is JobState.PENDING:
            raise Refused(STEP_GONE + "Job is pending execution")
        return str(job.het_job_id or job.job_id), job.het_offset

    return steps.attach(program, given, words, lambda: ControllerTalk(state), number)


def _is_forgotten(job: Job) -> bool:
    """Did it end so long ago that Slurm would not know it any more?"""
    return job.state.is_over and (job.end_time or 0) <= time.time() - MIN_JOB_AGE
