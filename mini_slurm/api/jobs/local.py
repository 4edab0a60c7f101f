"""Scripts as child processes of this program: to try workflows where there is neither a cluster nor a fleet."""

from __future__ import annotations

import getpass
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from mini_slurm.api.faults import UnknownJob, WaitTimeout, spoken
from mini_slurm.api.jobs.base import Path, Scheduler, path_of
from mini_slurm.api.jobs.values import JobInfo, JobStatus, ResourceRequirements
from mini_slurm.errors import BadUsage, Refused

GRACE = 5.0  # seconds between SIGTERM and SIGKILL
NOT_HERE = ("array", "checkpoint", "requeue_exit", "retries")  # what is more than a request for resources


class _Started:
    """A job: its process, unless it was never started."""

    def __init__(self, info: JobInfo, process: subprocess.Popen[bytes] | None) -> None:
        self.info = info
        self.process = process
        self.is_cancelled = process is None

    def status(self) -> JobStatus:
        """How far it is."""
        code = None if self.process is None else self.process.poll()
        if self.process is not None and code is None:
            return JobStatus.RUNNING
        if self.info.end_time is None:
            self.info.end_time = datetime.now(UTC).astimezone()
            self.info.exit_code = code
        if self.is_cancelled:
            return JobStatus.CANCELLED
        return JobStatus.FAILED if code else JobStatus.COMPLETED


class LocalScheduler(Scheduler):
    """Local execution, without a scheduler: each script starts at once, whatever it asks for.

    Its output goes to NAME_JOBID.out and .err in the current folder, or to the files `output` and `error`. Jobs are
    known to this object alone, and what it submits after others is waited for at submission. What is to be queued,
    limited or to outlive this program goes to SLURMScheduler(), which runs it on this machine where there is no fleet.
    """

    def __init__(self) -> None:
        super().__init__("Local")
        self._job_counter = 0
        self._jobs: dict[str, _Started] = {}

    @spoken()
    def submit_job(
        self,
        script_path: Path,
        job_name: str,
        resources: ResourceRequirements,
        dependencies: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> str:
        """Wait for `dependencies`, then start the script. If one of them has not ended well, it is CANCELLED.

        Raises BadUsage for what can only be had of a scheduler, Refused for a script that cannot be started.
        """
        for name in NOT_HERE:
            if kwargs.get(name) is not None:
                raise BadUsage(f"{name} is not to be had without a scheduler", hint="use SLURMScheduler()")
        ends = self.wait_for_jobs(dependencies or ())
        self._job_counter += 1
        job_id = f"local_{self._job_counter}"
        info = JobInfo(job_id, job_name, JobStatus.PENDING, getpass.getuser(), nodes=[os.uname().nodename])
        info.submit_time = datetime.now(UTC).astimezone()
        info.stdout = path_of(kwargs.get("output") or f"{job_name}_{job_id}.out")
        info.stderr = path_of(kwargs.get("error") or f"{job_name}_{job_id}.err")
        may_run = all(status is JobStatus.COMPLETED for status in ends.values())
        process = self._start(path_of(script_path), info, kwargs) if may_run else None
        if not may_run:
            info.reason = "DependencyNeverSatisfied"
        self._jobs[job_id] = _Started(info, process)
        return job_id

    def _start(self, script: str, info: JobInfo, kwargs: dict[str, Any]) -> subprocess.Popen[bytes]:
        number = str(self._job_counter)
        variables = {"SLURM_JOB_ID": number, "SLURM_JOB_NAME": info.name, "PBS_JOBID": number}
        if kwargs.get("task") is not None:
            variables |= dict.fromkeys(("SLURM_ARRAY_TASK_ID", "PBS_ARRAY_INDEX"), str(kwargs["task"]))
        try:
            words = [*_interpreter(script), os.path.abspath(script), *map(str, kwargs.get("arguments", ()))]
            with open(info.stdout, "wb") as out, open(info.stderr, "wb") as err:
                process = subprocess.Popen(
                    words, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                    env={**os.environ, **variables}, start_new_session=True,
                )  # fmt: skip
        except OSError as error:
            raise Refused(f"{error.filename or script}: {error.strerror}", hint="look at the path") from None
        info.start_time = datetime.now(UTC).astimezone()
        return process

    def get_job_status(self, job_id: str) -> JobStatus:
        """How far the process is. Raises nothing."""
        return self._jobs[job_id].status() if job_id in self._jobs else JobStatus.UNKNOWN

    def get_job_info(self, job_id: str) -> JobInfo:
        """What is known of the job. Raises nothing."""
        if job_id not in self._jobs:
            return super().get_job_info(job_id)
        job = self._jobs[job_id]
        job.info.status = job.status()
        return job.info

    def cancel_job(self, job_id: str) -> bool:
        """SIGTERM for the script and all that it started, and SIGKILL five seconds later. False: it is over.

        Raises nothing.
        """
        job = self._jobs.get(job_id)
        if job is None or job.process is None or job.status().is_over:
            return False
        job.is_cancelled = True
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(job.process.pid, number)
                job.process.wait(GRACE)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        return True

    def _poll(self, job_id: str, poll_interval: float, deadline: float | None) -> JobStatus:
        """The process is waited for."""
        job = self._jobs.get(job_id)
        if job is not None and job.process is not None:
            try:
                job.process.wait(None if deadline is None else max(deadline - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                raise WaitTimeout(f"job {job_id} has not ended yet", hint="wait longer, or cancel it") from None
        return self.get_job_status(job_id)

    def get_queue(self, user: str | None = None) -> list[JobInfo]:
        """The jobs that run. Raises nothing."""
        infos = [self.get_job_info(job_id) for job_id in self._jobs]
        return [info for info in infos if not info.status.is_over and user in (None, info.user)]

    @spoken()
    def set_priority(self, job_id: str, priority: int | None = None, nice: int | None = None) -> None:
        """The nice value of the job's processes, as nice(1) has it. Raises BadUsage, UnknownJob, Refused."""
        job = self._jobs.get(job_id)
        if job is None or job.process is None or job.status().is_over:
            raise UnknownJob(f"job {job_id} does not run", hint="get_queue() shows those that do")
        if nice is None:
            raise BadUsage("there are no priorities without a scheduler", hint="give nice=N, from 0 to 19")
        try:
            os.setpriority(os.PRIO_PGRP, job.process.pid, nice)
        except PermissionError:
            raise Refused(f"nice={nice} is not permitted", hint="the nice value can only be raised") from None


def _interpreter(script: str) -> list[str]:
    """What a script's first line names; bash where it names nothing."""
    with open(script, "rb") as file:
        first = file.readline(4096)
    return shlex.split(os.fsdecode(first[2:].strip())) if first.startswith(b"#!") else ["bash"]
