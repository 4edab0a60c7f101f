"""Numbers of jobs as commands take them: `12`, `12_3`, `12_[1-3,7]`, `12.batch`, `12_3.0`."""

from __future__ import annotations

from mini_slurm.model.arrays import parse as parse_tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class JobId:
    """What one word names. `tasks` None: the whole job or array; `step` None: the job and all its steps."""

    __slots__ = ("number", "step", "tasks")

    def __init__(self, number: int, tasks: frozenset[int] | None = None, step: str | None = None) -> None:
        self.number = number
        self.tasks = tasks
        self.step = step


def parse(word: str) -> JobId:
    """Read one word. Raises ValueError."""
    shown, dot, step = word.partition(".")
    number, underscore, tasks = shown.partition("_")
    if not _is_number(number) or not int(number) or (dot and not (step == "batch" or _is_number(step))):
        raise ValueError(f"not the number of a job: {word!r}")
    if not underscore:
        return JobId(int(number), step=step or None)
    if tasks == "*":
        return JobId(int(number), step=step or None)
    if not tasks:
        return JobId(int(number), frozenset(), step or None)
    if not tasks.startswith("[") and not _is_number(tasks):
        raise ValueError(f"not the number of a task: {word!r}")
    return JobId(int(number), frozenset(parse_tasks(tasks)[0]), step or None)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def split(text: str) -> list[str]:
    """The words between commas that stand outside of brackets."""
    words, depth = [""], 0
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth <= 0:
            words.append("")
        else:
            words[-1] += letter
    return [word.strip() for word in words if word.strip()]


def wanted(ids: Iterable[JobId]) -> dict[int, frozenset[int] | None]:
    """What several words want of each number: its tasks, or None for all of it."""
    found: dict[int, frozenset[int] | None] = {}
    for one in ids:
        before = found.get(one.number, frozenset())
        found[one.number] = None if before is None or one.tasks is None else before | one.tasks
    return found
