"""dask-jobqueue: jobs that are workers, and a step that is a whole cluster."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.environments import HERE
from tests.clients.lab import Lab, findings


@pytest.fixture(scope="module")
def found(lab: Lab) -> dict[str, Any]:
    return lab.program("dask_jobqueue", "work.py")


def test_workers_compute(found):
    assert found["values"] == [number * number for number in range(20)]
    assert found["failure"] == ["error", "no such luck"]


def test_workers_are_jobs_with_logs_of_their_own(found):
    assert found["numbers"] == 2
    assert {f"dask-worker-{job}.err" for job in found["jobs"]} <= set(found["logs"])


def test_a_cancelled_job_is_replaced_and_its_work_done_elsewhere(found):
    assert found["kept"]
    assert found["sum"] == 285


def test_a_step_is_a_cluster(lab: Lab):
    done = lab.run("dask_jobqueue", "srun", "-n", "4", "python", str(HERE / "dask_jobqueue" / "runner.py"))
    assert findings(done) == [2, 6]
