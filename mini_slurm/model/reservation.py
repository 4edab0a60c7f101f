"""Advance reservations: machines or licenses that are kept for some users from one moment to another."""

from __future__ import annotations

from mini_slurm.model.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mini_slurm.model.fleet import Fleet
    from mini_slurm.model.job import Job

HOUR, DAY = 3600, 86400
YEAR = 365 * DAY
WEEK_DAYS = 7
FRIDAY, SATURDAY, SUNDAY = 4, 5, 6  # as datetime counts them
# in the order in which scontrol writes them
FLAGS = (
    "MAINT", "FLEX", "OVERLAP", "IGNORE_JOBS", "HOURLY", "DAILY", "WEEKDAY", "WEEKEND", "WEEKLY", "SPEC_NODES",
    "ALL_NODES", "ANY_NODES", "STATIC", "PART_NODES", "FIRST_CORES", "NO_HOLD_JOBS_AFTER_END",
)  # fmt: skip


class Reservation(NamedTuple):
    """One reservation. Moments are seconds since the epoch."""

    name: str
    number: int
    start: float
    end: float
    machines: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()  # of FLAGS
    users: tuple[str, ...] = ()
    uids: tuple[int, ...] = ()  # of the users, or of the members of the groups
    all_but_users: bool = False  # the users are those who may not use it
    groups: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    all_but_accounts: bool = False
    partition: str | None = None
    features: str | None = None
    licenses: str | None = None
    max_start_delay: int = 0  # seconds; shown, and never waited for
    keeps_duration: bool = True  # its end moves along with its start: nobody has said the end itself

    @property
    def is_for_licenses(self) -> bool:
        """Does it keep no machines, and bind its jobs to none?"""
        return "ANY_NODES" in self.flags

    @property
    def binds(self) -> bool:
        """Do its jobs run on its machines alone?"""
        return not (self.is_for_licenses or "FLEX" in self.flags)

    def is_active(self, now: float) -> bool:
        """Is it in force?"""
        return self.start <= now < self.end

    def overlaps(self, begin: float, end: float) -> bool:
        """Is it in force at any moment between these?"""
        return self.start < end and self.end > begin

    def admits(self, uid: int, account: str | None) -> bool:
        """May a job of this user and account use it?"""
        if self.uids and (uid in self.uids) == self.all_but_users:
            return False
        return not self.accounts or (account in self.accounts) != self.all_but_accounts


def named(fleet: Fleet, job: Job) -> list[Reservation]:
    """The reservations that the job names, as far as there are such."""
    names = job.reservation.split(",") if job.reservation is not None else ()
    return [fleet.reservations[name] for name in names if name in fleet.reservations]


def recurs(reservation: Reservation) -> bool:
    """Does it come again when it is over?"""
    return any(flag in REPEATS for flag in reservation.flags)


def advanced(reservation: Reservation, now: float) -> Reservation:
    """The same one, the next time that it is in force or will be."""
    repeat = next(REPEATS[flag] for flag in REPEATS if flag in reservation.flags)
    while reservation.end <= now:
        hours, days = repeat(now)
        reservation = reservation._replace(
            start=moved(reservation.start, hours, days), end=moved(reservation.end, hours, days)
        )
    return reservation


def moved(moment: float, hours: int, days: int) -> float:
    """So much later; a day later is the same time of day, whatever the clocks were turned by."""
    from datetime import datetime, timedelta

    if not days:
        return moment + hours * HOUR
    return (datetime.fromtimestamp(moment) + timedelta(days=days)).timestamp()


def _day(now: float) -> int:
    from datetime import datetime

    return datetime.fromtimestamp(now).weekday()


def _weekday(now: float) -> tuple[int, int]:
    return 0, {FRIDAY: 3, SATURDAY: 2}.get(_day(now), 1)


def _weekend(now: float) -> tuple[int, int]:
    day = _day(now)
    return 0, {SATURDAY: 1, SUNDAY: 6}.get(day, SATURDAY - day)


# flag -> by how many hours and days it moves on, seen from now
REPEATS: Mapping[str, Callable[[float], tuple[int, int]]] = {
    "HOURLY": lambda now: (1, 0),
    "DAILY": lambda now: (0, 1),
    "WEEKDAY": _weekday,
    "WEEKEND": _weekend,
    "WEEKLY": lambda now: (0, WEEK_DAYS),
}
