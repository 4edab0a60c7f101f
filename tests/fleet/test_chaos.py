"""The whole of it at once: many jobs of all kinds, while controller, agents, connections and cables fail at random."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from tests.fleet import chaos, jobs
from tests.fleet.chaos import CPUS, GPUS, MEMORY, Mark, Run, Trouble, Wish
from tests.fleet.machines import Testbed
from tests.waiting import wait_until

TASKS = 200
TROUBLED = 40.0  # seconds of faults


def live_through(fleet: Testbed, seed: int) -> dict[int, Wish]:
    """Submit everything while things go wrong; when all is well again, wait until every job is over."""
    dice = random.Random(seed)
    wishes = chaos.random_wishes(dice, TASKS)
    trouble, end = Trouble(fleet, dice), time.monotonic() + TROUBLED
    submitted = {}
    for wish in wishes:
        submitted[chaos.submit(fleet, wish)] = wish
        trouble.tick()

    def nothing_left() -> bool:
        trouble.tick() if time.monotonic() < end else trouble.over()
        done = fleet.run("msqueue", "-h")  # also what starts a controller after one was killed
        assert done.returncode == 0, done.stderr
        return not done.stdout and time.monotonic() >= end

    try:
        wait_until(nothing_left, f"all jobs to be over, with seed {seed}", seconds=TROUBLED + 60, logs=fleet.logs)
    finally:
        trouble.over()
    print(f"seed {seed}: {dict(trouble.happened)}")
    assert len(trouble.happened) == 4
    return submitted


def check_ends(fleet: Testbed, runs: list[Run]) -> None:
    found = {job.display_id: job for job in jobs.all_jobs(fleet).values()}
    assert sorted(found) == sorted(run.key for run in runs)
    wrong = [
        (run.key, found[run.key].state.name, found[run.key].exit_code, found[run.key].exit_signal, run.wish.code)
        for run in runs
        if (found[run.key].state.name, found[run.key].exit_code, found[run.key].exit_signal, found[run.key].restarts)
        != ("FAILED" if run.wish.code else "COMPLETED", run.wish.code, 0, 0)
    ]
    assert not wrong


def check_ran_once(runs: list[Run]) -> None:
    assert not [run for run in runs if [mark.word for mark in run.marks] != ["start", "end"]]


def check_output(fleet: Testbed, runs: list[Run]) -> None:
    files = {name: text for run in runs for name, text in chaos.expected_output(run).items()}
    wrong = {name: chaos.difference(jobs.text(fleet.shared / name), text) for name, text in files.items()}
    assert not {name: difference for name, difference in wrong.items() if difference}


def check_places(runs: list[Run]) -> None:
    assert not [run for run in runs if run.node not in run.wish.places]
    given = {run.key: GPUS.get(run.node, 0) if run.wish.exclusive else run.wish.gpus for run in runs}
    assert not [run for run in runs if len(run.gpus) != given[run.key]]  # an exclusive job has all of its machine
    assert not [run for run in runs if run.marks[0].cpus != (CPUS[run.node] if run.wish.exclusive else run.wish.cpus)]


def check_machines(runs: list[Run]) -> None:
    uses: list[tuple[dict[str, int], Callable[[Run], int]]] = [
        (CPUS, lambda run: run.marks[0].cpus),
        (MEMORY, lambda run: run.wish.memory),
        (dict.fromkeys(CPUS, 0) | GPUS, lambda run: len(run.gpus)),
    ]
    for most, use in uses:
        assert not {name: peak for name, peak in chaos.peaks(runs, use).items() if peak > most[name]}
    together = [(one, two) for one, two in combinations(runs, 2) if chaos.overlaps(one, two)]
    assert not [(one, two) for one, two in together if one.gpus & two.gpus]
    assert not [(one, two) for one, two in together if one.wish.exclusive or two.wish.exclusive]


def ran(begin: float, cpus: int = 1, memory: int = 10, gpus: str = "", *, exclusive: bool = False) -> Run:
    """A job that ran for two seconds on the machine `vision`, which has 4 CPUs, 2000 MiB and 2 GPUs."""
    marks = [Mark(word, at, "vision", cpus, frozenset(gpus)) for word, at in (("start", begin), ("end", begin + 2))]
    return Run("1", replace(chaos.random_wish(random.Random(1)), memory=memory, exclusive=exclusive), marks)


@pytest.mark.parametrize(
    "wants",
    [{"cpus": 3}, {"memory": 1500}, {"gpus": "a"}, {"exclusive": True}],
    ids=lambda wants: next(iter(wants)),
)
def test_the_marks_tell_two_jobs_at_one_time_from_one_after_the_other(wants: dict[str, Any]) -> None:
    check_machines([ran(0, **wants), ran(2.5, **wants)])
    with pytest.raises(AssertionError):
        check_machines([ran(0, **wants), ran(1, **wants)])


def test_nothing_is_lost_run_twice_or_overbooked_whatever_fails(testbed: Callable[..., Testbed]) -> None:
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(1_000_000))
    fleet = testbed(**chaos.tables())
    fleet.variables["MINI_SLURM_SSH_KEEPALIVE"] = "1"
    (fleet.shared / "marks").mkdir()
    jobs.script(fleet, chaos.SCRIPT)
    submitted = live_through(fleet, seed)
    runs = chaos.read_runs(fleet, submitted)
    check_ends(fleet, runs)
    check_ran_once(runs)
    check_output(fleet, runs)
    check_places(runs)
    check_machines(runs)
