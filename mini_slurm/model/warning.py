"""--signal: the signal that a job gets before its time is up, `B:USR1@60` (sbatch(1))."""

from __future__ import annotations

import re
from typing import NamedTuple

# by their numbers on Linux; those that Slurm knows by name
NUMBERS = {
    "HUP": 1, "INT": 2, "QUIT": 3, "ABRT": 6, "KILL": 9, "USR1": 10, "USR2": 12, "ALRM": 14, "TERM": 15,
    "CONT": 18, "STOP": 19, "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23,
}  # fmt: skip
TEXT = re.compile(r"([RB]*:)?(\w+)(?:@(\d{1,5}))?", re.ASCII | re.IGNORECASE)
BEFORE = 60  # seconds, where nothing else is said


class Warning(NamedTuple):
    """Which signal, how many seconds before the end, and whether the batch script gets it, else the steps."""

    signal: int
    before: int
    to_script: int  # 1 or 0: all three go to the machine as numbers


def parse_warning(text: str | None) -> Warning | None:
    """Read --signal; None where there is nothing to be sent."""
    found = TEXT.fullmatch("".join((text or "").split()))
    if not found:
        return None
    name = found[2].upper().removeprefix("SIG")
    number = int(name) if name.isdigit() else NUMBERS.get(name, 0)
    if not 0 < number < 65:
        return None
    return Warning(number, int(found[3] or BEFORE), int("B" in (found[1] or "").upper()))
