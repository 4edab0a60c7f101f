"""msbcast: copy a file to all machines of a job, from the login node; steps/sbcast.py is the one in jobs."""

from __future__ import annotations

import os

from mini_slurm.cli import common, listing
from mini_slurm.errors import BadUsage, Refused
from mini_slurm.options import sbcast
from mini_slurm.steps import sbcast as steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.options.grammar import Option
    from mini_slurm.options.listings import Chosen

ABOUT = "Copy a file to the machines of a job."
WORDS = "SOURCE DESTINATION"
VALUES = {"size": "size", "send-libs": "send_libs", "compress": "compress"}  # what changes nothing here is looked at


def main() -> int:
    """The console script."""
    return listing.leave(common.run("msbcast", msbcast, options))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, sbcast.OPTIONS)


def msbcast(program: str, arguments: list[str]) -> int:
    """Copy what the words name; the exit status."""
    read = listing.read(program, arguments, options(program), "msbcast")
    if read is None:
        return 0
    chosen, words = read
    steps.tell_odd_values(program, {name: chosen.text(key) or "" for name, key in VALUES.items() if key in chosen})
    if len(words) != 2:
        advice = f'Try "{program} --help" for more information'
        raise BadUsage(f"Need two file names, have {len(words)} names", advice, exit_code=1)
    number = chosen.text("jobid") if "jobid" in chosen else os.environ.get("SLURM_JOB_ID")
    if number is None:
        raise Refused(steps.NO_JOB)
    steps.check_destination(words[1])
    return _send(program, chosen, words, number.partition(".")[0])


def _send(program: str, chosen: Chosen, words: list[str], number: str) -> int:
    """Have the job's machines write the file. Raises Refused."""
    from mini_slurm.cli.running_job import ControllerTalk, find
    from mini_slurm.model.allocation import parse_allocation
    from mini_slurm.model.states import JobState
    from mini_slurm.steps.srun import own_environment

    state, db = common.open_store()
    job = find(number, db)
    steps.look_at(words[0])
    if job is None or job.state not in (JobState.RUNNING, JobState.SUSPENDED):
        if job is None or job.state.is_over:
            raise Refused(steps.no_such_job(number), exit_code=steps.NO_LOOKUP)
        raise Refused(f"Slurm job {number} lookup error: Job is pending execution", exit_code=steps.NO_LOOKUP)
    nodes = str(max(len(parse_allocation(job.allocation)), 1))
    environment = {**own_environment(), "SLURM_JOB_NUM_NODES": nodes}
    target = steps.Target(str(job.job_id), "", ControllerTalk(state), environment)
    given = {name: "" for name in ("force", "preserve") if name in chosen}
    return steps.send(program, words[0], words[1], given, target)
