"""The controller sleeps no longer than until something is to be told."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from mini_slurm.controller.loop import Loop
from mini_slurm.model.fleet import Fleet
from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.cluster import make_cluster
from mini_slurm.store import database


def test_it_wakes_when_a_share_of_a_time_limit_is_reached_of_which_somebody_wants_to_hear(tmp_path: Path) -> None:
    db = database.open_database(str(tmp_path))
    job = Job(job_id=1, name="x", user="alice", state=JobState.RUNNING, submit_time=0.0, start_time=time.time() - 29.9)
    job.time_limit, job.node, job.extra = 60, "node1", '{"mail-type": "TIME_LIMIT_50"}'
    cluster = make_cluster(Fleet("test", "", {}, {}), "state", [job], {})
    loop, begun = Loop(db, cluster, time.time), time.monotonic()
    asyncio.run(loop.sleep())
    assert time.monotonic() - begun < 5.0  # else it is ten seconds
    job.extra = ""
    assert Loop(db, cluster, time.time).notices.next_moment(time.time()) is None
