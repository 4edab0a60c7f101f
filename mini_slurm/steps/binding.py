"""What srun tells its tasks of --cpu-bind and --mem-bind. Which CPUs a task gets is up to its step. Pure."""

from __future__ import annotations

from mini_slurm.errors import BadUsage
from mini_slurm.model.numbers import words_with_numbers

LISTED = ("map_cpu", "mask_cpu", "map_ldom", "mask_ldom")  # with a list of numbers
WAYS = ("none", "rank", "rank_ldom", *LISTED)  # one of them counts
PLACES = ("sockets", "cores", "threads", "ldoms")  # and one of them
QUIET, VERBOSE = "quiet", "verbose"
MEMORY_WORDS = {"q": QUIET, "v": VERBOSE, "p": "prefer", "no": "none"}


HINTS = {"compute_bound": "cores", "memory_bound": "cores", "nomultithread": "threads"}
LAYERS = frozenset({"block", "cyclic", "fcyclic"})


def variables(program: str, given: dict[str, str]) -> dict[str, str]:
    """What srun's options come to, by their long names. Raises BadUsage."""
    implied = "threads" if given.get("threads-per-core") else HINTS.get(given.get("hint", ""), "")
    if given.get("cpu-bind"):
        found = of_cpus(program, given["cpu-bind"])
    else:
        found = _variables("SLURM_CPU_BIND", QUIET, implied, "") if implied else {}
    if given.get("mem-bind"):
        found.update(of_memory(given["mem-bind"]))
    layout, comma, packed = given.get("distribution", "").lower().partition(",")
    layers = ["block" if layer == "*" else layer for layer in layout.split(":")]
    if len(layers) > 1 and LAYERS.issuperset(layers):
        found["SLURM_DISTRIBUTION"] = ":".join(layers) + comma + packed
    return found


def of_cpus(program: str, text: str) -> dict[str, str]:
    """The variables for a --cpu-bind. Raises BadUsage."""
    place = way = listed = ""
    loud = QUIET
    for word in words_with_numbers(text):
        name, _, numbers = word.lower().replace("=", ":").partition(":")
        name = name.replace("mapcpu", "map_cpu").replace("maskcpu", "mask_cpu")
        name = {"no": "none", "q": QUIET, "v": VERBOSE}.get(name, name)
        if name in (QUIET, VERBOSE):
            loud = name
        elif name in WAYS:
            if name in LISTED and not numbers:
                raise _bad(program, f'missing list for "--cpu-bind={name}:<list>"')
            way, listed = (f"{name}:", numbers) if name in LISTED else (name, "")
        elif name.rstrip("s") + "s" in PLACES:
            place = name.rstrip("s") + "s"
        elif name != "one_thread":
            raise _bad(program, f'unrecognized --cpu-bind argument "{word}"')
    # as in Slurm, what says no way of its own to bind stands there as it was given
    return _variables("SLURM_CPU_BIND", loud, ",".join(filter(None, (place, way))), listed if way else text)


def of_memory(text: str) -> dict[str, str]:
    """The variables for a --mem-bind, which has been looked at already: `verbose,prefer,map_mem:0,1`."""
    words = [MEMORY_WORDS.get(word.lower(), word.replace("=", ":")) for word in words_with_numbers(text)]
    way, colon, listed = next(
        (word for word in words if word not in (QUIET, VERBOSE, "prefer", "sort", "nosort")), ""
    ).partition(":")
    loud = VERBOSE if VERBOSE in words else QUIET
    preferred = ["prefer"] * ("prefer" in words)
    found = _variables("SLURM_MEM_BIND", loud, way + colon, listed, *preferred)
    return {**found, **{f"SLURM_MEM_BIND_{word.upper()}": word for word in ("prefer", "sort") if word in words}}


def _variables(name: str, loud: str, kind: str, listed: str, *more: str) -> dict[str, str]:
    whole = ",".join(filter(None, (loud, *more, kind))) + (listed if kind else "")
    return {name: whole, f"{name}_VERBOSE": loud, f"{name}_TYPE": kind, f"{name}_LIST": listed}


def _bad(program: str, line: str) -> BadUsage:
    return BadUsage(f"{program}: error: {line}", f"{program}: fatal: Failed to parse --cpu-bind= values.", exit_code=1)
