"""What sbatch, salloc and srun say at -v of the options that they go by."""

from __future__ import annotations

import os
import time

from mini_slurm.cli.verbose import PLUGINS
from mini_slurm.desk.submission import working_folder
from mini_slurm.model.units import format_elapsed
from mini_slurm.options.words import shown_mail_types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mini_slurm.options.collect import Values
    from mini_slurm.options.table import JobOption

RULE = f"{'-' * 20} {'-' * 20}"
WIDTH = 20  # letters of a name
SHARING = {1: "exclusive", 2: "user", 3: "mcs", 4: "oversubscribe"}
WHOLE = {"bell": "bell-always", "no_bell": "bell-never", "no_kill": "set"}


def lines(values: Values, table: Sequence[JobOption], texts: Mapping[str, str] | None = None) -> list[str]:
    """All that was said, by name. `texts`: what is a step's and no job's."""
    found = {name: text for name, text in (texts or {}).items() if name in STEPS}
    for option in table:
        if option.field in values.source and (text := _shown(option, values)) is not None:
            found[option.long] = text
    shown = [f"{name:{WIDTH}}: {found[name]}" for name in sorted(found)]
    return ["defined options", RULE, *shown, RULE, "end of defined options"]


def loaded() -> list[str]:
    """What follows, where a controller is spoken to."""
    return list(PLUGINS)


STEPS = ("input", "output", "error", "open-mode", "export")


def _shown(option: JobOption, values: Values) -> str | None:
    """The value of an option; None where another row of its field is meant."""
    field, value = option.field, values.of.get(option.field)
    if field == "exclusive":
        text = SHARING.get(int(str(value)), "")
        return text if (option.long == "oversubscribe") == (text == "oversubscribe") else None
    if field == "requeue":
        return option.long if (option.long == "requeue") == bool(value) else None
    if field == "clusters" and option.long == "cluster":
        return None
    if field in WHOLE:
        return WHOLE[field]
    if field in READERS:
        return READERS[field](value, values)
    if option.value == "none":
        return str(value) if option.adds else "set"
    return "" if value is None else str(value)


def _moment(value: object, values: Values) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(float(str(value))))


def _limit(value: object, values: Values) -> str:
    return "UNLIMITED" if value is None else format_elapsed(int(str(value)))


def _size(value: object, values: Values) -> str:
    amount = int(str(value))
    return f"{amount // 1024}G" if amount and amount % 1024 == 0 else str(amount)


def _nodes(value: object, values: Values) -> str:
    most = values.of.get("max_nodes")
    return str(value) if most in (None, value) else f"{value}-{most}"


def _file(value: object, values: Values) -> str:
    return os.path.join(working_folder(), str(value))


READERS: dict[str, Callable[[object, Values], str]] = {
    "begin": _moment,
    "deadline": _moment,
    "time_limit": _limit,
    "time_min": _limit,
    "memory_per_node": _size,
    "memory_per_cpu": _size,
    "mem_per_gpu": _size,
    "tmp": _size,
    "nodes": _nodes,
    "std_in": _file,
    "std_out": _file,
    "std_err": _file,
    "gres": lambda value, values: f"gres:{value}",
    "switches": lambda value, values: str(value).partition("@")[0],
    "signal": lambda value, values: str(value).partition("@")[0].rpartition(":")[2],
    "mail_type": lambda value, values: shown_mail_types(value) if isinstance(value, frozenset) else str(value),
    "kill_command": lambda value, values: str(value) if value else "TERM",
}
