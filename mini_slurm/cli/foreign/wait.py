"""msbatch --wait for a job on a cluster: by what is stored, so that many who wait ask that system no more than one."""

from __future__ import annotations

import time

from mini_slurm.cli.wait import exit_status
from mini_slurm.store import foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.desk.foreign.place import Place
    from mini_slurm.model.foreign import ForeignJob

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0  # seconds between two looks


def wait_for(place: Place, job: ForeignJob) -> int:
    """The exit status of the job, the highest one of an array's tasks, once all is over. Raises StateError."""
    pause = FIRST_PAUSE
    while True:
        place.refresh()
        where = foreign.of_cluster(place.entry.name)
        where.jobs([job.job_id])
        records = foreign.select(place.db, where)
        if records and all(record.state.is_over for record in records):
            codes = (exit_status(record.state.name, record.exit_code, record.exit_signal) for record in records)
            return max(codes)
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
