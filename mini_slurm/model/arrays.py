"""Job arrays: the expression of --array, and the text `3-9,12%2` of the tasks that have not started yet."""

from __future__ import annotations

MAX_ARRAY_SIZE = 1001  # Slurm's MaxArraySize as it comes: no task has this number or a higher one


def parse(expression: str) -> tuple[list[int], int | None, int]:
    """The tasks in order, how many may run at once (None: any number), and the step. Raises ValueError.

    `1-10:2%3,12`: what follows a percent sign counts only when it is a number.
    """
    ranges, percent, throttle = expression.partition("%")
    if ranges.startswith("[") and ranges.endswith("]"):
        ranges = ranges[1:-1]
    elif percent and ranges.startswith("[") and throttle.endswith("]"):
        ranges, throttle = ranges[1:], throttle[:-1]
    throttle, _, more = throttle.partition(",")
    tasks = {task for piece in f"{ranges},{more}".split(",") if piece for task in _range(piece)}
    if not tasks:
        raise ValueError(f"no task in {expression!r}")
    step = ranges.partition(":")[2].partition(",")[0]
    limit = int(throttle) if _is_number(throttle) else 0
    return sorted(tasks), limit or None, int(step or 1)


def _range(piece: str) -> range:
    span, colon, step = piece.partition(":")
    first, dash, last = span.partition("-")
    if not dash:
        last = first
    if not (_is_number(first) and _is_number(last) and (_is_number(step) or not colon)) or (colon and not dash):
        raise ValueError(f"not a range of tasks: {piece!r}")
    if int(last) < int(first) or int(last) >= MAX_ARRAY_SIZE or (colon and not int(step)):
        raise ValueError(f"not a range of tasks: {piece!r}")
    return range(int(first), int(last) + 1, int(step or 1))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def format_tasks(tasks: list[int], throttle: int | None = None) -> str:
    """As squeue shows it: `1-3,7%2`. The tasks stand in order."""
    spans: list[list[int]] = []
    for task in tasks:
        if spans and spans[-1][1] == task - 1:
            spans[-1][1] = task
        else:
            spans.append([task, task])
    ranges = ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)
    return ranges if throttle is None else f"{ranges}%{throttle}"


# --- the text of format_tasks, taken apart without spelling out every task


def tasks_of(text: str) -> list[int]:
    """Every task."""
    tasks: list[int] = []
    for piece in text.partition("%")[0].split(","):
        first, _, last = piece.partition("-")
        tasks.extend(range(int(first), int(last or first) + 1))
    return tasks


def throttle_of(text: str) -> int | None:
    """How many may run at once; None: any number."""
    throttle = text.partition("%")[2]
    return int(throttle) if throttle else None


def with_throttle(text: str, throttle: int | None) -> str:
    """The text with another number of tasks that may run at once; None: any number."""
    ranges = text.partition("%")[0]
    return ranges if throttle is None else f"{ranges}%{throttle}"


def split_first(text: str) -> tuple[int, str | None]:
    """The first task, and the text of the others; None when there are none."""
    ranges, percent, throttle = text.partition("%")
    piece, comma, others = ranges.partition(",")
    first, dash, last = piece.partition("-")
    task = int(first)
    if dash:
        left = last if task + 1 == int(last) else f"{task + 1}-{last}"
        others = left + comma + others
    return task, others + percent + throttle if others else None


def without(text: str, task: int) -> str | None:
    """The text without this task; None when no other is left."""
    tasks = tasks_of(text)
    if task in tasks:
        tasks.remove(task)
    return format_tasks(tasks, throttle_of(text)) if tasks else None
