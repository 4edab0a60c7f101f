"""Scheduler, client and workers of dask as the tasks of one step; the client prints what the workers computed."""

from __future__ import annotations

import json

from dask_jobqueue.slurm import SLURMRunner
from distributed import Client

if __name__ == "__main__":
    options = {"interface": "lo", "dashboard": False}
    with SLURMRunner(scheduler_file="scheduler.json", scheduler_options=options,
                     worker_options={"interface": "lo"}) as runner, Client(runner) as client:  # fmt: skip
        client.wait_for_workers(runner.n_workers, timeout=60)
        print(json.dumps([runner.n_workers, client.submit(sum, [1, 2, 3]).result()]))
