"""The CPUs that this process, and with it every job, may run on."""

from typing import List

FILE = "/proc/self/status"


def parse(text: str) -> List[int]:
    """Their numbers, from the line `Cpus_allowed_list: 0-3,8`."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == "Cpus_allowed_list":
            return [cpu for part in value.split(",") for cpu in _range(part)]
    raise ValueError(f"no Cpus_allowed_list in {FILE}")


def _range(part: str) -> List[int]:
    first, _, last = part.strip().partition("-")
    return list(range(int(first), int(last or first) + 1))
