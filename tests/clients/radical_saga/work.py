"""Jobs by radical.saga's adaptor for Slurm on this machine; prints what it saw of them."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import radical.saga as saga

PATIENCE = 100.0  # seconds
OVER = (saga.job.DONE, saga.job.FAILED, saga.job.CANCELED)


class Jobs:
    """A service, and what it has been given."""

    def __init__(self) -> None:
        self.service = saga.job.Service("slurm://localhost/")

    def submit(self, name: str, command: str, minutes: int = 5, **more: object) -> saga.job.Job:
        wanted = saga.job.Description()
        wanted.executable = "/bin/bash"
        wanted.arguments = ["-c", f"'{command}'"]
        wanted.name = name
        wanted.output = str(Path(f"{name}.txt").absolute())
        wanted.error = str(Path(f"{name}.err").absolute())
        wanted.working_directory = os.getcwd()
        wanted.queue = "main"
        wanted.wall_time_limit = minutes
        for key, value in more.items():
            setattr(wanted, key, value)
        job = self.service.create_job(wanted)
        job.run()
        return job


def until(job: saga.job.Job, *states: str) -> str:
    """The job's state, once it is one of these."""
    end = time.monotonic() + PATIENCE
    while (state := job.state) not in states and time.monotonic() < end:
        time.sleep(0.5)
    return state


def main() -> None:
    jobs = Jobs()
    value = jobs.submit("value", "echo six times seven; echo $GIVEN", environment={"GIVEN": "given"})
    failing = jobs.submit("failing", "exit 3")
    wide = jobs.submit("wide", "srun -l echo hello", total_cpu_count=4, processes_per_host=2)
    running = jobs.submit("running", "sleep 600")
    started = until(running, saga.job.RUNNING)
    running.suspend()
    paused = until(running, saga.job.SUSPENDED)
    running.resume()
    resumed = until(running, saga.job.RUNNING)
    listed = running.id in jobs.service.list()
    again = jobs.service.get_job(running.id)
    seen = again.state
    running.cancel()
    found = {
        "value": [until(value, *OVER), value.exit_code],
        "failing": [until(failing, *OVER), failing.exit_code],
        "wide": [until(wide, *OVER), wide.exit_code],
        "cancelled": [until(running, *OVER)],
        "states": [started, paused, resumed, seen],
        "listed": listed,
        "hosts": value.execution_hosts,
        "texts": {name: sorted(Path(f"{name}.txt").read_text().splitlines()) for name in ("value", "wide")},
    }
    print(json.dumps(found))
    jobs.service.close()


if __name__ == "__main__":
    main()
