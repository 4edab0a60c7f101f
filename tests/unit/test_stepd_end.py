"""How a watcher ends what it watches: which signals, to whom, in which order."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from mini_slurm.agent import processes, stepd
from mini_slurm.agent.claims import Claim
from mini_slurm.agent.clock import Clock
from mini_slurm.agent.stepd import Place, Stepd

PARENT, CHILD = 20, 10  # numbers of processes begin anew some day


class Watcher(Stepd):
    """A stepd of which only the end is looked at."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(str(folder), Claim("", -1, [], 0, []), -1)
        self.is_member = self.over = False
        self.cause = ""
        self.clock = Clock(str(folder), {"time_limit": None}, is_new=True)
        self.term_at = self.kill_at = None

    def _announce(self, why: str) -> None:
        """To nobody."""

    def _members(self) -> list[int]:
        return [PARENT, CHILD]

    def _kill_rest(self) -> bool:
        processes.freeze_and_kill(self._members())
        return True


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What is sent to whom; the clock stands at 100."""
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(processes, "send", lambda pids, number: found.extend((pid, number) for pid in pids))
    monkeypatch.setattr(stepd, "now", lambda: 100.0)
    return found


def test_sigcont_comes_some_milliseconds_before_sigterm_and_parents_get_both_first(
    sent: list[tuple[int, int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pause as strace showed it of a real slurmstepd; a shell whose command ended first would begin the next."""
    watcher = Watcher(tmp_path)
    watcher._terminate("CANCELLED", 30)
    watcher._watch_time()
    continued = [(PARENT, signal.SIGCONT), (CHILD, signal.SIGCONT)]
    assert sent == continued
    monkeypatch.setattr(stepd, "now", lambda: 100.0 + stepd.CONTINUED)
    watcher._watch_time()
    watcher._watch_time()
    assert sent == [*continued, (PARENT, signal.SIGTERM), (CHILD, signal.SIGTERM)]


def test_without_kill_wait_all_signals_come_at_once(sent: list[tuple[int, int]], tmp_path: Path) -> None:
    watcher = Watcher(tmp_path)
    watcher._terminate("CANCELLED", 0)
    watcher._watch_time()
    assert [number for pid, number in sent if pid == PARENT] == [
        *(signal.SIGCONT, signal.SIGTERM, signal.SIGSTOP, signal.SIGKILL)
    ]
