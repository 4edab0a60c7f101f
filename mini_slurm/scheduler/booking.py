"""`scontrol create reservation`, update and delete: what administrators reserve, checked in Slurm's order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mini_slurm.model.fleet import Fleet
from mini_slurm.model.reservation import FLAGS, YEAR, Reservation, advanced, named, recurs
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.decisions import Answer, Decision
from mini_slurm.scheduler.events import ReservationDeleteRequested, ReservationRequested
from mini_slurm.scheduler.licenses import BadLicenses, parse
from mini_slurm.scheduler.nodes import NO_SUCH_NODE, NOT_ADMIN
from mini_slurm.scheduler.parties import with_parties
from mini_slurm.scheduler.partitions import NO_SUCH_PARTITION
from mini_slurm.scheduler.reservations import LIVE, forget, keep, users
from mini_slurm.scheduler.rivals import check_free, chosen
from mini_slurm.scheduler.targets import Refusal, is_operator

INVALID = "Requested reservation is invalid"
IN_USE = "Requested reservation is in use"
DUPLICATE = "Duplicate reservation name"
STARTED = "Reservation already started"
NO_SKIP = "Reservation given is not skipable, try deleting instead"
BAD_TIME = "Invalid time specified"
NO_DEFAULT = "No partition specified or system default partition"
NOT_SUPPORTED = "Requested operation not supported on this system"
BAD_LICENSES = "Invalid license specification"
LATE = 600  # seconds that the start may lie back
LATE_CHANGE = 60


def on_reservation_requested(cluster: Cluster, event: ReservationRequested, now: float) -> list[Decision]:
    """Make a reservation, or change one."""
    try:
        if not is_operator(cluster, event.by):
            raise Refusal(NOT_ADMIN)
        name = (_create if event.create else _update)(cluster, event.changes, now)
    except Refusal as refusal:
        return [Answer(event.number, str(refusal))]
    return [Answer(event.number, name=name)]


def on_reservation_delete_requested(cluster: Cluster, event: ReservationDeleteRequested, now: float) -> list[Decision]:
    """Take a reservation away that no job uses."""
    found = cluster.overrides.reservations.get(event.name)
    if not is_operator(cluster, event.by):
        return [Answer(event.number, NOT_ADMIN)]
    if found is None:
        return [Answer(event.number, INVALID)]
    if _runs(cluster, found.name) or _waits(cluster, found.name):
        return [Answer(event.number, IN_USE)]
    forget(cluster, found)
    return [Answer(event.number)]


def _runs(cluster: Cluster, name: str) -> bool:
    return any(job.state in LIVE for job in users(cluster, name))


def _waits(cluster: Cluster, name: str) -> bool:
    """Does a job wait for it, before any other that it names?"""
    waiting = (job for job in users(cluster, name) if job.state is JobState.PENDING)
    return any(next(iter(named(cluster.fleet, job))).name == name for job in waiting)


def _create(cluster: Cluster, wish: Mapping[str, Any], now: float) -> str:
    """Raises Refusal."""
    fleet = cluster.fleet
    number = cluster.overrides.reservation_number + 1
    start, end = _span(wish, now)
    flags = {flag for flag in wish.get("flags", ()) if not flag.startswith("-")}
    made = Reservation(str(wish.get("name") or ""), number, start, end, max_start_delay=wish.get("delay", 0))
    made = made._replace(keeps_duration="end" not in wish)
    made = _with_partition(made, wish, fleet)
    made = with_parties(made, wish, fleet)
    made = made._replace(licenses=_licenses(wish, fleet), features=wish.get("features") or None)
    if "machines" in wish:
        made, flags = _with_named(made, wish["machines"], flags, fleet)
    elif "ANY_NODES" not in flags:
        flags -= {"PART_NODES"}
        made = _with_usual_partition(made, fleet)._replace(flags=_in_order(flags))
        made = made._replace(machines=chosen(cluster, made, wish.get("count", 0)))
    made = made._replace(flags=_in_order(flags))
    check_free(cluster, made)
    if "ANY_NODES" in flags and not made.machines and not made.licenses:
        raise Refusal(INVALID)
    made = _named(cluster, made)
    keep(cluster, made, made.number)
    return made.name


def _in_order(flags: set[str]) -> tuple[str, ...]:
    return tuple(flag for flag in FLAGS if flag in flags)


def _span(wish: Mapping[str, Any], now: float) -> tuple[float, float]:
    start = wish.get("start", now)
    if start < now - LATE or wish.get("end", now) < now - LATE:
        raise Refusal(BAD_TIME)
    if "end" in wish:
        return start, wish["end"]
    return start, start + (wish.get("duration") or YEAR)


def _with_partition(made: Reservation, wish: Mapping[str, Any], fleet: Fleet) -> Reservation:
    if not wish.get("partition"):
        return made
    if wish["partition"] not in fleet.partitions:
        raise Refusal(NO_SUCH_PARTITION)
    return made._replace(partition=wish["partition"])


def _with_usual_partition(made: Reservation, fleet: Fleet) -> Reservation:
    """Machines that are not named come out of one partition."""
    if made.partition is not None:
        return made
    if fleet.default_partition is None:
        raise Refusal(NO_DEFAULT)
    return made._replace(partition=fleet.default_partition.name)


def _licenses(wish: Mapping[str, Any], fleet: Fleet) -> str | None:
    try:
        wanted = parse(wish.get("licenses"))
    except BadLicenses:
        raise Refusal(BAD_LICENSES) from None
    if any(fleet.licenses.get(name, -1) < count for name, count in wanted.items()):
        raise Refusal(BAD_LICENSES)
    return wish.get("licenses") or None


def _with_named(made: Reservation, names: list[str], flags: set[str], fleet: Fleet) -> tuple[Reservation, set[str]]:
    """The machines of a hostlist; ALL of them, or of the partition."""
    flags = flags | {"SPEC_NODES"}
    if [name.upper() for name in names] == ["ALL"]:
        if made.partition is not None and "PART_NODES" in flags:
            return made._replace(machines=fleet.partitions[made.partition].machines), flags
        return made._replace(machines=tuple(fleet.machines)), (flags - {"PART_NODES"}) | {"ALL_NODES"}
    if not names or not fleet.machines.keys() >= set(names):
        raise Refusal(NO_SUCH_NODE)
    machines = tuple(name for name in fleet.machines if name in names)
    return made._replace(machines=machines), flags - {"PART_NODES"}


def _named(cluster: Cluster, made: Reservation) -> Reservation:
    """A reservation without a name is called after whom it is for."""
    taken = cluster.overrides.reservations
    if made.name:
        if made.name in taken:
            raise Refusal(DUPLICATE)
        return made
    stem = (*made.accounts, *made.users, *made.groups, "resv")[0]
    while f"{stem}_{made.number}" in taken:
        made = made._replace(number=made.number + 1)
    return made._replace(name=f"{stem}_{made.number}")


# --- changes


def _update(cluster: Cluster, wish: Mapping[str, Any], now: float) -> str:
    """Raises Refusal."""
    found = cluster.overrides.reservations.get(str(wish.get("name")))
    if found is None:
        raise Refusal(INVALID)
    fleet = cluster.fleet
    changed = _with_flags(found, wish)
    changed = changed._replace(max_start_delay=wish.get("delay", changed.max_start_delay))
    changed = _with_partition(changed, wish, fleet) if wish.get("partition") != "" else changed._replace(partition=None)
    if "licenses" in wish:
        changed = changed._replace(licenses=_licenses(wish, fleet))
    if wish.get("features"):
        raise Refusal(NOT_SUPPORTED)
    changed = with_parties(changed, wish, fleet)
    changed = _with_times(changed, wish, now)
    changed = _with_machines(cluster, changed, wish)
    check_free(cluster, changed)
    if not changed.machines and not (changed.is_for_licenses and changed.licenses):
        raise Refusal(INVALID)
    number = None
    if "SKIP" in wish.get("flags", ()):
        number, changed = _skipped(cluster, changed)
    keep(cluster, changed, number)
    return changed.name


def _with_flags(found: Reservation, wish: Mapping[str, Any]) -> Reservation:
    flags = set(found.flags)
    for flag in wish.get("flags", ()):
        if flag.startswith("-"):
            flags.discard(flag[1:])
        elif flag == "PART_NODES" and not (found.partition or wish.get("partition")):
            raise Refusal(NO_SUCH_PARTITION)
        else:
            flags.add(flag)
    return found._replace(flags=_in_order(flags))


def _with_times(changed: Reservation, wish: Mapping[str, Any], now: float) -> Reservation:
    """A later start keeps the duration, or the end where that was said."""
    start, end, keeps = changed.start, changed.end, changed.keeps_duration
    if "start" in wish:
        if start <= now:
            raise Refusal(STARTED)
        if wish["start"] < now - LATE_CHANGE:
            raise Refusal(BAD_TIME)
        start, end = wish["start"], wish["start"] + end - start if keeps else end
    if "end" in wish:
        if wish["end"] < now - LATE_CHANGE:
            raise Refusal(BAD_TIME)
        end, keeps = wish["end"], False
    if "duration" in wish:
        keeps, duration = True, YEAR if wish["duration"] is None else wish["duration"]
        sign = wish.get("sign", "")
        end = max(start + duration, now) if not sign else max(end + (duration if sign == "+" else -duration), now)
    if start >= end:
        raise Refusal(BAD_TIME)
    return changed._replace(start=start, end=end, keeps_duration=keeps)


def _with_machines(cluster: Cluster, changed: Reservation, wish: Mapping[str, Any]) -> Reservation:
    """Other machines, or another number of them: those that it has stay as far as they can; idle ones go first."""
    flags = set(changed.flags)
    if wish.get("machines"):
        changed, flags = _with_named(changed, wish["machines"], flags - {"ALL_NODES"}, cluster.fleet)
        return changed._replace(flags=_in_order(flags))
    if "machines" in wish:
        flags -= {"SPEC_NODES", "ALL_NODES"}
        count = wish.get("count", len(changed.machines))
        changed = changed._replace(machines=(), flags=_in_order(flags))
    else:
        count = wish.get("count", len(changed.machines))
    if count <= len(changed.machines):
        idle_first = sorted(changed.machines, key=lambda name: bool(cluster.machines[name].jobs))
        dropped = idle_first[: len(changed.machines) - count]
        return changed._replace(machines=tuple(name for name in changed.machines if name not in dropped))
    return changed._replace(machines=chosen(cluster, _with_usual_partition(changed, cluster.fleet), count))


def _skipped(cluster: Cluster, changed: Reservation) -> tuple[int, Reservation]:
    """The next time is left out."""
    if not recurs(changed):
        raise Refusal(NO_SKIP)
    if _runs(cluster, changed.name):
        raise Refusal(IN_USE)
    number = cluster.overrides.reservation_number + 1
    return number, advanced(changed, changed.end)._replace(number=number)
