"""Jobs in tests: submit them, look at them in the store, wait for them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from mini_slurm.model.job import Job
from mini_slurm.store.database import load_jobs
from tests.fleet.machines import Machines
from tests.waiting import wait_until

SCRIPT = "#!/bin/bash\n"


def script(fleet: Machines, text: str, name: str = "job.sh") -> str:
    """A script in the folder `work`; its name."""
    (fleet.work / name).write_text(SCRIPT + text)
    return name


def submit(fleet: Machines, *words: str) -> int:
    """Submit with msbatch; the job's number."""
    done = fleet.run("msbatch", "--parsable", *words)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def wrap(fleet: Machines, command: str, *words: str) -> int:
    """Submit one command line; the job's number."""
    return submit(fleet, *words, "--wrap", command)


def all_jobs(fleet: Machines) -> dict[int, Job]:
    """Every job of the store."""
    path = fleet.state / "state.sqlite3"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as db:
        return {job.job_id: job for job in load_jobs(db, "1")}


def job(fleet: Machines, number: int) -> Job:
    """One job."""
    return all_jobs(fleet)[number]


def wait_for(fleet: Machines, number: int, *states: str, seconds: float = 30) -> Job:
    """The job, once it is in one of these states."""
    wait_until(
        lambda: job(fleet, number).state.name in states,
        f"job {number} to be {' or '.join(states)}",
        seconds=seconds,
        logs=fleet.logs,
    )
    return job(fleet, number)


def wait_over(fleet: Machines, *numbers: int, seconds: float = 30) -> list[Job]:
    """These jobs, once they have ended, or all of the store's."""

    def are_over() -> bool:
        jobs = all_jobs(fleet)
        return all(jobs[number].state.is_over for number in numbers or jobs)

    wait_until(are_over, f"jobs {numbers} to be over", seconds=seconds, logs=fleet.logs)
    jobs = all_jobs(fleet)
    return [jobs[number] for number in numbers or sorted(jobs)]


def text(path: Path) -> str:
    """A file's content, empty while there is none."""
    return path.read_text() if path.exists() else ""
