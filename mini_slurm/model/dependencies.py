"""The expression of --dependency: `afterok:12_3:13,singleton`, and the text that Slurm shows of what is not met yet.

That text, `afterok:12_3(unfulfilled),singleton(failed)`, is kept as `Job.dependency` and can be read again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from mini_slurm.model import arrays

PROBLEM = "Job dependency problem"
CIRCULAR = "Circular job dependency"
UNSUPPORTED = "Requested operation not supported on this system"
SINGLETON, EXPAND, ANY = "singleton", "expand", "afterany"
ALL = -1  # in place of a task's number: every task of the array
LARGEST = 2**32 - 1  # Slurm counts jobs in 32 bits

KIND = re.compile("(afternotok|aftercorr|afterany|afterok|afterburstbuffer|after|expand):", re.IGNORECASE)
# numbers as strtol reads them: after blanks, with a sign; a task without any is task 0
JOB = re.compile(r"\s*([+-]?\d{1,10})(?:_(\*|\s*[+-]?\d{1,10}|))?", re.ASCII)
# what follows the number and is no separator is passed over, with all the rest
DELAY = re.compile(r"\+(\d{1,10})(?:[^,?:(].*)?", re.ASCII | re.DOTALL)
STATE = re.compile(r"\((\w*)\)", re.ASCII)
TASKS = re.compile(r"(\d+)_\[([^]]*)\]", re.ASCII)


class BadDependency(ValueError):
    """The expression cannot be met; the message is Slurm's."""


class Dependency(NamedTuple):
    """One condition. `job_id` 0: singleton, which names no job."""

    kind: str
    job_id: int = 0
    task: int | None = None  # of an array; ALL for the whole of it
    minutes: int = 0  # to wait after the other job's start
    failed: bool = False  # it can never be met


class Dependencies(NamedTuple):
    """All conditions of a job; with `any_of` one of them is enough."""

    each: tuple[Dependency, ...] = ()
    any_of: bool = False

    @property
    def is_hopeless(self) -> bool:
        """Can they never be met?"""
        failed = [one.failed for one in self.each]
        return all(failed) if self.any_of else any(failed)


def read(text: str, is_array: Callable[[int], bool]) -> str | None:
    """What of a user's expression is to be kept with the job; None when it asks for nothing. Raises BadDependency.

    `is_array` says whether a number is that of an array: that means all of its tasks.
    """
    given = parse(text)
    whole = (
        one._replace(task=ALL) if one.task is None and one.job_id and is_array(one.job_id) else one
        for one in given.each
    )
    return show(given._replace(each=tuple(whole)))


def show(dependencies: Dependencies) -> str | None:
    """As squeue shows them; None when there are none."""
    return ("?" if dependencies.any_of else ",").join(map(_show_one, dependencies.each)) or None


def _show_one(one: Dependency) -> str:
    state = "failed" if one.failed else "unfulfilled"
    if one.kind == SINGLETON:
        return f"{SINGLETON}({state})"
    task = "" if one.task is None else "_*" if one.task == ALL else f"_{one.task}"
    delay = f"+{one.minutes}" if one.minutes else ""
    return f"{one.kind}:{one.job_id}{task}{delay}({state})"


@lru_cache(maxsize=4096)
def parse(text: str) -> Dependencies:
    """Read an expression, or the text that is shown of one. Raises BadDependency."""
    if text in ("", "0"):
        return Dependencies()
    return _Parser(TASKS.sub(_spell_out, text)).all()


def _spell_out(found: re.Match[str]) -> str:
    """`12_[4-5]` is short for `12_4:12_5`."""
    try:
        tasks, _, _ = arrays.parse(found[2])
    except ValueError:
        raise BadDependency(PROBLEM) from None
    return ":".join(f"{found[1]}_{task}" for task in tasks)


class _Parser:
    """Reads an expression from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.found: dict[tuple[str, int, int | None], Dependency] = {}  # each condition counts once

    def all(self) -> Dependencies:
        """Conditions until the end."""
        any_of = False
        while True:
            allowed = self.condition()
            separator = self.text[self.position : self.position + 1]
            if not separator:
                return Dependencies(tuple(self.found.values()), any_of)
            if separator not in allowed:
                raise BadDependency(PROBLEM)
            any_of = any_of or separator == "?"
            self.position += 1

    def condition(self) -> str:
        """`singleton`, `afterok:12:13+5`, or a number alone if no kind follows; what may stand before the next."""
        rest = self.text[self.position :]
        kind = KIND.match(rest)
        if rest[: len(SINGLETON)].lower() == SINGLETON:
            self.position += len(SINGLETON)
            self.add(Dependency(SINGLETON, failed=self.state()))
        elif kind:
            self.position += kind.end()
            self.jobs(kind[1].lower())
        elif ":" not in rest and rest[:1].isdigit():  # a sign or a space may stand after a kind alone
            self.job(ANY, 0)
            return ","
        else:
            raise BadDependency(PROBLEM)
        return ",?"

    def jobs(self, kind: str) -> None:
        """One job after the other; a delay holds for those after it too, as in Slurm."""
        if kind == EXPAND:
            raise BadDependency(UNSUPPORTED)
        minutes = self.job(kind, 0)
        while self.text.startswith(":", self.position):
            self.position += 1
            minutes = self.job(kind, minutes)

    def job(self, kind: str, minutes: int) -> int:
        """One job, with its delay and its state; the delay in minutes."""
        found = self.take(JOB)
        number = int(found[1]) if found else 0
        if not found or not number or abs(number) > LARGEST:
            raise BadDependency(PROBLEM)
        delay = self.take(DELAY)
        if delay:
            if not 0 < int(delay[1]) <= LARGEST:
                raise BadDependency(PROBLEM)
            minutes = (int(delay[1]) * 60 & LARGEST) // 60  # kept as seconds
        task = None if found[2] is None else ALL if found[2] == "*" else int(found[2] or "0") & LARGEST
        self.add(Dependency(kind, number & LARGEST, task, minutes, self.state()))
        return minutes

    def state(self) -> bool:
        """The state that a shown condition ends with: has it failed?"""
        found = self.take(STATE)
        return found is not None and found[1].lower() == "failed"

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What stands here, if it is of this pattern."""
        found = pattern.match(self.text, self.position)
        if found:
            self.position = found.end()
        return found

    def add(self, one: Dependency) -> None:
        """One more condition, unless there is the same already."""
        self.found.setdefault((one.kind, one.job_id, one.task), one)
