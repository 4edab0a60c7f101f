"""Job arrays: the expression of --array, and the text `3-9,12%2` of the tasks that have not started yet."""

from __future__ import annotations

from mini_slurm.model.numbers import leading_number

MAX_ARRAY_SIZE = 1001  # Slurm's MaxArraySize as it comes: no task has this number or a higher one
INVALID = "Batch job submission failed: Invalid job array specification"
LARGEST_ARRAY_SIZE = 1_000_001  # what a fleet may allow instead


def parse(expression: str) -> tuple[list[int], int | None, int]:
    """The tasks in order, how many may run at once (None: any number), and the step. Raises ValueError.

    `1-10:2%3,12`: what follows a percent sign counts only when it is a number. Commas alone name no task.
    """
    tasks = {task for piece in expression.split(",") if piece for task in _range(piece)}
    limit = leading_number(expression.partition("%")[2])[0]
    step = leading_number(expression.partition(":")[2])[0] if ":" in expression else 1
    return sorted(tasks), limit if limit > 0 else None, step


def _range(piece: str) -> range:
    """`3`, `3-9` or `3-9:2`, in brackets or not; strtol's rules decide what is a number, and nothing is 0."""
    first, rest = leading_number(piece.removeprefix("["))
    last, step, rest = first, 1, rest.removeprefix("]")
    if rest.startswith("-"):
        last, rest = leading_number(rest[1:])
        rest = rest.removeprefix("]")
        if rest.startswith(":"):
            step, rest = leading_number(rest[1:])
            rest = rest.removeprefix("]")
    if rest[:1] not in ("", "%") or not 0 <= first <= last < LARGEST_ARRAY_SIZE or not 0 < step < LARGEST_ARRAY_SIZE:
        raise ValueError(f"not a range of tasks: {piece!r}")
    return range(first, last + 1, step)


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


def count_of(text: str) -> int:
    """How many tasks."""
    pieces = (piece.partition("-") for piece in text.partition("%")[0].split(","))
    return sum(int(last or first) - int(first) + 1 for first, _, last in pieces)


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


def has(text: str, task: int) -> bool:
    """Is this one of the tasks?"""
    return any(first <= task <= last for first, last in map(_bounds, text.partition("%")[0].split(",")))


def without(text: str, task: int) -> str | None:
    """The text without this task; None when no other is left."""
    ranges, percent, throttle = text.partition("%")
    left: list[str] = []
    for piece in ranges.split(","):
        first, last = _bounds(piece)
        if first <= task <= last:
            parts = ((first, task - 1), (task + 1, last))
            left += [str(one) if one == other else f"{one}-{other}" for one, other in parts if one <= other]
        else:
            left.append(piece)
    return ",".join(left) + percent + throttle if left else None


def _bounds(piece: str) -> tuple[int, int]:
    first, _, last = piece.partition("-")
    return int(first), int(last or first)
