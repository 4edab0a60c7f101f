"""Jobs that run again by themselves, in virtual time: exit codes, the time limit, retries."""

from __future__ import annotations

import json
from itertools import pairwise

from mini_slurm.model.resources import Resources
from mini_slurm.model.states import told, written
from tests.simulation.harness import Simulation, fleet_of

ONE = {"node1": Resources(cpus=1, memory=1000)}


def submitted(
    exit_code: int = 0, run_time: float = 10.0, extra: object = None, **more: object
) -> tuple[Simulation, int]:
    settings = {key: more.pop(key) for key in ("requeue_exit", "requeue_exit_hold") if key in more}
    sim = Simulation(fleet_of(ONE, **settings))
    return sim, sim.submit(run_time, exit_code, extra=json.dumps(extra or {}), **more)


def ends(sim: Simulation) -> list[tuple[str, float | None, float | None]]:
    """State, start and end of each run before the last."""
    return [(run.state.name, run.start_time, run.end_time) for run in sim.cluster.runs]


def test_a_job_with_a_code_of_the_fleets_runs_again_two_minutes_later_even_if_it_said_not_to() -> None:
    sim, job = submitted(85, requeue_exit="80-85", requeue=0)
    sim.run(until=15)
    found = sim.job(job)
    assert (sim.state(job), found.reason, found.restarts, found.begin_time) == ("PENDING", "BeginTime", 1, 131.0)
    sim.exit_codes[job] = 0
    sim.run(until=200)
    assert (sim.state(job), found.start_time, found.attempt) == ("COMPLETED", 131.0, 2)
    assert ends(sim) == [("REQUEUED", 0.0, 10.0)]


def test_another_code_is_the_end() -> None:
    sim, job = submitted(84, requeue_exit="85", extra={"requeue-exit": "86,limit"}, signal="B:USR1@60", time_limit=600)
    sim.run(until=15)
    assert (sim.state(job), ends(sim)) == ("FAILED", [])


def test_a_job_may_have_codes_and_a_pause_of_its_own() -> None:
    sim, job = submitted(85, extra={"requeue-exit": "85@5"})
    sim.run(until=44)
    assert ends(sim) == [("REQUEUED", 0.0, 10.0), ("REQUEUED", 15.0, 25.0), ("REQUEUED", 30.0, 40.0)]
    sim.exit_codes[job] = 0
    sim.run(until=100)
    assert (sim.state(job), sim.job(job).restarts) == ("COMPLETED", 3)


def test_without_a_pause_it_runs_again_at_once() -> None:
    sim, job = submitted(85, extra={"requeue-exit": "85@0"})
    sim.run(until=15)
    assert (sim.state(job), sim.job(job).start_time) == ("RUNNING", 10.0)


def test_a_job_that_is_over_at_once_again_and_again_is_slowed_down() -> None:
    sim, job = submitted(85, 1.0, {"requeue-exit": "85@0"})
    sim.run(until=20_000)
    starts = [start or 0.0 for _, start, _ in ends(sim)]
    pauses = [after - before - 1.0 for before, after in pairwise(starts)]
    assert pauses[:6] == [0, 0, 0, 1, 2, 4]
    assert max(pauses) == 3600 and sim.job(job).restarts <= 20


def test_a_job_that_works_is_not_slowed_down() -> None:
    sim, job = submitted(85, 60.0, {"requeue-exit": "85@0"})
    sim.run(until=1000)
    assert (sim.job(job).restarts, sim.job(job).start_time) == (16, 960.0)


def test_a_code_may_hold_the_job_until_it_is_released() -> None:
    sim, job = submitted(90, requeue_exit_hold="90")
    sim.run(until=1000)
    assert (sim.state(job), told(sim.job(job).reason)) == ("PENDING", "JobHeldUser")
    assert written(sim.job(job).state, sim.job(job).reason, 0) == ("SPECIAL_EXIT", "SE")
    sim.exit_codes[job] = 0
    assert sim.update(job, Priority=None) == ""
    sim.run(until=1100)
    assert (sim.state(job), sim.job(job).restarts) == ("COMPLETED", 1)


def test_a_job_that_ends_after_its_warning_runs_again() -> None:
    sim, job = submitted(1, 590, {"requeue-exit": "limit@0"}, signal="B:USR1@60", time_limit=600)
    sim.run(until=595)
    assert (sim.state(job), ends(sim)) == ("RUNNING", [("REQUEUED", 0.0, 590.0)])


def test_one_that_fails_before_its_warning_does_not() -> None:
    sim, job = submitted(1, 530, {"requeue-exit": "limit@0"}, signal="B:USR1@60", time_limit=600)
    sim.run(until=595)
    assert (sim.state(job), ends(sim)) == ("FAILED", [])


def test_one_that_is_done_after_its_warning_does_not() -> None:
    sim, job = submitted(0, 590, {"requeue-exit": "limit@0"}, signal="B:USR1@60", time_limit=600)
    sim.run(until=595)
    assert (sim.state(job), ends(sim)) == ("COMPLETED", [])


def test_a_job_that_reaches_its_limit_runs_again() -> None:
    sim, job = submitted(0, 700, {"requeue-exit": "limit@0"}, time_limit=600)
    sim.run(until=650)
    assert (sim.state(job), [state for state, *_ in ends(sim)]) == ("RUNNING", ["REQUEUED"])


def test_retries_end_and_their_pauses_double() -> None:
    sim, job = submitted(1, extra={"retries": "3@20"})
    sim.run(until=1000)
    assert [start for _, start, _ in ends(sim)] == [0.0, 30.0, 80.0]
    assert (sim.state(job), sim.job(job).start_time, sim.job(job).restarts) == ("FAILED", 170.0, 3)


def test_a_retry_that_succeeds_is_the_last() -> None:
    sim, job = submitted(1, extra={"retries": "3@20"})
    sim.run(until=20)
    sim.exit_codes[job] = 0
    sim.run(until=1000)
    assert (sim.state(job), len(ends(sim))) == ("COMPLETED", 1)


def test_a_job_that_is_cancelled_does_not_run_again() -> None:
    sim, job = submitted(0, 100, {"requeue-exit": "0-255,limit@0", "retries": "9@0"})
    sim.run(until=10)
    sim.cancel(job)
    sim.run(until=200)
    assert (sim.state(job), ends(sim)) == ("CANCELLED", [])


def test_a_job_that_waits_to_run_again_can_be_cancelled() -> None:
    sim, job = submitted(85, extra={"requeue-exit": "85"})
    sim.run(until=20)
    sim.cancel(job)
    sim.run(until=300)
    assert (sim.state(job), len(ends(sim))) == ("CANCELLED", 1)


def test_tasks_of_an_array_run_again_one_by_one() -> None:
    sim, _ = submitted(85, array_tasks="1-2", array_size=2, extra={"requeue-exit": "85@5"})
    sim.run(until=22)
    assert [(run.array_task_id, run.state.name) for run in sim.cluster.runs] == [(1, "REQUEUED"), (2, "REQUEUED")]


def test_what_follows_a_job_waits_for_the_run_that_counts() -> None:
    sim, first = submitted(85, extra={"requeue-exit": "85@5"})
    second = sim.submit(dependency=f"afterok:{first}(unfulfilled)")
    sim.run(until=12)
    assert sim.state(second) == "PENDING"
    sim.exit_codes[first] = 0
    sim.run(until=100)
    assert (sim.state(first), sim.state(second)) == ("COMPLETED", "COMPLETED")
