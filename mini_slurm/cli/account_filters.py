"""The filters of msacct whose words are checked: users, groups, reasons, flags, sizes, limits, QOS, associations."""

from __future__ import annotations

import os

from mini_slurm.cli import listing
from mini_slurm.errors import BadUsage
from mini_slurm.model.numbers import LARGEST, leading_number
from mini_slurm.model.units import parse_time_limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.fleet import Fleet
    from mini_slurm.options.listings import Chosen
    from mini_slurm.store.queries import Where

EVERYBODY = "-1"  # of -u
NO_QOS = "You gave me an empty qos list"
# how accounting says that a job was started, and the jobs of which it says so
FLAGS = {
    "none": "0", "schedsubmit": "start_time IS NOT NULL AND script = ''",
    "schedmain": "start_time IS NOT NULL AND script != ''", "schedbackfill": "0",
    "startrecieved": "1",
}  # fmt: skip


def users(program: str, chosen: Chosen) -> list[int] | None:
    """Whose jobs: by default one's own, and root's are everybody's."""
    words = chosen.words("user")
    last = next((field for field in reversed(chosen.fields) if field in ("allusers", "user")), "")
    if last == "allusers" or (words and words[-1] == EVERYBODY):
        words = None
        chosen.put("allusers", "")
    if words == []:
        raise BadUsage(exit_code=1)
    if words is None:
        everybody = "allusers" in chosen or "jobs" in chosen or "nodelist" in chosen or not os.getuid()
        return None if everybody else [os.getuid()]
    numbers = []
    for word in words:
        number = listing.user_number(word)
        if number is None:
            raise BadUsage(f"{program}: error: Invalid user id: {word}", exit_code=1)
        numbers.append(number)
    return numbers


def reasons(program: str, chosen: Chosen) -> list[str] | None:
    """The reasons of --reason. Raises BadUsage."""
    words = chosen.words("reason")
    if words:
        from mini_slurm.options.reasons import REASONS

        known = {reason.lower() for reason in REASONS}
        for word in words:
            if word.lower() not in known:
                raise BadUsage(f"{program}: fatal: unrecognized job reason value '{word}'", exit_code=1)
    return words


def add_flags(program: str, found: Where, chosen: Chosen) -> None:
    """How jobs were started: here all by the scheduler's first look at them. Raises BadUsage."""
    words = [word.lower() for word in chosen.words("flags") or []]
    for word in words:
        if not any(flag in word for flag in FLAGS):
            raise BadUsage(
                f"{program}: error: str_2_job_flags: Invalid job flag {_as_given(chosen, word)}", exit_code=1
            )
    for flag, piece in FLAGS.items():
        if any(flag in word for word in words):
            found.add(piece)


def _as_given(chosen: Chosen, word: str) -> str:
    return next(given for given in chosen.words("flags") or [] if given.lower() == word)


def group(program: str, word: str) -> int:
    """A group's number. Raises BadUsage."""
    import grp

    try:
        known = grp.getgrgid(int(word)) if word.isascii() and word.isdigit() else grp.getgrnam(word)
        return known.gr_gid
    except (KeyError, OverflowError):
        raise BadUsage(f"{program}: error: Invalid group id: {word}", exit_code=1) from None


def add_sizes(program: str, found: Where, chosen: Chosen) -> None:
    """Nodes, CPUs and time limits that jobs are chosen by. Raises BadUsage."""
    for field, column, what in (("nnodes", "nodes", "node"), ("ncpus", "alloc_cpus", "cpu")):
        text = chosen.text(field)
        if text is None:
            continue
        try:
            least, most = _range(text)
        except ValueError:
            why = f'Invalid numeric value "{text}" for requested {what} range.'
            raise BadUsage(f"{program}: error: {why}", exit_code=1) from None
        if least:  # none is no condition
            found.add(f"{column} BETWEEN ? AND ?", least, most or least)
    shortest, longest = (_limit(program, chosen.text(field)) for field in ("timelimit_min", "timelimit_max"))
    if shortest is not None:  # the longest alone says nothing, as in Slurm
        found.add("time_limit BETWEEN ? AND ?", shortest, shortest if longest is None else longest)


def _range(text: str) -> tuple[int, int]:
    """`MIN[-MAX]`, each perhaps with k or m after it; the most is 0 where it was not said. Raises ValueError."""
    if not text or text.startswith("*"):
        return 1, LARGEST
    least, rest = _many(text)
    if least < 0 or (rest and not rest.startswith("-")):
        raise ValueError(text)
    if not rest:
        return least, 0
    most, rest = _many(rest[1:])
    if most <= 0 or (rest and not rest.startswith("-")):
        raise ValueError(text)
    return least, most


def _many(text: str) -> tuple[int, str]:
    number, rest = leading_number(text)
    factor = {"k": 1024, "m": 1048576}.get(rest[:1].lower(), 1)
    return number * factor, rest[factor > 1 :]


def _limit(program: str, text: str | None) -> int | None:
    """Seconds of a time limit that jobs are chosen by."""
    if text is None:
        return None
    try:
        seconds = parse_time_limit(text) if text != "0" else 0
    except ValueError:
        seconds = 0
    if seconds is not None and seconds <= 0:
        raise BadUsage(f"{program}: fatal: Invalid time limit specification", exit_code=1)
    return seconds


def add_fleets(program: str, found: Where, chosen: Chosen, fleet: Fleet) -> None:
    """The conditions that name what the fleet file names. Raises BadUsage."""
    words = chosen.words("qos")
    if words is not None:
        bad = next((word for word in words if word.lower() not in {name.lower() for name in fleet.qos}), None)
        if bad is not None or not words:
            why = f"You gave a bad qos '{bad}'. Valid QOS's are {','.join(fleet.qos)}" if words else NO_QOS
            fatal = f"{program}: fatal: problem processing qos list"
            raise BadUsage(f"{program}: error: {why}", fatal, exit_code=1)
    numbers = chosen.words("associations")
    if numbers is not None:
        pairs = [pair for pair, number in fleet.association_numbers().items() if str(number) in numbers]
        pieces = ["account IS ? AND user = ?"] * len(pairs) or ["0"]
        found.add(" OR ".join(f"({piece})" for piece in pieces), *(name for pair in pairs for name in pair))
