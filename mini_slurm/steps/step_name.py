"""A step as sattach is told of one: `12.0`, `12_3.0`, `12.batch`, `12.0+1`. Pure. Much is passed over, as in Slurm."""

from __future__ import annotations

from mini_slurm.errors import Fatal
from mini_slurm.model.numbers import leading_number, to_int

WRAPS = 2**32
DIGITS = tuple("0123456789")
BATCH, EXTERN, INTERACTIVE = WRAPS - 5, WRAPS - 4, WRAPS - 6  # numbers of the steps that have names
NUMBERS = {"batch": BATCH, "extern": EXTERN, "interactive": INTERACTIVE}
NO_STEP = WRAPS - 2  # in place of a step's number: none was named


class StepName:
    """What such a text names."""

    def __init__(self, job: int, task: int | None, step: int, component: int | None) -> None:
        self.job = job
        self.task = task  # of an array
        self.step = step
        self.component = component  # of a step that has several


def parse(text: str) -> StepName:
    """The step of this text. Raises Fatal, in Slurm's words."""
    name, dot, rest = text.partition(".")
    step = _step(name, rest) if dot else NO_STEP
    _, plus, component = rest.partition("+")
    job, under, task = name.partition("_")
    if under:
        _check(task, f"Bad job array element specified: {job}")
    elif not plus:
        job, offset, part = name.partition("+")
        if offset:
            _check(part, f"Bad hetjob offset specified: {job}")
    return StepName(_number(job), _number(task) if under else None, step, _number(component) if plus else None)


def _step(name: str, rest: str) -> int:
    """Its number. Raises Fatal."""
    if rest not in NUMBERS:
        _check(rest, f"Bad step specified: {name}")
    return NUMBERS.get(rest, _number(rest))


def _check(text: str, complaint: str) -> None:
    if not text.startswith(DIGITS):
        raise Fatal(complaint)


def _number(text: str) -> int:
    """What C's atoi() makes of it, as an unsigned int."""
    return to_int(leading_number(text)[0]) % WRAPS
