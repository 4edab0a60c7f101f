"""Functions run as jobs by submitit; prints what came back."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import submitit
from submitit.core.utils import FailedJobError


def square(number: int) -> int:
    return number * number


def fail() -> None:
    raise ValueError("no such luck")


def rank() -> list[object]:
    environment = submitit.JobEnvironment()
    return [environment.global_rank, environment.local_rank, environment.num_tasks, environment.hostnames]


def wait_for(path: str) -> str:
    while not os.path.exists(path):
        time.sleep(0.05)
    return Path(path).read_text()


def state_of(job_id: str) -> str:
    """What sacct says in a job of the one before it."""
    words = ["sacct", "-X", "-n", "-P", "-o", "State", "-j", job_id]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


class Count:
    """Counts up to a number, once in each run: what was counted is its checkpoint."""

    def __init__(self, counted: int) -> None:
        self.counted = counted

    def __call__(self, goal: int, started: str) -> list[object]:
        self.counted += 1
        Path(started).touch()
        while self.counted < goal:
            time.sleep(0.05)
        return [self.counted, os.environ["SLURM_RESTART_COUNT"]]

    def checkpoint(self, goal: int, started: str) -> submitit.helpers.DelayedSubmission:
        return submitit.helpers.DelayedSubmission(self, goal, started)


def ended(job: submitit.Job[object]) -> str:
    """Its state, once there is no other to come."""
    while not job.watcher.is_done(job.job_id, mode="force"):
        time.sleep(0.2)
    return job.watcher.get_state(job.job_id, mode="force")


def error(job: submitit.Job[object]) -> str:
    try:
        job.result()
    except FailedJobError as fault:
        return next(line for line in str(fault).splitlines() if line.startswith("ValueError"))
    return ""


def main() -> None:
    executor = submitit.AutoExecutor(folder="submitit")
    executor.update_parameters(timeout_min=5, slurm_partition="main", mem_gb=0.3, slurm_array_parallelism=2)
    requeued = executor.submit(Count(0), 2, "started")
    value = executor.submit(square, 7)
    array = executor.map_array(square, range(5))
    failing = executor.submit(fail)
    cancelled = executor.submit(wait_for, "never")
    executor.update_parameters(slurm_additional_parameters={"dependency": f"afterok:{failing.job_id}"})
    never = executor.submit(square, 1)
    executor.update_parameters(slurm_additional_parameters={"dependency": f"afterok:{value.job_id}"})
    dependent = executor.submit(state_of, value.job_id)
    executor.update_parameters(slurm_additional_parameters={}, nodes=2, tasks_per_node=2)
    ranks = executor.submit(rank)
    wait_for("started")
    requeued._interrupt()
    cancelled.cancel()
    found = {
        "executor": executor.cluster,
        "value": value.result(),
        "dependent": dependent.result(),
        "array": [job.result() for job in array],
        "array ids": [job.job_id.partition("_")[2] for job in array],
        "failing": [error(failing), ended(failing)],
        "cancelled": ended(cancelled),
        "ranks": ranks.results(),
        "states": [ended(job) for job in (value, *array, ranks)],
        "requeued": [requeued.result(), ended(requeued)],
        "requeue in its log": "Requeued job" in (requeued.stdout() or ""),
        "stdout": "Job completed successfully" in (value.stdout() or ""),
        "never": never.watcher.get_state(never.job_id, mode="force"),
    }
    never.cancel()
    print(json.dumps(found))


main()
