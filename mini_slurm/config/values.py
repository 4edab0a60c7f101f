"""What the values of a fleet file may be. A reader makes of a TOML value what the fleet holds; it raises ValueError."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mini_slurm.model.again import parse_codes
from mini_slurm.model.cluster_types import CLUSTER_TYPES
from mini_slurm.model.fleet import DENY_ON_LIMIT, ENDLESS, OVER_PART_QOS
from mini_slurm.model.hostlist import expand
from mini_slurm.model.notices import TITLES
from mini_slurm.model.oversubscription import settled
from mini_slurm.model.preemption import read_mode
from mini_slurm.model.units import parse_memory, parse_time_limit

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")  # of a machine, a partition, an account, a QOS
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PREEMPT_TYPES = ("none", "partition_prio", "qos")
WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:=+/-]*")  # a feature, a type of GPU: no operator of --constraint in it


def text(value: Any) -> str:
    """Text in quotes that is not empty and holds no control character."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError
    return value


def path(value: Any) -> str:
    """The name of a file or a folder, from the fleet file's folder on where it is not absolute."""
    return text(value)


def name(value: Any) -> str:
    """The name of a thing."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ValueError
    return value


def yes_or_no(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError
    return value


def number_from(least: int, most: int = 2**31 - 1) -> Callable[[Any], int]:
    """A reader of whole numbers in these bounds."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError
        return value

    return read


def memory(value: Any) -> int:
    """An amount of memory in MiB, above 0: a number of MiB, or text as of --mem."""
    amount = parse_memory(value if isinstance(value, str) else str(number_from(1)(value)))
    if amount <= 0:
        raise ValueError
    return amount


def duration(value: Any) -> int | None:
    """A duration in seconds: a number of minutes, or text as of --time; None for no limit."""
    seconds = parse_time_limit(value if isinstance(value, str) else str(number_from(1)(value)))
    if seconds is not None and seconds <= 0:
        raise ValueError
    return seconds


def over_time(value: Any) -> int | None:
    """A duration that may be none at all."""
    return 0 if value in (0, "0") and not isinstance(value, bool) else duration(value)


def partition_over_time(value: Any) -> int:
    """The same of a partition, where no limit is a number, too: None is that it says nothing."""
    return ENDLESS if (seconds := over_time(value)) is None else seconds


def gpus(value: Any) -> dict[str, int]:
    """GPUs by type: a number, or a table of type and number."""
    counts = value if isinstance(value, dict) else {"": value}
    if not all(not kind or WORD.fullmatch(kind) for kind in counts):
        raise ValueError
    return {kind: number for kind, count in counts.items() if (number := number_from(0, 1024)(count))}


def licenses(value: Any) -> dict[str, int]:
    """Numbers by name."""
    if not isinstance(value, dict) or not all(NAME.fullmatch(name) for name in value):
        raise ValueError
    return {name: number_from(0)(count) for name, count in value.items()}


def words(value: Any) -> tuple[str, ...]:
    """A list of words."""
    if not isinstance(value, list) or not all(isinstance(word, str) and WORD.fullmatch(word) for word in value):
        raise ValueError
    return tuple(dict.fromkeys(value))


def hostlist(value: Any) -> tuple[str, ...]:
    """The names of a hostlist, or of a list of hostlists."""
    parts = value if isinstance(value, list) else [value]
    if not parts or not all(isinstance(part, str) and part.strip() for part in parts):
        raise ValueError
    return tuple(dict.fromkeys(name for part in parts for name in expand(part)))


def table(value: Any) -> dict[str, Any]:
    """A table whose keys are names that the user chose."""
    if not isinstance(value, dict):
        raise ValueError
    return value


def cluster_type(value: Any) -> str:
    """A system that jobs can be handed to."""
    if not isinstance(value, str) or value not in CLUSTER_TYPES:
        raise ValueError
    return value


def names(value: Any) -> tuple[str, ...]:
    """A list of names."""
    return tuple(dict.fromkeys(map(name, _list(value))))


def arguments(value: Any) -> tuple[str, ...]:
    """A list of words as a command takes them."""
    return tuple(map(text, _list(value)))


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError
    return value


def absolute_path(value: Any) -> str:
    """The path of a folder, from the root on."""
    if not text(value).startswith("/"):
        raise ValueError
    return str(value)


def variables(value: Any) -> dict[str, str]:
    """A table of environment variables."""
    for key, given in table(value).items():
        if not VARIABLE.fullmatch(key) or not isinstance(given, str) or "\0" in given:
            raise ValueError
    return table(value)


def resources(value: Any) -> dict[str, int]:
    """Amounts by resource; memory in MiB."""
    found = {}
    for name, amount in table(value).items():
        if name not in ("cpus", "gpus", "nodes", "memory"):
            raise ValueError
        found[name] = memory(amount) if name == "memory" else number_from(0)(amount)
    return found


def partition_state(value: Any) -> str:
    """A state that scontrol(1) gives to a partition."""
    if not isinstance(value, str) or value.upper() not in {"UP", "DOWN", "DRAIN", "INACTIVE"}:
        raise ValueError
    return value.upper()


def over_subscribe(value: Any) -> str:
    """Whether jobs of a partition share CPUs, or have their machines for themselves."""
    return settled(text(value))


def span(value: Any) -> int:
    """A time in seconds that may be 0: a number of minutes, or text as of --time."""
    return 0 if value in (0, "0") else duration(value) or 0


def preempt_type(value: Any) -> str:
    """Which of Slurm's preempt plugins."""
    word = value.lower().removeprefix("preempt/") if isinstance(value, str) else ""
    if word not in PREEMPT_TYPES:
        raise ValueError
    return word


def preempt_mode(value: Any) -> str:
    """How jobs make room."""
    return read_mode(text(value))


def qos_flags(value: Any) -> tuple[str, ...]:
    """Slurm's flags of a QOS, written in whatever case."""
    known = {flag.lower(): flag for flag in (DENY_ON_LIMIT, OVER_PART_QOS)}
    return tuple(dict.fromkeys(_known(known, word) for word in names(value)))


def _known(words: dict[str, str], given: str) -> str:
    if given.lower() not in words:
        raise ValueError
    return words[given.lower()]


def exit_codes(value: Any) -> str:
    """Exit codes, as Slurm's RequeueExit has them."""
    parse_codes(text(value))
    return str(value)


def node_names(value: Any) -> str:
    """What nodes are called."""
    if value not in ("name", "address"):
        raise ValueError
    return str(value)


def qos_preempt_mode(value: Any) -> str:
    """The same of a QOS, which may leave it to the fleet as a whole."""
    return "" if isinstance(value, str) and value.lower() == "cluster" else preempt_mode(value)


def server(value: Any) -> str:
    """A host, and perhaps a port."""
    host, _, port = text(value).partition(":")
    if not re.fullmatch(r"[\w.-]+", host, re.ASCII) or (":" in value and not 0 < int(port) < 65536):
        raise ValueError
    return str(value)


def mail_security(value: Any) -> str:
    """How the way to a mail server is kept from others."""
    if value not in ("starttls", "tls", "none"):
        raise ValueError
    return str(value)


def events(value: Any) -> tuple[str, ...]:
    """Events of jobs."""
    found = tuple(dict.fromkeys(text(word).upper() for word in _list(value)))
    if not set(found) <= {*TITLES, "ALL"}:
        raise ValueError
    return found
