"""Workers of dask as jobs; prints what they computed, and what became of them."""

from __future__ import annotations

import json
import os
import subprocess
import time

from dask_jobqueue import SLURMCluster
from distributed import Client, wait


def square(number: int) -> int:
    return number * number


def job_of_worker() -> str:
    return os.environ["SLURM_JOB_ID"]


def fail() -> None:
    raise ValueError("no such luck")


def state(number: str) -> str:
    words = ["squeue", "-h", "-t", "all", "-o", "%T", "-j", number]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def until(condition: object) -> None:
    while not condition():
        time.sleep(0.1)


def main() -> None:
    cluster = SLURMCluster(
        queue="main", cores=1, processes=1, memory="500MB", walltime="00:05:00", interface="lo",
        log_directory="logs", scheduler_options={"dashboard": False}, worker_extra_args=["--no-dashboard"],
    )  # fmt: skip
    cluster.adapt(minimum_jobs=2, maximum_jobs=2, interval="1s")
    with cluster, Client(cluster) as client:
        client.wait_for_workers(2, timeout=60)
        jobs = sorted(client.run(job_of_worker).values())
        values = client.gather(client.map(square, range(20)))
        failure = client.submit(fail)
        wait(failure)
        subprocess.run(["scancel", jobs[0]], check=True)
        until(lambda: state(jobs[0]).startswith("CANCELLED"))
        until(lambda: len(set(client.run(job_of_worker, on_error="ignore").values()) - {jobs[0]}) == 2)
        again = sorted(client.run(job_of_worker).values())
        sums = client.submit(sum, client.map(square, range(10))).result()
        found = {
            "numbers": all(job.isdigit() for job in jobs) and len(set(jobs)),
            "values": values,
            "failure": [failure.status, str(failure.exception())],
            "kept": jobs[1] in again,
            "sum": sums,
            "script": [line for line in cluster.job_script().splitlines() if line.startswith("#SBATCH")],
            "logs": sorted(os.listdir("logs")),
            "jobs": jobs,
        }
    until(lambda: all(state(job).startswith("CANCELLED") for job in again))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
