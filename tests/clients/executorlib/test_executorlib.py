"""executorlib: functions as jobs, with pysqa, and as steps in a job."""

from __future__ import annotations

import json

from tests.clients.environments import HERE
from tests.clients.lab import Lab

PROGRAM = HERE / "executorlib" / "work.py"


def test_functions_are_jobs_that_wait_for_each_other(lab: Lab):
    assert lab.program("executorlib", "work.py") == {"first": 3, "second": 7}


def test_functions_are_steps_of_a_job(lab: Lab):
    wrapped = f"python {PROGRAM} steps"
    done = lab.run("executorlib", "sbatch", "--wait", "-n", "4", "-o", "steps.txt", "--wrap", wrapped)
    folder = lab.folder("executorlib")
    assert done.returncode == 0, (folder / "steps.txt").read_text()
    found = json.loads((folder / "steps.json").read_text())
    assert found == {"jobs": True, "values": ["0", "1", "4", "9"], "error": "ValueError('no such luck')"}
