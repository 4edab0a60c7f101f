"""simple_slurm: scripts on standard input, the queue, cancelling, srun."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.clients.lab import Lab

COMPLETED = ["COMPLETED", "0:0"]


@pytest.fixture(scope="module")
def found(lab: Lab) -> dict[str, Any]:
    return lab.program("simple_slurm", "work.py")


def test_scripts_run_with_their_options(found):
    assert found["value"] == found["parsable"] == [COMPLETED]
    assert found["texts"]["value"] == "value 2 42\n"


def test_an_array_runs_each_task(found):
    assert found["array"] == [COMPLETED] * 3
    assert found["tasks"] == ["3", "5", "7"]


def test_dependencies_are_honoured(found):
    assert found["after"] == found["otherwise"] == [COMPLETED]
    assert found["texts"]["after"] == "value 2 42\n"
    assert found["never"] == [["CANCELLED", "0:0"]]


def test_ends_are_told_apart(found):
    assert found["failing"] == [["FAILED", "3:0"]]
    assert found["held"] == [[f"CANCELLED by {os.getuid()}", "0:0"]]
    assert found["signalled"] == [["FAILED", "15:0"]]


def test_the_queue_is_read_into_rows(found):
    held, running = found["queue"]
    assert found["named"]
    assert held.pop("JOBID").isdigit() and held == {
        **{"NAME": "held", "ST": "PD", "TIME": "0:00", "TIME_LEFT": "5:00", "NODES": "1", "CPUS": "1"},
        **{"MIN_MEMORY": "100M", "TRES_PER_NODE": "N/A", "NODELIST(REASON)": "(JobHeldUser)"},
    }
    assert (running["ST"], running["NODELIST(REASON)"][:4]) == ("R", "node")


def test_a_requeued_job_runs_again(found):
    assert found["requeued"] == [COMPLETED]
    assert found["restarts"] == ["", "1", ""]


def test_srun_runs_tasks_on_two_nodes(found):
    assert (found["srun"], found["hosts"]) == (0, 2)
