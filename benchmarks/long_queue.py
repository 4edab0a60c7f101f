"""How long does msqueue take to list a queue of 10,000 jobs?"""

from __future__ import annotations

import os
import pwd
import statistics
import subprocess
import time

from benchmarks.measure import fleet
from mini_slurm.model.job import Job
from mini_slurm.store import database

JOBS = 10_000
LIMIT = 0.3  # seconds; five times real squeue's own time for as many would be less
RUNS = 15
LISTINGS: tuple[tuple[str, ...], ...] = ((), ("-l", "-S", "-i"))


def main() -> list[dict[str, object]]:
    """Of the ordinary listing and of the long one in another order: processor time, which others on this host do not
    lengthen, and is what an idle one takes."""
    with fleet(node1={"cpus": 4, "memory": "4000M"}) as made:
        made.state.mkdir(mode=0o700, exist_ok=True)
        db = database.open_database(str(made.state))
        with database.transaction(db):
            database.save_jobs(db, map(_waiting, range(1, JOBS + 1)))
        db.close()
        made.run("msqueue")  # starts the controller, once
        found = {words: _median(("msqueue", *words), made.environment) for words in LISTINGS}
    return [
        {"what": f"{' '.join(('msqueue', *words))}, {JOBS:,} jobs", "measured": f"median {seconds * 1000:.0f} ms",
         "value": seconds, "limit": f"at most {LIMIT * 1000:.0f} ms", "good": seconds <= LIMIT}
        for words, seconds in found.items()
    ]  # fmt: skip


def _median(words: tuple[str, ...], environment: dict[str, str]) -> float:
    """Seconds of processor time of a whole run."""
    seconds = []
    for _ in range(RUNS):
        with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL) as process:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds.append(used.ru_utime + used.ru_stime)
    return statistics.median(seconds)


def _waiting(number: int) -> Job:
    """A job that is held, as a controller that finds it must not begin to run ten thousand."""
    user = pwd.getpwuid(os.getuid()).pw_name
    return Job(
        job_id=number, user=user, uid=os.getuid(), name=f"step{number % 100}", partition="main", priority=0,
        reason="JobHeldUser", submit_time=time.time() - JOBS + number, time_limit=3600,
    )  # fmt: skip


if __name__ == "__main__":
    print(main())
