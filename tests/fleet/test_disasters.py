"""The whole of it on a very bad day: power, networks, disks and processes fail at random, several at a time."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.fleet import chaos, disasters, jobs
from tests.fleet.chaos import Run, Wish
from tests.fleet.disasters import Disasters
from tests.fleet.machines import Testbed
from tests.waiting import wait_until

LOST = "lost"  # the mark of a job whose output found no room on its machine
TROUBLED = float(os.environ.get("CHAOS_SECONDS") or 6)  # seconds of faults
TASKS = int(2 * TROUBLED)


def live_through(fleet: Testbed, seed: int, outputs: Path) -> dict[int, Wish]:
    """Submit everything while things go wrong; when all is well again, wait until every job is over."""
    dice = random.Random(seed)
    wishes = chaos.random_wishes(dice, TASKS)
    trouble, end = Disasters(fleet, dice, (fleet.state, outputs)), time.monotonic() + TROUBLED
    submitted: dict[int, Wish] = {}

    def nothing_left() -> bool:
        trouble.tick() if time.monotonic() < end else trouble.over()
        if wishes:
            number = disasters.submit(fleet, wishes[-1], outputs)
            if number is not None:
                submitted[number] = wishes.pop()
        done = fleet.run("msqueue", "-h")  # also what starts a controller after one was killed
        if done.returncode:
            disasters.check_refusal(done)
        return not (wishes or done.stdout or done.returncode) and time.monotonic() >= end

    try:
        wait_until(nothing_left, f"all jobs to be over, with seed {seed}", seconds=TROUBLED + 120, logs=fleet.logs)
    finally:
        trouble.over()
        print(f"seed {seed}: {dict(trouble.happened)}")
    return submitted


def check(fleet: Testbed, runs: list[Run], outputs: Path) -> None:
    """No job is lost or ran twice without a reason for that, and what it wrote is whole."""
    found = {job.display_id: job for job in jobs.all_jobs(fleet).values()}
    assert sorted(found) == sorted(run.key for run in runs)
    for run in runs:
        job, words = found[run.key], [mark.word for mark in run.marks if mark.word != LOST]
        told = run.key, job.state.name, job.exit_code, job.exit_signal, job.restarts, words
        assert (job.state.name, job.exit_code) == ("FAILED" if run.wish.code else "COMPLETED", run.wish.code), told
        assert words[-2:] == ["start", "end"] and words.count("start") <= job.restarts + 1, told
    whole = [run for run in runs if not any(mark.word == LOST for mark in run.marks)]
    files = {name: text for run in whole for name, text in chaos.expected_output(run).items()}
    wrong = {name: chaos.difference(jobs.text(outputs / name), text) for name, text in files.items()}
    assert not {name: difference for name, difference in wrong.items() if difference}


def test_nothing_is_lost_or_left_behind_on_the_worst_of_days(testbed: Callable[..., Testbed]) -> None:
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(1_000_000))
    fleet = testbed(**chaos.tables())
    fleet.variables["MINI_SLURM_SSH_KEEPALIVE"] = "1"
    marks, outputs = fleet.shared / "marks", fleet.shared / "outputs"
    marks.mkdir()
    jobs.script(fleet, disasters.inside(str(marks)))
    with ExitStack() as disks:
        for folder in (fleet.state, outputs):
            disks.enter_context(disasters.own_disk(folder))
        submitted = live_through(fleet, seed, outputs)
        check(fleet, chaos.read_runs(fleet, submitted), outputs)
        fleet.end_controllers()
