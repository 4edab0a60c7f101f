"""What `scontrol show reservation` and `sinfo -T` tell of reservations."""

from __future__ import annotations

from mini_slurm.model.hostlist import compress
from mini_slurm.model.reservation import recurs
from mini_slurm.model.units import format_elapsed
from mini_slurm.output.records import filled
from mini_slurm.output.values import NULL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mini_slurm.model.reservation import Reservation
    from mini_slurm.output.layout import View
    from mini_slurm.output.records import RecordView

LEAST_WIDTH = 9  # of the names' column


def current(reservations: Mapping[str, Reservation], now: float) -> list[Reservation]:
    """Those that are not over; the controller forgets the others when it runs next."""
    return [one for one in reservations.values() if one.end > now or recurs(one)]


def lines(one: Reservation, cpus: Mapping[str, int], view: RecordView) -> list[str]:
    """The lines of one reservation; `cpus` of each machine."""
    return filled(RECORD, (one, sum(cpus.get(name, 0) for name in one.machines)), view)


def table(reservations: Sequence[Reservation], view: View, *, headed: bool) -> list[str]:
    """One line each, under a header."""
    width = max([LEAST_WIDTH, *(len(one.name) for one in reservations)] if headed else [LEAST_WIDTH])
    rows = [("RESV_NAME", "STATE", "START_TIME", "END_TIME", "DURATION", "NODELIST")] if headed else []
    for one in reservations:
        span = format_elapsed(one.end - one.start)
        rows.append((one.name, _state(one, view), view.moment(one.start), view.moment(one.end), span, _nodes(one)))
    return [f"{a:<{width}}  {b:>8}  {c:>19}  {d:>19}  {e:>11}  {f}" for a, b, c, d, e, f in rows]


def _state(one: Reservation, view: View) -> str:
    return "ACTIVE" if one.start <= view.now <= one.end else "INACTIVE"


def _nodes(one: Reservation) -> str:
    return compress(list(one.machines)) if one.machines else NULL


def _names(names: Sequence[str], but: bool) -> str:
    return ",".join(("-" if but else "") + name for name in names) or NULL


def _tres(one: Reservation, cpus: int) -> str:
    licenses = [f"license/{part.replace(':', '=')}" for part in (one.licenses or "").split(",") if part]
    return ",".join([*([f"cpu={cpus}"] if one.machines else []), *licenses]) or NULL


def _delay(seconds: int) -> str:
    return format_elapsed(seconds) if seconds else NULL


# fmt: off
RECORD = (
    (("ReservationName", lambda it, view: it[0].name),
     ("StartTime", lambda it, view: view.moment(it[0].start)),
     ("EndTime", lambda it, view: view.moment(it[0].end)),
     ("Duration", lambda it, view: format_elapsed(it[0].end - it[0].start))),
    (("Nodes", lambda it, view: _nodes(it[0])),
     ("NodeCnt", lambda it, view: str(len(it[0].machines))),
     ("CoreCnt", lambda it, view: str(it[1])),
     ("Features", lambda it, view: it[0].features or NULL),
     ("PartitionName", lambda it, view: it[0].partition or NULL),
     ("Flags", lambda it, view: ",".join(it[0].flags))),
    (("TRES", lambda it, view: _tres(*it)),),
    (("Users", lambda it, view: _names(it[0].users, it[0].all_but_users)),
     ("Groups", lambda it, view: _names(it[0].groups, False)),
     ("Accounts", lambda it, view: _names(it[0].accounts, it[0].all_but_accounts)),
     ("Licenses", lambda it, view: it[0].licenses or NULL),
     ("State", lambda it, view: _state(it[0], view)),
     ("BurstBuffer", lambda it, view: NULL),
     ("Watts", lambda it, view: "n/a")),
    (("MaxStartDelay", lambda it, view: _delay(it[0].max_start_delay)),),
)
# fmt: on
