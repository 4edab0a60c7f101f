"""How much memory the machine has."""

FILE = "/proc/meminfo"


def parse(text: str) -> int:
    """MiB, from the line `MemTotal: 16310988 kB`."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == "MemTotal":
            return int(value.split()[0]) // 1024
    raise ValueError(f"no MemTotal in {FILE}")
