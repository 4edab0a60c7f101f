"""A week of endless work: what users get is their shares."""

from __future__ import annotations

import pytest

from mini_slurm.model.fleet import Association, Weights
from mini_slurm.model.resources import Resources
from tests.simulation.harness import Simulation, fleet_of

HOUR = 3600
SHARES = {"ann": 1, "ben": 2, "eve": 4}
LENGTHS = {"ann": 2 * HOUR, "ben": HOUR, "eve": 3 * HOUR}
WAITING = 12  # jobs of each user


def week(accounts: dict[str, dict[str, Association]], whole: dict[str, Association], days: int = 7) -> dict[str, float]:
    """CPU hours by user on eight CPUs for which each of them always has more work than there is room."""
    machines = {f"node{number}": Resources(cpus=4, memory=4000) for number in (1, 2)}
    fleet = fleet_of(machines, accounts=accounts, whole_accounts=whole, priority=Weights(0, 1000, 0, 0, 0))
    sim = Simulation(fleet)
    account_of = {user: account for account, users in accounts.items() for user in users}
    for hour in range(24 * days):
        for user, length in LENGTHS.items():
            waiting = sum(job.user == user and job.state.name == "PENDING" for job in sim.cluster.jobs.values())
            for _ in range(WAITING - waiting):
                sim.submit(length, user=user, account=account_of[user], time_limit=length)
        sim.run(until=(hour + 1) * HOUR)
    hours = dict.fromkeys(SHARES, 0.0)
    for job in sim.done.values():
        hours[job.user] += (job.end_time - job.start_time) * job.alloc_cpus / HOUR
    return hours


@pytest.mark.parametrize(
    ("accounts", "whole"),
    [
        ({"lab": {user: Association(shares=count) for user, count in SHARES.items()}}, {}),
        (
            {user: {user: Association()} for user in SHARES},
            {user: Association(shares=count) for user, count in SHARES.items()},
        ),
    ],
    ids=["users of one account", "accounts of one user each"],
)
def test_after_a_week_of_endless_work_hours_are_within_five_percent_of_the_shares(accounts, whole):
    hours = week(accounts, whole)
    assert sum(hours.values()) > 0.95 * 8 * 24 * 7
    for user, count in SHARES.items():
        assert hours[user] == pytest.approx(sum(hours.values()) * count / 7, rel=0.05)
