"""Where a command goes: to the fleet, or to clusters. The one place that decides it."""

from __future__ import annotations

import os

from mini_slurm.config.alone import is_alone
from mini_slurm.config.paths import fleet_file
from mini_slurm.errors import BadUsage
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from mini_slurm.config.clusters import Clusters
    from mini_slurm.options.listings import Chosen

    Warn = Callable[[str], None]

VARIABLE = "MINI_SLURM_CLUSTER"
ALL = "all"


def silent(line: str) -> None:
    """Say nothing of a place that there is not."""


def survey(db: sqlite3.Connection | None, put: Callable[[str, str], None] = lambda key, value: None) -> Clusters:
    """The places there are; without a fleet file, what PATH leads to. `put` keeps a setting. Raises FleetError."""
    from mini_slurm.config import clusters

    if fleet_file() is not None:
        return clusters.load(lambda key: queries.get_setting(db, key), put)
    from mini_slurm.clusters.detect import detect

    found = detect()
    if found is not None:
        return clusters.Clusters("", {found.name: found})
    return clusters.Clusters(clusters.EMBEDDED, {})


def chosen(
    program: str, options: Chosen, db: sqlite3.Connection | None, field: str = "clusters", *, warn: Warn = silent
) -> list[str]:
    """The places that a command asks by name; none: the fleet, and with it what was submitted to clusters from here.

    `warn` is told of each name that there is not, beside others. Raises BadUsage for none, FleetError.
    """
    by_variable = field not in options.fields
    return named(program, options.text(field), db, by_variable=by_variable, warn=warn)


def named(
    program: str,
    text: str | None,
    db: sqlite3.Connection | None,
    *,
    by_variable: bool = False,
    warn: Warn = silent,
) -> list[str]:
    """The places that -M's value means; without a value, what the variable and the fleet file say."""
    text = os.environ.get(VARIABLE) or None if text is None else text
    if text is None:
        return [] if only_fleet(db) else default(survey(db))
    places = survey(db)
    return check(program, text, [*filter(None, (places.fleet, *places.clusters))], by_variable=by_variable, warn=warn)


def check_variable(program: str, db: sqlite3.Connection | None) -> None:
    """Raise BadUsage where $MINI_SLURM_CLUSTER names a place that there is not."""
    if os.environ.get(VARIABLE):
        named(program, None, db, by_variable=True)


def check(program: str, text: str, known: list[str], *, by_variable: bool = False, warn: Warn = silent) -> list[str]:
    """Those of the places that this list names, in their order, as Slurm reads it. Raises BadUsage for none."""
    if text.lower() == ALL:
        return known
    words = [word for word in text.strip("\"'").lower().split(",") if word] or [""]
    missing = [
        f"{program}: error: No cluster '{word}' known by database."
        for word in words
        if word not in map(str.lower, known)
    ]
    if len(missing) == len(words):
        raise unreachable(missing, program, text, by_variable=by_variable)
    for line in missing:
        warn(line)
    return [name for name in known if name.lower() in words]


def there(text: str | None, db: sqlite3.Connection | None) -> list[str]:
    """The places that sacct's -M means: it passes over names that there are not. "": everything from here."""
    text = text or os.environ.get(VARIABLE)
    if text is None and only_fleet(db):
        return [""]
    places = survey(db)
    known = [*filter(None, (places.fleet, *places.clusters))]
    if text is None:
        return default(places) or [""]
    words = text.split(",")
    return known if ALL in words else [name for name in known if name in words]


def only_fleet(db: sqlite3.Connection | None) -> bool:
    """Is it certain, at a glance, that there is no other place? Raises FleetError."""
    return is_alone(lambda key: queries.get_setting(db, key))


def default(places: Clusters) -> list[str]:
    """Where there is no fleet, its first cluster takes its place."""
    return [] if places.fleet else [*places.clusters][:1]


def unreachable(missing: list[str], program: str, text: str, *, by_variable: bool = False) -> BadUsage:
    """There is no place of any of these names."""
    where = "SLURM_CLUSTERS" if by_variable else "--cluster"
    return BadUsage(
        *missing,
        f"{program}: error: '{text}' can't be reached now, or it is an invalid entry for {where}."
        "  Use 'sacctmgr list clusters' to see available clusters.",
        exit_code=1,
    )
