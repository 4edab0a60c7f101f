"""Durations and amounts of memory, as Slurm reads and prints them. Durations are seconds, memory is MiB."""

from __future__ import annotations

from mini_slurm.model.numbers import LARGEST, leading_number, to_int

MINUTE, HOUR, DAY = 60, 3600, 86400
# The patterns are compiled when they are needed.
# Without days: minutes[:seconds] or hours:minutes:seconds; with days: hours[:minutes[:seconds]] after the dash.
WITHOUT_DAYS = r"(\d+)(?::(\d+))?(?::(\d+))?"
WITH_DAYS = r"(\d*)-(?:(\d+)(?::(\d+))?(?::(\d+))?)?"
NO_LIMIT = frozenset({"-1", "infinite", "unlimited"})
INFINITE, NO_VALUE = -1, -2  # numbers of 32 bits that mean something else to Slurm
LARGEST_SCRIPT = 4 * 1024 * 1024  # bytes, as Slurm's max_script_size comes
KIB_IN = {"K": 1, "M": 1024, "G": 1024**2, "T": 1024**3}


def parse_time_limit(text: str) -> int | None:
    """Seconds, in whole minutes; None: no limit. Raises ValueError. Slurm counts in 32 bits, and a long time wraps."""
    if text.lower() in NO_LIMIT:
        return None
    minutes = _minutes(to_int(parse_duration(text)))
    if minutes == NO_VALUE:
        raise ValueError(f"not a duration: {text!r}")
    return None if minutes in (0, INFINITE) else minutes % 2**32 * MINUTE


def _minutes(seconds: int) -> int:
    """Seconds in whole minutes, rounded up as C does it: towards zero after 59 were added."""
    if seconds in (INFINITE, NO_VALUE):
        return seconds
    raised = to_int(seconds + MINUTE - 1)
    return raised // MINUTE if raised >= 0 else -(-raised // MINUTE)


def parse_duration(text: str) -> int:
    """Seconds of `10` (minutes), `5:30`, `1:00:00`, `1-`, `1-12`, `1-12:30` or `1-12:30:00`. Raises ValueError."""
    import re  # most commands only print times

    found = re.fullmatch(WITH_DAYS, text, re.ASCII)
    if found and (found[1] or (found[2] and not found[3])):  # without days nothing but hours follows the dash
        days, hours, minutes, seconds = map(_number, found.groups())
        return days * DAY + hours * HOUR + minutes * MINUTE + seconds if found[1] else -hours * DAY
    if found := re.fullmatch(WITHOUT_DAYS, text, re.ASCII):
        first, second, third = map(_number, found.groups())
        if found[3] is None:
            return first * MINUTE + second
        return first * HOUR + second * MINUTE + third
    raise ValueError(f"not a duration: {text!r}")


def _number(digits: str | None) -> int:
    return leading_number(digits or "0")[0]


def format_duration(seconds: float) -> str:
    """As squeue prints it: `0:07`, `1:00:00`, `1-00:00:00`."""
    days, hours, minutes, rest = _parts(seconds)
    if days:
        return f"{days}-{hours:02}:{minutes:02}:{rest:02}"
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}"


def format_elapsed(seconds: float) -> str:
    """As sacct prints it: `00:00:07`, `1-00:00:00`."""
    days, hours, minutes, rest = _parts(seconds)
    return f"{days}-" * bool(days) + f"{hours:02}:{minutes:02}:{rest:02}"


def format_limit(seconds: int | None) -> str:
    """A time limit as squeue prints it."""
    return "UNLIMITED" if seconds is None else format_duration(seconds)


def _parts(seconds: float) -> tuple[int, int, int, int]:
    minutes, rest = divmod(max(0, int(seconds)), MINUTE)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return days, hours, minutes, rest


def parse_memory(text: str) -> int:
    """MiB of `500`, `500M`, `1GB` or `1025K`, rounded up. Raises ValueError."""
    amount, unit = leading_number(text)
    letter, byte = (unit[:1] or "M").upper(), unit[1:]
    if unit == text or not 0 <= amount < LARGEST or letter not in KIB_IN or byte not in ("", "B", "b"):
        raise ValueError(f"not an amount of memory: {text!r}")
    mebibytes = -(-amount * KIB_IN[letter] // 1024)
    if mebibytes > LARGEST:
        raise ValueError(f"more memory than there can be: {text!r}")
    return mebibytes


def format_memory(mebibytes: int) -> str:
    """In the largest unit that needs no fraction: `100M`, `1G`, `8000M`; `0` without unit."""
    if not mebibytes:
        return "0"
    for unit in "MGT":
        if mebibytes % 1024:
            return f"{mebibytes}{unit}"
        mebibytes //= 1024
    return f"{mebibytes}P"
