"""`mini-slurm add HOST...`: host key, probe, entry in the fleet file."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from mini_slurm.cli.admin import show_error
from mini_slurm.cli.admin.host_keys import trust
from mini_slurm.cli.admin.hosts import USAGE, parse_hosts
from mini_slurm.cli.admin.where import fleet_file_to_write, fleet_of
from mini_slurm.config.edit import Addition, add_machines
from mini_slurm.errors import MiniSlurmError, Refused
from mini_slurm.links import make_link
from mini_slurm.links.probe import probe
from mini_slurm.model.fleet import Fleet, MachineEntry
from mini_slurm.protocol.messages import Welcome


class Wanted(NamedTuple):
    """The options of `add`."""

    partition: str | None
    name: str | None
    identity_file: str | None
    jump_host: str | None
    fingerprints: tuple[str, ...]
    yes: bool


def add_hosts(hosts: list[str], wanted: Wanted) -> int:
    """Add each host; one that cannot be added does not keep the others from it. The exit status."""
    entries = [entry for text in hosts for entry in parse_hosts(text, wanted.name)]
    if wanted.yes and not wanted.fingerprints:
        raise Refused("--yes needs --fingerprint: a key that nobody looked at is not trusted", exit_code=USAGE)
    if wanted.name and len(entries) > 1:
        raise Refused("--name is for one host", exit_code=USAGE)
    path = fleet_file_to_write()
    status = 0
    for entry in entries:
        entry = entry._replace(identity_file=wanted.identity_file, jump_host=wanted.jump_host)
        try:
            _add(entry, wanted, path)
        except MiniSlurmError as error:
            show_error(error)
            status = error.exit_code
    return status


def _add(entry: MachineEntry, wanted: Wanted, path: str) -> None:
    """One host, from its key to its entry. A machine that the fleet has already is only checked."""
    fleet = fleet_of(path)
    present = fleet.machines.get(fleet.node_name(entry.name)) if fleet else None
    ssh_config = fleet.ssh_config if fleet else None
    entry = present or entry
    if not entry.local:
        trust(entry, ssh_config, wanted.fingerprints, ask=not wanted.yes)
    welcome = asyncio.run(probe(make_link(entry, ssh_config=ssh_config), entry.name)).welcome
    print(f"{entry.name}: {_description(welcome)}")
    if present:
        print(f"{entry.name}: is in {path} already, and was left as it is there")
        return
    _write(entry, welcome, wanted, path, fleet)


def _write(entry: MachineEntry, welcome: Welcome, wanted: Wanted, path: str, fleet: Fleet | None) -> None:
    edited = add_machines(path, [Addition(entry.name, _table(entry, welcome))], wanted.partition)
    print(f"{entry.name}: added to {path}, partition {edited.partition}")
    if not edited.kept:
        print(f"the file's comments could not be kept; the file as it was: {path}~")
    if fleet is None:
        print("There was no fleet file: until now the fleet was this machine, which is no part of it any more.")


def _table(entry: MachineEntry, welcome: Welcome) -> dict[str, Any]:
    """What the fleet file says of the machine: how to reach it, and what was found there."""
    values = {
        "host": entry.host if entry.host != entry.name else None,
        "port": entry.port,
        "user": entry.user,
        "identity_file": entry.identity_file,
        "jump_host": entry.jump_host,
        "cpus": welcome.cpus,
        "memory": welcome.memory,
        "gpus": _gpus(welcome),
    }
    return {key: value for key, value in values.items() if value is not None}


def _gpus(welcome: Welcome) -> dict[str, int]:
    """How many of each type."""
    kinds = [str(gpu.get("type") or "gpu") for gpu in welcome.gpus]
    return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}


def _description(welcome: Welcome) -> str:
    gpus = ", ".join(f"{count} GPUs {kind}" for kind, count in _gpus(welcome).items()) or "no GPUs"
    return f"{welcome.cpus} CPUs, {welcome.memory} MiB of memory, {gpus}, Python {welcome.python}"
