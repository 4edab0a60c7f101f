"""msbcast: what sbcast answers on the login node; in a job it is steps/sbcast.py that sends files."""

from __future__ import annotations

import os

from mini_slurm.cli import common, listing
from mini_slurm.errors import BadUsage, Refused
from mini_slurm.options import sbcast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.options.grammar import Option

ABOUT = "Say how a file comes to the machines of a job."
WORDS = "SOURCE DESTINATION"
NO_JOB = "Need a job id to run this command.  Run from within a Slurm job or use the --jobid option."


def main() -> int:
    """The console script."""
    return listing.leave(common.run("msbcast", msbcast))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, sbcast.OPTIONS)


def msbcast(program: str, arguments: list[str]) -> int:
    """Check the words as Slurm does, and say what to do instead; the exit status."""
    read = listing.read(program, arguments, options(program), "msbcast")
    if read is None:
        return 0
    chosen, words = read
    if len(words) != 2:
        advice = f'Try "{program} --help" for more information'
        raise BadUsage(f"Need two file names, have {len(words)} names", advice, exit_code=1)
    if "jobid" not in chosen and "SLURM_JOB_ID" not in os.environ:
        raise Refused(NO_JOB)
    raise Refused("files are sent to the machines of a job from the job itself: call sbcast in its script")
