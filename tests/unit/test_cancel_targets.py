"""How scancel names what it means."""

from __future__ import annotations

import pytest

from mini_slurm.cli.cancel_targets import Target, _records
from mini_slurm.model.job import Job


def array(tasks: str | None, task: int | None = None) -> Target:
    job = Job(job_id=4, array_job_id=4, array_tasks=tasks, array_task_id=task)
    return Target(job, array=True)


@pytest.mark.parametrize(("target", "name"), [(array("1-6"), "4_[1-6]"), (array(None, 1), "4")])
def test_an_array_that_is_looked_up_is_named_by_the_tasks_that_wait(target: Target, name: str) -> None:
    assert target.shown == "4"  # as the user called it
    assert [one.shown for one in _records([target])] == [name]
