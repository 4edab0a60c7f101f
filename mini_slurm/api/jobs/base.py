"""A scheduler: the interface that all of them share, and what can be said of each of them."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from os import PathLike, fspath
from typing import Any

from mini_slurm.api.faults import WaitTimeout
from mini_slurm.api.jobs.values import JobInfo, JobStatus, ResourceRequirements

Path = str | PathLike[str]


class Scheduler(ABC):
    """Base class for all schedulers.

    A further one has to have the three methods that are abstract; waiting then asks for the status again and again,
    until the scheduler has something better (as those of this package have).
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def submit_job(
        self,
        script_path: Path,
        job_name: str,
        resources: ResourceRequirements,
        dependencies: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> str:
        """Submit a script (`sbatch`, `qsub`, `bsub`); the job's number.

        It starts when all of `dependencies` have ended well. Raises MiniSlurmError for what that system does not take.
        """

    @abstractmethod
    def get_job_status(self, job_id: str) -> JobStatus:
        """How far the job is (`squeue`, `qstat`, `bjobs`); UNKNOWN where there is none of this number.

        Raises Unreachable, StateError.
        """

    @abstractmethod
    def cancel_job(self, job_id: str) -> bool:
        """End the job (`scancel`, `qdel`, `bkill`). False: there was nothing to end. Raises Refused, Unreachable."""

    def wait_for_job(self, job_id: str, poll_interval: float = 30.0, timeout: float | None = None) -> JobStatus:
        """Wait for the job's end; how it ended.

        `timeout`: seconds, None: for ever. Raises TimeoutError (WaitTimeout).
        """
        return self.wait_for_jobs([job_id], poll_interval, timeout)[job_id]

    def wait_for_jobs(
        self, job_ids: Iterable[str], poll_interval: float = 30.0, timeout: float | None = None
    ) -> dict[str, JobStatus]:
        """Wait for the end of all; how each ended. `timeout`: seconds for all of it. Raises TimeoutError."""
        deadline = None if timeout is None else time.monotonic() + timeout
        return {job_id: self._poll(job_id, poll_interval, deadline) for job_id in job_ids}

    def _poll(self, job_id: str, poll_interval: float, deadline: float | None) -> JobStatus:
        while not (status := self.get_job_status(job_id)).is_over:
            left = float("inf") if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise WaitTimeout(f"job {job_id} has not ended yet", hint="wait longer, or cancel it")
            time.sleep(min(poll_interval, left))
        return status

    def submit_job_array(
        self, script_path: Path, job_name: str, resources: ResourceRequirements, array_size: int, **kwargs: Any
    ) -> list[str]:
        """Submit a script that runs `array_size` times, numbered from 0 on (`sbatch --array`); each task's number.

        Raises as submit_job() does.
        """
        return [
            self.submit_job(script_path, f"{job_name}_{task}", resources, task=task, **kwargs)
            for task in range(array_size)
        ]

    def get_job_info(self, job_id: str) -> JobInfo:
        """What is known of the job (`scontrol show job`, `sacct`); its status is UNKNOWN where there is none.

        Raises as get_job_status() does.
        """
        return JobInfo(job_id, "", self.get_job_status(job_id))

    def get_queue(self, user: str | None = None) -> list[JobInfo]:
        """The jobs that have not ended, of one user or of all that are to be seen (`squeue`).

        Raises NotImplementedError for a scheduler that has no list, Unreachable, StateError.
        """
        raise NotImplementedError(f"{self.name} cannot list its jobs")

    def set_priority(self, job_id: str, priority: int | None = None, nice: int | None = None) -> None:
        """Change the order in which jobs start (`scontrol update`): a fixed priority (0 holds it), or the nice value.

        Raises NotImplementedError for a scheduler that has none, UnknownJob, Refused.
        """
        raise NotImplementedError(f"{self.name} has no priorities")


def path_of(script_path: Path) -> str:
    """A script's path as text."""
    return fspath(script_path)
