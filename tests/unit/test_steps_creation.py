"""How long a step waits for others, with an agent's loop that has no clock."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mini_slurm.agent.creation import Creation
from mini_slurm.steps.layout import Held, Node
from mini_slurm.steps.request import StepRequest

DISABLED = ("wait", "Requested nodes are busy")


class Job:
    """One machine, all of whose CPUs a step holds at first."""

    job = "s.1.0"

    def __init__(self) -> None:
        self.waiting: list[Any] = []
        self.taken = {0, 1}

    def nodes(self) -> list[Node]:
        return [Node("node1", 2, 0, [])]

    def held(self) -> dict[str, Held]:
        held = Held()
        held.cpus = self.taken
        return {"node1": held}

    def next_number(self, *, is_hidden: bool) -> int:
        return 1

    def add(self, components: list[Any]) -> list[Any]:
        raise OSError(28, "there is room")  # as far as this goes


class Desk:
    """An agent, its job, and an srun that keeps what it hears."""

    is_outside = False

    def __init__(self) -> None:
        self.job = Job()
        self.timers: list[tuple[float, Any]] = []
        attempt = SimpleNamespace(ended=None, ending=None, is_leaving=False)
        loop = SimpleNamespace(later=lambda seconds, work: self.timers.append((seconds, work)))
        jobs = SimpleNamespace(attempts={"s.1.0": attempt}, loop=loop)
        self.creation = Creation(jobs, SimpleNamespace(), SimpleNamespace())  # type: ignore[arg-type]
        self.heard: list[tuple[str, ...]] = []

    def say(self, *words: str) -> None:
        self.heard.append(words)

    def ask(self, immediate: int) -> None:
        request = StepRequest()
        request.immediate = immediate
        wanted = SimpleNamespace(token="a", request=request, environment={})
        self.creation.ask(self.job, self, wanted)  # type: ignore[arg-type]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_who_waits_for_ever_says_so_at_once(desk: Desk) -> None:
    desk.ask(0)
    desk.creation.retry(desk.job)  # type: ignore[arg-type]
    assert (desk.heard, desk.timers, len(desk.job.waiting)) == ([DISABLED] * 2, [], 1)


def test_who_does_not_wait_is_refused(desk: Desk) -> None:
    desk.ask(1)
    assert (desk.heard, desk.timers, desk.job.waiting) == ([("refused", "create", DISABLED[1])], [], [])


def test_who_waits_a_while_is_refused_after_it(desk: Desk) -> None:
    desk.ask(20)
    [(seconds, look)] = desk.timers
    assert (seconds, desk.heard) == (20, [])
    look()
    assert (desk.heard, desk.job.waiting) == ([("refused", "create", DISABLED[1])], [])


def test_who_waits_a_while_gets_what_is_free_before(desk: Desk) -> None:
    desk.ask(20)
    desk.job.taken = set()
    desk.creation.retry(desk.job)  # type: ignore[arg-type]
    assert desk.heard == [DISABLED, ("refused", "create", "there is room")]
    desk.timers[0][1]()
    assert (len(desk.heard), desk.job.waiting) == (2, [])
