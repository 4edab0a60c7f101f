"""`mini-slurm import FILE.json`: machines in the older JSON form become entries of the fleet file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from mini_slurm.cli.admin.where import fleet_file_to_write, machines_of
from mini_slurm.config.edit import Addition, add_machines
from mini_slurm.config.keys import NAME
from mini_slurm.errors import Refused


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 2**31


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


# the keys of the older form: what each may hold, and what to write
KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "hostname": (_is_text, "a name in quotes"),
    "ip": (_is_text, "an address in quotes"),
    "cpus": (lambda value: _is_number(value) and isinstance(value, int), "a whole number, 1 or more"),
    "memory_gb": (_is_number, "a number above 0"),
    "gpu_available": (lambda value: isinstance(value, bool), "true or false"),
    "ssh_user": (_is_text, "a login name in quotes"),
    "ssh_key_path": (_is_text, "a file in quotes"),
    "description": (lambda value: isinstance(value, str), "text in quotes"),
}


def import_file(path: str, partition: str | None) -> None:
    """Write the JSON file's machines that the fleet does not have yet. Raises Refused with a line for each fault."""
    machines = _machines(path)
    faults = [f"{path}: {fault}" for name, table in machines.items() for fault in _faults(name, table)]
    if faults:
        raise Refused(*faults)
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


def _machines(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise Refused(f"{path}: not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{path}: not UTF-8 text") from error
    machines = content.get("machines") if isinstance(content, dict) else None
    if not isinstance(machines, dict) or not machines:
        raise Refused(f'{path}: there are no machines: write {{"machines": {{"NAME": {{"hostname": "..."}}}}}}')
    return machines


def _faults(name: str, table: Any) -> list[str]:
    """What is wrong with one machine."""
    where = f"machines.{json.dumps(name)}"
    if not NAME.fullmatch(name):
        return [f"{where} is no name: write letters, digits, _ . and -"]
    if not isinstance(table, dict):
        return [f"{where} cannot be {json.dumps(table)}: write an object"]
    faults = [f"{where} has neither hostname nor ip: write one of them"] if not _host(table) else []
    for key, value in table.items():
        if key not in KINDS:
            faults.append(f"{where} has no key {json.dumps(key)}: its keys are {', '.join(KINDS)}")
        elif value is not None and not KINDS[key][0](value):
            faults.append(f"{where}.{key} cannot be {json.dumps(value)}: write {KINDS[key][1]}")
    return faults


def _host(table: dict[str, Any]) -> str:
    """The address, which needs no name service, else the name."""
    return str(table.get("ip") or table.get("hostname") or "")


def _addition(name: str, table: dict[str, Any]) -> Addition:
    """A machine whose GPUs are only known to be there is asked for them."""
    entry: dict[str, Any] = {}
    if _host(table) != name:
        entry["host"] = _host(table)
    if table.get("ssh_user"):
        entry["user"] = table["ssh_user"]
    if table.get("ssh_key_path"):
        entry["identity_file"] = _key_file(name, table["ssh_key_path"])
    if table.get("cpus"):
        entry["cpus"] = table["cpus"]
    if table.get("memory_gb"):
        entry["memory"] = round(table["memory_gb"] * 1024)
    if table.get("gpu_available") is False:
        entry["gpus"] = 0
    words = "".join(letter if letter.isprintable() else " " for letter in table.get("description") or "")
    return Addition(name, entry, words.strip())


def _key_file(name: str, path: str) -> str:
    if not os.path.exists(os.path.expanduser(path)):
        print(f"{name}: there is no key {path} here: correct identity_file, or take it out")
    return path
