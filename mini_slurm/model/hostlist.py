"""Hostlists: `node[1-3,07-11],x` is node1 node2 node3 node07 ... node11 x."""

from __future__ import annotations

MOST = 65536  # machines in one hostlist; a slip like [1-1000000000] is refused and not tried


def expand(text: str) -> list[str]:
    """The names in their order. Raises ValueError."""
    names = [name for part in _split(text) for name in _expand(part)]
    if len(names) > MOST:
        raise ValueError(f"more than {MOST} names in {text!r}")
    return names


def _split(text: str) -> list[str]:
    """The parts between commas that stand outside of brackets."""
    parts = [""]
    inside = False
    for letter in text:
        if letter == "," and not inside:
            parts.append("")
            continue
        if letter in "[]":
            if inside == (letter == "["):
                raise ValueError(f"unbalanced brackets in {text!r}")
            inside = not inside
        parts[-1] += letter
    if inside:
        raise ValueError(f"unbalanced brackets in {text!r}")
    return [part.strip() for part in parts if part.strip()]


def _expand(part: str) -> list[str]:
    prefix, opening, rest = part.partition("[")
    if not opening:
        return [part]
    ranges, _, suffix = rest.partition("]")
    tails = _expand(suffix)
    numbers = [number for piece in ranges.split(",") for number in _numbers(piece)]
    if len(numbers) * len(tails) > MOST:
        raise ValueError(f"more than {MOST} names in {part!r}")
    return [f"{prefix}{number}{tail}" for number in numbers for tail in tails]


def _numbers(piece: str) -> list[str]:
    """The numbers of `7` or `07-11`, as wide as the first one."""
    first, dash, last = piece.partition("-")
    if not dash:
        last = first
    if not _is_number(first) or not _is_number(last) or int(last) < int(first):
        raise ValueError(f"not a range of numbers: {piece!r}")
    if int(last) - int(first) >= MOST:
        raise ValueError(f"more than {MOST} names in [{piece}]")
    return [f"{number:0{len(first)}}" for number in range(int(first), int(last) + 1)]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20


def natural(text: str) -> tuple[str, int, str]:
    """Where a hostlist's first name stands among others: node2 before node10."""
    name = expand(text)[0] if "[" in text or "," in text else text
    prefix = name.rstrip("0123456789")
    return (prefix, int(name[len(prefix) :] or 0), name)


def compress(names: list[str]) -> str:
    """The hostlist of these names in this order: `node[1,3-4]`; neighbours that differ in their last number join."""
    prefixes = [name.rstrip("0123456789") for name in names]
    return join([(prefix, name[len(prefix) :]) for prefix, name in zip(prefixes, names, strict=True)])


def join(hosts: list[tuple[str, str]]) -> str:
    """The same of names whose last numbers stand apart already: `a1[3-4]` is no `a[13-14]`."""
    groups: list[tuple[str, list[list[str]]]] = []  # prefix, and [first, last] of each range
    for prefix, number in hosts:
        if not number or not _is_number(number) or not groups or groups[-1][0] != prefix or not groups[-1][1]:
            groups.append((prefix, [[number, number]] if number else []))
        elif _follows(groups[-1][1][-1], number):
            groups[-1][1][-1][1] = number
        else:
            groups[-1][1].append([number, number])
    return ",".join(_render(prefix, ranges) for prefix, ranges in groups)


def _follows(span: list[str], number: str) -> bool:
    first, last = span
    return _is_number(first) and f"{int(last) + 1:0{len(first)}}" == number


def _render(prefix: str, ranges: list[list[str]]) -> str:
    pieces = [first if first == last else f"{first}-{last}" for first, last in ranges]
    if len(pieces) == 1 and "-" not in pieces[0]:
        return prefix + pieces[0]
    return f"{prefix}[{','.join(pieces)}]" if pieces else prefix
