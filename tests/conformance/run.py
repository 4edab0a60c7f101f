"""Plays many cases at once, each player taking the next part that nobody plays yet; and says how many agree."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.conformance.cases import Case, command, load, newest_before, queues
from tests.conformance.judge import Difference
from tests.conformance.player import Player, Stage

PART = 10  # cases that are played on one machine park in a row, when no queue holds them together


@dataclass(frozen=True)
class Result:
    """What came of one case."""

    case: Case
    differences: tuple[Difference, ...]
    seconds: float  # of the last time that it was played
    tries: int

    @property
    def agrees(self) -> bool:
        """Is it as the real Slurm answered?"""
        return not self.differences


def play(
    players: Sequence[Player],
    chosen: Iterable[Case],
    *,
    tries: int = 1,
    expected: Mapping[str, float] | None = None,
    tell: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Play the cases. One that disagrees is played again, `tries` times in all, as some answers are races.

    `expected`: the seconds that a case will take, so that what takes long is begun first.
    """
    parts = _parts(list(chosen), expected or {})
    before, made = newest_before(load()), queues()
    lock = threading.Lock()

    def play_parts(player: Player) -> list[Result]:
        stage, results = Stage(player, made), []
        while True:
            with lock:
                if not parts:
                    break
                part = parts.pop(0)
            for case in part:
                results.append(_play(stage, case, before[case["id"]], tries))
                with lock:
                    tell(results[-1])
        stage.leave()
        return results

    with ThreadPoolExecutor(len(players)) as pool:
        try:
            return [result for results in pool.map(play_parts, players) for result in results]
        finally:
            parts.clear()  # whoever interrupts does not wait for more than the cases that are being played


def _play(stage: Stage, case: Case, recorded_last: int, tries: int) -> Result:
    """The last time with a queue made anew, as a race may lie in how it came about."""
    count = 1
    while (result := _once(stage, case, recorded_last, count)).differences and count < tries:
        count += 1
        if count == tries:
            stage.leave()
    return result


def _once(stage: Stage, case: Case, recorded_last: int, count: int) -> Result:
    begin = time.monotonic()
    differences = tuple(stage.play(case, recorded_last))
    return Result(case, differences, time.monotonic() - begin, count)


def _parts(chosen: Sequence[Case], expected: Mapping[str, float]) -> list[list[Case]]:
    """Cases that look at the same queue stay together, in their order; what takes longest comes first."""
    together: dict[str, list[Case]] = {}
    apart = []
    for case in chosen:
        if "queue" in case:
            together.setdefault(case["queue"], []).append(case)
        else:
            apart.append(case)

    def length(part: Sequence[Case]) -> float:
        return sum(expected.get(case["id"], 1.0) for case in part)

    apart.sort(key=lambda case: expected.get(case["id"], 1.0), reverse=True)
    slices = [apart[first : first + PART] for first in range(0, len(apart), PART)]
    return [*sorted(together.values(), key=length, reverse=True), *sorted(slices, key=length, reverse=True)]


def percentages(results: Iterable[Result], key: Callable[[Case], str] = command) -> list[str]:
    """A line for each command, and one for all: how many agree."""
    tally: dict[str, list[int]] = {}
    for result in results:
        for name in (key(result.case), "all"):
            count = tally.setdefault(name, [0, 0])
            count[0] += result.agrees
            count[1] += 1
    last = tally.pop("all", [0, 0])
    rows = [*sorted(tally.items()), ("all", last)]
    return [f"{name:16} {agree:5} of {total:5}  {100 * agree / max(total, 1):5.1f} %" for name, (agree, total) in rows]
