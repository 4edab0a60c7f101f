"""A modelled day: no reservation is delayed by who was let through before it, and nobody starves."""

from benchmarks.policies import MACHINES, Replay, slowdown, textbook
from benchmarks.workload import day


def test_reservations_are_kept_and_nobody_starves():
    jobs = day(MACHINES, 0.9, seed=5)[:400]
    replay = Replay(jobs)
    replay.run()
    assert len(replay.starts) == len(jobs)
    assert replay.promised
    assert replay.broken == 0
    assert slowdown(jobs, replay.starts) <= 1.2 * slowdown(jobs, textbook(jobs, backfill=True))
