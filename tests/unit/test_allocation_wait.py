"""Who waits for machines hears of changes: nothing is asked again and again."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace

import pytest

from mini_slurm.cli.allocation import Allocation
from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState


class Told:
    """What the controller tells, in turn; afterwards nothing more."""

    def __init__(self, *heard: set[int] | None) -> None:
        self.heard = list(heard)
        self.asked: list[float | None] = []

    def wait(self, timeout: float | None, bell: int = -1) -> set[int] | None:
        self.asked.append(timeout)
        return self.heard.pop(0) if self.heard else set()

    def close(self) -> None:
        """Nothing is open."""


def job(state: str, reason: str) -> Job:
    return Job(job_id=7, state=JobState[state], reason=reason)


def waiting() -> Allocation:
    held = Allocation.__new__(Allocation)
    held._signal, held._bell = 0, os.pipe2(os.O_NONBLOCK)
    held.job = job("PENDING", "None")
    return held


def test_it_goes_on_when_its_own_job_has_changed_or_any_may_have() -> None:
    for last in ({5, 7}, None):
        told = Told({5}, set(), last)
        waiting()._hear(told, None)  # type: ignore[arg-type]
        assert told.heard == [] and told.asked == [None] * 3


def test_it_goes_on_when_the_time_is_over() -> None:
    told = Told()
    waiting()._hear(told, 0.0)  # type: ignore[arg-type]
    assert told.asked == [0.0]


def test_a_signal_ends_it() -> None:
    held = waiting()
    held._note_signal(15, None)
    told, begun = Told(), time.monotonic()
    held._hear(told, 60.0)  # type: ignore[arg-type]
    assert told.asked == [] and time.monotonic() - begun < 60.0
    assert os.read(held._bell[0], 8) == b"!"


def test_it_shows_how_far_the_files_of_its_job_are(monkeypatch: pytest.MonkeyPatch) -> None:
    held, shown = waiting(), []
    found = [job("CONFIGURING", "stage-in: 40% of 1.2G"), job("CONFIGURING", "None"), job("RUNNING", "None")]
    monkeypatch.setattr(held, "look", lambda: found.pop(0))
    monkeypatch.setattr(held, "changes", lambda: Told({7}, {7}))
    held._note = shown.append
    held._is_announced = False
    held._wait()
    assert shown == [["stage-in: 40% of 1.2G"], ["None"], []]


def test_a_signal_that_was_heeded_does_not_ring_while_results_come_home(monkeypatch: pytest.MonkeyPatch) -> None:
    held, told = waiting(), Told({7})
    held._values = [SimpleNamespace(of={"stage_out": (("made", None),)})]  # type: ignore[list-item]
    held._note_signal(2, None)
    found = [job("COMPLETING", "stage-out"), job("COMPLETED", "None"), job("COMPLETED", "None")]
    monkeypatch.setattr(held, "look", lambda: found.pop(0))
    held._note = lambda reasons: None
    held._see_results_home(told)  # type: ignore[arg-type]
    with pytest.raises(BlockingIOError):
        os.read(held._bell[0], 1)
    assert told.asked == [None]


def test_one_that_is_held_is_told_so_but_not_one_of_several_parts(capsys: pytest.CaptureFixture[str]) -> None:
    held = waiting()
    held.program, held.values, held._is_announced, held._is_fresh = "srun", SimpleNamespace(of={}), False, False  # type: ignore[assignment]
    held.job = job("PENDING", "JobHeldUser")
    queued = "srun: job 7 queued and waiting for resources\n"
    for jobs, first in ([held.job], "srun: Job is in held state, pending scheduler release\n"), ([held.job] * 2, ""):
        held.jobs, held._is_announced = jobs, False
        held._hint = lambda: None  # type: ignore[method-assign]
        held._pending(60.0, 60.0)
        assert capsys.readouterr().err == first + queued
