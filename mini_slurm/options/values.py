"""What the text of an option's value becomes. Each reader raises ValueError, or an error in Slurm's words."""

from __future__ import annotations

from mini_slurm.errors import BadOption, Refused
from mini_slurm.model import numbers
from mini_slurm.model.numbers import LARGEST, leading_number, to_int
from mini_slurm.model.units import NO_LIMIT, parse_duration, parse_memory, parse_time_limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

NICEST = 2**31 - 3
NO_PRIORITY = 2**32 - 2
UNLIMITED = 2**32 - 1  # seconds
LONGEST_SWITCH_WAIT = 300  # seconds


class NotANumber(ValueError):
    """Slurm has other words for a bad number than for other bad values, and another exit status."""

    def __init__(self, value: str | None, *, is_too_big: bool = False) -> None:
        super().__init__(value)
        self.value = value
        self.is_too_big = is_too_big


def text(value: str | None) -> str:
    """The value as it is."""
    return value or ""


def said(value: str | None) -> str | None:
    """The value as it is; an empty one counts as not given."""
    return value or None


def yes(value: str | None) -> int:
    """A switch that was given."""
    return 1


def no(value: str | None) -> int:
    """A switch that turns another one off."""
    return 0


def number(value: str | None) -> int:
    """A number from 1 on."""
    found = to_int(number_or_none(value))
    if found <= 0:
        raise NotANumber(value)
    return found


def number_or_none(value: str | None) -> int:
    """A number from 0 on; an empty text is 0."""
    found, rest = leading_number(value or "")
    if rest or found < 0:
        raise NotANumber(value)
    if found == LARGEST:
        raise NotANumber(value, is_too_big=True)
    return found


def patience(value: str | None) -> int:
    """Seconds that --immediate lets a job wait for resources: 1 is none, 0 is for ever."""
    return numbers.checked("immediate", value or "1", 0)


def times(value: str | None) -> int | None:
    """How verbose: None is once more; a variable says a number."""
    return None if value is None else number_or_none(value)


def nodes(value: str | None) -> tuple[int, int]:
    """The least and the largest number of machines: `2`, `1-4` or `1k`; 0 for the largest: not said."""
    return numbers.nodes(value or "")


def memory(value: str | None) -> int:
    """An amount of memory or disk in MiB."""
    return parse_memory(value or "")


def time_limit(value: str | None) -> int | None:
    """Seconds, in whole minutes; None: no limit."""
    return parse_time_limit(value or "")


def least_time(value: str | None) -> int:
    """Seconds of a time limit that is enough; none is more than any."""
    found = parse_time_limit(value or "")
    return UNLIMITED if found is None else found


def delay(value: str | None) -> str:
    """A time, as parse_duration reads it again."""
    return f"0:{seconds(value):02}"


def seconds(value: str | None) -> int:
    """Seconds of a time that is written as a time limit is."""
    given = value or ""
    return UNLIMITED if given.lower() in NO_LIMIT else to_int(parse_duration(given)) % 2**32


def file(value: str | None) -> str | None:
    """A file's name, or a pattern of names; an empty one names the job's folder, as Slurm has it."""
    if value is not None and value.lower() == "none":
        return "/dev/null"
    return value


def open_mode(value: str | None) -> str:
    """`append` or `truncate`; the first letter counts."""
    modes = {"a": "a", "t": "w"}
    if not value or value[0].lower() not in modes:
        raise ValueError(value)
    return modes[value[0].lower()]


def one_of(**meanings: object) -> Callable[[str | None], object]:
    """A reader of words; an underscore in one stands for a dash, `given` is what the option alone means."""
    known = {word.replace("_", "-"): meaning for word, meaning in meanings.items()}

    def read(value: str | None) -> object:
        word = "given" if value is None else value.lower()
        if word not in known or (value is not None and word == "given"):
            raise ValueError(value)
        return known[word]

    return read


def nice(value: str | None) -> int:
    """By how much the priority is lowered: 100 where nothing else is said."""
    found = 100 if value is None else leading_number(value)[0]
    if abs(found) > NICEST:
        raise BadOption(f"Invalid --nice value, out of range (+/- {NICEST})")
    return found


def priority(value: str | None) -> int:
    """A priority; TOP is the highest."""
    if (value or "").lower() == "top":
        return NO_PRIORITY - 1
    found = leading_number(value or "")[0]
    if found < 0:
        raise BadOption("Priority must be >= 0")
    if found >= NO_PRIORITY:
        raise BadOption(f"Priority must be < {NO_PRIORITY}")
    return found


def switches(value: str | None) -> str:
    """`COUNT@TIME`: how many switches there may be between the machines, and how long to wait for it."""
    count, at, wait = (value or "").partition("@")
    return f"{number(count)}@{switch_wait(wait if at else None)}"


def switch_wait(value: str | None) -> str:
    """How long to wait for machines with few switches between them: not longer than Slurm's max_switch_wait."""
    try:
        patience = LONGEST_SWITCH_WAIT if value is None else min(seconds(value), LONGEST_SWITCH_WAIT)
    except ValueError:
        patience = LONGEST_SWITCH_WAIT
    return f"0:{patience:02}"


def zero_or_one(value: str | None) -> int:
    """0 or 1."""
    found = number_or_none(value) % 2**16
    if found > 1:
        raise ValueError(value)
    return found


def login_environment(value: str | None) -> str:
    """`SECONDS` and whether the login shell is a short or a long one, as --get-user-env takes them."""
    rest = leading_number(value or "")[1]
    if rest and rest[0] not in "sSlL":
        raise ValueError(value)
    return value or ""


def sockets_cores_threads(value: str | None) -> tuple[int | None, ...]:
    """`2:4:1`: the least numbers of sockets, cores and threads; None where any will do."""
    parts = [*(value or "").split(":"), "", ""]
    return tuple(_least(part, which) for part, which in zip(parts, ("first", "second", "third"), strict=False))


def _least(part: str, which: str) -> int | None:
    """The number, or the lower end of a range."""
    if part[:1] in ("", "*"):
        return None
    sign = part[:1] if part[:1] in ("+", "-") else ""
    low, dash, high = part.removeprefix(sign).partition("-")
    amount = _amount(sign + low, part, which, 0)
    if dash:
        _amount(high, part, which, 1)
    return amount


def _amount(text: str, part: str, which: str, least: int) -> int:
    """One number of a range, with its suffix."""
    found, rest = leading_number(text)
    factor = {"": 1, "k": 1024, "m": 1024 * 1024}.get(rest.lower())
    if factor is None or found < least:
        raise Refused(f'Invalid numeric value "{part}" for {which} arg of -B.')
    if found * factor >= 2**31:
        raise Refused(f"Numeric argument ({found * factor}) to big for {which} arg of -B.")
    return found * factor


def umask(value: str | None) -> int:
    """A umask, as C writes numbers: octal with a 0 before it."""
    text = value or ""
    digits = text.removeprefix("0") if text.startswith("0") else text
    try:
        mask = int(digits or "0", 8 if text.startswith("0") else 10)
    except ValueError:
        mask = -1
    if not 0 <= mask <= 0o777:
        raise BadOption("Invalid -W umask= specification")
    return mask
