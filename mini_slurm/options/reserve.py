"""What `scontrol create reservation` and `update reservationname=` read: words to the changes that the core makes.

The keys of the changes: name, start, end, duration (seconds; None: a year), sign, machines, count, partition, users,
groups, accounts, features, licenses, flags, delay. Parties keep their signs: `+a`, `-b`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from mini_slurm.model.units import parse_duration, parse_time_limit

NO_CORES = (
    "CoreCnt or CPUCnt is only supported when SelectType includes select/cons_res or SelectTypeParameters includes "
    "OTHER_CONS_RES on a Cray."
)
COUNT = re.compile(r"(\d{1,9})([kKmM]?)", re.ASCII)
SIZES = {"": 1, "k": 1024, "m": 1024 * 1024}
# name, how much of it has to be typed, and what is set; the first that fits counts
FLAGS = (
    ("Maintenance", 3, "MAINT"), ("Overlap", 1, "OVERLAP"), ("Flex", 1, "FLEX"), ("Ignore_Jobs", 1, "IGNORE_JOBS"),
    ("Hourly", 1, "HOURLY"), ("Daily", 1, "DAILY"), ("Weekday", 1, "WEEKDAY"), ("Weekend", 1, "WEEKEND"),
    ("Weekly", 1, "WEEKLY"), ("Any_Nodes", 1, "ANY_NODES"), ("License_Only", 1, "ANY_NODES"),
    ("Static_Alloc", 1, "STATIC"), ("Part_Nodes", 2, "PART_NODES"), ("Magnetic", 3, None), ("Promiscuous", 2, None),
    ("Purge_Comp", 2, None), ("First_Cores", 1, "FIRST_CORES"), ("Time_Float", 1, None), ("Replace", 1, None),
    ("Replace_Down", 8, None), ("No_Hold_Jobs_After_End", 1, "NO_HOLD_JOBS_AFTER_END"),
)  # fmt: skip
LASTING = frozenset({"OVERLAP", "FIRST_CORES", "NO_HOLD_JOBS_AFTER_END"})  # nobody can take these away again


class BadReservation(ValueError):
    """The words make no reservation: what is to be said."""


class Wish:
    """What the words of one line say. Raises BadReservation; `moment` reads a time, and raises ValueError."""

    def __init__(self, words: Iterable[str], advice: str, moment: Callable[[str], float]) -> None:
        self.changes: dict[str, Any] = {}
        self._advice = advice
        self._moment = moment
        for word in words:
            self._take(word)

    def _take(self, word: str) -> None:
        name, equals, value = word.partition("=")
        if not equals and name.lower().startswith("res"):
            return
        if not equals and _fits(name, "Skip", 2):
            self._add_flags(["SKIP"])
            return
        if not equals:
            raise BadReservation(
                f"Misformatted parameter '{word}', most options have a parameter after '='.  {self._advice}"
            )
        sign = name[-1:] if name[-1:] in ("+", "-") else ""
        name = name.removesuffix(sign) if sign else name
        reader = next((read for key, least, read in READERS if _fits(name, key, least)), None)
        if reader is None and name.lower().startswith("res"):
            return
        if reader is None:
            raise BadReservation(f"Unknown parameter {word}.  {self._advice}")
        if sign and reader not in SIGNED:
            raise BadReservation(f"The +=/-= notation is not supported when updating {name}.  {self._advice}")
        reader(self, word, sign, value)

    # --- readers, each of the whole word, the sign before its equals sign, and the value

    def text(self, key: str, value: str) -> None:
        """Kept as it is."""
        self.changes[key] = value

    def party(self, key: str, word: str, sign: str, value: str) -> None:
        """Names, each with its sign."""
        if key in self.changes:
            raise BadReservation(f"Parameter {word} specified more than once")
        self.changes[key] = [sign + name for name in value.split(",") if name]

    def start(self, word: str, sign: str, value: str) -> None:
        """When it begins."""
        self.changes["start"] = self._time("start time", word, value)

    def end(self, word: str, sign: str, value: str) -> None:
        """When it is over."""
        self.changes["end"] = self._time("end time", word, value)

    def _time(self, what: str, word: str, value: str) -> float:
        try:
            return self._moment(value)
        except ValueError:
            raise BadReservation(f"Invalid {what} {word}.  {self._advice}") from None

    def duration(self, word: str, sign: str, value: str) -> None:
        """How long it is in force, or how much longer or shorter."""
        try:
            seconds = parse_time_limit(value)
        except ValueError:
            seconds = -1
        if seconds is not None and (seconds < 0 or value.startswith("-")):
            raise BadReservation(f"Invalid duration {word}.  {self._advice}")
        self.changes["duration"], self.changes["sign"] = seconds, sign

    def delay(self, word: str, sign: str, value: str) -> None:
        """MaxStartDelay."""
        try:
            self.changes["delay"] = parse_duration(value)
        except ValueError:
            raise BadReservation(f"Invalid duration {word}.  {self._advice}") from None

    def count(self, word: str, sign: str, value: str) -> None:
        """So many nodes, whichever; several counts are added up."""
        self._count("node count", value)

    def _count(self, what: str, value: str) -> None:
        found = [COUNT.fullmatch(part) for part in value.split(",") if part]
        if not found or not all(found):
            raise BadReservation(f"Invalid {what} {value}")
        self.changes["count"] = sum(int(one[1]) * SIZES[one[2].lower()] for one in found if one)

    def flags(self, word: str, sign: str, value: str) -> None:
        """Flags, each perhaps with a sign."""
        named = []
        for part in value.split(","):
            own = part[:1] if part[:1] in ("+", "-") else sign
            text = part.removeprefix("+").removeprefix("-").partition("=")[0]
            flag = next((one for one in FLAGS if _fits(text, one[0], one[1])), None)
            if part and (flag is None or (own == "-" and flag[2] in LASTING)):
                raise BadReservation(f"Error parsing flags {word.partition('=')[2]}.  {self._advice}")
            if part and flag is not None and flag[2] is None:
                raise BadReservation(f"Flag {flag[0].upper()} is not supported on a fleet.  {self._advice}")
            named += [("-" if own == "-" else "") + str(flag[2])] if part and flag else []
        self._add_flags(named)

    def _add_flags(self, named: list[str]) -> None:
        self.changes["flags"] = [*self.changes.get("flags", []), *named]

    def cores(self, word: str, sign: str, value: str) -> None:
        """A fleet reserves whole machines."""
        raise BadReservation(NO_CORES)

    def tres(self, word: str, sign: str, value: str) -> None:
        """Nodes and licenses by the names that accounting has for them."""
        licenses = []
        for token in value.split(","):
            name, _, amount = token.partition("=")
            kind, _, which = name.partition("/")
            if not (name and amount):
                raise BadReservation(f"invalid TRES '{token}'")
            if kind.lower() == "node":
                self._count("TRES node count", amount)
            elif kind.lower() == "license":
                licenses.append(f"{which}:{amount}")
            elif kind.lower() == "cpu":
                raise BadReservation(NO_CORES)
            else:
                raise BadReservation(f"couldn't identify configured TRES '{name}'")
        if licenses:
            self.changes["licenses"] = ",".join(licenses)

    def absent(self, word: str, sign: str, value: str) -> None:
        """What no fleet has."""
        raise BadReservation(f"{word.partition('=')[0]} is not supported on a fleet.  {self._advice}")


Reader = Callable[[Wish, str, str, str], None]


def _text(key: str) -> Reader:
    return lambda wish, word, sign, value: wish.text(key, value)


def _party(key: str) -> Reader:
    return lambda wish, word, sign, value: wish.party(key, word, sign, value)


_ACCOUNTS, _GROUPS, _USERS = _party("accounts"), _party("groups"), _party("users")
# in the order in which scontrol looks
READERS: tuple[tuple[str, int, Reader], ...] = (
    ("Accounts", 1, _ACCOUNTS), ("Flags", 2, Wish.flags), ("Groups", 1, _GROUPS), ("Users", 1, _USERS),
    ("ReservationName", 1, _text("name")), ("BurstBuffer", 2, Wish.absent), ("StartTime", 2, Wish.start),
    ("EndTime", 1, Wish.end), ("Duration", 1, Wish.duration), ("MaxStartDelay", 2, Wish.delay),
    ("NodeCnt", 5, Wish.count), ("NodeCount", 5, Wish.count), ("CoreCnt", 5, Wish.cores), ("CoreCount", 5, Wish.cores),
    ("CPUCnt", 5, Wish.cores), ("CPUCount", 5, Wish.cores), ("Nodes", 5, _text("machines")),
    ("Features", 2, _text("features")), ("Licenses", 2, _text("licenses")), ("PartitionName", 1, _text("partition")),
    ("TRES", 1, Wish.tres), ("Watts", 1, Wish.absent),
)  # fmt: skip
SIGNED = (_ACCOUNTS, _GROUPS, _USERS, Wish.flags, Wish.duration)


def _fits(word: str, name: str, least: int) -> bool:
    return len(word) >= least and name.lower().startswith(word.lower())


def for_new(changes: dict[str, Any]) -> dict[str, Any]:
    """What a new reservation needs is there; what goes without saying is added. Raises BadReservation."""
    start, end, duration = changes.get("start"), changes.get("end"), changes.get("duration", 0)
    if start is None:
        raise BadReservation("A start time must be given.  No reservation created.")
    if end is None and "duration" not in changes:
        raise BadReservation("An end time or duration must be given.  No reservation created.")
    if end is not None and "duration" in changes and start + (duration or 0) != end:
        raise BadReservation("StartTime + Duration does not equal EndTime.  No reservation created.")
    if end is not None and start > end:
        raise BadReservation("Start time cannot be after end time.  No reservation created.")
    changes = _for_partition(changes)
    if not any(changes.get(party) for party in ("users", "groups", "accounts")):
        raise BadReservation("Either Users/Groups and/or Accounts must be specified.  No reservation created.")
    if "users" in changes and "groups" in changes:
        raise BadReservation(
            "Users and Groups are mutually exclusive.  You can have one or the other, but not both.  "
            "No reservation created."
        )
    return changes


def _for_partition(changes: dict[str, Any]) -> dict[str, Any]:
    """A partition alone means all its machines."""
    flags, partition = list(changes.get("flags", [])), changes.get("partition")
    is_all = str(changes.get("machines", "")).upper() == "ALL"
    if partition is not None and is_all:
        flags.append("PART_NODES")
    if "PART_NODES" in flags and not (partition and is_all):
        raise BadReservation("PART_NODES flag requires specifying a Partition and ALL nodes.  No reservation created.")
    if not (changes.get("count") or changes.get("machines") or changes.get("licenses")):
        if partition is None:
            raise BadReservation(
                "CoreCnt, Nodes, NodeCnt, BurstBuffer, Licenses or Watts must be specified.  No reservation created."
            )
        return {**changes, "flags": [*flags, "PART_NODES"], "machines": "ALL"}
    return {**changes, "flags": flags} if flags else changes
