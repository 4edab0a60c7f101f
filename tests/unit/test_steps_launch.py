"""steps/launch.py and agent/launch.py: what the tasks of a step are told, in an allocation and in one of their own."""

from __future__ import annotations

import os

import pytest

from mini_slurm.agent import launch as agents
from mini_slurm.steps import launch

ENVIRONMENT = {"SLURM_JOB_CPUS_PER_NODE": "2", "HOME": "/h"}
COMMON = {"SLURM_DISTRIBUTION": "cyclic", "SLURM_NTASKS": "1"}
NICE = str(os.getpriority(os.PRIO_PROCESS, 0))
LAYOUT, CPUS = "SLURM_DISTRIBUTION", "SLURM_JOB_CPUS_PER_NODE_PACK_GROUP_0"


def told(*, alone: bool, environment: dict[str, str] = ENVIRONMENT, **given: str) -> dict[str, str]:
    plan = launch.read("srun", {"input": "none", **given}, ["true"], environment, [])
    fields = [field.encode() if isinstance(field, str) else field for field in plan.fields]
    wanted = agents.read([b"launch", b"token", b"", b"1", *fields, b""])
    wanted.request.alone = alone
    return agents._variables(wanted, dict(COMMON))


@pytest.mark.parametrize(
    ("alone", "given", "layout", "cpus"),
    [
        (False, {}, "cyclic", "2"),
        (True, {}, None, None),
        (True, {"mem": "100"}, "cyclic", None),
        (True, {"mem-per-cpu": "100"}, "cyclic", None),
        (True, {"distribution": "block"}, "cyclic", None),
    ],
)
def test_an_allocation_of_its_own_says_less(
    alone: bool, given: dict[str, str], layout: str | None, cpus: str | None
) -> None:
    found = told(alone=alone, **given)
    assert (found.get(LAYOUT), found.get(CPUS)) == (layout, cpus)


@pytest.mark.parametrize(("given", "level"), [({}, "3"), ({"quiet": ""}, "2"), ({"verbose": ""}, "4")])
def test_tasks_hear_of_srun_itself(given: dict[str, str], level: str) -> None:
    found = told(alone=True, **given)
    assert (found["SRUN_DEBUG"], found["SLURM_PRIO_PROCESS"], found["TMPDIR"]) == (level, NICE, "/tmp")
    assert told(alone=True, environment={"TMPDIR": "/scratch"})["TMPDIR"] == "/scratch"


def test_an_option_of_output_leaves_no_mark() -> None:
    assert "SLURM_UNBUFFEREDIO" not in told(alone=False, unbuffered="")
    assert told(alone=False, label="")["SLURM_LABELIO"] == "1"


def test_tasks_hear_what_their_step_was_asked_for() -> None:
    assert told(alone=False, **{"cpus-per-task": "2"})["SLURM_CPUS_PER_TASK"] == "2"
    assert told(alone=False, **{"job-name": "other"})["SLURM_JOB_NAME"] == "other"
    assert told(alone=False, distribution="plane=3")["SLURM_DIST_PLANESIZE"] == "3"
    of_job = {"SLURM_DIST_PLANESIZE": "2"}  # where the job said plane=2, its srun reads plane and the size apart
    assert told(alone=False, environment=of_job, distribution="plane")["SLURM_DIST_PLANESIZE"] == "2"
