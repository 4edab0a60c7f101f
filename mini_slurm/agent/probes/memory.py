"""How much memory the machine has, and how much of it is free."""

FILE = "/proc/meminfo"


def parse(text: str, wanted: str = "MemTotal") -> int:
    """MiB, from the line `MemTotal: 16310988 kB`."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == wanted:
            return int(value.split()[0]) // 1024
    raise ValueError(f"no {wanted} in {FILE}")
