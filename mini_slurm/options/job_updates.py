"""What `scontrol update` calls the things that it changes of a job: one row for each, in Slurm's order.

A row's reader makes of the text what scheduler/changes gets under the row's key. It raises BadValue in Slurm's words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from mini_slurm.model.numbers import leading_number
from mini_slurm.model.units import NO_LIMIT, parse_duration, parse_time_limit

NICE_OFFSET = 2**31
LARGEST = {16: 2**16 - 3, 32: 2**32 - 3, 64: 2**64 - 3}  # two more have a meaning of their own
LARGEST_COUNT = 2**31 - 1  # a C int
MULTIPLES = {"k": 2**10, "m": 2**20}
PATIENCE = 300  # seconds: Slurm's max_switch_wait
UNSIGNED = re.compile(r"\s*\+?\d{1,30}", re.ASCII)
NUMBER = re.compile(r"\s*[+-]?\d+", re.ASCII)
MAIL = "NONE BEGIN END FAIL REQUEUE ALL INVALID_DEPEND STAGE_OUT TIME_LIMIT TIME_LIMIT_90 TIME_LIMIT_80 TIME_LIMIT_50"

Reader = Callable[["Words", str], Any]


class BadValue(ValueError):
    """A value that does not parse: what is said; `plain`: Slurm says this without its name and the word error."""

    def __init__(self, *lines: str, plain: bool = False) -> None:
        super().__init__(*lines)
        self.lines = lines
        self.plain = plain


class Unread(ValueError):
    """A value that Slurm complains of and passes over: nothing is changed, and nothing has failed."""


class Words:
    """What readers need to know besides the text."""

    def __init__(self, moment: Callable[[str], float]) -> None:
        self.moment = moment  # reads a time of day or a date; raises BadValue


class Tag:
    """One row: a name, how much of it has to be typed, the key it changes and the reader of its value."""

    __slots__ = ("key", "name", "read", "shortest")

    def __init__(self, name: str, shortest: int, key: str, read: Reader) -> None:
        self.name = name
        self.shortest = shortest
        self.key = key
        self.read = read

    def fits(self, word: str) -> bool:
        """Does the word mean this row?"""
        return len(word) >= self.shortest and self.name.lower().startswith(word.lower())


def text(words: Words, value: str) -> str:
    """The text as it is."""
    return value


def number(name: str, bits: int = 32) -> Reader:
    """A whole number of so many bits; nothing at all is 0, as C reads it."""

    def read(words: Words, value: str) -> int:
        if value and not (UNSIGNED.fullmatch(value) and int(value) <= LARGEST[bits]):
            raise BadValue(f"Invalid {name} value: {value}")
        return int(value or 0)

    return read


def memory(kind: str, name: str) -> Reader:
    """MiB of each node or of each CPU."""
    read_number = number(name, 64)
    return lambda words, value: (kind, read_number(words, value))


def _leading_number(value: str) -> int:
    """What C's strtoll makes of a text."""
    found = NUMBER.match(value)
    return int(found[0]) if found else 0


def nice(words: Words, value: str) -> int:
    """How much lower, or higher below zero."""
    found = _leading_number(value)
    if abs(found) > NICE_OFFSET - 3:
        raise BadValue(f"Nice value out of range (+/- {NICE_OFFSET - 3}). Value ignored")
    return found


def site_factor(words: Words, value: str) -> int:
    """A part of the priority."""
    found = _leading_number(value)
    if abs(found) > NICE_OFFSET - 3:
        raise BadValue(f"SiteFactor value out of range (+/- {NICE_OFFSET - 3}). Value ignored")
    return found


def throttle(words: Words, value: str) -> int:
    """Tasks of an array at once."""
    found = _leading_number(value)
    if found < 0:
        raise BadValue("Invalid ArrayTaskThrottle value")
    return found


def time_limit(name: str) -> Reader:
    """Seconds; None: no limit. Unlike in a submission, 0 is no time at all."""

    def read(words: Words, value: str) -> int | None:
        try:
            return _seconds(value)
        except ValueError:
            raise BadValue(f"Invalid {name} value") from None

    return read


def _seconds(value: str) -> int | None:
    """Seconds of whole minutes; None: no limit. Raises ValueError."""
    limit = parse_time_limit(value)
    return 0 if limit is None and value.lower() not in NO_LIMIT and parse_duration(value) == 0 else limit


def delay(words: Words, value: str) -> str:
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

    def read(words: Words, value: str) -> tuple[int, int | None]:
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


def switches(words: Words, value: str) -> tuple[int, int | None]:
    """How many switches, and for how many seconds to wait for so few, where that was said."""
    count, rest = leading_number(value)
    return count % 2**32, _patience(rest[1:]) if rest[:1] == "@" else None


def _patience(value: str) -> int:
    """Seconds, of whole minutes; what is no time at all counts as very long."""
    try:
        limit = _seconds(value)
    except ValueError:
        return PATIENCE
    return PATIENCE if limit is None or limit < 0 else min(limit, PATIENCE)


def patience(words: Words, value: str) -> int:
    """Seconds to wait for few switches."""
    return min(int(number("wait-for-switch")(words, value)), PATIENCE)


def choice(name: str) -> Reader:
    """`yes`, `no`, or a number."""
    read_number = number(name, 16)

    def read(words: Words, value: str) -> int:
        for word, meaning in (("yes", 1), ("no", 0)):
            if value and word.startswith(value.lower()):
                return meaning
        return int(bool(read_number(words, value)))

    return read


def moment(words: Words, value: str) -> float:
    """Seconds since the epoch; 0: none was named."""
    return words.moment(value) if value else 0.0


