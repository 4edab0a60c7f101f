"""Signals by the names that Slurm knows, and by number."""

from __future__ import annotations

from mini_slurm.model.numbers import SPACE, leading_number, to_int

NUMBERS = {  # on Linux
    "HUP": 1, "INT": 2, "QUIT": 3, "ABRT": 6, "KILL": 9, "ALRM": 14, "TERM": 15, "USR1": 10, "USR2": 12,
    "URG": 23, "CONT": 18, "STOP": 19, "TSTP": 20, "TTIN": 21, "TTOU": 22, "XCPU": 24,
}  # fmt: skip
LAST = 64  # what is above it is no signal, and reaches nothing


def signal_number(text: str) -> int:
    """The number of a signal, which Slurm does not check, or of its name; 0: there is no such signal."""
    number, rest = leading_number(text)
    if rest != text:
        return 0 if rest.strip(SPACE) else to_int(number)
    name = text.strip(SPACE).upper()
    return NUMBERS.get(name.removeprefix("SIG"), 0)
