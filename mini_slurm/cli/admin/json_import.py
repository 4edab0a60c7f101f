"""`mini-slurm import FILE.json`: machines in the older JSON form become entries of the fleet file."""

from __future__ import annotations

import os
from typing import Any

from mini_slurm.cli.admin.where import fleet_file_to_write, machines_of
from mini_slurm.config import json_fleet
from mini_slurm.config.edit import Addition, add_machines


def import_file(path: str, partition: str | None) -> None:
    """Write the JSON file's machines that the fleet does not have yet. Raises Refused with a line for each fault."""
    machines = json_fleet.read(path)
    target = fleet_file_to_write()
    present = machines_of(target)
    for name in machines:
        if name in present:
            print(f"{name}: is in {target} already, and was left as it is there")
    additions = [_addition(name, table) for name, table in machines.items() if name not in present]
    if not additions:
        return
    edited = add_machines(target, additions, partition)
    names = ", ".join(addition.name for addition in additions)
    print(f"{names}: added to {target}, partition {edited.partition}")
    if not edited.kept:
        print(f"the file's comments could not be kept; the file as it was: {target}~")
    print("Connect to each once with ssh, so that its host key is known.")


def _addition(name: str, table: dict[str, Any]) -> Addition:
    key = table.get("ssh_key_path")
    if key and not os.path.exists(os.path.expanduser(key)):
        print(f"{name}: there is no key {key} here: correct identity_file, or take it out")
    return Addition(name, json_fleet.entry(name, table), json_fleet.description(table))
