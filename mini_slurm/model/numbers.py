"""Numbers as C reads them: Slurm's notations lean on strtol(3), so what it skips and where it stops shows."""

from __future__ import annotations

from mini_slurm.errors import BadOption, Refused

SPACE = " \t\n\v\f\r"
DIGITS = "0123456789"
LARGEST = 2**63 - 1  # a C long; more than that reads as that


def leading_number(text: str) -> tuple[int, str]:
    """The number that the text begins with, and what follows it; 0 and the whole text where there is none."""
    rest = text.lstrip(SPACE)
    sign = rest[:1] if rest[:1] in ("+", "-") else ""
    rest = rest[len(sign) :]
    tail = rest.lstrip(DIGITS)
    digits = rest[: len(rest) - len(tail)]
    if not digits:
        return 0, text
    value = int(digits) if len(digits) < 20 else LARGEST
    return (max(-value, -LARGEST - 1) if sign == "-" else min(value, LARGEST)), tail


def to_int(value: int) -> int:
    """What is left of a number in a C int of 32 bits."""
    return (value + 2**31) % 2**32 - 2**31


def checked(what: str, text: str, least: int = 1) -> int:
    """The number, from `least` on, that an option called `what` is given. Raises Refused, in Slurm's words."""
    found, rest = leading_number(text)
    if found == LARGEST and not rest:
        raise Refused(f"Numeric argument ({LARGEST}) to big for {what}.")
    if rest or min(found, to_int(found)) < least:
        raise Refused(f'Invalid numeric value "{text}" for {what}.')
    return to_int(found)


def nodes(given: str) -> tuple[int, int]:
    """The least and the largest number of machines: `2`, `1-4` or `1k`; 0 for the largest: not said.

    Raises BadOption.
    """
    low, dash, high = given.partition("-")
    least = _count(low, given)
    if not dash:
        if least < 0:
            raise _no_count(given)
        return least, least
    most = _count(high, given)
    least = 1 if least < 0 else least
    if most and most < least:
        raise BadOption(f"Maximum node count {most} is less than minimum node count {least}")
    return least, most


def _count(text: str, given: str) -> int:
    """A number of machines; k and m stand for powers of 1024."""
    found, rest = leading_number(text)
    if rest == text:
        found = -1
    for letter, factor in (("k", 1024), ("m", 1024 * 1024)):
        if rest != text and rest[:1].lower() == letter:
            found, rest = found * factor, rest[1:]
    if rest.strip(SPACE):
        raise _no_count(given)
    return to_int(found)


def _no_count(given: str) -> BadOption:
    return BadOption(f'"{given}" is not a valid node count')


def words_with_numbers(text: str) -> list[str]:
    """The words between commas; a comma before a number does not part."""
    words: list[str] = []
    for word in text.split(","):
        if words and word[:1].isdigit():
            words[-1] += f",{word}"
        else:
            words.append(word)
    return words
