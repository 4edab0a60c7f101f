"""What srun says at -v, in a job, of the options that it goes by."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

RULE = f"{'-' * 20} {'-' * 20}"
WIDTH = 20  # letters of a name
SIZES = frozenset({"mem", "mem-per-cpu", "mem-per-gpu", "tmp"})
ALONE = {"kill-on-bad-exit": "1"}  # what an option means that was given without a value, where it is not just set
OURS = "submit-line"  # no option


def tell(program: str, given: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """List the options, by their long names, on standard error."""
    text = "".join(f"{program}: {line}\n" for line in lines(given, environment))
    os.write(2, text.encode("utf-8", "surrogateescape"))


def lines(given: Mapping[str, str], environment: Mapping[str, str]) -> list[str]:
    """The list; the job's machines, which no option says, come first."""
    found = {name: _shown(name, text) for name, text in given.items() if name != OURS}
    found.setdefault("job-name", environment.get("SLURM_JOB_NAME", ""))
    names = sorted(found, key=lambda name: name.replace("-", ""))
    machines = [f"{'(null)':{WIDTH}}: {environment.get('SLURM_JOB_NODELIST', '')}"]
    shown = [*machines, *(f"{name:{WIDTH}}: {found[name]}" for name in names)]
    return ["defined options", RULE, *shown, RULE, "end of defined options"]


def _shown(name: str, text: str) -> str:
    if name == "verbose":
        return str(len(text) or 1)
    if name == "cpu-bind":
        return "(null)"  # there is no such binding
    if not text:
        return ALONE.get(name, "set")
    try:
        return _size(text) if name in SIZES else _limit(text) if name == "time" else text
    except ValueError:
        return text


def _size(text: str) -> str:
    from mini_slurm.model.units import parse_memory

    amount = parse_memory(text)
    return f"{amount // 1024}G" if amount and amount % 1024 == 0 else str(amount)


def _limit(text: str) -> str:
    from mini_slurm.model.units import format_elapsed, parse_time_limit

    seconds = parse_time_limit(text)
    return "UNLIMITED" if seconds is None else format_elapsed(seconds)
