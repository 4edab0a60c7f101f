"""The job interface on a fleet of two machines: its page, and what the page does not show."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fleet import jobs, sshd
from tests.fleet.conftest import skip_or_fail
from tests.fleet.machines import Machines
from tests.mission import examples


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    skip_or_fail(sshd.missing())
    made = examples.make_fleet(tmp_path_factory.mktemp("jobs") / "fleet", requeue_delay=1, requeue_exit="99")
    try:
        yield made
    finally:
        made.close()


def test_the_page_does_what_it_says(fleet: Machines) -> None:
    assert examples.follow(fleet, "jobs", fleet.work / "page") == 10


PROGRAM = """\
import time

from mini_slurm.api.jobs import *

manager = JobManager()
small = ResourceRequirements(memory_gb=1, time_hours=1 / 60)
"""


def run(fleet: Machines, text: str, **scripts: str) -> list[str]:
    """The lines that a program prints which has a manager and a small request."""
    for name, body in scripts.items():
        jobs.script(fleet, body, f"{name}.sh")
    done = fleet.run("python3", "-c", PROGRAM + text)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.splitlines()


def test_a_job_is_looked_at_waited_for_and_cancelled(fleet: Machines) -> None:
    lines = run(
        fleet,
        """
job = manager.submit("gate.sh", "gate", small)
try:
    manager.wait(job, timeout=0.2)
except TimeoutError as error:
    print(type(error).__name__)
while manager.status(job) is JobStatus.PENDING:
    time.sleep(0.02)
print(manager.cancel(job), manager.wait(job).name, manager.cancel(job))
print(manager.status("999").name, manager.status("no number").name, manager.cancel("999"))
info = manager.get_info(job)
print(info.name, info.status.name, info.partition, info.nodes, info.submit_time <= info.end_time)
""",
        gate="while true; do sleep 1; done\n",
    )
    assert lines[0] == "WaitTimeout"
    assert lines[1:3] == ["True CANCELLED False", "UNKNOWN UNKNOWN False"]
    assert lines[3] in ("gate CANCELLED compute ['node1'] True", "gate CANCELLED compute ['node2'] True")


def test_each_end_has_its_status(fleet: Machines) -> None:
    text = """
ids = [manager.submit(f"{name}.sh", name, small) for name in ("good", "bad")]
ids.append(manager.submit("good.sh", "after", small, dependencies=[ids[0]]))
print([status.name for status in manager.wait_all([*ids, "999"]).values()])
print([manager.get_info(job).exit_code for job in ids])
"""
    assert run(fleet, text, good="exit 0\n", bad="exit 7\n") == [
        "['COMPLETED', 'FAILED', 'COMPLETED', 'UNKNOWN']",
        "[0, 7, 0]",
    ]


def test_a_job_that_is_warned_of_its_limit_runs_again_and_is_told_so(fleet: Machines) -> None:
    text = """
job = manager.submit("warned.sh", "warned", small, checkpoint=Checkpoint(warn_seconds=59), output="warned.txt")
print(manager.wait(job).name, manager.get_info(job).restarts)
"""
    body = '[ "$SLURM_RESTART_COUNT" ] && echo again $SLURM_RESTART_COUNT && exit\necho first\n'
    assert run(fleet, text, warned=body + "while true; do sleep 0.1; done\n") == ["COMPLETED 1"]
    assert (fleet.work / "warned.txt").read_text() == "first\nagain 1\n"


def test_the_fleets_exit_codes_have_jobs_run_again(fleet: Machines) -> None:
    text = 'job = manager.submit("again.sh", "again", small)\nprint(job, manager.wait(job).name)'
    [line] = run(fleet, text, again="exit $((99 * (1 - ${SLURM_RESTART_COUNT:-0})))\n")
    number, state = line.split()
    runs = fleet.run("msacct", "-D", "-X", "-n", "-P", "-j", number, "-o", "State,ExitCode").stdout.split()
    assert (state, runs) == ("COMPLETED", ["REQUEUED|99:0", "COMPLETED|0:0"])
    shown = fleet.run("mscontrol", "show", "config").stdout
    assert "RequeueExit             = 99\n" in shown


def test_an_option_of_the_fleet_is_refused_under_slurms_name_and_elsewhere(fleet: Machines) -> None:
    done = fleet.run("msbatch", "--retries=x", "--wrap", "true")
    assert (done.returncode, done.stderr.splitlines()[0]) == (255, "msbatch: error: Invalid --retries specification")
    assert fleet.run("mini-slurm", "shims", str(fleet.folder / "shims")).returncode == 0
    done = fleet.run(str(fleet.folder / "shims" / "sbatch"), "--retries=3", "--wrap", "true")
    assert done.returncode != 0 and "unrecognized option '--retries=3'" in done.stderr
