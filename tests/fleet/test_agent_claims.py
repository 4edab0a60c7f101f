"""What two agents that do not know each other hand out on one machine."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mini_slurm.protocol.messages import EndAttempt, Refused, Started, SuspendAttempt
from tests.fleet.agent_client import (
    OTHER,
    STATE,
    Client,
    agent_pid,
    attempt_of,
    end_everything,
    kill_and_wait,
    started,
    wanted,
)
from tests.waiting import wait_until

Connect = Callable[..., Client]


@pytest.fixture
def other(make_client: Connect, tmp_path: Path) -> Client:
    """A connection to a second agent of the machine: another spool, the same claims."""
    folder = tmp_path / "other"
    values = {"MINI_SLURM_SPOOL": str(folder), "MINI_SLURM_CLAIMS": str(tmp_path / "claims")}
    client = make_client(OTHER, environment=values)
    client.spool = folder
    return client


@pytest.fixture(autouse=True)
def _end_other(tmp_path: Path) -> object:
    yield
    end_everything(tmp_path / "other")


def hold(client: Client, name: str, **changes: object) -> Started:
    client.send(wanted(name, "sleep 1000", **changes))
    return client.wait(Started, name)


def test_two_agents_hand_out_no_cpu_twice(client: Client, other: Client) -> None:
    one = hold(client, attempt_of(1), cpus=3, total_cpus=4)
    two = hold(other, attempt_of(1, state=OTHER), cpus=1, total_cpus=4)
    assert sorted(one.cpu_ids + two.cpu_ids) == [0, 1, 2, 3]
    other.send(wanted(attempt_of(2, state=OTHER), "true", cpus=1, total_cpus=4))
    refused = other.wait(Refused, attempt_of(2, state=OTHER))
    assert refused.busy and "0 are free" in refused.why
    client.send(EndAttempt(attempt_of(1), 0))
    client.finish(attempt_of(1))
    assert hold(other, attempt_of(3, state=OTHER), cpus=3, total_cpus=4).cpu_ids == one.cpu_ids


def test_attempts_that_share_cpus_have_those_that_the_fewest_have(
    client: Client, other: Client, make_client: Connect
) -> None:
    """Also attempts of other agents, and after a crash of one; who shares nothing gets others."""
    first = hold(client, attempt_of(1), cpus=2, total_cpus=4, shares_cpus=True)
    second = hold(other, attempt_of(1, state=OTHER), cpus=3, total_cpus=4, shares_cpus=True)
    assert (first.cpu_ids, second.cpu_ids) == ([0, 1], [2, 3, 0])
    kill_and_wait(agent_pid(client.spool))
    again = make_client(STATE)
    assert hold(again, attempt_of(2), cpus=2, total_cpus=4, shares_cpus=True).cpu_ids == [1, 2]
    again.send(wanted(attempt_of(3), "true", cpus=1, total_cpus=4))
    assert again.wait(Refused, attempt_of(3)).busy
    assert hold(again, attempt_of(4), cpus=1, total_cpus=5).cpu_ids == [4]


def test_an_attempt_lends_its_cpus_and_has_them_back(client: Client, other: Client, make_client: Connect) -> None:
    """Whether or not the agent that claimed them still lives; memory stays claimed."""
    first = hold(client, attempt_of(1), cpus=3, total_cpus=4, memory=client.welcome.memory - 100)
    client.send(SuspendAttempt(attempt_of(1), resume=False, lends=True))
    assert hold(client, attempt_of(2), total_cpus=4).cpu_ids == [3]  # those that are lent come last
    second = hold(client, attempt_of(3), cpus=3, total_cpus=4)
    assert second.cpu_ids == first.cpu_ids
    other.send(wanted(attempt_of(1, state=OTHER), "true", memory=101, total_cpus=9))
    assert other.wait(Refused, attempt_of(1, state=OTHER)).busy
    client.send(EndAttempt(attempt_of(3), 0))
    client.finish(attempt_of(3))
    kill_and_wait(agent_pid(client.spool))
    again = make_client(STATE)
    again.send(SuspendAttempt(attempt_of(1), resume=True))
    again.send(wanted(attempt_of(4), "true", total_cpus=4))
    assert again.wait(Refused, attempt_of(4)).busy


def test_an_attempt_may_go_on_without_a_claim_on_its_cpus(client: Client) -> None:
    """Others have them, or will: what starts next is not refused. Its claim may have them back later."""
    first = hold(client, attempt_of(1), cpus=3, total_cpus=4)
    client.send(SuspendAttempt(attempt_of(1), resume=False, lends=True))
    client.send(SuspendAttempt(attempt_of(1), resume=True, lends=True))
    assert hold(client, attempt_of(2), total_cpus=4).cpu_ids == [3]
    second = hold(client, attempt_of(3), cpus=3, total_cpus=4)
    assert second.cpu_ids == first.cpu_ids
    client.send(EndAttempt(attempt_of(3), 0))
    client.finish(attempt_of(3))
    client.send(SuspendAttempt(attempt_of(1), resume=True))
    client.send(wanted(attempt_of(4), "true", total_cpus=4))
    assert client.wait(Refused, attempt_of(4)).busy


def test_memory_is_claimed_too(client: Client, other: Client) -> None:
    total = client.welcome.memory
    hold(client, attempt_of(1), memory=total - 100)
    other.send(wanted(attempt_of(1, state=OTHER), "true", memory=101))
    assert other.wait(Refused, attempt_of(1, state=OTHER)).busy
    other.send(wanted(attempt_of(2, state=OTHER), "true", memory=total + 1))
    assert not other.wait(Refused, attempt_of(2, state=OTHER)).busy
    assert other.run("echo fits", number=3, memory=100)[1] == "fits\n"
    assert other.run("echo so", number=4, memory=1000, total_memory=total + 2000)[1] == "so\n"


def test_more_cpus_than_there_are_can_never_be_had(client: Client) -> None:
    client.send(wanted(attempt_of(1), "true", cpus=5000, total_cpus=4))
    assert not client.wait(Refused, attempt_of(1)).busy


def test_a_claim_outlives_agent_and_stepd_apart(client: Client, other: Client, make_client: Connect) -> None:
    hold(client, attempt_of(1), cpus=4, total_cpus=4)
    kill_and_wait(agent_pid(client.spool))
    other.send(wanted(attempt_of(1, state=OTHER), "true", total_cpus=4))
    assert other.wait(Refused, attempt_of(1, state=OTHER)).busy
    again = make_client(STATE)
    kill_and_wait(started(client.spool, attempt_of(1))["stepd"])
    again.send(EndAttempt(attempt_of(1), 0))
    again.finish(attempt_of(1))
    assert hold(other, attempt_of(2, state=OTHER), cpus=4, total_cpus=4).cpu_ids == [0, 1, 2, 3]


def test_claims_of_the_dead_hold_nothing(client: Client, tmp_path: Path) -> None:
    client.run("true")
    dead = tmp_path / "claims" / f"{os.geteuid()}.s9.1.0"
    dead.write_text('{"cpus": [0, 1, 2, 3], "memory": 0, "gpus": []}')
    assert hold(client, attempt_of(2), cpus=4, total_cpus=4).cpu_ids == [0, 1, 2, 3]
    assert not dead.exists()


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"cpus": 3, "memory": "x", "gpus": null}'])
def test_what_is_no_claim_is_passed_over(client: Client, tmp_path: Path, text: str) -> None:
    client.run("true")
    with (tmp_path / "claims" / "12345.x").open("w") as file:
        file.write(text)
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        assert client.run("echo fine", number=2)[1] == "fine\n"


def test_a_fifo_among_the_claims_holds_nobody_up(client: Client, tmp_path: Path) -> None:
    client.run("true")
    os.mkfifo(tmp_path / "claims" / "12345.fifo")
    assert client.run("echo fine", number=2)[1] == "fine\n"


def test_a_link_in_the_place_of_the_claims_folder_is_refused(client: Client, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "claims").symlink_to("elsewhere")
    client.send(wanted(attempt_of(1), "true"))
    refused = client.wait(Refused, attempt_of(1))
    assert not refused.busy and "is a link" in refused.why


def test_a_claims_folder_that_is_not_sticky_is_refused(client: Client, tmp_path: Path) -> None:
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims").chmod(0o777)
    client.send(wanted(attempt_of(1), "true"))
    assert "chmod 1777" in client.wait(Refused, attempt_of(1)).why


def test_a_claims_folder_that_stays_locked_makes_the_machine_busy(client: Client, tmp_path: Path) -> None:
    client.run("true")
    place = os.open(tmp_path / "claims", os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        client.send(wanted(attempt_of(2), "true"))
        assert client.wait(Refused, attempt_of(2)).busy
    finally:
        os.close(place)
    assert client.run("echo free", number=3)[1] == "free\n"


def test_the_claims_folder_is_open_to_all_and_the_claims_to_their_owners(client: Client, tmp_path: Path) -> None:
    hold(client, attempt_of(1))
    assert (tmp_path / "claims").stat().st_mode & 0o7777 == 0o1777
    claim = wait_until(lambda: list((tmp_path / "claims").iterdir()), "a claim")[0]
    assert claim.stat().st_mode & 0o777 == 0o644
