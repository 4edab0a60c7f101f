"""What sacctmgr lists: the fleet's users, accounts, associations, QOS, clusters and trackable resources."""

from __future__ import annotations

from mini_slurm.model.associations import ROOT, Association, tree
from mini_slurm.model.fleet import NO_LIMITS, NORMAL, Limits, Qos
from mini_slurm.model.hostlist import compress
from mini_slurm.model.units import format_elapsed, format_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from typing import Any

    from mini_slurm.model.fleet import Fleet
    from mini_slurm.output.layout import Value, View

# what Slurm writes of a user or an account whose associations it has not asked for
NO_NUMBERS = dict.fromkeys(("ID", "Share", "LFT", "RGT", "GrpJobs", "GrpSubmit", "MaxJobs", "MaxSubmit"), "0")
PROTOCOL = "9728"  # the version of Slurm's protocol that 22.05 speaks
PORT = "6817"  # slurmctld's
TRES = (
    (1, "cpu", ""), (2, "mem", ""), (3, "energy", ""), (4, "node", ""), (5, "billing", ""), (6, "fs", "disk"),
    (7, "vmem", ""), (8, "pages", ""), (1001, "gres", "gpu"),
)  # fmt: skip


class Record:
    """One line: its own values by header, the association whose values are shown besides, and what it is chosen by."""

    __slots__ = ("association", "cells", "keys", "limits")

    def __init__(
        self,
        cells: Mapping[str, str],
        keys: Mapping[str, str],
        association: Association | None = None,
        limits: Limits = NO_LIMITS,
    ) -> None:
        self.limits = limits  # of a QOS
        self.cells = cells
        self.keys = {key: value.lower() for key, value in keys.items()}
        self.association = association


def associations(fleet: Fleet, *, own: bool = False, defaults: bool = False, whole: bool = False) -> list[Record]:
    """The whole tree; or users' `defaults` alone; or with each one's `own` QOS alone, users first.

    `whole`: one is found by the accounts above its own, too.
    """
    found = [one for one in tree(fleet) if not defaults or (one.user and one.is_default)]
    if own:
        found.sort(key=lambda one: (not one.user, one.left))
        for one in found:
            one.qos = one.own_qos
    return [Record({}, _keys(fleet, one, whole=whole), one) for one in found]


def users(fleet: Fleet, *, apart: bool) -> list[Record]:
    """Users by name; `apart` gives each of their associations a line."""
    found = []
    every = tree(fleet)
    for name in sorted({one.user for one in every if one.user}):
        own = [one for one in every if one.user == name]
        main = next((one for one in own if one.is_default), own[0])
        default = main.account
        level = "Administrator" if name == ROOT else "None"
        cells = {"User": name, "Name": name, "Def Acct": default, "Admin": level, **({} if apart else NO_NUMBERS)}
        for one in own if apart else [main]:
            keys = {**_keys(fleet, one), "name": name, "default": default, "level": level}
            found.append(Record(cells, keys, one if apart else None))
    return found


def beside(found: Iterable[Record], wanted: Mapping[str, set[str]], keys: Collection[str]) -> list[Record]:
    """As in Slurm users are not chosen by these keys of associations: whose main one has others shows no default."""
    aside = {key: wanted[key] for key in keys if key in wanted}
    passing = {key: next(iter(names), "") for key, names in aside.items()}
    return [
        Record(one.cells if all(_has(one, *pair) for pair in aside.items()) else {**one.cells, "Def Acct": ""},
               {**one.keys, **passing}, one.association, one.limits)
        for one in found
    ]  # fmt: skip


def accounts(fleet: Fleet, *, apart: bool) -> list[Record]:
    """Accounts by name; `apart` gives each of their associations a line."""
    found = []
    every = tree(fleet)
    for name in sorted({one.account for one in every}):
        own = [one for one in every if one.account == name]
        about = "default root account" if name == ROOT else name
        cells = {"Account": name, "Name": name, "Descr": about, "Org": name}
        cells |= {} if apart else NO_NUMBERS
        found += [
            Record(cells, {**_keys(fleet, one), "name": name}, one if apart else None)
            for one in (own if apart else own[:1])
        ]
    return found


