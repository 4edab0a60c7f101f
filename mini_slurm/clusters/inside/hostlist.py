"""Names of machines as Slurm writes many of them. Put into the text of whatever travels and needs it."""

from __future__ import annotations

import re


def compress(hosts: list[str]) -> str:
    """A hostlist; brackets only where names differ in their last number alone."""
    split = [re.fullmatch(r"(.*?)(\d+)", host) for host in hosts]
    parts = [(found[1], found[2]) for found in split if found]
    if len(hosts) == 1 or len(parts) != len(hosts) or len({prefix for prefix, _ in parts}) > 1:
        return ",".join(hosts)
    ranges: list[list[str]] = []
    for _, digits in parts:
        if ranges and len(digits) == len(ranges[-1][1]) and int(digits) == int(ranges[-1][1]) + 1:
            ranges[-1][1] = digits
        else:
            ranges.append([digits, digits])
    listed = ",".join(first if first == last else f"{first}-{last}" for first, last in ranges)
    return f"{parts[0][0]}[{listed}]"


def repeated(counts: list[int]) -> str:
    """`2(x3),1`."""
    words: list[list[int]] = []
    for count in counts:
        if words and words[-1][0] == count:
            words[-1][1] += 1
        else:
            words.append([count, 1])
    return ",".join(f"{count}(x{times})" if times > 1 else str(count) for count, times in words)


def expand(text: str) -> list[str]:
    """The hosts of `node[1-3,07],login`."""
    return [host for part in re.findall(r"(?:[^,\[]|\[[^\]]*\])+", text) for host in _hosts_of(part)]


def _hosts_of(part: str) -> list[str]:
    found = re.search(r"\[([^\]]*)\]", part)
    if not found:
        return [part]
    middle: list[str] = []
    for word in found[1].split(","):
        first, dash, last = word.partition("-")
        numbers = range(int(first), int(last) + 1) if dash else range(int(first), int(first) + 1)
        middle += [str(number).zfill(len(first)) for number in numbers]
    return [part[: found.start()] + digits + rest for digits in middle for rest in _hosts_of(part[found.end() :])]
