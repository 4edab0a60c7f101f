"""The database: contents kept once, steps that two processes may take at once, rows that come back as they went."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mini_slurm.errors import StateError
from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.model.step import Step
from mini_slurm.store import database
from mini_slurm.store.schema import STEPS

# two texts with the same CRC-32 and the same length
TWINS = (b"plumless", b"buckeroo")


def test_contents_of_the_same_sum_are_kept_apart(tmp_path: Path):
    db = database.open_database(str(tmp_path))
    numbers = [database.submit(db, Job(name="twin"), data, b"{}") for data in TWINS]
    jobs = database.load_jobs(db)
    assert [job.job_id for job in jobs] == numbers == [1, 2]
    assert [database.content(db, job.script) for job in jobs] == list(TWINS)


def test_a_content_is_kept_once(tmp_path: Path):
    db = database.open_database(str(tmp_path))
    for _ in range(3):
        database.submit(db, Job(), b"#!/bin/sh\n", b"{}")
    assert db.execute("SELECT count(*) FROM content").fetchone() == (2,)


def test_a_job_comes_back_as_it_was_stored(tmp_path: Path):
    db = database.open_database(str(tmp_path))
    database.submit(db, Job(name="n\u00e4me", state=JobState.PENDING, begin_time=1.5, comment=None), b"", b"")
    [job] = database.load_jobs(db)
    assert (job.name, job.state, job.begin_time, job.comment) == ("n\u00e4me", JobState.PENDING, 1.5, None)


def test_many_processes_may_make_the_database_at_once(tmp_path: Path):
    code = "import sys; from mini_slurm.store.database import open_database; open_database(sys.argv[1])"
    makers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(6)]
    assert [maker.wait(timeout=60) for maker in makers] == [0] * 6
    with sqlite3.connect(tmp_path / "state.sqlite3") as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
    db.close()


def test_who_was_suspended_before_others_could_have_his_cpus_lends_them(tmp_path: Path):
    db = database.open_database(str(tmp_path))
    numbers = [database.submit(db, Job(state=state), b"", b"") for state in (JobState.SUSPENDED, JobState.RUNNING)]
    (step,) = [step for step in STEPS if step.startswith("UPDATE job SET lent")]
    db.execute(step)
    lent = {job.job_id: job.lent for job in database.load_jobs(db)}
    assert [lent[number] for number in numbers] == [2, 0]


def test_steps_that_run_are_suspended_as_long_as_their_job(tmp_path: Path):
    db = database.open_database(str(tmp_path))
    job = Job(job_id=database.submit(db, Job(), b"", b""), state=JobState.RUNNING, attempt=1)
    running, over = Step(job_id=job.job_id, attempt=1, number=1), Step(job_id=job.job_id, attempt=1, number=0)
    over.end_time = 5.0
    database.save_steps(db, [running, over])
    for seconds in (10.0, 10.0, 15.0):  # in all
        job.suspended_seconds = seconds
        database.suspend_steps(db, [job])
        database.save_jobs(db, [job])
    database.save_steps(db, [Step(job_id=job.job_id, attempt=1, number=1, end_time=20.0)])  # news of its end
    found = db.execute("SELECT number, end_time, suspended_seconds FROM step ORDER BY number").fetchall()
    assert [tuple(row) for row in found] == [(0, 5.0, 0.0), (1, 20.0, 15.0)]


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path):
    db = database.open_database(str(tmp_path))
    db.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    db.close()
    with pytest.raises(StateError, match="newer"):
        database.open_database(str(tmp_path))


def test_nothing_is_stored_when_the_transaction_fails(tmp_path: Path):
    db = database.open_database(str(tmp_path))
    with pytest.raises(ZeroDivisionError), database.transaction(db):
        database.set_setting(db, "next_job_id", str(1 // 0))
    assert database.get_setting(db, "next_job_id") == "1"