def _keys(fleet: Fleet, one: Association, *, whole: bool = False) -> dict[str, str]:
    numbers = (str(number) for number, name in enumerate(fleet.qos or (NORMAL,), start=1) if name in one.qos)
    return {
        "account": ",".join(_accounts_of(one)) if whole else one.account, "user": one.user, "cluster": fleet.name,
        "id": str(one.number), "partition": "", "parent": _parent(one), "qos": ",".join(one.qos),
        "raw": ",".join(numbers),
    }  # fmt: skip


def _accounts_of(one: Association) -> Iterator[str]:
    """Its own account, and those that this is in."""
    at: Association | None = one
    while at is not None:
        yield at.account
        at = at.parent


def qualities(fleet: Fleet) -> list[Record]:
    """QOS in the order of the fleet file."""
    every = fleet.qos or {NORMAL: Qos(NORMAL)}
    return [
        Record(
            {
                **{"Name": name, "Descr": _about(name), "ID": str(number), "Priority": str(qos.priority)},
                "Flags": ",".join(qos.flags),
                **_preemption(qos, every),
            },
            {"name": name, "id": str(number), "description": _about(name), "preemption": qos.preempt_mode},
            limits=qos.limits,
        )
        for number, (name, qos) in enumerate(every.items(), start=1)
    ]


def _about(name: str) -> str:
    return "Normal QOS default" if name == NORMAL else name


def _preemption(qos: Qos, every: Mapping[str, Qos]) -> dict[str, str]:
    """Whose jobs make room for those of this QOS, and how its own do."""
    exempt = qos.preempt_exempt_time
    return {
        "Preempt": ",".join(name for name in every if name in qos.preempt),
        "PreemptMode": qos.preempt_mode.lower() or "cluster",
        "PreemptExemptTime": "" if exempt is None else format_elapsed(exempt),
        "GraceTime": format_elapsed(qos.grace_time),
    }


def clusters(fleet: Fleet) -> list[Record]:
    """The one that the fleet is."""
    cells = {
        "Cluster": fleet.name,
        "Cluster Nodes": compress(list(fleet.machines)),
        "NodeCount": str(len(fleet.machines)),
        "FedState": "NA",
        "TRES": _all_there_is(fleet),
    }
    return [Record(cells, {"cluster": fleet.name, "rpc": PROTOCOL}, tree(fleet)[0])]


def _all_there_is(fleet: Fleet) -> str:
    """What the machines have together, by name: of what no entry says nothing is known here."""
    machines = fleet.machines.values()
    cpus = sum(machine.cpus or 0 for machine in machines)
    memory = sum(machine.memory or 0 for machine in machines)
    gpus = sum(sum(machine.gpus.values()) for machine in machines if machine.gpus)
    amounts = {"billing": cpus, "cpu": cpus, "energy": 0, "fs/disk": 0, "gres/gpu": gpus}
    amounts_after = {"node": len(fleet.machines), "pages": 0, "vmem": 0}
    before = [f"{name}={amount}" for name, amount in amounts.items()]
    return ",".join([*before, f"mem={memory}M", *(f"{name}={amount}" for name, amount in amounts_after.items())])


def resources() -> list[Record]:
    """What is counted of jobs."""
    return [
        Record({"Type": kind, "Name": name, "ID": str(number)}, {"type": kind, "name": name, "id": str(number)})
        for number, kind, name in TRES
    ]


def among(records: Iterable[Record], wanted: Mapping[str, set[str]]) -> list[Record]:
    """Those that have one of the wanted values for each key, but for keys that begin with a dash."""
    compared = {key: names for key, names in wanted.items() if not key.startswith("-")}
    return [record for record in records if all(_has(record, key, names) for key, names in compared.items())]


def _has(record: Record, key: str, names: set[str]) -> bool:
    return not names.isdisjoint(record.keys.get(key, "").split(","))


def _parent(one: Association) -> str:
    return one.parent.account if one.parent and not one.user else ""


# --- values by header


def _cells(*headers: str) -> dict[str, Value]:
    return {header: _cell(header) for header in headers}


def _cell(header: str) -> Value:
    return lambda record, view: str(record.cells.get(header, ""))


def _of(header: str, value: Value) -> Value:
    """What an association says; where the record has none, its own word."""

    def show(record: Record, view: View) -> str:
        return value(record.association, view) if record.association else record.cells.get(header, "")

    return show


