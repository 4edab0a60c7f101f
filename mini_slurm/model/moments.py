"""Moments as --begin and sacct's --starttime write them: `now+1hour`, `16:00`, `2030-01-02T03:04`, `tomorrow`.

A moment is seconds since the epoch. The clock and the local time zone come in with the call: pass `time.localtime`
and `time.mktime`. Where a text stops making sense is part of what Slurm says of it, so this reads as Slurm reads.
"""

from __future__ import annotations

from collections.abc import Callable

from mini_slurm.model.numbers import DIGITS, SPACE, leading_number

Fields = tuple[int, int, int, int, int, int, int, int, int]  # as in time.struct_time: year, month, day, ...
Date = tuple[int, int, int]  # the year is 0 where it was not said
# each singular stands after its plural, which it begins
UNITS = (
    *(("seconds", 1), ("second", 1), ("minutes", 60), ("minute", 60), ("hours", 3600), ("hour", 3600)),
    *(("days", 86400), ("day", 86400), ("weeks", 604800), ("week", 604800)),
)
CLOCK = {"midnight": (0, 0, 0), "noon": (12, 0, 0), "fika": (15, 0, 0), "teatime": (16, 0, 0)}
LATEST = 253402214400  # 9999-12-31: later ones are no dates any more
EARLIEST_UTS = 1000000
END = "\n"  # ends the text wherever it stands


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
    """The moment that the text names, 0 when it names none; with `ahead`, an hour or a day that has passed is the next.

    Raises BadMoment.
    """
    if text[:3].lower() == "uts":
        seconds, rest = leading_number(text[3:])
        if rest or not EARLIEST_UTS <= seconds <= LATEST:
            raise BadMoment(text, 0)
        return float(seconds)
    scanner = _Scanner(text, int(now), localtime)
    scanner.scan()
    if scanner.date is None and scanner.time is None:
        return 0.0
    fields = scanner.complete(ahead)
    try:
        moment = mktime((*fields, 0, 0, -1))
    except (OverflowError, ValueError):
        raise BadMoment(text, scanner.position) from None
    if moment > LATEST:
        raise BadMoment(text, scanner.position)
    return max(moment, 1.0)


