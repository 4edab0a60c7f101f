"""The older JSON form of a fleet: `{"machines": {"NAME": {"hostname": ..., "ip": ..., "cpus": ...}}}`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mini_slurm.config.values import NAME
from mini_slurm.errors import Refused


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 2**31


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


# what each key may hold, and what to write
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


def read(path: str) -> dict[str, dict[str, Any]]:
    """The machines of the file, by name. Raises Refused with a line for each fault."""
    machines = _machines(path)
    faults = [f"{path}: {fault}" for name, table in machines.items() for fault in _faults(name, table)]
    if faults:
        raise Refused(*faults)
    return machines


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
    faults = [f"{where} has neither hostname nor ip: write one of them"] if not host(table) else []
    for key, value in table.items():
        if key not in KINDS:
            faults.append(f"{where} has no key {json.dumps(key)}: its keys are {', '.join(KINDS)}")
        elif value is not None and not KINDS[key][0](value):
            faults.append(f"{where}.{key} cannot be {json.dumps(value)}: write {KINDS[key][1]}")
    return faults


def host(table: dict[str, Any]) -> str:
    """The address, which needs no name service, else the name."""
    return str(table.get("ip") or table.get("hostname") or "")


def entry(name: str, table: dict[str, Any]) -> dict[str, Any]:
    """The machine as the fleet file has it; one whose GPUs are only known to be there is asked for them."""
    found: dict[str, Any] = {}
    if host(table) != name:
        found["host"] = host(table)
    if table.get("ssh_user"):
        found["user"] = table["ssh_user"]
    if table.get("ssh_key_path"):
        found["identity_file"] = table["ssh_key_path"]
    if table.get("cpus"):
        found["cpus"] = table["cpus"]
    if table.get("memory_gb"):
        found["memory"] = round(table["memory_gb"] * 1024)
    if table.get("gpu_available") is False:
        found["gpus"] = 0
    return found


def description(table: dict[str, Any]) -> str:
    """What is said of the machine, in one line."""
    return "".join(letter if letter.isprintable() else " " for letter in table.get("description") or "").strip()
