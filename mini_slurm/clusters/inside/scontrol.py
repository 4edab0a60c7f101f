"""scontrol within a job of PBS: `show hostnames` and `show hostlist`, which scripts need. Stands alone."""

from __future__ import annotations

import os
import re
import sys


def main(words: list[str]) -> int:
    """Print the hosts of a hostlist, of the job's without one; or the hostlist of hosts."""
    if words[:2] == ["show", "hostlist"] and len(words) == 3:
        print(compress(words[2].split(",")))
        return 0
    if words[:2] not in (["show", "hostnames"], ["show", "hostname"]) or len(words) > 3:
        sys.stderr.write(f"scontrol: error: {' '.join(words)}: not to be had within a job of PBS\n")
        return 1
    text = words[2] if len(words) > 2 else os.environ.get("SLURM_JOB_NODELIST", "")
    try:
        hosts = expand(text)
    except ValueError:
        sys.stderr.write(f"Invalid hostlist: {text}\n")
        return 1
    for host in hosts:
        print(host)
    return 0


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


def expand(text: str) -> list[str]:
    """The hosts of `node[1-3,07],login`."""
    return [host for part in re.findall(r"(?:[^,\[]|\[[^\]]*\])+", text) for host in _expand(part)]


def _expand(part: str) -> list[str]:
    found = re.search(r"\[([^\]]*)\]", part)
    if not found:
        return [part]
    middle: list[str] = []
    for word in found[1].split(","):
        first, dash, last = word.partition("-")
        numbers = range(int(first), int(last) + 1) if dash else range(int(first), int(first) + 1)
        middle += [str(number).zfill(len(first)) for number in numbers]
    return [part[: found.start()] + digits + rest for digits in middle for rest in _expand(part[found.end() :])]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