def _constant(text: str) -> Value:
    return lambda record, view: text


def _limit(name: str) -> Callable[[Limits], str]:
    def show(limits: Limits) -> str:
        value = getattr(limits, name)
        if name == "max_wall":
            return "" if value is None else format_elapsed(value)
        if isinstance(value, dict):
            return ",".join(f"{kind}={_amount(kind, value[key])}" for key, kind in KINDS if key in value)
        return "" if value is None else str(value)

    return show


def _amount(kind: str, amount: int) -> str:
    return format_memory(amount) if kind == "mem" else str(amount)


def _limits_of(names: Mapping[str, str], get: Callable[[Any], Limits | None]) -> dict[str, Value]:
    """A column for each of these limits."""

    def column(header: str, name: str) -> Value:
        limit = _limit(name)

        def show(record: Record, view: object) -> str:
            limits = get(record)
            return record.cells.get(header, "") if limits is None else limit(limits)

        return show

    return {header: column(header, name) for header, name in names.items()}


KINDS = (("cpus", "cpu"), ("memory", "mem"), ("nodes", "node"), ("gpus", "gres/gpu"))  # in Slurm's order
GROUP_LIMITS = {"GrpJobs": "grp_jobs", "GrpSubmit": "grp_submit_jobs", "GrpTRES": "grp_tres"}
JOB_LIMITS = {"MaxTRES": "max_tres", "MaxWall": "max_wall"}
USER_LIMITS = {"MaxJobs": "max_jobs", "MaxSubmit": "max_submit_jobs"}
QOS_LIMITS = {
    "MaxJobsPU": "max_jobs_per_user",
    "MaxSubmitPU": "max_submit_jobs_per_user",
    "MaxTRESPU": "max_tres_per_user",
    "MaxJobsPA": "max_jobs_per_account",
    "MaxSubmitPA": "max_submit_jobs_per_account",
}
ASSOCIATION: Mapping[str, Value] = {
    "Cluster": lambda record, view: record.keys.get("cluster", "") if record.association else "",
    "QOS_RAW": lambda record, view: record.keys.get("raw", "") if record.association else "",
    **_limits_of(
        {**GROUP_LIMITS, **JOB_LIMITS, **USER_LIMITS},
        lambda record: record.association.limits if record.association else None,
    ),
    **{
        header: _of(header, value)
        for header, value in {
            "Account": lambda one, view: one.account,
            "User": lambda one, view: one.user,
            "Share": lambda one, view: str(one.shares),
            "QOS": lambda one, view: ",".join(sorted(one.qos)),
            "ID": lambda one, view: str(one.number),
            "ParentID": lambda one, view: str(one.parent.number) if one.parent else "0",
            "ParentName": lambda one, view: _parent(one),
            "LFT": lambda one, view: str(one.left),
            "RGT": lambda one, view: str(one.right),
        }.items()
    },
}
TREE: Mapping[str, Value] = {**ASSOCIATION, "Account": _of("Account", lambda one, view: " " * one.depth + one.account)}
USER: Mapping[str, Value] = {**ASSOCIATION, **_cells("User", "Name", "Def Acct", "Admin")}
ACCOUNT: Mapping[str, Value] = {**ASSOCIATION, **_cells("Account", "Name", "Descr", "Org")}
QUALITY: Mapping[str, Value] = {
    **_cells("Name", "Descr", "ID", "Priority", "Preempt", "PreemptMode", "PreemptExemptTime", "GraceTime"),
    **_limits_of({**GROUP_LIMITS, **JOB_LIMITS, **QOS_LIMITS}, lambda record: record.limits),
    "UsageFactor": _constant("1.000000"),
}
CLUSTER: Mapping[str, Value] = {
    **ASSOCIATION,
    **_cells("Cluster", "Cluster Nodes", "NodeCount", "FedState", "TRES"),
    "Account": _constant(""),
    "ID": _constant("0"),
    "ControlHost": lambda record, view: view.cluster,
    "ControlPort": _constant(PORT),
    "RPC": _constant(PROTOCOL),
    "PluginIDSelect": _constant("109"),
}
RESOURCE: Mapping[str, Value] = _cells("Type", "Name", "ID")
