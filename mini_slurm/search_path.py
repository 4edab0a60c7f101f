"""Our own modules before those that PYTHONPATH names; imported first of all by what is a process of ours.

A cluster's `module load` leaves folders in PYTHONPATH whose json.py or asyncssh was made for another Python. Ours must
not meet them, and what runs in a user's program must not take his away: only commands and the controller import this.
"""

import os
import sys

_THEIRS = {os.path.abspath(place) for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place}
sys.path.sort(key=_THEIRS.__contains__)  # at the end, not gone: mini_slurm itself may be found by it
