"""How tasks end: what srun says of it, and what it makes of it for its own exit status."""

from __future__ import annotations

from _signal import strsignal  # type: ignore[import-not-found]  # signal costs a quarter of srun's start

OUT_OF_MEMORY = 125  # the signal by which Slurm says that a task was killed for its memory
NO_FILES = 53  # the signal by which Slurm's accounting says that a machine's tasks had no files
CORE = 0x80  # in a wait status: a core was dumped
TERMINATED, KILLED = 15, 9


def ranges(tasks: list[int]) -> str:
    """Task numbers as srun writes them: `0-1,5`."""
    parts: list[list[int]] = []
    for task in sorted(tasks):
        if parts and parts[-1][1] == task - 1:
            parts[-1][1] = task
        else:
            parts.append([task, task])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def named(tasks: list[int]) -> str:
    """`task 3`, `tasks 0-1`."""
    return ("task " if len(tasks) == 1 else "tasks ") + ranges(tasks)


def signal_of(status: int) -> int:
    """The signal that a wait status tells of; 0 for none."""
    return status & 0x7F


def is_death(status: int) -> bool:
    """Has a signal ended it, other than for its memory?"""
    return signal_of(status) not in (0, OUT_OF_MEMORY)


def code_of(status: int) -> int:
    """The exit code that a wait status tells of."""
    return status >> 8 & 0xFF


def describe(status: int) -> str:
    """The words for an end that is no success: `Exited with exit code 3`, `Terminated`. "" for a success."""
    number = signal_of(status)
    if not number:
        return f"Exited with exit code {code_of(status)}" if code_of(status) else ""
    if number == OUT_OF_MEMORY:
        return "Out Of Memory"
    return (strsignal(number) or f"Unknown signal {number}") + " (core dumped)" * bool(status & CORE)


def worse(one: int, other: int) -> int:
    """Of two wait statuses the one that a step is known by: the highest exit code, but any signal counts for more."""
    if OUT_OF_MEMORY in (signal_of(one), signal_of(other)):
        return OUT_OF_MEMORY
    if signal_of(one) or signal_of(other):
        return max(one, other, key=signal_of)
    return max(one, other)


def booked(one: int, other: int) -> int:
    """Of two wait statuses the one by which accounting knows a step: an exit code is more than a signal there."""
    for told in (OUT_OF_MEMORY, NO_FILES):
        if told in (signal_of(one), signal_of(other)):
            return told
    return max(one, other)


def exit_code(status: int) -> int:
    """srun's exit status for a step known by this wait status."""
    number = signal_of(status)
    if number == OUT_OF_MEMORY:
        return 1
    return 128 + number if number else code_of(status)
