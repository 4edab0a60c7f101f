"""--signal: the signal that a job gets before its time is up, `B:USR1@60` (sbatch(1))."""

from __future__ import annotations

import re
from typing import NamedTuple

from mini_slurm.model.signals import LAST, signal_number

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
    number = signal_number(found[2])
    if not 0 < number <= LAST:
        return None
    return Warning(number, int(found[3] or BEFORE), int("B" in (found[1] or "").upper()))
