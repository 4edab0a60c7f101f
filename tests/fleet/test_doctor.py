"""`mini-slurm doctor` on machines of which some are ill."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fleet import sshd
from tests.fleet.conftest import skip_or_fail
from tests.fleet.machines import Machines

PATIENCE = "4"  # seconds


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """well; one whose login prints; one that hangs; one that is down; one whose Python is a stranger."""
    skip_or_fail(sshd.missing())
    fleet = Machines(tmp_path_factory.mktemp("doctor") / "fleet")
    try:
        for name in ("well", "loud", "stuck", "down", "old"):
            fleet.add(name)
        (fleet.machines["loud"].home / ".bashrc").write_text(
            "echo Welcome to the machine; chmod 755 $MINI_SLURM_SPOOL\n"
        )
        fleet.machines["loud"].spool.mkdir()
        (fleet.machines["stuck"].home / ".bashrc").write_text("while read -r line; do :; done\n")
        fleet.machines["down"].kill()
        python = fleet.machines["old"].bin / "python3"
        python.write_text("#!/bin/sh\necho 'python3: cannot find itself' >&2\nexit 3\n")
        python.chmod(0o755)
        yield fleet
    finally:
        fleet.close()


@pytest.fixture(scope="module")
def answer(fleet: Machines) -> subprocess.CompletedProcess[str]:
    return fleet.run("mini-slurm", "doctor", "--json", "--timeout", PATIENCE)


@pytest.fixture(scope="module")
def findings(answer: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert answer.stderr == ""
    found: list[dict[str, Any]] = json.loads(answer.stdout)["findings"]
    return found


def errors(findings: list[dict[str, Any]], where: str) -> list[tuple[str, str]]:
    return [(one["text"], one["fix"]) for one in findings if (one["where"], one["level"]) == (where, "error")]


def test_what_does_not_work_makes_the_exit_status(answer: subprocess.CompletedProcess[str]) -> None:
    assert answer.returncode == 1


def test_a_machine_that_is_well_has_no_error(findings: list[dict[str, Any]]) -> None:
    assert errors(findings, "well") == []
    texts = [one["text"] for one in findings if one["where"] == "well"]
    assert "its clock agrees with the login node's" in texts
    assert "files of the login node's home are seen there" in texts


def test_a_machine_that_is_down_is_told_with_what_to_do(fleet: Machines, findings: list[dict[str, Any]]) -> None:
    port = fleet.machines["down"].port
    hint = "is the port right, and does sshd run there?"
    assert errors(findings, "down") == [(f"connection refused by 127.0.0.1 port {port}", hint)]


def test_a_login_that_hangs_costs_its_time_out_only(findings: list[dict[str, Any]]) -> None:
    assert [text for text, _ in errors(findings, "stuck")] == [f"no answer within {PATIENCE} seconds"]


def test_a_python_that_does_not_start_is_told_in_its_words(findings: list[dict[str, Any]]) -> None:
    ((text, fix),) = errors(findings, "old")
    assert "python3: cannot find itself" in text
    assert fix


def test_what_a_login_prints_and_an_open_spool_are_found(findings: list[dict[str, Any]]) -> None:
    loud = [one["text"] for one in findings if one["where"] == "loud" and one["level"] != "ok"]
    assert any("its login prints 23 bytes" in text for text in loud)
    assert any("open to others" in text for text in loud)


def test_machines_whose_names_are_not_known_are_found(findings: list[dict[str, Any]]) -> None:
    (network,) = [one for one in findings if one["check"] == "network" and "looked up" in one["text"]]
    assert network["text"].startswith("loud,well cannot be looked up on ")
    assert 'node_names = "address"' in network["fix"]


def test_people_get_a_table_and_a_machine_that_is_well_the_status_0(fleet: Machines) -> None:
    done = fleet.run("mini-slurm", "doctor", "well")
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 errors, " in done.stdout.splitlines()[-1]


def test_nothing_is_left_at_home(fleet: Machines, answer: subprocess.CompletedProcess[str]) -> None:
    assert not list(fleet.home.glob(".mini_slurm-doctor-*"))


def test_a_fleet_file_that_cannot_be_read_is_a_finding(fleet: Machines) -> None:
    wrong = fleet.folder / "wrong.toml"
    wrong.write_text('[machines.node1]\nprot = 2\n\n[partitions.main]\nmachines = "node1"\n')
    done = fleet.run("mini-slurm", "--fleet", str(wrong), "doctor", "--json")
    assert done.returncode == 1
    (found,) = json.loads(done.stdout)["findings"]
    assert (found["level"], found["check"]) == ("error", "fleet file")
    assert "did you mean port?" in found["text"]
