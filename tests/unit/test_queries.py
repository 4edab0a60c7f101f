"""store/queries.py and the commands' conditions, on a database in a temporary folder."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mini_slurm.cli import cancel_request, cancel_targets, listing
from mini_slurm.errors import StateError
from mini_slurm.model.job import Job
from mini_slurm.model.machine import Machine
from mini_slurm.model.states import AFTER_RESERVATION, SPECIAL_CODE, SPECIAL_EXIT, SPECIAL_HELD, JobState, told, written
from mini_slurm.model.step import Step
from mini_slurm.options import scancel
from mini_slurm.store import database, queries
from mini_slurm.store.queries import Where

NOW = 1_000_000.0
NOT_OVER = frozenset(state for state in JobState if not state.is_over)
JOBS = [
    Job(job_id=1, name="old", state=JobState.COMPLETED, end_time=NOW - 301),
    Job(job_id=2, name="fresh", state=JobState.FAILED, end_time=NOW - 299, uid=7),
    Job(job_id=3, name="runs", state=JobState.RUNNING, node="a", alloc_cpus=2, start_time=NOW - 10),
    Job(job_id=4, name="waits", uid=7),
    Job(job_id=5, name="arr", array_job_id=5, array_tasks="2-3"),
    Job(job_id=6, name="arr", array_job_id=5, array_task_id=1, state=JobState.RUNNING, node="a"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[str]:
    db = database.open_database(str(tmp_path))
    with database.transaction(db):
        database.save_jobs(db, JOBS)
        database.save_machine(db, Machine(name="a", state="UP", cpus=4))
    db.close()
    yield str(tmp_path)


@pytest.fixture
def db(folder: str) -> Iterator[sqlite3.Connection]:
    found = queries.open_to_read(folder)
    assert found is not None
    yield found
    found.close()


def numbers(db: sqlite3.Connection, where: Where) -> list[int]:
    return [job.job_id for job in queries.select_jobs(db, ["job_id"], where)]


def in_states(states: frozenset[JobState] | None) -> Where:
    where = Where()
    where.states(states, NOW)
    return where


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ({"PENDING"}, [4]),
        ({"SPECIAL_EXIT"}, [11, 14, 15]),
        ({"RESV_DEL_HOLD"}, [12]),
        ({"STOPPED", "FAILED"}, [2, 13]),
        ({"RUNNING"}, [3]),
        ({"REVOKED"}, []),
        (None, [2, 3, 4, 11, 12, 13, 14, 15]),
    ],
)
def test_squeue_tells_states_apart_that_are_one_elsewhere(
    tmp_path: Path, names: set[str] | None, found: list[int]
) -> None:
    special = [
        Job(job_id=11, reason=SPECIAL_EXIT),
        Job(job_id=12, reason=f"{AFTER_RESERVATION}deleted"),
        Job(job_id=13, state=JobState.RUNNING, node="a", stopped=1),
        Job(job_id=14, reason=SPECIAL_HELD),
        Job(job_id=15, reason=SPECIAL_CODE),
    ]
    db = database.open_database(str(tmp_path))
    with database.transaction(db):
        database.save_jobs(db, [*JOBS[:4], *special])
    where = Where()
    where.written(None if names is None else frozenset(names), NOW)
    jobs = queries.select_jobs(db, ["job_id", "reason", "stopped"], where)
    assert [job.job_id for job in jobs] == found
    assert names is None or {written(job.state, job.reason, job.stopped)[0] for job in jobs} <= names
    db.close()


def test_a_special_end_is_told_by_who_had_the_job_held() -> None:
    reasons = [told(one) for one in (SPECIAL_EXIT, SPECIAL_HELD, SPECIAL_CODE, "Priority")]
    assert reasons == ["job requeued in special exit state", "job requeued in held state", "JobHeldUser", "Priority"]


def test_without_a_database_there_is_nothing_and_nothing_is_made(tmp_path: Path) -> None:
    assert queries.open_to_read(str(tmp_path / "none")) is None
    assert queries.select_jobs(None, ["job_id"], Where()) == []
    assert queries.load_machines(None) == {}
    assert queries.get_setting(None, "fleet") is None
    assert not os.listdir(tmp_path)


def test_a_database_that_is_just_being_made_counts_as_none(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "state.sqlite3").close()
    (tmp_path / "state.sqlite3").touch()
    assert queries.open_to_read(str(tmp_path)) is None


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite3").write_bytes(b"x" * 4096)
    with pytest.raises(StateError, match=r"state\.sqlite3"):
        queries.open_to_read(str(tmp_path))


def test_steps_come_in_the_order_of_starting(tmp_path: Path) -> None:
    db = database.open_database(str(tmp_path))
    steps = [
        Step(job_id=2, attempt=1, number=0, name="b"),
        Step(job_id=1, attempt=2, number=1, name="c", state=JobState.FAILED, exit_code=3, end_time=NOW),
        Step(job_id=1, attempt=2, number=0, name="a", gpus="2"),
    ]
    with database.transaction(db):
        database.save_steps(db, steps)
    read = queries.select_steps(db, Where())
    assert [step.name for step in read] == ["a", "c", "b"]
    assert (read[1].state, read[1].exit_code, read[1].end_time) == (JobState.FAILED, 3, NOW)
    assert queries.select_steps(None, Where()) == []
    db.close()


def test_each_run_of_a_job_is_kept_apart(tmp_path: Path) -> None:
    db = database.open_database(str(tmp_path))
    with database.transaction(db):
        database.save_jobs(db, [Job(job_id=1, attempt=3, restarts=2)])
        database.save_runs(db, [Job(job_id=1, attempt=number, state=JobState.NODE_FAIL) for number in (1, 2)])
    runs = queries.select_jobs(db, ["attempt"], Where(), "run")
    assert [(run.attempt, run.state) for run in runs] == [(1, JobState.NODE_FAIL), (2, JobState.NODE_FAIL)]
    assert numbers(db, Where()) == [1]
    db.close()


def test_nothing_can_be_written_through_a_listing(db: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("DELETE FROM job")


def test_jobs_that_are_over_are_known_for_five_minutes(db: sqlite3.Connection) -> None:
    assert numbers(db, in_states(None)) == [2, 3, 4, 5, 6]
    assert numbers(db, in_states(NOT_OVER)) == [3, 4, 5, 6]
    assert numbers(db, in_states(frozenset({JobState.COMPLETED, JobState.FAILED}))) == [2]
    assert [queries.knows_job(db, number, NOW) for number in (1, 2, 5, 99)] == [False, True, True, False]


def test_an_arrays_number_means_all_of_its_records(db: sqlite3.Connection) -> None:
    where = Where()
    where.jobs([5, 3])
    assert numbers(db, where) == [3, 5, 6]


def test_conditions_all_have_to_hold(db: sqlite3.Connection) -> None:
    where = in_states(None)
    where.among("uid", [7])
    where.among("name", None)
    assert numbers(db, where) == [2, 4]
    where.among("name", [])
    assert numbers(db, where) == []


def test_only_what_is_asked_for_is_read(db: sqlite3.Connection) -> None:
    (job,) = queries.select_jobs(db, ["name"], Where("job_id = 3"))
    assert job.__dict__ == {"name": "runs", "state": JobState.RUNNING}


def test_unfinished_jobs_are_found_through_their_index(db: sqlite3.Connection) -> None:
    plan = db.execute(f"EXPLAIN QUERY PLAN SELECT job_id FROM job WHERE {in_states(NOT_OVER).sql}",
                      [state.name for state in NOT_OVER]).fetchall()  # fmt: skip
    assert "job_unfinished" in plan[0][3]


def test_holders_are_the_jobs_on_machines(db: sqlite3.Connection) -> None:
    assert [(job.node, job.alloc_cpus) for job in queries.holders(db)] == [("a", 2), ("a", 0)]


def test_machines_are_read_by_name(db: sqlite3.Connection) -> None:
    assert {name: machine.cpus for name, machine in queries.load_machines(db).items()} == {"a": 4}


def test_what_was_used_is_asked_of_what_is_over_and_counts_no_job_twice(folder: str) -> None:
    mine = {"user": "ann", "alloc_cpus": 1, "start_time": NOW - 100}
    db = database.open_database(folder)
    with database.transaction(db):
        database.save_jobs(
            db,
            [
                Job(job_id=7, state=JobState.COMPLETING, end_time=NOW - 1, **mine),
                Job(job_id=8, state=JobState.COMPLETED, end_time=NOW - 1, **mine),
                Job(job_id=9, state=JobState.COMPLETED, end_time=NOW - 60, **mine),
            ],
        )
    db.close()
    opened = queries.open_to_read(folder)
    assert opened is not None
    assert [job.job_id for job in queries.runs(opened, NOW - 50)] == [8]
    assert [job.job_id for job in queries.runs(opened)] == [3, 7, 8, 9]
    opened.close()


def cancelled(db: sqlite3.Connection, *arguments: str) -> list[str]:
    read = listing.read("scancel", list(arguments), scancel.OPTIONS, "mscancel")
    assert read is not None
    chosen, words = read
    found, _ = cancel_targets.targets("scancel", chosen, cancel_request.read_ids("scancel", words), db)
    return [target.shown for target in found]


def test_a_waiting_task_is_all_that_wait_where_jobs_are_looked_up(db: sqlite3.Connection) -> None:
    assert cancelled(db, "5_2") == ["5_2"]
    assert cancelled(db, "-f", "5_2") == ["5_2"]
    assert cancelled(db, "-t", "PD", "5_2") == ["5_[2-3]"]
    assert cancelled(db, "-s", "9", "5_2", "5_3") == ["5_[2-3]"]
    assert cancelled(db, "-n", "arr", "5_[1-2]") == ["5_[2-3]", "5_1"]
    assert cancelled(db, "-t", "R", "5_2") == []


def test_a_step_of_a_waiting_task_is_known(db: sqlite3.Connection, capsys: pytest.CaptureFixture[str]) -> None:
    assert cancelled(db, "5_2.0", "5_1.0") == ["5_[2-3].0", "5_1.0"]
    assert capsys.readouterr().err == ""
    assert cancelled(db, "5_9.0") == []
    assert "Invalid job id specified" in capsys.readouterr().err
