"""The job interface on a PBS and on a real Slurm: the same program for both."""

from __future__ import annotations

import pytest

from tests.clusters.conftest import User
from tests.clusters.pbs_systems import Pbs, jobs
from tests.clusters.test_pbs import pbs  # noqa: F401 - a fixture

PROGRAM = """
from mini_slurm.api.jobs import *

manager = JobManager({scheduler})
small = ResourceRequirements(memory_gb=1, time_hours=0.1)
first = manager.submit("good.sh", "first", small, output="first.txt")
second = manager.submit("bad.sh", "second", small, dependencies=[first])
tasks = manager.submit_array("task.sh", "sweep", 3, small, output="task-%a.txt")
held = manager.submit("good.sh", "held", small, hold=True)
manager.set_priority(held, nice=100)
print(manager.scheduler.name, manager.status(held).name, manager.cancel(held))
print(*(status.name for status in manager.wait_all([first, second, *tasks, held, "99999"]).values()))
print(manager.get_info(second).exit_code, manager.get_info(first).name, manager.cancel(first))
try:
    manager.submit("good.sh", "x", small, retries=3)
except Exception as error:
    print(type(error).__name__, str(error).split(":")[0])
"""
SCRIPTS = {
    "good.sh": "#!/bin/bash\necho $SLURM_JOB_NAME with $SLURM_CPUS_PER_TASK CPU\n",
    "bad.sh": "#!/bin/bash\nexit 3\n",
    "task.sh": "#!/bin/bash\necho task $SLURM_ARRAY_TASK_ID\n",
}


def check(user: User, scheduler: str, name: str, cluster: str) -> None:
    """Run the program, and look at what it says and at what its jobs wrote."""
    for script, text in SCRIPTS.items():
        user.write(script, text)
    lines = user.run(str(user.install.bin / "python"), "-c", PROGRAM.format(scheduler=scheduler)).splitlines()
    assert lines == [
        f"{name} PENDING True",
        "COMPLETED FAILED COMPLETED COMPLETED COMPLETED CANCELLED UNKNOWN",
        "3 first False",
        f"Refused --retries cannot be passed to cluster {cluster}",
    ]
    assert (user.home / "first.txt").read_text() == "first with 1 CPU\n"
    written = [(user.home / f"task-{task}.txt").read_text() for task in range(3)]
    assert written == ["task 0\n", "task 1\n", "task 2\n"]


def test_on_a_pbs(pbs: Pbs) -> None:  # noqa: F811
    check(pbs.user, "PBSScheduler()", "PBS", "pbs")
    [held] = [job for job in jobs(pbs).values() if job["Job_Name"] == "held"]
    assert held["Priority"] == "-100"


@pytest.mark.parametrize("scheduler", ["SLURMScheduler('big')"])
def test_on_a_real_slurm(with_slurm: User, scheduler: str) -> None:
    check(with_slurm, scheduler, "SLURM", "big")
