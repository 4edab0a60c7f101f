"""Submissions to a PBS that fails at random: every job is there once, and none that is there is forgotten."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mini_slurm.clusters import refresh, submission
from mini_slurm.clusters.base import Answer, Call, Lost, NotMade, Order, Unanswered, unheard
from mini_slurm.clusters.local import LocalRunner
from mini_slurm.clusters.pbs import Pbs
from mini_slurm.clusters.refresh import CALLS, SPAN, Refresh
from mini_slurm.errors import MiniSlurmError
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.foreign import ForeignJob
from mini_slurm.model.states import JobState
from mini_slurm.store import database, foreign
from mini_slurm.store.queries import Where

PBS = Pbs(ClusterEntry("far", "pbs"))
JOBS = 25
NOISE = b"Welcome to head1\nThis system is for members of the lab alone.\n"
DOWN = Answer(255, b"", b"qstat: cannot connect to server s (errno=15010)\n")


class Faulty:
    """A PBS whose commands, and the way to them, fail now and then; jobs wait and never run."""

    remote = True

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.tags: list[str] = []  # of the jobs that were taken, in order
        self.asked: list[float] = []  # moments of questions
        self.is_well = False

    def run(self, call: Call, hear: Callable[[bytes], None] = unheard) -> Answer:
        if call.words[0] != "qsub":
            self.asked += [time.time()] * call.asks
        fault = (
            "" if self.is_well else self.random.choice(["", "", "noise", "before", "after", "silent", "cut", "never"])
        )
        if call.words[0] != "qsub":
            return self._answer(fault)
        if fault == "never":
            raise NotMade("the login node does not answer")
        if fault == "before":
            return Answer(1, b"", b"qsub: Unknown queue\n")
        (own,) = (word for word in call.words if word.startswith("MINI_SLURM_TAG="))
        self.tags.append(own.removeprefix("MINI_SLURM_TAG="))
        if fault == "cut":
            raise Lost("the connection broke")
        said = f"{len(self.tags)}.s\n".encode()
        return {
            "after": Answer(-9, b"", b""),
            "silent": Answer(0, b"", b""),
            "noise": Answer(0, NOISE + said, b""),
        }.get(fault, Answer(0, said, b""))

    def _answer(self, fault: str) -> Answer:
        if fault in ("cut", "never"):
            raise Unanswered("the connection broke")
        if fault in ("before", "after", "silent"):
            return DOWN if fault == "before" else Answer(1, b"", b"")
        records = [
            f"Job Id: {number}.s\n    Job_Name = x\n    job_state = Q\n    Variable_List = MINI_SLURM_TAG={tag}\n"
            for number, tag in enumerate(self.tags, start=1)
        ]
        return Answer(0, NOISE * (fault == "noise") + "\n".join(records).encode(), b"")


@pytest.mark.parametrize("seed", range(4))
def test_every_job_is_there_once_and_none_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    now = [1_800_000_000.0]
    monkeypatch.setattr(refresh.time, "time", lambda: now[0])
    monkeypatch.setattr(submission.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(submission.time, "sleep", lambda pause: now.__setitem__(0, now[0] + pause))
    db, pbs = database.open_database(str(tmp_path)), Faulty(seed)
    told = [tag for tag in map(str, range(JOBS)) if _submit(tmp_path, db, pbs, tag, now[0])]
    for well in (False, True):
        pbs.is_well = well
        for _ in range(40):
            now[0] += 3
            Refresh(str(tmp_path), db, "far", PBS, pbs).run()
    jobs = foreign.select(db, Where("ours"))
    assert sorted(job.tag for job in jobs) == sorted(pbs.tags)
    assert len(pbs.tags) == len({*pbs.tags})
    assert {*told} <= {*pbs.tags}
    assert {job.state for job in jobs} == {JobState.PENDING}
    assert all(pbs.tags[job.job_id - 1] == job.tag for job in jobs)
    assert foreign.intents(db, "far") == {}
    assert all(later - first >= SPAN for first, later in zip(pbs.asked, pbs.asked[CALLS:], strict=False))
    db.close()


def _submit(state: Path, db: database.sqlite3.Connection, pbs: Faulty, tag: str, now: float) -> bool:
    """Was the user told that the job was submitted?"""
    job = ForeignJob(name="x", cluster="far", tag=tag, submit_time=now, arguments="[]", work_dir="/", export="NONE")
    order = Order((), None, b"", job, source=b"#!/bin/sh\n")
    try:
        return submission.submit(db, PBS, pbs, lambda: Refresh(str(state), db, "far", PBS, pbs), order).job is not None
    except MiniSlurmError:
        return False


def test_a_program_that_hangs_is_killed_and_may_have_done_its_work(tmp_path: Path) -> None:
    (tmp_path / "qsub").write_text("#!/bin/sh\nexec sleep 600\n")
    (tmp_path / "qsub").chmod(0o755)
    answer = LocalRunner(ClusterEntry("far", "pbs", folder=str(tmp_path))).run(Call(("qsub",), patience=0.2))
    assert answer == Answer(-9, b"", b"qsub: no answer within 0.2 seconds\n")
    assert PBS.is_unclear(answer)