class _Scanner:
    """Reads a text from left to right; what is said twice counts as it is said last."""

    def __init__(self, text: str, now: int, localtime: Callable[[float], Fields]) -> None:
        self.text = text
        self.now = now
        self.localtime = localtime
        self.today = localtime(now)
        self.position = 0
        self.date: Date | None = None
        self.time: tuple[int, int, int] | None = None

    def at(self, position: int) -> str:
        """The letter there, or the text's end."""
        return self.text[position] if position < len(self.text) else END

    def fail(self, position: int) -> BadMoment:
        """To be raised where the text stops making sense."""
        return BadMoment(self.text, position)

    def scan(self) -> None:
        """Read the whole text. Raises BadMoment."""
        while self.at(self.position) != END:
            if self.at(self.position) in " \t-T":
                self.position += 1
            elif not self.word():
                self.numbers()

    def word(self) -> bool:
        """Read a word if one begins here."""
        rest = self.text[self.position :].lower()
        for name, offset in (("today", 0), ("tomorrow", 86400)):
            if rest.startswith(name):
                self.date = self.localtime(self.now + offset)[:3]
                self.position += len(name)
                return True
        for name, clock in CLOCK.items():
            if rest.startswith(name):
                self.time = clock
                self.position += len(name)
                return True
        if rest.startswith("now"):
            self.from_now()
            return True
        return False

    def from_now(self) -> None:
        """`now`, `now+1hour`, `now - 5 minutes`."""
        self.position += len("now")
        while self.at(self.position) in " \t":
            self.position += 1
        sign, seconds = self.at(self.position), 0
        if sign in "+-":
            seconds = self.delta() if sign == "+" else -self.delta()
        elif sign != END:
            raise self.fail(self.position)
        if self.now + seconds > LATEST:
            raise self.fail(self.position)
        then = self.localtime(max(self.now + seconds, 0))
        self.date, self.time = then[:3], then[3:6]

    def delta(self) -> int:
        """The seconds after a sign. Raises BadMoment."""
        digits, position = "", self.position + 1
        while (letter := self.at(position)) != END:
            rest = self.text[position:].lower()
            unit = next((unit for unit in UNITS if rest.startswith(unit[0])), None)
            if unit is not None and digits:
                self.position = position + len(unit[0])
                return leading_number(digits)[0] * unit[1]
            if letter in DIGITS:
                digits += letter
            elif letter not in SPACE:
                raise self.fail(self.position if unit else position - 1)
            position += 1
        if not digits:
            raise self.fail(self.position)
        self.position = position
        return leading_number(digits)[0]

    def numbers(self) -> None:
        """A time of day or a date. Raises BadMoment."""
        if self.at(self.position) not in DIGITS:
            raise self.fail(self.position)
        if ":" in (self.at(self.position + 1), self.at(self.position + 2)):
            self.clock()
        elif self.at(self.position + 4) == "-" and self.at(self.position + 7) == "-":
            self.iso_date()
        else:
            self.short_date()

    def digits(self, least: int, most: int) -> int:
        """A number of so many digits."""
        digits = ""
        while len(digits) < most and self.at(self.position) in DIGITS:
            digits += self.at(self.position)
            self.position += 1
        if len(digits) < least:
            raise self.fail(self.position)
        return int(digits)

    def bounded(self, least: int, most: int, low: int, high: int) -> int:
        """A number of so many digits within these bounds."""
        number = self.digits(least, most)
        if not low <= number <= high:
            raise self.fail(self.position - 2)
        return number

    def clock(self) -> None:
        """`16:00`, `16:00:30`, `4:00 pm`."""
        hour = self.bounded(1, 2, 0, 23)
        self.expect(":")
        minute, second = self.bounded(2, 2, 0, 59), 0
        if self.at(self.position) == ":":
            self.position += 1
            second = self.bounded(2, 2, 0, 59)
        while self.at(self.position) in SPACE and self.at(self.position) != END:
            self.position += 1
        half = self.text[self.position : self.position + 2].lower()
        if half in ("am", "pm"):
            if hour > 12:
                raise self.fail(self.position)
            hour = hour % 12 + 12 * (half == "pm")
            self.position += 2
        self.time = (hour, minute, second)

    def expect(self, letter: str) -> None:
        """This letter has to stand here."""
        if self.at(self.position) != letter:
            raise self.fail(self.position)
        self.position += 1

    def iso_date(self) -> None:
        """`2030-01-02`."""
        year = self.digits(4, 4)
        self.position += 1
        month = self.bounded(1, 2, 1, 12)
        self.position += 1
        self.date = (year, month, self.bounded(1, 2, 1, 31))

    def short_date(self) -> None:
        """`0102`, `1/2`, `01.02.30`: month, day and perhaps the year of this century."""
        month = self.bounded(1, 2, 1, 12)
        self.skip("./")
        day = self.bounded(1, 2, 1, 31)
        self.skip("./")
        year = self.digits(2, 2) if self.at(self.position) in DIGITS else 0
        self.date = (2000 + year if year else 0, month, day)

    def skip(self, letters: str) -> None:
        """Pass over one of these letters."""
        if self.at(self.position) in letters:
            self.position += 1

    def complete(self, ahead: bool) -> tuple[int, int, int, int, int, int]:
        """Date and time, what was not said taken from now."""
        time = self.time or (0, 0, 0)
        date = self.date
        if date is None:
            is_past = ahead and time[:2] <= self.today[3:5]
            date = self.localtime(self.now + 86400)[:3] if is_past else self.today[:3]
        year, month, day = date
        if not year:
            year = self.today[0]
            if ahead:
                year += (month, day, *time[:2]) <= self.today[1:5]
            else:
                year -= month > self.today[1]
        return (year, month, day, *time)
