"""The recordings of a real Slurm: what agreed before still agrees. Only the quick ones."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.conformance import place
from tests.conformance.cases import agreed, load
from tests.conformance.player import Player
from tests.conformance.replay import describe
from tests.conformance.run import play
from tests.fleet.conftest import skip_or_fail

BEDS = 3  # they mostly wait, so there may be more than the machine has processors
TRIES = 4  # some answers are races
LIMIT = 120  # seconds for a case
QUICK = 1.2  # seconds: what takes longer is left to scripts/test-conformance


@pytest.fixture(scope="module")
def players() -> Iterator[list[Player]]:
    """Accounts and machines as on the cluster of the recordings."""
    skip_or_fail(place.missing())
    with place.players(BEDS, LIMIT) as players:
        yield list(players)


def test_what_agreed_before_still_agrees(players: list[Player]) -> None:
    before = agreed()
    quick = [case for case in load() if case["id"] in before and before[case["id"]].seconds <= QUICK]
    assert quick
    results = play(players, quick, tries=TRIES, expected={row.id: row.seconds for row in before.values()})
    again = [result.case for result in results if not result.agrees]
    # what others left behind, or took of the processors, is no fault of a case: it is lost if it disagrees alone, too
    for player in players:
        again = [result.case for result in play([player], again, tries=2) if not result.agrees]
    lost = [describe(result) for result in results if result.case in again]
    assert not lost, f"{len(lost)} of {len(results)} do not agree any more:\n" + "\n".join(lost)


def test_root_works_on_a_state_folder_as_its_owner(players: list[Player]) -> None:
    player = players[0]
    player.small("sbatch -H --wrap true", player.settings.user)
    own = player.small("squeue -h -o %u", player.settings.user)
    assert own == f"{player.settings.user}\n"
    assert player.small("squeue -h -o %u", "root") == own
    assert player.small(f"scancel -u {player.settings.user}; squeue -h", "root") == ""
    state = player.settings.environment["MINI_SLURM_STATE"]
    found = subprocess.run(["find", state, "!", "-user", player.settings.user], capture_output=True, text=True)
    assert found.stdout == ""
