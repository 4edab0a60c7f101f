"""What `scontrol update` makes of the value of each thing that it changes of a job.

A reader makes of the text what scheduler/changes gets. It raises BadValue in Slurm's words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from mini_slurm.model.numbers import leading_number
from mini_slurm.model.units import NO_LIMIT, parse_duration, parse_time_limit
from mini_slurm.options.tags import LARGEST

NICE_OFFSET = 2**31
LARGEST_COUNT = 2**31 - 1  # a C int
MULTIPLES = {"k": 2**10, "m": 2**20}
PATIENCE = 300  # seconds: Slurm's max_switch_wait
UNSIGNED = re.compile(r"\s*\+?\d{1,30}", re.ASCII)
NUMBER = re.compile(r"\s*[+-]?\d+", re.ASCII)
MAIL = "NONE BEGIN END FAIL REQUEUE ALL INVALID_DEPEND STAGE_OUT TIME_LIMIT TIME_LIMIT_90 TIME_LIMIT_80 TIME_LIMIT_50"

ReadMoment = Callable[[str], float]  # a time of day or a date; raises BadValue
Reader = Callable[[ReadMoment, str], Any]


class BadValue(ValueError):
    """A value that does not parse: what is said; `plain`: Slurm says this without its name and the word error."""

    def __init__(self, *lines: str, plain: bool = False) -> None:
        super().__init__(*lines)
        self.lines = lines
        self.plain = plain


class Unread(ValueError):
    """A value that Slurm complains of and passes over: nothing is changed, and nothing has failed."""


def text(read_moment: ReadMoment, value: str) -> str:
    """The text as it is."""
    return value


def number(name: str, bits: int = 32) -> Reader:
    """A whole number of so many bits; nothing at all is 0, as C reads it."""

    def read(read_moment: ReadMoment, value: str) -> int:
        if value and not (UNSIGNED.fullmatch(value) and int(value) <= LARGEST[bits]):
            raise BadValue(f"Invalid {name} value: {value}")
        return int(value or 0)

    return read


def memory(kind: str, name: str) -> Reader:
    """MiB of each node or of each CPU."""
    read_number = number(name, 64)
    return lambda read_moment, value: (kind, read_number(read_moment, value))


def _leading_number(value: str) -> int:
    """What C's strtoll makes of a text."""
    found = NUMBER.match(value)
    return int(found[0]) if found else 0


def offset(name: str) -> Reader:
    """How much lower, or higher below zero; a part of the priority."""

    def read(read_moment: ReadMoment, value: str) -> int:
        found = _leading_number(value)
        if abs(found) > NICE_OFFSET - 3:
            raise BadValue(f"{name} value out of range (+/- {NICE_OFFSET - 3}). Value ignored")
        return found

    return read


def throttle(read_moment: ReadMoment, value: str) -> int:
    """Tasks of an array at once."""
    found = _leading_number(value)
    if found < 0:
        raise BadValue("Invalid ArrayTaskThrottle value")
    return found


def time_limit(name: str) -> Reader:
    """Seconds; None: no limit. Unlike in a submission, 0 is no time at all."""

    def read(read_moment: ReadMoment, value: str) -> int | None:
        try:
            return limit_seconds(value)
        except ValueError:
            raise BadValue(f"Invalid {name} value") from None

    return read


def limit_seconds(value: str) -> int | None:
    """Seconds of whole minutes; None: no limit. Raises ValueError."""
    limit = parse_time_limit(value)
    return 0 if limit is None and value.lower() not in NO_LIMIT and parse_duration(value) == 0 else limit


def delay(read_moment: ReadMoment, value: str) -> str:
    """A duration, kept as it was given."""
    try:
        parse_duration(value)
    except ValueError:
        raise BadValue("Invalid DelayBoot value") from None
    return value


class _NoCount(ValueError):
    """What Slurm says of a number in a range."""


def _count(text: str) -> tuple[int, str]:
    """A number with its k or m, and what follows."""
    value, rest = leading_number(text)
    factor = MULTIPLES.get(rest[:1].lower(), 1)
    return value * factor, rest[1:] if factor > 1 else rest


def _bounds(name: str, value: str) -> tuple[int, int | None]:
    """`LEAST[-MOST]`; nothing or `*`: any number. Raises _NoCount."""
    if not value or value[0] == "*":
        return 1, LARGEST_COUNT
    least, rest = _count(value)
    most = None
    for number, tail, smallest in _parts(value, least, rest):
        if (tail and tail[0] != "-") or number < smallest:
            raise _NoCount(f'Invalid numeric value "{value}" for {name}.')
        if number > LARGEST_COUNT:
            raise _NoCount(f"Numeric argument ({number}) to big for {name}.")
        most = number if smallest else None
    return least, most


def _parts(value: str, least: int, rest: str) -> Iterator[tuple[int, str, int]]:
    """The numbers of a range, each with what follows it and the smallest that it may be."""
    yield least, rest, 0
    if rest:
        yield (*_count(rest[1:]), 1)


def span(name: str) -> Reader:
    """A least and a largest number."""

    def read(read_moment: ReadMoment, value: str) -> tuple[int, int | None]:
        try:
            least, most = _bounds(name, value)
        except _NoCount as error:
            if name == "NumCPUs":
                raise BadValue(str(error), f"Invalid {name} value: {value}") from None
            raise Unread(str(error)) from None
        if name == "NumCPUs" and (least < 1 or (most or least) < least):
            raise BadValue(f"Invalid {name} value: {value}")
        return least, most

    return read


def switches(read_moment: ReadMoment, value: str) -> tuple[int, int | None]:
    """How many switches, and for how many seconds to wait for so few, where that was said."""
    count, rest = leading_number(value)
    return count % 2**32, _patience(rest[1:]) if rest[:1] == "@" else None


def _patience(value: str) -> int:
    """Seconds, of whole minutes; what is no time at all counts as very long."""
    try:
        limit = limit_seconds(value)
    except ValueError:
        return PATIENCE
    return PATIENCE if limit is None or limit < 0 else min(limit, PATIENCE)


def patience(read_moment: ReadMoment, value: str) -> int:
    """Seconds to wait for few switches."""
    return min(int(number("wait-for-switch")(read_moment, value)), PATIENCE)


def choice(name: str) -> Reader:
    """`yes`, `no`, or a number."""
    read_number = number(name, 16)

    def read(read_moment: ReadMoment, value: str) -> int:
        for word, meaning in (("yes", 1), ("no", 0)):
            if value and word.startswith(value.lower()):
                return meaning
        return int(bool(read_number(read_moment, value)))

    return read


def moment(read_moment: ReadMoment, value: str) -> float:
    """Seconds since the epoch; 0: none was named."""
    return read_moment(value) if value else 0.0


def gres(read_moment: ReadMoment, value: str) -> str:
    """Generic resources as --gres writes them."""
    return ",".join(f"gres:{part.removeprefix('gres:')}" for part in value.split(",") if part) or "gres:"


def specialized(name: str) -> Reader:
    """CPUs or threads of each machine for its own work."""
    read_number = number(name, 16)
    return lambda read_moment, value: 0 if value in ("-1", "*") else read_number(read_moment, value)


def mail(read_moment: ReadMoment, value: str) -> str:
    """When to write a mail."""
    known = MAIL.split()
    if any(word.upper() not in (*known, "ARRAY_TASKS") for word in value.split(",")):
        raise BadValue(f"Invalid MailType: {value}", plain=True)
    return value
