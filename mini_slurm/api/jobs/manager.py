"""The manager of jobs: what most programs use, without a word about which scheduler there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mini_slurm.api.jobs import there
from mini_slurm.api.jobs.base import Path, Scheduler
from mini_slurm.api.jobs.local import LocalScheduler
from mini_slurm.api.jobs.schedulers import LSFScheduler, PBSScheduler, SLURMScheduler
from mini_slurm.api.jobs.values import JobInfo, JobStatus, ResourceRequirements

SCHEDULERS: dict[str, type[Scheduler]] = {
    there.SLURM: SLURMScheduler,
    there.PBS: PBSScheduler,
    there.LSF: LSFScheduler,
}


class JobManager:
    """Jobs on the scheduler that is given, or that is found.

    Found is: the fleet, where there is a fleet file; else the Slurm, PBS or LSF that PATH leads to; else none, and
    scripts run as child processes (LocalScheduler). `poll_interval` has no effect on the schedulers of this package.
    """

    def __init__(self, scheduler: Scheduler | None = None, auto_detect: bool = True) -> None:
        """Raises FleetError for a fleet file that is wrong, StateError."""
        if scheduler is None and auto_detect:
            scheduler = self._auto_detect_scheduler()
        self.scheduler = scheduler or LocalScheduler()

    @staticmethod
    def _auto_detect_scheduler() -> Scheduler | None:
        found = SCHEDULERS.get(there.detect())
        return None if found is None else found()  # type: ignore[call-arg]

    def submit(
        self,
        script_path: Path,
        job_name: str,
        resources: ResourceRequirements | None = None,
        dependencies: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> str:
        """Submit a script (`sbatch`); the job's number. It starts when all of `dependencies` have ended well.

        Keywords are sbatch's long options, `_` for `-` (output="log.txt", retries="3@60"), `arguments` for the
        script, and `checkpoint=Checkpoint()` for a script that goes on where it was. Raises BadUsage, Refused.
        """
        return self.scheduler.submit_job(
            script_path, job_name, resources or ResourceRequirements(), dependencies, **kwargs
        )

    def submit_array(
        self,
        script_path: Path,
        job_name: str,
        array_size: int,
        resources: ResourceRequirements | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Submit a script that runs `array_size` times, numbered from 0 on (`sbatch --array`); each task's number.

        Raises as submit() does.
        """
        return self.scheduler.submit_job_array(
            script_path, job_name, resources or ResourceRequirements(), array_size, **kwargs
        )

    def status(self, job_id: str) -> JobStatus:
        """How far the job is (`squeue`, `sacct`); UNKNOWN where there is none of this number.

        Raises Unreachable, StateError.
        """
        return self.scheduler.get_job_status(job_id)

    def wait(self, job_id: str, poll_interval: float = 30.0, timeout: float | None = None) -> JobStatus:
        """Wait for the job's end; how it ended. `timeout`: seconds, None: for ever. Raises TimeoutError."""
        return self.scheduler.wait_for_job(job_id, poll_interval, timeout)

    def wait_all(
        self, job_ids: Sequence[str], poll_interval: float = 30.0, timeout: float | None = None
    ) -> dict[str, JobStatus]:
        """Wait for the end of all; how each ended. `timeout`: seconds for all of it. Raises TimeoutError."""
        return self.scheduler.wait_for_jobs(job_ids, poll_interval, timeout)

    def cancel(self, job_id: str) -> bool:
        """End the job (`scancel`). False: there was nothing to end. Raises Refused for somebody else's."""
        return self.scheduler.cancel_job(job_id)

    def get_queue(self, user: str | None = None) -> list[JobInfo]:
        """The jobs that have not ended, of one user or of all that are to be seen (`squeue`).

        Raises Unreachable, StateError.
        """
        return self.scheduler.get_queue(user)

    def get_info(self, job_id: str) -> JobInfo:
        """What is known of the job (`scontrol show job`, `sacct`); its status is UNKNOWN where there is none.

        Raises Unreachable, StateError.
        """
        return self.scheduler.get_job_info(job_id)

    queue = get_queue
    info = get_info

    def set_priority(self, job_id: str, priority: int | None = None, nice: int | None = None) -> None:
        """Change the order in which jobs start (`scontrol update`): the nice value, or a fixed priority (0 holds it).

        Raises BadUsage, UnknownJob, Refused.
        """
        self.scheduler.set_priority(job_id, priority, nice)
