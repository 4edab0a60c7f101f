"""Functions run by executorlib: as jobs, with pysqa, and as steps in a job; prints what came back."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from executorlib import SlurmClusterExecutor, SlurmJobExecutor

TEMPLATE = """#!/bin/bash
#SBATCH --output=time.out
#SBATCH --job-name={{job_name}}
#SBATCH --chdir={{working_directory}}
#SBATCH --get-user-env=L
#SBATCH --partition=main
{%- if dependency_list %}
#SBATCH --dependency=afterok:{{ dependency_list | join(',') }}
{%- endif %}
#SBATCH --ntasks={{cores}}

{{command}}
"""


def add(one: int, other: int) -> int:
    return one + other


def task(number: int) -> list[str]:
    import os

    return [os.environ["SLURM_JOB_ID"], os.environ["SLURM_STEP_ID"], str(number * number)]


def fail() -> None:
    raise ValueError("no such luck")


def as_jobs() -> dict[str, object]:
    """Each function a job of its own, which waits for those whose values it takes."""
    options = {"cores": 1, "submission_template": TEMPLATE}
    with SlurmClusterExecutor(resource_dict=options, cache_directory="cache") as executor:
        first = executor.submit(add, 1, 2)
        second = executor.submit(add, first, 4)
        return {"first": first.result(), "second": second.result()}


def as_steps() -> dict[str, object]:
    """Each function a step of the job that this runs in."""
    with SlurmJobExecutor(max_workers=2) as executor:
        futures = [executor.submit(task, number) for number in range(4)]
        found = [future.result() for future in futures]
        failing = executor.submit(fail)
        error = repr(failing.exception())
    jobs = {job for job, _, _ in found}
    return {"jobs": list(jobs) == [os.environ["SLURM_JOB_ID"]], "values": [row[2] for row in found], "error": error}


if __name__ == "__main__":
    if sys.argv[1:] == ["steps"]:
        Path("steps.json").write_text(json.dumps(as_steps()))
    else:
        print(json.dumps(as_jobs()))
