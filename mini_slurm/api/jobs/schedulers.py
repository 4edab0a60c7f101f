"""Slurm, PBS and LSF: the Python client, spoken to in the words of the job interface."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from mini_slurm.api.client import Client
from mini_slurm.api.faults import UnknownJob, spoken
from mini_slurm.api.info import JobInfo as Told
from mini_slurm.api.job import Job
from mini_slurm.api.jobs import there
from mini_slurm.api.jobs.backoff import Backoff
from mini_slurm.api.jobs.base import Path, Scheduler
from mini_slurm.api.jobs.values import STATUS, Checkpoint, JobInfo, JobStatus, ResourceRequirements
from mini_slurm.errors import BadUsage

T = TypeVar("T")


class ClientScheduler(Scheduler):
    """A system that the client reaches. Further keywords of a submission are sbatch's long options, as for the client.

    And two more: `arguments`, a sequence of the script's own; `checkpoint`, a Checkpoint. What fails for a reason
    that passes is tried again as `backoff` says. Nothing is asked again and again: `poll_interval` has no effect.
    """

    system = there.SLURM

    @spoken()
    def __init__(self, cluster: str | None = None, backoff: Backoff | None = None) -> None:
        """`cluster`: its name in the fleet file, where there are several of this kind. Raises Refused for none."""
        super().__init__(self.system.upper())
        self.backoff = backoff or Backoff()
        self.client = Client(cluster or there.place_of(self.system))

    def submit_job(
        self,
        script_path: Path,
        job_name: str,
        resources: ResourceRequirements,
        dependencies: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> str:
        """Submit a script (`sbatch`, `qsub`, `bsub`). Raises BadUsage, Refused, Unreachable, in that system's words."""
        arguments = kwargs.pop("arguments", ())
        options = {"job_name": job_name, **asked(resources), **_restarts(kwargs.pop("checkpoint", None)), **kwargs}
        if dependencies:
            options["dependency"] = {"afterok": list(dependencies)}
        return self._try(lambda: self.client.submit(script_path, *arguments, **options)).id

    def submit_job_array(
        self, script_path: Path, job_name: str, resources: ResourceRequirements, array_size: int, **kwargs: Any
    ) -> list[str]:
        """Submit an array (`sbatch --array`) whose tasks have the numbers from 0 on; the number of each task.

        Raises as submit_job() does.
        """
        kwargs["array"] = f"0-{array_size - 1}"
        base_job_id = self.submit_job(script_path, job_name, resources, **kwargs)
        return [f"{base_job_id}_{task}" for task in range(array_size)]

    def get_job_status(self, job_id: str) -> JobStatus:
        """How far the job is (`squeue`, `sacct`, `qstat`, `bjobs`). Raises Unreachable, StateError."""
        job = self._find(job_id)
        return JobStatus.UNKNOWN if job is None else STATUS[self._try(lambda: job.state)]

    def get_job_info(self, job_id: str) -> JobInfo:
        """What is known of the job (`scontrol show job`, `sacct`, `qstat -f`). Raises Unreachable, StateError."""
        job = self._find(job_id)
        return JobInfo(job_id, "", JobStatus.UNKNOWN) if job is None else told(self._try(job.info))

    def cancel_job(self, job_id: str) -> bool:
        """End the job (`scancel`, `qdel`, `bkill`). False: there is none, or it has ended. Raises Refused."""
        job = self._find(job_id)
        if job is None or self._try(lambda: job.state).is_over:
            return False
        self._try(job.cancel)
        return True

    def wait_for_jobs(
        self, job_ids: Iterable[str], poll_interval: float = 30.0, timeout: float | None = None
    ) -> dict[str, JobStatus]:
        """Wait for the end of all. The controller tells of it. `timeout`: seconds for all. Raises WaitTimeout."""
        jobs = {job_id: self._find(job_id) for job_id in job_ids}
        ended = self.client.wait([job for job in jobs.values() if job is not None], timeout)
        return {
            job_id: JobStatus.UNKNOWN if job is None else STATUS[ended[job.id].state] for job_id, job in jobs.items()
        }

    def get_queue(self, user: str | None = None) -> list[JobInfo]:
        """The jobs that have not ended (`squeue`, `qstat`, `bjobs`). Raises Unreachable, StateError."""
        return [told(info) for info in self._try(lambda: self.client.jobs(user=user))]

    @spoken()
    def set_priority(self, job_id: str, priority: int | None = None, nice: int | None = None) -> None:
        """Change the order in which jobs start (`scontrol update`).

        Everybody may raise the `nice` value of his own jobs, which lowers their priority; a fixed `priority` is for
        those who look after the fleet, but for 0, which holds the job. Raises Refused, UnknownJob, BadUsage.
        """
        changes = {"priority": priority, "nice": nice}
        given = {name: value for name, value in changes.items() if value is not None}
        if not given:
            raise BadUsage("there is nothing to change", hint="give priority=N, or nice=N")
        self._try(lambda: self.client.job(job_id).update(**given))

    def _find(self, job_id: str) -> Job | None:
        try:
            return self._try(lambda: self.client.job(job_id))
        except (UnknownJob, BadUsage):
            return None

    def _try(self, act: Callable[[], T]) -> T:
        return self.backoff.call(act)


class SLURMScheduler(ClientScheduler):
    """The fleet, or a real Slurm."""


class PBSScheduler(ClientScheduler):
    """A PBS: OpenPBS, PBS Pro or Torque."""

    system = there.PBS


class LSFScheduler(ClientScheduler):
    """An LSF (experimental, as all of it is here)."""

    system = there.LSF


def asked(resources: ResourceRequirements) -> dict[str, Any]:
    """The same as keywords of the client."""
    options: dict[str, Any] = {
        "nodes": resources.nodes,
        "ntasks_per_node": resources.tasks_per_node,
        "cpus_per_task": resources.cpus_per_task,
        "mem": f"{resources.memory_gb}G",
        "time": timedelta(hours=resources.time_hours),
        "partition": resources.partition,
        "qos": resources.qos,
        "account": resources.account,
        "constraint": resources.constraint,
    }
    if resources.gpus_per_node > 0:
        options["gres"] = f"gpu:{resources.gpus_per_node}"
    return options


def _restarts(checkpoint: Checkpoint | None) -> dict[str, Any]:
    """How a job is run to its end in several runs: its output is one file."""
    if checkpoint is None:
        return {}
    return {
        "signal": f"B:{checkpoint.signal}@{checkpoint.warn_seconds}",
        "requeue_exit": f"{checkpoint.exit_code},limit@{checkpoint.pause}",
        "open_mode": "append",
    }


def told(info: Told) -> JobInfo:
    """What the client tells of a job, in the words of this interface."""
    return JobInfo(
        job_id=info.id,
        name=info.name,
        status=STATUS[info.state],
        user=info.user,
        partition=info.partition,
        nodes=list(info.nodes),
        reason="" if info.reason == "None" else info.reason,
        submit_time=info.submit_time,
        start_time=info.start_time,
        end_time=info.end_time,
        exit_code=info.exit_code,
        stdout=str(info.stdout),
        stderr=str(info.stderr),
        restarts=info.restarts,
    )
