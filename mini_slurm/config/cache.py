"""The fleet as it was last read, kept in the database, so that commands need no TOML reader."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from mini_slurm.config import alone, clusters
from mini_slurm.config.clusters import EMBEDDED
from mini_slurm.config.paths import fleet_file
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.fleet import (
    Association,
    Fleet,
    Limits,
    MachineEntry,
    Mail,
    Notices,
    Partition,
    Preempt,
    Qos,
    Weights,
)
from mini_slurm.model.overrides import NO_OVERRIDE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

KEY = "fleet"  # of the table `setting`
_last: list[Any] = [None, None, None]  # what was kept when it was read last, its signature, and the fleet that it is
OVERRIDES = "overrides"  # what administrators changed, in the same table
# A newer mini_slurm may know more of a machine than the one that kept the fleet.
FIELDS = [
    list(kind._fields)
    for kind in (
        Fleet,
        MachineEntry,
        Partition,
        Qos,
        Association,
        ClusterEntry,
        Weights,
        Limits,
        Preempt,
        Mail,
        Notices,
    )
]


def load(get: Callable[[str], str | None], put: Callable[[str, str], None]) -> Fleet:
    """The fleet that counts, with what administrators changed of it. Raises FleetError."""
    fleet = load_file(get, put)
    changed = get(OVERRIDES)
    if not changed:
        return fleet
    from mini_slurm.model.changed_fleet import apply, from_text

    return apply(fleet, from_text(changed))


def load_file(get: Callable[[str], str | None], put: Callable[[str, str], None], path: str | None = None) -> Fleet:
    """The fleet of this file, else of the one that counts; "" is the embedded default. Raises FleetError.

    `get` and `put` reach the table `setting`: the file is read only when it is another one than, or was changed since,
    the one that is kept there.
    """
    path = fleet_file() if path is None else path
    if not path:
        return embedded_fleet()
    signature = _signature(path)
    kept = get(KEY)
    if kept is not None:
        if kept != _last[0]:
            found = json.loads(kept)
            is_known = found["signature"] == signature  # else it may be another mini_slurm's, with other fields
            _last[:] = [kept, found["signature"], _from_values(found["fleet"]) if is_known else None]
        if _last[1] == signature and _last[2] is not None:
            fleet: Fleet = _last[2]
            return fleet
    from mini_slurm.config.fleet import read_fleet

    fleet = read_fleet(path)
    put(KEY, json.dumps({"signature": signature, "fleet": fleet}, separators=(",", ":")))
    put(alone.KEY, alone.signature(path) if fleet.machines and not fleet.clusters else "")
    return fleet


def embedded_fleet() -> Fleet:
    """Without a fleet file: this machine alone, in the partition `local`, without limits."""
    name = os.uname().nodename.split(".")[0]
    machine = MachineEntry(name, name, local=True)
    return Fleet(EMBEDDED, "", {name: machine}, {EMBEDDED: Partition(EMBEDDED, (name,), default=True)})


def _signature(path: str) -> list[object]:
    try:
        status = os.stat(path)
    except OSError:
        return []  # read_fleet says what is wrong with it
    return [path, status.st_mtime_ns, status.st_size, status.st_ino, FIELDS]


def _from_values(values: list[object]) -> Fleet:
    fleet = Fleet(*values)  # type: ignore[arg-type]
    return fleet._replace(
        machines={name: _machine(*entry) for name, entry in fleet.machines.items()},
        partitions={name: _partition(*entry) for name, entry in fleet.partitions.items()},
        qos={name: _qos(*entry) for name, entry in fleet.qos.items()},
        accounts={name: _users(users) for name, users in fleet.accounts.items()},
        clusters={name: clusters.entry(*entry) for name, entry in fleet.clusters.items()},
        foreign_ignore=tuple(fleet.foreign_ignore),
        priority=Weights(*fleet.priority),
        whole_accounts=_users(fleet.whole_accounts),
        preempt=Preempt(*fleet.preempt),
        mail=Mail(*fleet.mail),
        notices=Notices(*fleet.notices)._replace(events=tuple(fleet.notices[1])),
    )


def _machine(*values: object) -> MachineEntry:
    entry = MachineEntry(*values)  # type: ignore[arg-type]
    return entry._replace(features=tuple(entry.features), override=NO_OVERRIDE)


def _partition(*values: object) -> Partition:
    return Partition(*(tuple(one) if isinstance(one, list) else one for one in values))  # type: ignore[arg-type]


def _qos(*values: object) -> Qos:
    entry = Qos(*values)  # type: ignore[arg-type]
    return entry._replace(limits=Limits(*entry.limits), preempt=tuple(entry.preempt), flags=tuple(entry.flags))


def _users(users: Mapping[str, Association]) -> dict[str, Association]:
    found = {name: Association(*values) for name, values in users.items()}
    return {name: entry._replace(qos=tuple(entry.qos), limits=Limits(*entry.limits)) for name, entry in found.items()}
