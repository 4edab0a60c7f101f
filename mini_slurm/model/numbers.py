"""Numbers as C reads them: Slurm's notations lean on strtol(3), so what it skips and where it stops shows."""

from __future__ import annotations

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


def words_with_numbers(text: str) -> list[str]:
    """The words between commas; a comma before a number does not part."""
    words: list[str] = []
    for word in text.split(","):
        if words and word[:1].isdigit():
            words[-1] += f",{word}"
        else:
            words.append(word)
    return words
