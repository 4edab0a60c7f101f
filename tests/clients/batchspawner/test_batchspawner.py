"""batchspawner: notebook servers of a real jupyterhub as jobs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.lab import Lab


@pytest.fixture(scope="module")
def found(lab_by_address: Lab) -> dict[str, Any]:
    return lab_by_address.program("batchspawner", "work.py", seconds=500)


def test_a_kernel_computes_in_a_step_of_the_job(found):
    assert found["value"]


def test_the_hub_reaches_the_server_by_the_nodes_name(found):
    assert found["state"] == "RUNNING"
    assert found["host"] in ("127.0.0.1", "127.0.0.2")


def test_the_jobs_limit_is_the_spawners(found):
    assert found["limit"]


def test_a_server_ends_with_its_job(found):
    """The program has waited until the hub saw that the second server's job was cancelled."""
    assert found["stopped"] == {}


def test_a_server_ends_at_the_limit_of_its_job(found):
    assert found["timed_out"] == "TIMEOUT"


def test_a_server_whose_job_fails_is_given_up(found):
    assert found["failed"]
