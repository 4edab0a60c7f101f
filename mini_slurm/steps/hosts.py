"""What a step is told of machines by files and variables: --nodelist and --exclude with a slash, SLURM_HOSTFILE."""

from __future__ import annotations

from mini_slurm.errors import Refused
from mini_slurm.model import numbers
from mini_slurm.steps import request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

HOSTFILE, NAMES = "SLURM_HOSTFILE", "SLURM_ARBITRARY_NODELIST"
ARBITRARY = "arbitrary"


def take(given: dict[str, str], environment: Mapping[str, str]) -> None:
    """Put the names into the options' texts, by their long names. Raises MiniSlurmError."""
    _read(given, "exclude")
    if given.get("nodelist"):
        _read(given, "nodelist")
    elif environment.get(HOSTFILE):
        _take_file(given, environment[HOSTFILE])
    if is_arbitrary(given):
        _count(given, environment)


def is_arbitrary(given: Mapping[str, str]) -> bool:
    """Is the machine of each task named?"""
    return given.get("distribution", "").partition(",")[0].partition(":")[0].lower() == ARBITRARY


def _read(given: dict[str, str], option: str) -> None:
    """A text with a slash is a file's name."""
    if "/" in given.get(option, ""):
        given[option] = _names_in(given[option], _wanted(given) if is_arbitrary(given) else None)


def _names_in(path: str, count: int | None) -> str:
    from mini_slurm.steps.hostfile import read_hosts  # few steps have one

    return read_hosts(path, count)


def _wanted(given: Mapping[str, str]) -> int | None:
    """How many names are wanted of a file."""
    if "ntasks" in given:
        return request.number("ntasks", given["ntasks"])
    return numbers.nodes(given["nodes"])[1] if "nodes" in given else None


def _take_file(given: dict[str, str], name: str) -> None:
    given["distribution"] = ARBITRARY
    try:
        given["nodelist"] = _names_in(name if "/" in name else f"./{name}", _wanted(given))
    except Refused as error:
        raise Refused(*error.lines, "Failure getting NodeNames from hostfile") from None


def _count(given: dict[str, str], environment: Mapping[str, str]) -> None:
    """There are as many tasks as names."""
    given["nodelist"] = given.get("nodelist") or environment.get(NAMES, "")
    count = len(request.names(given["nodelist"])) if given["nodelist"] else 0
    tasks = request.number("ntasks", given["ntasks"]) if "ntasks" in given else count
    if tasks != count or not count:
        raise Refused(f"You asked for {tasks} tasks but hostlist specified {count} nodes")
    given["ntasks"] = str(count)
