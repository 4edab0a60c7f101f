"""A function that does not heed the warning and returns after its job's limit; prints the state that submitit sees."""

from __future__ import annotations

import json
import signal
import time

import submitit


def oversleep() -> None:
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    time.sleep(600)


def main() -> None:
    executor = submitit.AutoExecutor(folder="limit")
    executor.update_parameters(timeout_min=1, cpus_per_task=1, mem_gb=0.2, slurm_signal_delay_s=5)
    job = executor.submit(oversleep)
    while not job.watcher.is_done(job.job_id, mode="force"):
        time.sleep(3)
    print(json.dumps(job.watcher.get_state(job.job_id, mode="force")))


main()
