"""Hostlists as scontrol takes them: names that no fleet has, in any order, brackets that do not close."""

from __future__ import annotations

import re
from functools import cmp_to_key

from mini_slurm.model.hostlist import MOST

SEPARATORS = "\t, "


class BadRange(ValueError):
    """A range in brackets that is none; Slurm names it before it names the whole list."""


def expand(text: str) -> list[str]:
    """The names in their order. Raises BadRange, or ValueError where a list cannot be one for another reason."""
    return [name for token in _tokens(text) for name in _names(token)]


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


def _names(token: str) -> list[str]:
    """The names of one token, whose last pair of brackets stands at its end."""
    prefix, opening, rest = token.rpartition("[")
    if not opening:
        return [token]
    ranges, closing, suffix = rest.partition("]")
    if not closing:
        return [f"{prefix}]" if prefix else rest]
    if suffix:
        raise ValueError(f"{token!r} goes on behind its brackets")
    numbers = [number for piece in ranges.split(",") for number in _range(piece)]
    heads = _heads(prefix)
    if len(heads) * len(numbers) > MOST:
        raise ValueError(f"more than {MOST} names in {token!r}")
    return [head + number for head in heads for number in numbers]


def _heads(prefix: str) -> list[str]:
    """What may stand before the numbers: a prefix may have brackets of its own, and something behind them."""
    before, opening, rest = prefix.rpartition("[")
    ranges, closing, after = rest.rpartition("]")
    if not (opening and closing):
        return [prefix]
    numbers = [number for piece in ranges.split(",") for number in _range(piece)]
    return [f"{head}{number}{after}" for head in _heads(before) for number in numbers]


def _range(piece: str) -> list[str]:
    """The numbers of `7`, `07-11` or `7-`, as wide as the first one. Raises BadRange."""
    first, _, last = piece.partition("-")
    last = last or first
    if not (_is_number(first) and _is_number(last)) or int(last) < int(first):
        raise BadRange(f"Invalid range: `{piece}'")
    if int(last) - int(first) >= MOST:
        raise BadRange(f"Too many hosts in range `{piece}'")
    return [f"{number:0{len(first)}}" for number in range(int(first), int(last) + 1)]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


# --- order


def in_order(names: list[str]) -> list[str]:
    """By what stands before the last number, numbers in it by their value, and then by the last number."""
    return sorted(names, key=cmp_to_key(_compare))


def _compare(one: str, other: str) -> int:
    (prefix, number), (other_prefix, other_number) = _split(one), _split(other)
    if prefix != other_prefix:
        mine, others = _natural(prefix), _natural(other_prefix)
        return -1 if mine < others else int(mine > others)
    if not (number and other_number):
        return bool(number) - bool(other_number)
    if _same_width(number, other_number):
        return int(number) - int(other_number)
    return len(number) - len(other_number)


def _split(name: str) -> tuple[str, str]:
    prefix = name.rstrip("0123456789")
    return prefix, name[len(prefix) :]


def _natural(text: str) -> list[tuple[int, int, str]]:
    pieces = re.split(r"([0-9]+)", text)
    return [(1, int(piece), "") if piece.isdigit() else (0, 0, piece) for piece in pieces if piece]


def _same_width(one: str, other: str) -> bool:
    """Could both be written with the same number of digits at least?"""
    return any(f"{int(one):0{size}}" == one and f"{int(other):0{size}}" == other for size in (len(one), len(other)))
