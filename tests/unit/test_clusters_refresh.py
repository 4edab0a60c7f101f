"""How often a cluster is asked, however many jobs there are and commands that wait."""

from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mini_slurm.clusters import refresh
from mini_slurm.clusters.base import Answer, Call
from mini_slurm.clusters.pbs import Pbs
from mini_slurm.clusters.refresh import CALLS, SPAN, Refresh
from mini_slurm.clusters.slurm import Slurm
from mini_slurm.clusters.states import FORGET
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.foreign import ForeignJob
from mini_slurm.model.states import JobState
from mini_slurm.store import database, foreign
from mini_slurm.store.queries import Where
from tests.unit.test_clusters_slurm import ENTRY, QUEUE, job, queue

JOBS, COMMANDS = 1000, 40
ROW = next(line for line in QUEUE.replace("\\\n", "").splitlines() if line.startswith("7|"))
NO_ACCOUNTING = Answer(1, b"", b"Slurm accounting storage is disabled\n")


class Counting:
    """A Slurm whose jobs all run, or have all ended."""

    remote = False

    def __init__(self, state: str) -> None:
        rows = [
            ROW.replace("7|7|", f"{number}|{number}|", 1).replace("|FAILED|", f"|{state}|") for number in range(JOBS)
        ]
        self._answer = queue("\n".join(rows))
        self.moments: list[float] = []

    def run(self, call: Call) -> Answer:
        self.moments.append(time.time())
        return self._answer if call.words[0] == "squeue" else NO_ACCOUNTING


def fill(state: Path) -> None:
    db = database.open_database(str(state))
    with database.transaction(db):
        foreign.save(db, (job(number) for number in range(JOBS)))
    db.close()


def test_a_thousand_jobs_and_many_commands_cost_two_calls_in_five_seconds(tmp_path: Path) -> None:
    fill(tmp_path)
    slurm = Counting("RUNNING")
    end = time.monotonic() + SPAN + 2

    def wait() -> None:
        db = database.open_database(str(tmp_path))
        while time.monotonic() < end:
            Refresh(str(tmp_path), db, ENTRY.name, Slurm(ENTRY), slurm).run()
            time.sleep(0.05)
        db.close()

    with ThreadPoolExecutor(COMMANDS) as commands:
        for done in [commands.submit(wait) for _ in range(COMMANDS)]:
            done.result()
    assert slurm.moments
    assert all(later - first > SPAN for first, later in zip(slurm.moments, slurm.moments[CALLS:], strict=False))


def test_what_was_known_before_a_change_is_still_known(tmp_path: Path) -> None:
    fill(tmp_path)
    db, slurm = database.open_database(str(tmp_path)), Counting("RUNNING")
    before = time.time()
    Refresh(str(tmp_path), db, ENTRY.name, Slurm(ENTRY), slurm).run()
    foreign.outdate(db, ENTRY.name)
    assert before - 60 < foreign.contact(db, ENTRY.name).answered < before
    Refresh(str(tmp_path), db, ENTRY.name, Slurm(ENTRY), slurm).run()
    assert len(slurm.moments) == 2
    db.close()


class Meanwhile(Counting):
    """A Slurm whose jobs somebody cancels and renames while it is being asked for them."""

    def __init__(self, db: sqlite3.Connection) -> None:
        super().__init__("COMPLETING")
        self._db = db

    def run(self, call: Call) -> Answer:
        with database.transaction(self._db):
            self._db.execute("UPDATE foreign_job SET cancelled_by = 5, nice = 7")
        return super().run(call)


def test_what_a_command_notes_while_states_are_asked_for_is_kept(tmp_path: Path) -> None:
    fill(tmp_path)
    db = database.open_database(str(tmp_path))
    Refresh(str(tmp_path), db, ENTRY.name, Slurm(ENTRY), Meanwhile(db)).run()
    found = foreign.select(db, Where("ours"), ("cancelled_by", "nice"))
    assert {(job.state.name, job.cancelled_by, job.nice) for job in found} == {("COMPLETING", 5, 7)}
    db.close()


def test_ends_are_asked_for_although_states_are_asked_for_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    now = [time.time()]
    monkeypatch.setattr(refresh.time, "time", lambda: now[0])
    slurm = Counting("FAILED")
    db = database.open_database(str(tmp_path))
    contact = foreign.contact(db, ENTRY.name)
    contact.calls = [now[0] - 2.5]  # as whoever asks for states all the time leaves it
    foreign.save_contact(db, contact)
    for _ in range(5):
        Refresh(str(tmp_path), db, ENTRY.name, Slurm(ENTRY), slurm).run()
        now[0] += 2.55
    settled = foreign.select(db, Where("settled"), ("state",))
    assert len(settled) == JOBS
    assert {one.state for one in settled} == {JobState.FAILED}
    db.close()


