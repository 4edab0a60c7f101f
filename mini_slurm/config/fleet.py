"""The fleet file, TOML text, to a Fleet. Everything wrong with it is said at once, a line each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from mini_slurm.config import keys
from mini_slurm.config.tables import Tables, advice, load_toml, quote, shown
from mini_slurm.config.values import NAME
from mini_slurm.errors import FleetError
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.fleet import (
    NORMAL,
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
from mini_slurm.model.hostlist import compress, expand

SECTIONS = ("fleet", "machines", "partitions", "qos", "accounts", "clusters", "priority", "preempt", "mail", "notices")
ALL = "ALL"  # as in slurm.conf: every machine


def read_fleet(path: str) -> Fleet:
    """Read a fleet file. Raises FleetError with a line for each fault."""
    reader = _Reader(path)
    fleet = reader.fleet(load_toml(path))
    if reader.faults:
        raise FleetError(*(f"{path}: {fault}" for fault in reader.faults))
    return fleet


class _Reader:
    """Makes a fleet of a file's tables, which have to agree with each other; `faults` is what is wrong."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.tables = Tables(os.path.dirname(path))
        self.faults = self.tables.faults

    def fleet(self, top: dict[str, Any]) -> Fleet:
        """The whole file; only to be used when there are no faults."""
        for section in top:
            if section not in SECTIONS:
                self.faults.append(f"[{quote(section)}] is unknown: {advice(section, SECTIONS)}")
        settings = self.tables.read(top.get("fleet", {}), keys.FLEET, "fleet")
        name = settings.pop("name", "fleet")
        machines = self.machines(self.tables.section(top, "machines"))
        if not machines and not self.tables.section(top, "clusters"):
            self.faults.append("there are no machines: write [machines.NAME]; for this machine add local = true")
        partitions = self.partitions(self.tables.section(top, "partitions"), machines)
        if settings.get("node_names") == "address":
            machines, partitions = self.by_address(machines, partitions)
        qos = self.qos(top)
        self.check_partitions(partitions, qos)
        settings["preempt"] = self.preempt(top)
        settings["mail"] = self.mail(top)
        settings["notices"] = Notices(**self.tables.read(top.get("notices", {}), keys.NOTICES, "notices"))
        accounts, settings["whole_accounts"] = self.accounts(top, qos)
        settings["priority"] = Weights(**self.tables.read(top.get("priority", {}), keys.PRIORITY, "priority"))
        clusters = self.clusters(top, {name, *partitions})
        return Fleet(name, self.path, machines, partitions, qos, accounts, clusters=clusters, **settings)

    # --- machines

    def machines(self, section: Mapping[str, Any]) -> dict[str, MachineEntry]:
        """Every machine by name, in the order of the file."""
        machines: dict[str, MachineEntry] = {}
        for text, value in section.items():
            where = f"machines.{quote(text)}"
            values = self.tables.read(value, keys.MACHINE, where)
            names = self.machine_names(text, where)
            hosts = self.hosts("host", values.pop("host", None), names, where)
            addresses = self.hosts("address", values.pop("address", None), names, where, otherwise="")
            twice = [name for name in names if name in machines]
            if twice:
                self.faults.append(f"{where} names {compress(twice)} again: name each machine once")
            machines |= {
                name: MachineEntry(name, host, address=address, **values)
                for name, host, address in zip(names, hosts, addresses, strict=True)
            }
        return machines

    def machine_names(self, text: str, where: str) -> list[str]:
        """The machines that a key stands for."""
        try:
            names = list(expand(text))
        except ValueError:
            names = []
        if not names or not all(NAME.fullmatch(name) for name in names):
            self.faults.append(f'{where} is no name or hostlist: write for example [machines.node1] or "node[1-4]"')
            return []
        return names

    def hosts(
        self, key: str, host: str | None, names: list[str], where: str, otherwise: str | None = None
    ) -> list[str]:
        """The host or address of each machine, by default its name."""
        if host is None or not names:
            return names if otherwise is None else [otherwise] * len(names)
        if len(names) == 1 and "[" not in where:
            return [host]
        try:
            hosts = list(expand(host))
        except ValueError:
            hosts = []
        if len(hosts) != len(names):
            wants = f"write a hostlist of {len(names)}, one for each machine"
            self.faults.append(f"{where}.{key} cannot be {shown(host)}: {wants}, or leave it out")
            return names
        return hosts

    def by_address(
        self, machines: Mapping[str, MachineEntry], partitions: Mapping[str, Partition]
    ) -> tuple[dict[str, MachineEntry], dict[str, Partition]]:
        """The same with nodes called by the machines' addresses; a machine's name stays its other name."""
        addresses = {name: entry.address or entry.host for name, entry in machines.items()}
        for name, address in addresses.items():
            where = f"machines.{quote(name)}"
            if not NAME.fullmatch(address):
                self.faults.append(
                    f"{where}: {address} cannot be a node's name: write an IPv4 address or a host's name"
                )
            elif list(addresses.values()).count(address) > 1:
                wants = "write address = the one by which the other machines reach it"
                self.faults.append(f"{where}: {address} is another machine's address, too: {wants}")
        return (
            {
                addresses[name]: entry._replace(name=addresses[name], alias=name if addresses[name] != name else "")
                for name, entry in machines.items()
            },
            {
                name: one._replace(machines=tuple(addresses.get(member, member) for member in one.machines))
                for name, one in partitions.items()
            },
        )

    # --- partitions

    def partitions(self, section: Mapping[str, Any], machines: Mapping[str, MachineEntry]) -> dict[str, Partition]:
        """Every partition by name."""
        partitions = {
            name: self.partition(name, self.tables.read(value, keys.PARTITION, where), value, machines)
            for name, where, value in self.tables.named({"partitions": section}, "partitions")
        }
        defaults = [name for name, partition in partitions.items() if partition.default]
        if len(defaults) > 1:
            self.faults.append(f"partitions {', '.join(defaults)} are all default = true: keep one of them")
        used = {name for partition in partitions.values() for name in partition.machines}
        unused = [name for name in machines if name not in used]
        if unused:
            names = compress(unused)
            place = f"partitions.{next(iter(partitions), 'NAME')}"
            self.faults.append(f'machines {names} are in no partition: add "{names}" to {place}.machines')
        return partitions

    def partition(
        self, name: str, values: dict[str, Any], given: Any, machines: Mapping[str, MachineEntry]
    ) -> Partition:
        """One partition; its machines must be there, and its times agree."""
        where = f"partitions.{quote(name)}"
        if isinstance(given, dict) and "machines" not in given:
            self.faults.append(f'{where}.machines is missing: write for example machines = "node[1-4]", or "{ALL}"')
        members = values.pop("machines", ())
        if members == (ALL,) and ALL not in machines:
            members = tuple(machines)
        unknown = [member for member in members if member not in machines]
        if unknown:
            names = compress(unknown)
            self.faults.append(
                f"{where}.machines names {names}, which {'is no machine' if len(unknown) == 1 else 'are no machines'}"
                f": {advice(unknown[0], machines, f'write [machines.{quote(names)}], or take it out')}"
            )
        partition = Partition(name, members, **values)
        if partition.max_time is not None and (partition.default_time or 0) > partition.max_time:
            self.faults.append(f"{where}.default_time is over its max_time: write a shorter one")
        return partition

    def check_partitions(self, partitions: Mapping[str, Partition], qos: Mapping[str, Qos]) -> None:
        """What partitions name has to be there; and one place cannot have two amounts of memory."""
        for one in partitions.values():
            where = f"partitions.{quote(one.name)}"
            if one.alternate and one.alternate not in partitions:
                self.faults.append(f"{where}.alternate names {one.alternate}: {advice(one.alternate, partitions)}")
            self.check_qos(f"{where}.qos", (one.qos,) if one.qos else (), qos)
            self.check_qos(f"{where}.allow_qos", one.allow_qos, qos)
            self.check_qos(f"{where}.deny_qos", one.deny_qos, qos)
            for key in ("default", "max"):
                both = [getattr(one, f"{key}_memory_per_{unit}") for unit in ("cpu", "node")]
                if None not in both:
                    self.faults.append(f"{where} has {key}_memory_per_cpu and {key}_memory_per_node: keep one of them")

    # --- QOS

    def qos(self, top: Mapping[str, Any]) -> dict[str, Qos]:
        """Every QOS by name; those whose jobs make room have to be there."""
        found = {
            name: Qos(name, **_with_limits(self.tables.read(value, keys.QOS, where)))
            for name, where, value in self.tables.named(top, "qos")
        }
        for one in found.values():
            self.check_qos(f"qos.{quote(one.name)}.preempt", one.preempt, found)
        return found

    def check_qos(self, where: str, named: Iterable[str], qos: Mapping[str, Qos]) -> None:
        """What is named there has to be a QOS."""
        for unknown in (word for word in named if word not in qos and word != NORMAL):
            self.faults.append(f"{where} names {unknown}: {advice(unknown, qos, f'write [qos.{unknown}]')}")

    # --- preemption

    def preempt(self, top: Mapping[str, Any]) -> Preempt:
        """Which jobs make room for which, and how: as in Slurm, neither is said without the other."""
        found = Preempt(**self.tables.read(top.get("preempt", {}), keys.PREEMPT, "preempt"))
        if found.is_on and found.mode == "OFF":
            self.faults.append('preempt.mode is missing or "OFF": write "CANCEL", "REQUEUE" or "SUSPEND"')
        elif found.mode != "OFF" and not found.is_on:
            self.faults.append('preempt.type is missing or "none": write "partition_prio" or "qos"')
        return found

    # --- mail

    def mail(self, top: Mapping[str, Any]) -> Mail:
        """How mails are sent: one way."""
        found = Mail(**self.tables.read(top.get("mail", {}), keys.MAIL, "mail"))
        ways = [key for key in ("program", "sendmail", "smtp") if getattr(found, key) is not None]
        if len(ways) > 1:
            self.faults.append(f"mail.{' and mail.'.join(ways)} exclude each other: leave one of them")
        if (found.user is None) != (found.password_file is None):
            self.faults.append("mail.user and mail.password_file belong together: write both, or none")
        if found.user is not None and found.security == "none":
            self.faults.append(
                'mail.security = "none" would show the password to the network: write "starttls" or "tls"'
            )
        return found

    # --- clusters

    def clusters(self, top: Mapping[str, Any], taken: set[str]) -> dict[str, ClusterEntry]:
        """Every cluster by name. A name means one thing: the fleet, one of its partitions, or a cluster's."""
        clusters = {}
        for name, where, value in self.tables.named(top, "clusters"):
            values = self.tables.read(value, keys.CLUSTER, where)
            if "type" not in values and isinstance(value, dict) and "type" not in value:
                self.faults.append(f"{where}.type is missing: write {keys.CLUSTER['type'].wants}")
            partitions = (*values.pop("partitions", ()), *values.pop("queues", ()))
            entry = ClusterEntry(name, values.pop("type", ""), partitions=partitions, **values)
            again = [word for word in (name, *partitions) if word in taken or word.lower() == ALL.lower()]
            if again:
                self.faults.append(f"{where}: {', '.join(again)} already means something else: take another name")
            taken |= {name, *partitions}
            clusters[name] = entry
        return clusters

    # --- accounts

    def accounts(
        self, top: Mapping[str, Any], qos: Mapping[str, Qos]
    ) -> tuple[dict[str, dict[str, Association]], dict[str, Association]]:
        """Who may use which account, and with which QOS; and what holds for each account as a whole."""
        accounts: dict[str, dict[str, Association]] = {}
        whole: dict[str, Association] = {}
        default_of: dict[str, str] = {}
        for name, where, value in self.tables.named(top, "accounts"):
            accounts[name] = {}
            values = self.tables.read(value, keys.ACCOUNT, where)
            users = values.pop("users", {})
            whole[name] = Association(**_with_limits(values))
            for user, given in users.items():
                place = f"{where}.users.{quote(user)}"
                entry = Association(**_with_limits(self.tables.read(given, keys.USER, place)))
                accounts[name][user] = entry
                self.check_qos(f"{place}.qos", entry.qos, qos)
                if entry.default and default_of.setdefault(user, name) != name:
                    self.faults.append(f"{place}.default: {default_of[user]} is {user}'s default account already")
        return accounts, whole


def _with_limits(values: dict[str, Any]) -> dict[str, Any]:
    """A table's values, with all limits in one place."""
    limits = {key: values.pop(key) for key in Limits._fields if key in values}
    return {**values, "limits": Limits(**limits)}
