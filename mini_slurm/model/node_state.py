"""The state of a node as Slurm has it: a base and flags in one number, and how commands write and read it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

UNKNOWN, DOWN, IDLE, ALLOCATED, ERROR, MIXED, FUTURE = range(7)
BASE = 0xF
RESERVED, DRAIN, COMPLETING, NO_RESPOND, FAIL = 1 << 5, 1 << 9, 1 << 10, 1 << 11, 1 << 13
MAINT, REBOOT, BOOTING, PLANNED = 1 << 15, 1 << 16, 1 << 20, 1 << 21
COUNTERS, CLOUD = 1 << 4, 1 << 7
POWERED_DOWN, POWERING_UP, POWERING_DOWN, POWER_DOWN = 1 << 12, 1 << 14, 1 << 18, 1 << 23

BASES = {
    DOWN: "DOWN", IDLE: "IDLE", ALLOCATED: "ALLOCATED", ERROR: "ERROR", MIXED: "MIXED", FUTURE: "FUTURE",
    UNKNOWN: "UNKNOWN",
}  # fmt: skip
# the flags that our nodes can have, in the order in which they are written
FLAGS = {
    COMPLETING: "COMPLETING", DRAIN: "DRAIN", FAIL: "FAIL", MAINT: "MAINTENANCE", RESERVED: "RESERVED",
    NO_RESPOND: "NOT_RESPONDING", PLANNED: "PLANNED",
}  # fmt: skip
SHORT = {DOWN: "DOWN", IDLE: "IDLE", ALLOCATED: "ALLOC", MIXED: "MIX", FUTURE: "FUTR", UNKNOWN: "UNK"}
# what a filter may name, each by its beginning; the first that fits is meant. Nodes of ours are never in some of them.
NAMES: tuple[tuple[int, str], ...] = (
    (UNKNOWN, "UNK UNKNOWN"), (DOWN, "DOWN"), (IDLE, "IDLE"), (ALLOCATED, "ALLOC ALLOCATED"), (ERROR, "?"),
    (MIXED, "MIX MIXED"), (FUTURE, "FUTR FUTURE"), (PLANNED, "PLANNED PLND"), (DRAIN, "DRAIN"),
    (DRAIN | IDLE, "DRAINED"), (RESERVED, "RESV RESERVED"), (COUNTERS, "PERFCTRS NPC"),
    (DRAIN | ALLOCATED, "DRAINING DRNG"), (COMPLETING, "COMP COMPLETING"), (NO_RESPOND, "NO_RESPOND"),
    (POWERING_DOWN, "POWERING_DOWN"), (POWERED_DOWN, "POWERED_DOWN"), (POWER_DOWN, "POWER_DOWN"),
    (POWERING_UP, "POWERING_UP"), (FAIL, "FAIL"), (MAINT, "MAINT"), (REBOOT, "BOOT REBOOT"), (BOOTING, "BOOT^ REBOOT^"),
    (CLOUD, "CLOUD"),
)  # fmt: skip
VALID = (
    "unknown,down,idle,allocated,?,mixed,future,drain,drained,draining,no_respond,reserved,perfctrs,cloud,completing,"
    "powering_down,powered_down,power_down,powering_up,fail,maint,reboot,reboot^,unknown"
)


def written(state: int) -> tuple[str, str]:
    """The one word for a state, long and short: DRAINED and DRAIN, IDLE* and IDLE*."""
    base, ends = state & BASE, state & COMPLETING
    mark = "*" if state & NO_RESPOND else ""
    if state & MAINT and not state & DRAIN and base not in (ALLOCATED, DOWN, MIXED):
        return "MAINT" + mark, "MAINT" + mark
    if state & MAINT and (state & DRAIN or not state & FAIL):
        mark = "$"
    if state & DRAIN:
        long, short = ("DRAINING", "DRNG") if is_draining(state) else ("DRAINED", "DRAIN")
    elif state & FAIL:
        long, short = ("FAILING", "FAILG") if ends or base == ALLOCATED else ("FAIL", "FAIL")
    elif ends and base not in (DOWN, ALLOCATED):
        long, short = "COMPLETING", "COMP"
    elif base == IDLE and state & RESERVED and not mark:
        long, short = "RESERVED", "RESV"
    elif base == IDLE and state & PLANNED and not mark:
        long, short = "PLANNED", "PLND"
    else:
        long, short = BASES[base], SHORT[base]
        if not mark:
            mark = "+" if ends and base == ALLOCATED else "-" if state & PLANNED and base == MIXED else ""
    return long + mark, short + mark


def complete(state: int) -> str:
    """The base and every flag: IDLE+DRAIN."""
    return "+".join([BASES[state & BASE], *flags(state)])


def flags(state: int) -> list[str]:
    """The names of the flags that are set."""
    return [name for flag, name in FLAGS.items() if state & flag]


def is_draining(state: int) -> bool:
    """Does the node wait for the end of its jobs, to be drained then?"""
    return bool(state & DRAIN) and bool(state & COMPLETING or state & BASE in (ALLOCATED, MIXED))


class Wanted:
    """The states that a filter names: any of them, or with & between them all. Raises ValueError with a bad one."""

    def __init__(self, text: str) -> None:
        self._all = "&" in text
        self._states = [*_every()] if text.lower() == "all" else [_number(word) for word in _words(text)]

    def has(self, state: int, has_jobs: bool) -> bool:
        """Is a node in this state meant?"""
        met = [_fits(wanted, state, has_jobs) for wanted in self._states]
        return bool(met) and (all(met) if self._all else any(met))


def _words(text: str) -> Iterator[str]:
    return filter(None, text.replace("&", ",").split(","))


def _every() -> Iterator[int]:
    yield from (*BASES, DRAIN, COMPLETING)


def _number(word: str) -> int:
    for state, names in NAMES:
        if any(name.startswith(word.upper()) for name in names.split()):
            return state
    raise ValueError(word)


def _fits(wanted: int, state: int, has_jobs: bool) -> bool:
    if wanted == DRAIN:
        return bool(state & DRAIN)
    if is_draining(wanted):
        return is_draining(state)
    if wanted & DRAIN:
        return bool(state & DRAIN) and not is_draining(state)
    if wanted & ~BASE:
        return bool(wanted & state)
    return has_jobs if wanted == ALLOCATED else state & BASE == wanted
