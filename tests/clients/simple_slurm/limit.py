"""A job that does not end within its limit; prints the state and the time that sacct shows."""

from __future__ import annotations

import datetime
import json

from simple_slurm import Slurm
from work import ended


def main() -> None:
    slurm = Slurm(time=datetime.timedelta(minutes=1), mem="100M", output="limit.txt")
    number = slurm.sbatch("sleep 600", verbose=False)
    print(json.dumps(ended(number, pause=3)))


main()