def gres(words: Words, value: str) -> str:
    """Generic resources as --gres writes them."""
    return ",".join(f"gres:{part.removeprefix('gres:')}" for part in value.split(",") if part) or "gres:"


def core_spec(words: Words, value: str) -> int:
    """CPUs or threads of each machine for its own work."""
    return 0 if value in ("-1", "*") else number("CoreSpec", 16)(words, value)


def thread_spec(words: Words, value: str) -> int:
    """The same in threads."""
    return 0 if value in ("-1", "*") else number("ThreadSpec", 16)(words, value)


def mail(words: Words, value: str) -> str:
    """When to write a mail."""
    known = MAIL.split()
    if any(word.upper() not in (*known, "ARRAY_TASKS") for word in value.split(",")):
        raise BadValue(f"Invalid MailType: {value}", plain=True)
    return value


# fmt: off
TAGS = (
    Tag("AdminComment", 6, "AdminComment", text),
    Tag("SiteFactor", 5, "SiteFactor", site_factor),
    Tag("ArrayTaskThrottle", 10, "ArrayTaskThrottle", throttle),
    Tag("Comment", 3, "Comment", text),
    Tag("Clusters", 8, "Clusters", text),
    Tag("ClusterFeatures", 8, "Clusters", text),
    Tag("DelayBoot", 5, "DelayBoot", delay),
    Tag("TimeLimit", 5, "TimeLimit", time_limit("TimeLimit")),
    Tag("TimeMin", 5, "TimeMin", time_limit("TimeMin")),
    Tag("Priority", 2, "Priority", number("Priority")),
    Tag("Nice", 2, "Nice", nice),
    Tag("CPUsPerTask", 9, "CPUsPerTask", number("CPUsPerTask", 16)),
    Tag("CpusPerTres", 9, "CpusPerTres", text),
    Tag("NumCPUs", 6, "NumCPUs", span("NumCPUs")),
    Tag("NumTasks", 8, "NumTasks", number("NumTasks")),
    Tag("ReqProcs", 8, "NumTasks", number("NumTasks")),
    Tag("Requeue", 4, "Requeue", number("Requeue", 16)),
    Tag("ReqNodes", 8, "NumNodes", span("requested node count")),
    Tag("NumNodes", 8, "NumNodes", span("requested node count")),
    Tag("ReqSockets", 4, "ReqSockets", number("ReqSockets", 16)),
    Tag("ReqCores", 4, "ReqCores", number("ReqCores", 16)),
    Tag("TasksPerNode", 2, "TasksPerNode", number("TasksPerNode", 16)),
    Tag("ReqThreads", 4, "ReqThreads", number("ReqThreads", 16)),
    Tag("MinCPUsNode", 4, "MinCPUsNode", number("MinCPUsNode", 16)),
    Tag("MinMemoryNode", 10, "MinMemory", memory("node", "MinMemoryNode")),
    Tag("MinMemoryCPU", 10, "MinMemory", memory("cpu", "MinMemoryCPU")),
    Tag("MinTmpDiskNode", 5, "MinTmpDiskNode", number("MinTmpDiskNode")),
    Tag("Partition", 2, "Partition", text),
    Tag("QOS", 2, "QOS", text),
    Tag("ReservationName", 3, "ReservationName", text),
    Tag("Name", 2, "JobName", text),
    Tag("JobName", 4, "JobName", text),
    Tag("WCKey", 1, "WCKey", text),
    Tag("StdOut", 6, "StdOut", text),
    Tag("Switches", 5, "Switches", switches),
    Tag("wait-for-switch", 5, "SwitchWait", patience),
    Tag("OverSubscribe", 2, "OverSubscribe", choice("OverSubscribe")),
    Tag("Shared", 2, "OverSubscribe", choice("OverSubscribe")),
    Tag("Contiguous", 3, "Contiguous", choice("Contiguous")),
    Tag("CoreSpec", 4, "CoreSpec", core_spec),
    Tag("MemPerTres", 5, "MemPerTres", text),
    Tag("ThreadSpec", 4, "CoreSpec", thread_spec),
    Tag("TresBind", 5, "TresBind", text),
    Tag("TresFreq", 5, "TresFreq", text),
    Tag("TresPerJob", 8, "TresPerJob", text),
    Tag("TresPerNode", 8, "TresPerNode", text),
    Tag("TresPerSocket", 8, "TresPerSocket", text),
    Tag("TresPerTask", 8, "TresPerTask", text),
    Tag("ExcNodeList", 3, "ExcNodeList", text),
    Tag("NodeList", 8, "ReqNodeList", text),
    Tag("ReqNodeList", 8, "ReqNodeList", text),
    Tag("Features", 1, "Features", text),
    Tag("Prefer", 3, "Prefer", text),
    Tag("Gres", 2, "TresPerNode", gres),
    Tag("Account", 1, "Account", text),
    Tag("BurstBuffer", 1, "BurstBuffer", text),
    Tag("Dependency", 1, "Dependency", text),
    Tag("Licenses", 1, "Licenses", text),
    Tag("EligibleTime", 2, "StartTime", moment),
    Tag("StartTime", 2, "StartTime", moment),
    Tag("EndTime", 2, "EndTime", moment),
    Tag("Reboot", 3, "Reboot", choice("reboot")),
    Tag("Deadline", 3, "Deadline", moment),
    Tag("WorkDir", 2, "WorkDir", text),
    Tag("MailType", 5, "MailType", mail),
    Tag("MailUser", 5, "MailUser", text),
)
# fmt: on
SIZES = ("NumNodes", "ReqNodeList")  # what can be changed of one job at a time only
