"""What `scontrol update` and `create` call the things that they change of machines and partitions: one row for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from mini_slurm.model.fleet import ENDLESS
from mini_slurm.model.hostlist import expand
from mini_slurm.model.oversubscription import MOST, settled
from mini_slurm.model.preemption import read_mode
from mini_slurm.model.units import parse_time_limit
from mini_slurm.options.tags import LARGEST, Tag

WEIGHT = re.compile(r"(-?)(\d+|0[xX][0-9a-fA-F]+)([kK]?)", re.ASCII)
NODES = re.compile(r"(\d{0,9})([kKmM]?)", re.ASCII)
SUFFIXES = {"": 1, "k": 1024, "m": 1024**2}
NO_NUMBER = ("UNLIMITED", "INFINITE")
MINUTE = 60  # seconds
HEAVIEST = 0xFFFFFFF0
NODE_STATES = (
    ("NORESP", 3), ("CANCEL_REBOOT", 3), ("DRAIN", 3), ("FAIL", 3), ("FUTURE", 3), ("RESUME", 3),
    ("POWER_DOWN_ASAP", 12), ("POWER_DOWN_FORCE", 12), ("POWER_DOWN", 7), ("POWER_UP", 7), ("UNDRAIN", 3),
    ("UNKNOWN", 3), ("DOWN", 3), ("IDLE", 3), ("ALLOCATED", 3), ("MIXED", 3),
)  # fmt: skip
NEED_REASON = frozenset({"DOWN", "DRAIN", "FAIL"})
PARTITION_STATES = (("INACTIVE", 1), ("DOWN", 1), ("UP", 1), ("DRAIN", 1))
YES_OR_NO = (("NO", 1), ("YES", 1))
SHARING = (("NO", 1), ("EXCLUSIVE", 1), ("YES", 1), ("FORCE", 1))

Reader = Callable[[str], Any]  # raises BadWord


class BadWord(ValueError):
    """A value that does not parse: what is to be said, {} for the whole word."""

    def __init__(self, *lines: str, plain: bool = False, ends: bool = True) -> None:
        super().__init__(*lines)
        self.lines = lines
        self.plain = plain  # without the command's name
        self.ends = ends  # Slurm does not even ask for the rest


def _not_supported() -> BadWord:
    return BadWord("Update of this parameter is not supported: {}", "Request aborted", plain=True)


def _choose(value: str, names: Sequence[tuple[str, int]]) -> str | None:
    """The first name that the value is the beginning of, and long enough a one."""
    return next((name for name, least in names if len(value) >= least and name.startswith(value.upper())), None)


def _text(value: str) -> str:
    return value


def _listed(value: str) -> list[str]:
    return [part for part in value.split(",") if part]


def _reason(value: str) -> str:
    """Quotes that came through the shell are not part of it."""
    return value.removeprefix('"').removesuffix('"')


def _node_state(value: str) -> str:
    found = _choose(value, NODE_STATES)
    if found is None:
        raise BadWord(
            "Invalid input: {}",
            "Request aborted",
            "Valid states are: NoResp DRAIN FAIL FUTURE RESUME POWER_DOWN POWER_UP UNDRAIN",
            "Not all states are valid given a node's prior state",
            plain=True,
        )
    return found


def _weight(value: str) -> int:
    if value.upper() in NO_NUMBER:
        return HEAVIEST
    found = WEIGHT.fullmatch(value)
    if found is None:
        raise BadWord(f"Weight value ({value}) is not a valid number")
    if found[1]:
        raise BadWord(f"Weight value ({value}) is less than zero")
    weight = int(found[2], 0 if found[2][:2].lower() == "0x" else 10) * (1024 if found[3] else 1)
    if weight > HEAVIEST:
        raise BadWord(f"Weight value ({value}) is greater than {HEAVIEST}")
    return weight


def _limit(value: str) -> int | None:
    try:
        return parse_time_limit(value)
    except ValueError:
        raise BadWord("Invalid input {}") from None


def _count(name: str, *, endless: bool = False, bits: int = 32) -> Callable[[str], int | None]:
    def read(value: str) -> int | None:
        if endless and value.upper() in NO_NUMBER:
            return None
        if not (value.isascii() and value.isdigit() and int(value) <= LARGEST[bits]):
            raise BadWord(f"Invalid {name} value: {value}")
        return int(value)

    return read


def _one_of(names: Sequence[tuple[str, int]], advice: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        found = _choose(value, names)
        if found is None:
            raise BadWord("Invalid input: {}", advice)
        return found

    return read


def _switch(name: str) -> Callable[[str], bool]:
    choose = _one_of(YES_OR_NO, f"Acceptable {name} values are YES and NO")
    return lambda value: choose(value) == "YES"


def _names(value: str) -> list[str]:
    """What stands between commas; all of them, or none, is no restriction."""
    return [] if value.upper() == "ALL" else _listed(value)


def _hosts(value: str) -> list[str]:
    try:
        return [] if value.upper() == "ALL" else expand(value)
    except ValueError:
        raise BadWord("Invalid input: {}") from None


def _alternate(value: str) -> str:
    return "" if value.upper() == "NONE" else value


def _amount(name: str) -> Callable[[str], int | None]:
    """MiB; 0 is no limit."""
    count = _count(name, bits=64)
    return lambda value: count(value) or None


def _sharing(value: str) -> str:
    """Whether, and how many, jobs share CPUs; as in Slurm what is no number means that they share not even machines."""
    advice = "Acceptable OverSubscribe values are NO, EXCLUSIVE, YES:#, and FORCE:#"
    word, colon, count = value.partition(":")
    found = _one_of(SHARING, advice)(word)
    if found in ("NO", "EXCLUSIVE") or not colon:
        return settled(found)
    try:
        return settled(f"{found}:{count}")
    except ValueError:
        if count.isascii() and count.isdigit() and int(count) > MOST:
            raise _not_supported() from None
        return "EXCLUSIVE"


def _over_time(value: str) -> int:
    """Minutes."""
    if value.upper() in NO_NUMBER:
        return ENDLESS
    return (_count("OverTimeLimit", bits=16)(value) or 0) * MINUTE


def _only(*values: str) -> Callable[[str], None]:
    """What a fleet does in no other way."""

    def read(value: str) -> None:
        if value.upper() not in values:
            raise _not_supported()

    return read


def _node_limit(value: str) -> int | None:
    """The first number of a range, with its suffix."""
    if value.upper() in NO_NUMBER:
        return None
    found = NODES.match(value)
    if found is None or (value[found.end() :] and value[found.end()] != "-"):
        raise BadWord(f'Invalid numeric value "{value}" for MaxNodes.', ends=False)
    return int(found[1] or 1) * SUFFIXES[found[2].lower()]


def _least_nodes(value: str) -> int:
    found = NODES.match(value)
    if found is None or not found[1]:
        raise BadWord(f'"{value}" is not a valid node count', ends=False)
    return int(found[1]) * SUFFIXES[found[2].lower()]


def _preempt_mode(value: str) -> str:
    try:
        return read_mode(value)
    except ValueError:
        raise BadWord("Invalid input: {}") from None


# fmt: off
NODE_TAGS: tuple[Tag[Reader], ...] = (
    Tag("NodeName", 1, "Names", _text),
    Tag("ActiveFeatures", 3, "ActiveFeatures", _listed),
    Tag("Extra", 1, "Extra", _text),
    Tag("Features", 1, "Features", _listed),
    Tag("AvailableFeatures", 3, "Features", _listed),
    Tag("Gres", 1, "Gres", _text),
    Tag("Weight", 1, "Weight", _weight),
    Tag("Comment", 2, "Comment", _text),
    Tag("Reason", 1, "Reason", _reason),
    Tag("State", 1, "State", _node_state),
)
PARTITION_TAGS: tuple[Tag[Reader], ...] = (
    Tag("PartitionName", 2, "name", _text),
    Tag("MaxTime", 4, "max_time", _limit),
    Tag("CpuBind", 7, "", _only("OFF")),
    Tag("DefaultTime", 8, "default_time", _limit),
    Tag("MaxCPUsPerNode", 4, "max_cpus_per_node", _count("MaxCPUsPerNode", endless=True)),
    Tag("MaxNodes", 4, "max_nodes", _node_limit),
    Tag("MinNodes", 2, "min_nodes", _least_nodes),
    Tag("Default", 7, "default", _switch("Default")),
    Tag("DisableRootJobs", 1, "disable_root_jobs", _switch("DisableRootJobs")),
    Tag("ExclusiveUser", 1, "exclusive_user", _switch("ExclusiveUser")),
    Tag("Hidden", 1, "hidden", _switch("Hidden")),
    Tag("LLN", 1, "lln", _switch("LLN")),
    Tag("RootOnly", 3, "root_only", _switch("RootOnly")),
    Tag("ReqResv", 3, "require_reservation", _switch("ReqResv")),
    Tag("OverSubscribe", 5, "over_subscribe", _sharing),
    Tag("Shared", 2, "over_subscribe", _sharing),
    Tag("OverTimeLimit", 5, "over_time_limit", _over_time),
    Tag("PreemptMode", 3, "preempt_mode", _preempt_mode),
    Tag("Priority", 3, "priority", _count("Priority", bits=16)),
    Tag("PriorityJobFactor", 3, "priority", _count("PriorityJobFactor", bits=16)),
    Tag("PriorityTier", 3, "tier", _count("PriorityTier", bits=16)),
    Tag("State", 2, "state", _one_of(PARTITION_STATES, "Acceptable State values are UP, DOWN, DRAIN and INACTIVE")),
    Tag("Nodes", 1, "machines", _text),
    Tag("AllowGroups", 6, "allow_groups", _names),
    Tag("AllowAccounts", 6, "allow_accounts", _names),
    Tag("AllowQos", 6, "allow_qos", _names),
    Tag("DenyAccounts", 5, "deny_accounts", _names),
    Tag("DenyQos", 5, "deny_qos", _names),
    Tag("AllocNodes", 6, "alloc_nodes", _hosts),
    Tag("Alternate", 3, "alternate", _alternate),
    Tag("GraceTime", 5, "grace_time", _count("GraceTime")),
    Tag("DefMemPerCPU", 10, "default_memory_per_cpu", _amount("DefMemPerCPU")),
    Tag("DefMemPerNode", 10, "default_memory_per_node", _amount("DefMemPerNode")),
    Tag("MaxMemPerCPU", 10, "max_memory_per_cpu", _amount("MaxMemPerCPU")),
    Tag("MaxMemPerNode", 10, "max_memory_per_node", _amount("MaxMemPerNode")),
    Tag("QoS", 3, "qos", _text),
)
# one takes the place of the other, as Slurm keeps them in one place
INSTEAD = {
    "default_memory_per_cpu": "default_memory_per_node", "default_memory_per_node": "default_memory_per_cpu",
    "max_memory_per_cpu": "max_memory_per_node", "max_memory_per_node": "max_memory_per_cpu",
}
# fmt: on


def read(tags: Sequence[Tag[Reader]], words: Sequence[str]) -> dict[str, Any]:
    """What the words say. Raises BadWord: also for a word without a value, and for what there is no row for."""
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise BadWord(f"Invalid input: {word}  Request aborted")
        tag = next((tag for tag in tags if tag.fits(name)), None)
        if tag is None:
            raise _about(_not_supported(), word)
        try:
            found[tag.key] = tag.read(value)
        except BadWord as error:
            raise _about(error, word) from None
        if tag.name == "Priority":
            found["tier"] = found["priority"]
        if tag.key in INSTEAD:
            found[INSTEAD[tag.key]] = None
    return found


def _about(error: BadWord, word: str) -> BadWord:
    lines = (line.replace("{}", word) for line in error.lines)
    return BadWord(*lines, plain=error.plain, ends=error.ends)
