"""Numbers of jobs as commands take them: `12`, `12_3`, `12_[1-3,7]`, `12.batch`, `12_3.0`.

Each of Slurm's commands reads them in its own way, with C's strtol: what cannot be read any more is often passed over.
"""

from __future__ import annotations

from mini_slurm.model.arrays import LARGEST_ARRAY_SIZE, parse
from mini_slurm.model.numbers import LARGEST, leading_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

WRAPS = 2**31  # from here on numbers of 32 bits are negative
MOST_TASKS = 65536  # in one range
BATCH, EXTERN, INTERACTIVE = -5, -4, -6  # numbers of the steps that have a name, as Slurm's accounting has them
STEP_NAMES = {"batch": BATCH, "extern": EXTERN, "interactive": INTERACTIVE}


class JobId:
    """What one word names. `tasks` None: the whole job or array; `step` None: the job and all its steps."""

    __slots__ = ("number", "part_of", "step", "tasks", "text")

    def __init__(
        self, number: int, tasks: frozenset[int] | None, step: int | None, text: str, part_of: int | None = None
    ) -> None:
        self.number = number
        self.part_of = part_of  # `12+1`: the number of the first part, which the others' numbers follow
        self.tasks = tasks
        self.step = step
        self.text = text  # as it was written


# --- squeue


def parse_job(word: str) -> JobId:
    """One word of `squeue --jobs`, whose number is what C keeps of it in 32 bits. Raises ValueError."""
    number, rest = leading_number(word)
    number = (number + WRAPS) % (2 * WRAPS) - WRAPS
    if number <= 0:
        raise ValueError(word)
    tasks = frozenset({leading_number(rest[1:])[0]}) if rest.startswith("_") else None
    return JobId(number, tasks, None, word)


def _part(job: JobId, rest: str) -> JobId:
    """The part of the job that `+1` after its number names; without it the job."""
    offset = leading_number(rest[1:])[0] if rest.startswith("+") else -1
    return job if offset < 0 else JobId(job.number + offset, job.tasks, job.step, job.text, job.number)


def parse_step(word: str) -> JobId:
    """One word of `squeue --steps`. Raises ValueError with what Slurm calls it."""
    job, _, rest = word.strip(".").partition(".")
    step = rest.partition(".")[0]
    if not step:
        raise ValueError(f"{job}.??")
    number, after = leading_number(job)
    if number <= 0 or leading_number(step)[0] < 0:
        raise ValueError(f"{job}.{step}")
    tasks = frozenset({leading_number(after[1:])[0]}) if after.startswith("_") else None
    return JobId(number, tasks, leading_number(step)[0], word)


def split(text: str) -> list[str]:
    """The words between commas."""
    return [word for word in text.split(",") if word]


def wanted(ids: Iterable[JobId]) -> dict[int, frozenset[int] | None]:
    """What several words want of each number: its tasks, or None for all of it."""
    found: dict[int, frozenset[int] | None] = {}
    for one in ids:
        before = found.get(one.number, frozenset())
        found[one.number] = None if before is None or one.tasks is None else before | one.tasks
    return found


# --- sacct


def parse_selected(word: str) -> JobId:
    """One word of `sacct --jobs`. Raises ValueError with Slurm's complaint."""
    if not word[:1].isdigit():
        raise ValueError(f"Bad job/step specified: {word}")
    shown, dot, name = word.partition(".")
    if dot and name not in STEP_NAMES and not name[:1].isdigit():
        raise ValueError(f"Bad step specified: {shown}")
    step = STEP_NAMES.get(name, leading_number(name)[0]) if dot else None
    job, underscore, task = shown.partition("_")
    if underscore and not task[:1].isdigit():
        raise ValueError(f"Bad job array element specified: {job}")
    tasks = frozenset({leading_number(task)[0]}) if underscore else None
    number, rest = leading_number(job)
    if rest.startswith("+") and not rest[1:2].isdigit():
        raise ValueError(f"Bad hetjob offset specified: {number}")
    return _part(JobId(number, tasks, step, word), rest)


# --- scancel


def parse_targets(words: Iterable[str]) -> list[JobId]:
    """What scancel's words name. Raises ValueError with the word that does not parse, BadRange where that is known."""
    found: list[JobId] = []
    for word in words:
        if not word:
            raise ValueError(word)
        rest = word
        while rest:
            target, after = _target(rest)
            found.append(target)
            if after and not after.startswith(","):
                raise ValueError(rest)
            rest = after[1:]
    return found


def _target(text: str) -> tuple[JobId, str]:
    """The target at the beginning, and what follows it. Raises ValueError."""
    number, rest = leading_number(text)
    if not 0 < number < LARGEST:
        raise ValueError(text)
    tasks: frozenset[int] | None = None
    part_of = None
    if rest.startswith("_["):
        inside, bracket, rest = rest[2:].partition("]")
        if not bracket or rest:
            raise ValueError(text)
        return JobId(number, _ranges(inside, text), None, text), ""
    if rest.startswith("_*"):
        rest = rest[2:]
    elif rest.startswith(("_", "+")):
        part, after = leading_number(rest[1:])
        if part < 0:
            raise ValueError(text)
        if rest.startswith("_"):
            tasks = frozenset({part})
        else:
            number, part_of = number + part, number
        rest = after
    step = None
    if rest.startswith("."):
        step, rest = leading_number(rest[1:])
        if step < 0:
            raise ValueError(text)
        if part_of is not None:
            number, part_of = part_of, None  # as in Slurm the step of a part is the whole job's
    return JobId(number, tasks, step, text[: len(text) - len(rest)], part_of), rest


class BadRange(ValueError):
    """Task numbers in brackets that do not parse; `why`: Slurm's words for the first of them."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(text)
        self.why = why


def _ranges(inside: str, text: str) -> frozenset[int]:
    """The tasks of `1-3,7`. Raises BadRange."""
    tasks: set[int] = set()
    for piece in inside.split(","):
        first, dash, last = piece.partition("-")
        last = last if dash else first
        if not (first.isdecimal() and last.isdecimal() and len(last) <= 9) or int(last) < int(first):
            raise BadRange(text, f"Invalid range: `{piece}'")
        if int(last) - int(first) >= MOST_TASKS:
            raise BadRange(text, f"Too many hosts in range `{piece}'")
        tasks.update(range(int(first), min(int(last), LARGEST_ARRAY_SIZE) + 1))
    return frozenset(tasks)


# --- scontrol's acting verbs

ACTED_ON = frozenset("0123456789_+-[], %:*")


def split_acted(text: str) -> list[str] | None:
    """The words of `12,13_4,15_[1-3]`, without their brackets; None when this is no list of jobs."""
    if not text or not ACTED_ON.issuperset(text) or text.count("[") != text.count("]"):
        return None
    words, inside = [""], False
    for letter in text:
        inside = letter == "[" or (inside and letter != "]")
        if letter in ", " and not inside:
            words.append("")
        elif letter not in "[]":
            words[-1] += letter
    return [word for word in words if word]


def parse_acted(word: str) -> JobId:
    """One of these words. Raises ValueError."""
    whole, plus, offset = word.partition("+")
    number, underscore, tasks = whole.partition("_")
    if not (number.isdecimal() and len(number) <= 10 and int(number)):
        raise ValueError(word)
    if not underscore:
        return _part(JobId(int(number), None, None, word), plus + offset)
    found = parse(tasks)[0]
    if not found:
        raise ValueError(word)
    return JobId(int(number), frozenset(found), None, word)
