"""`python -m mini_slurm.api.batches COMMAND`: Slurm's commands on the fleet of config/fleet_config.json."""

from __future__ import annotations

import os
import sys

from mini_slurm.api.batches.scheduler import SLURMDistributedScheduler
from mini_slurm.errors import MiniSlurmError

LISTINGS = {"squeue": "msqueue", "sinfo": "msinfo", "sacct": "msacct"}
USAGE = "usage: python -m mini_slurm.api.batches sinfo|sbatch|squeue|scancel|sacct [OPTION...] [ARGUMENT...]"


def main(arguments: list[str]) -> int:
    """Run one command; the exit status. Listings are those of the commands, with all of their options."""
    command, *rest = arguments or [""]
    scheduler = SLURMDistributedScheduler()
    if command in LISTINGS:
        program = f"from mini_slurm.cli.{LISTINGS[command]} import main; main()"
        os.execv(sys.executable, [sys.executable, "-P", "-c", program, *rest])
    if command == "sbatch" and rest:
        print("Submitted batch job", scheduler.sbatch(*rest))
        return 0
    if command == "scancel" and rest and all(word.isdecimal() for word in rest):
        ended = {word: scheduler.scancel(int(word)) for word in rest}
        for word in ended:
            print(f"Job {word} cancelled" if ended[word] else f"Job {word} has ended, or there is none of this number")
        return 0 if all(ended.values()) else 1
    print(USAGE, file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except MiniSlurmError as error:
        print(f"{sys.argv[1] if len(sys.argv) > 1 else 'batches'}: error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