class Hiding:
    """A PBS that has lost a submission, and knows jobs that have ended."""

    remote = False

    def __init__(self) -> None:
        self.asked: list[tuple[float, int]] = []  # when, how many questions

    def run(self, call: Call) -> Answer:
        self.asked.append((time.time(), call.asks))
        return Answer(0, b'{"notes": [], "code": 0, "out": "", "err": ""}' if b'"jobs"' in call.stdin else b"", b"")


def test_a_lost_submission_costs_no_question_beyond_two_in_five_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [time.time()]
    monkeypatch.setattr(refresh.time, "time", lambda: now[0])
    entry = ClusterEntry("far", "pbs")
    db, pbs = database.open_database(str(tmp_path)), Hiding()
    with database.transaction(db):
        foreign.save(db, [ForeignJob(cluster="far", foreign_id="7.s", job_id=7, tag="t7", state=JobState.RUNNING)])
        foreign.intend(db, ForeignJob(cluster="far", tag="lost", submit_time=now[0]))
    for _ in range(120):
        Refresh(str(tmp_path), db, "far", Pbs(entry), pbs).run()
        now[0] += 0.55
    asked = [moment for moment, count in pbs.asked for _ in range(count)]
    assert all(later - first > SPAN for first, later in zip(asked, asked[CALLS:], strict=False))
    (job,) = foreign.select(db, Where("ours"), ("missing",))
    assert job.missing is not None  # its end was asked for in between
    assert {count for _, count in pbs.asked} == {1, 2}
    db.close()


class Noted(Hiding):
    """One that knows of it by the note of its end alone, which tells no moment."""

    def run(self, call: Call) -> Answer:
        if b'"lost"' not in call.stdin:
            return super().run(call)
        return Answer(0, b"Job Id: 8.s\n    job_state = F\n    Variable_List = MINI_SLURM_TAG=lost\n\n", b"")


def test_a_lost_submission_that_is_over_when_it_is_found_is_shown_like_any_other(tmp_path: Path) -> None:
    db, now = database.open_database(str(tmp_path)), time.time()
    with database.transaction(db):
        foreign.intend(db, ForeignJob(cluster="far", tag="lost", submit_time=now))
    Refresh(str(tmp_path), db, "far", Pbs(ClusterEntry("far", "pbs")), Noted()).search()
    where = Where("ours")
    where.states(None, now)  # those that are not over, or have not been for long
    assert [job.foreign_id for job in foreign.select(db, where)] == ["8.s"]
    db.close()


def test_a_submission_is_forgotten_only_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [time.time()]
    monkeypatch.setattr(refresh.time, "time", lambda: now[0])
    db, pbs = database.open_database(str(tmp_path)), Noted()
    with database.transaction(db):
        for tag in ("never", "lost"):  # the first one was not submitted: the other one has not to wait for it
            foreign.intend(db, ForeignJob(cluster="far", tag=tag, submit_time=now[0]))
    now[0] += 2 * FORGET  # nobody has asked, or the system was away
    asker = Refresh(str(tmp_path), db, "far", Pbs(ClusterEntry("far", "pbs")), pbs)
    asker.run(everybody=True)
    assert {*foreign.intents(db, "far")} == {"never", "lost"}
    now[0] += 2 * SPAN
    asker.run()
    assert [job.foreign_id for job in foreign.select(db, Where("ours"))] == ["8.s"]
    assert foreign.intents(db, "far") == {}
    db.close()


@pytest.mark.parametrize(("dependency", "state"), [("afterok:7", "CANCELLED"), (None, "NODE_FAIL")])
def test_a_job_that_is_gone_was_dropped_if_it_waited_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dependency: str | None, state: str
) -> None:
    now = [time.time()]
    monkeypatch.setattr(refresh.time, "time", lambda: now[0])
    db = database.open_database(str(tmp_path))
    gone = ForeignJob(
        cluster="far", foreign_id="8.s", job_id=8, tag="t8", state=JobState.PENDING, dependency=dependency
    )
    with database.transaction(db):
        foreign.save(db, [gone])
    for _ in range(20):
        Refresh(str(tmp_path), db, "far", Pbs(ClusterEntry("far", "pbs")), Hiding()).run()
        now[0] += 5
    (job,) = foreign.select(db, Where("ours"))
    assert job.state.name == state
    db.close()
