"""Hostlists as scontrol takes them: names that no fleet has, in any order, brackets that do not close."""

from __future__ import annotations

import re
from functools import cmp_to_key

from mini_slurm.model.hostlist import MOST

SEPARATORS = "\t, "
DIGITS = "0123456789"
LARGEST = 2**64 - 1  # number that Slurm reads
NUMBER = re.compile(r"\s*\+?([0-9]+)")  # as C finds it at the beginning of a text

TYPE_CHECKING = False
if TYPE_CHECKING:
    Host = tuple[str, str]  # what stands before the last number, and that number, "" for none


class BadRange(ValueError):
    """A range in brackets that is none; Slurm names it before it names the whole list."""


def expand(text: str) -> list[str]:
    """The names in their order. Raises BadRange, or ValueError where a list cannot be one for another reason."""
    return ["".join(host) for host in hosts(text)]


def hosts(text: str) -> list[Host]:
    """The same, with the last numbers apart, as brackets give them. Raises as `expand`."""
    return [host for token in _tokens(text) for host in _hosts(token)]


def _tokens(text: str) -> list[str]:
    """The parts between separators; those within a closed pair of brackets do not count."""
    tokens, start, place = [], 0, 0
    while place <= len(text):
        if place == len(text) or text[place] in SEPARATORS:
            tokens.append(text[start:place])
            start = place + 1
        elif text[place] == "[" and "]" in text[place:]:
            place = text.index("]", place)
        place += 1
    return [token for token in tokens if token]


def _hosts(token: str) -> list[Host]:
    """The names of one token, whose last pair of brackets stands at its end."""
    prefix, opening, rest = token.rpartition("[")
    if not opening:
        return [_split(token)]
    ranges, closing, suffix = rest.partition("]")
    if not closing:
        return [_split(f"{prefix}]" if prefix else rest)]
    if suffix:
        raise ValueError(f"{token!r} goes on behind its brackets")
    numbers = _numbers(ranges)
    heads = _heads(prefix)
    if len(heads) * len(numbers) > MOST:
        raise ValueError(f"more than {MOST} names in {token!r}")
    return [(head, number) for head in heads for number in numbers]


def _heads(prefix: str) -> list[str]:
    """What may stand before the numbers: brackets of its own, the last of which count slowest."""
    before, opening, rest = prefix.rpartition("[")
    ranges, closing, after = rest.rpartition("]")
    if not (opening and closing):
        return [prefix]
    firsts = _heads(before) if "[" in before else [before]
    numbers = _numbers(ranges)
    if len(firsts) * len(numbers) > MOST:
        raise ValueError(f"more than {MOST} names in {prefix!r}")
    return [f"{first}{number}{after}" for number in numbers for first in firsts]


def _numbers(ranges: str) -> list[str]:
    return [number for piece in ranges.split(",") for number in _range(piece)]


def _range(piece: str) -> list[str]:
    """The numbers of `7`, `07-11` or `7-`, as wide as what stands before the dash. Raises BadRange."""
    before, _, after = piece.partition("-")
    first, last = NUMBER.match(before), NUMBER.match(after or before)
    if "x" in piece or not (first and last) or last.end() < len(after or before):
        raise BadRange(f"Invalid range: `{piece}'")
    low, high = _value(first[1]), _value(last[1])
    if high < low:
        raise BadRange(f"Invalid range: `{piece}'")
    if high - low >= MOST:
        raise BadRange(f"Too many hosts in range `{piece}'")
    return [f"{number:0{len(before)}}" for number in range(low, high + 1)]


def _value(digits: str) -> int:
    """A number as C reads it: what is too large is the largest."""
    digits = digits.lstrip("0") or "0"
    return min(int(digits[: len(str(LARGEST)) + 1]), LARGEST)


def _split(name: str) -> Host:
    """A name, and the number that it ends in."""
    prefix = name.rstrip(DIGITS)
    number = name[len(prefix) :]
    return (prefix, f"{_value(number):0{len(number)}}") if number else (prefix, "")


# --- order


def in_order(some: list[Host]) -> list[Host]:
    """By what stands before the last number, numbers in it by their value, and then by the last number."""
    return sorted(some, key=cmp_to_key(_compare))


def _compare(one: Host, other: Host) -> int:
    (prefix, number), (other_prefix, other_number) = one, other
    if prefix != other_prefix:
        mine, others = _natural(prefix), _natural(other_prefix)
        return -1 if mine < others else int(mine > others)
    if not (number and other_number):
        return bool(number) - bool(other_number)
    if _same_width(number, other_number):
        return int(number) - int(other_number)
    return len(number) - len(other_number)


def _natural(text: str) -> list[tuple[int, int, str]]:
    pieces = re.split(r"([0-9]+)", text)
    return [(1, int(piece), "") if piece.isdigit() else (0, 0, piece) for piece in pieces if piece]


def _same_width(one: str, other: str) -> bool:
    """Could both be written with the same number of digits at least?"""
    return any(f"{int(one):0{size}}" == one and f"{int(other):0{size}}" == other for size in (len(one), len(other)))
