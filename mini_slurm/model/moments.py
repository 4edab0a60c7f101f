"""Moments as --begin and sacct's --starttime write them: `now+1hour`, `16:00`, `2030-01-02T03:04`, `tomorrow`.

A moment is seconds since the epoch. The clock and the local time zone come in with the call: pass `time.localtime`
and `time.mktime`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Fields = tuple[int, int, int, int, int, int, int, int, int]  # as in time.struct_time: year, month, day, ...
UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
CLOCK = {"midnight": (0, 0, 0), "noon": (12, 0, 0), "fika": (15, 0, 0), "teatime": (16, 0, 0)}
FROM_NOW = re.compile(r"now(?:([+-])(\d{1,15})([a-z]*))?", re.ASCII | re.IGNORECASE)
TIME = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?\s*([ap]m)?", re.ASCII | re.IGNORECASE)
DATES = (
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})", re.ASCII),
    re.compile(r"(?P<month>\d{1,2})[/.](?P<day>\d{1,2})(?:[/.](?P<year>\d{4}|\d{2}))?", re.ASCII),
    re.compile(r"(?P<month>\d\d)(?P<day>\d\d)(?P<year>\d\d)?", re.ASCII),
)
LATEST = 253402214400  # 9999-12-31: later ones are no dates any more
DAYS_IN = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class BadMoment(ValueError):
    """`position` is where the text stops making sense."""

    def __init__(self, text: str, position: int) -> None:
        super().__init__(f"Invalid time specification (pos={position}): {text}")
        self.position = position


def parse_moment(
    text: str,
    now: float,
    localtime: Callable[[float], Fields],
    mktime: Callable[[Fields], float],
    *,
    ahead: bool = True,
) -> float:
    """The moment that the text names; with `ahead`, an hour or a day that has passed is the next one.

    Raises BadMoment.
    """
    if text.lower().startswith("now"):
        return _within_years(int(now) + _from_now(text), text)
    if re.fullmatch(r"uts\d{1,15}", text, re.ASCII):
        return _within_years(int(text[3:]), text)
    today = localtime(now)
    date, time = _take(text, today, localtime(now + 86400), ahead)
    year, month, day = date or today[:3]
    moment = mktime((year, month, day, *(time or (0, 0, 0)), 0, 0, -1))
    if ahead and date is None and moment <= now:
        return mktime((year, month, day + 1, *(time or (0, 0, 0)), 0, 0, -1))
    return moment


def _within_years(moment: int, text: str) -> float:
    """A moment that can be written as a date of four-digit years; of those before the epoch, the epoch."""
    if moment > LATEST:
        raise BadMoment(text, 3)
    return float(max(moment, 0))


def _from_now(text: str) -> int:
    found = FROM_NOW.fullmatch(text)
    if not found:
        raise BadMoment(text, 3)
    sign, count, name = found.groups()
    singular = (name or "second").lower().removesuffix("s")
    units = [seconds for unit, seconds in UNITS.items() if unit.startswith(singular)]
    if len(units) != 1:
        raise BadMoment(text, text.index(name))
    return int(count or 0) * units[0] * (-1 if sign == "-" else 1)


def _take(
    text: str, today: Fields, tomorrow: Fields, ahead: bool
) -> tuple[tuple[int, int, int] | None, tuple[int, int, int] | None]:
    """The date and the time of day that the words name, each of them at most once."""
    date: tuple[int, int, int] | None = None
    time: tuple[int, int, int] | None = None
    position = 0
    while position < len(text):
        if text[position] in " \tT-" and position:
            position += 1
            continue
        if time is None and (found := _time(text, position)):
            time, position = found
        elif date is None and (found := _date(text, position, today, tomorrow, ahead)):
            date, position = found
        else:
            raise BadMoment(text, position)
    if date is None and time is None:
        raise BadMoment(text, 0)
    return date, time


def _time(text: str, position: int) -> tuple[tuple[int, int, int], int] | None:
    """The time of day that begins here, and where it ends."""
    for name, clock in CLOCK.items():
        if text[position:].lower().startswith(name):
            return clock, position + len(name)
    found = TIME.match(text, position)
    if not found:
        return None
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    half = (found[4] or "").lower()
    if hour > (12 if half else 23) or minute > 59 or second > 59:
        raise BadMoment(text, position)
    if half:
        hour = hour % 12 + 12 * (half == "pm")
    return (hour, minute, second), found.end()


def _date(
    text: str, position: int, today: Fields, tomorrow: Fields, ahead: bool
) -> tuple[tuple[int, int, int], int] | None:
    """The date that begins here, and where it ends."""
    for name, day in (("today", today), ("tomorrow", tomorrow)):
        if text[position:].lower().startswith(name):
            return day[:3], position + len(name)
    for form in DATES:
        if found := form.match(text, position):
            return _checked(text, found, today, ahead), found.end()
    return None


def _checked(text: str, found: re.Match[str], today: Fields, ahead: bool) -> tuple[int, int, int]:
    month, day = int(found["month"]), int(found["day"])
    if not 1 <= month <= 12:
        raise BadMoment(text, found.start("month"))
    if not 1 <= day <= DAYS_IN[month]:
        raise BadMoment(text, found.start("day"))
    if found["year"]:
        year = int(found["year"])
        return (year + 2000 if year < 100 else year, month, day)
    if ahead:
        return (today[0] + ((month, day) < (today[1], today[2])), month, day)
    return (today[0] - ((month, day) > (today[1], today[2])), month, day)
