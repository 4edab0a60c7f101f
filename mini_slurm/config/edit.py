"""Adding machines to a fleet file while the rest of it stays as it was written, comments and all."""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from typing import Any, NamedTuple

import tomli_w

from mini_slurm.config.fleet import ALL, read_fleet
from mini_slurm.config.tables import load_toml
from mini_slurm.errors import FleetError
from mini_slurm.model.hostlist import compress, expand

HEAD = "# The fleet: machines, and who may use them how. fleet.example.toml shows every key.\n"


class Addition(NamedTuple):
    """One machine to add: its table, and a comment above it."""

    name: str
    table: dict[str, Any]
    comment: str = ""


class Edited(NamedTuple):
    """What was done: the partition, and whether layout and comments could be kept; else FILE~ is the file before."""

    partition: str
    kept: bool


def add_machines(path: str, additions: list[Addition], partition: str | None) -> Edited:
    """Add machines to the fleet file, which is made if need be, and to a partition: by default the default one.

    The file is replaced in one step, and only by one that reads without fault. Raises FleetError.
    """
    text, before = HEAD, {}
    if os.path.exists(path):
        before = load_toml(path)
        with open(path, encoding="utf-8", newline="") as file:
            text = file.read()
    chosen = partition or _default_partition(before)
    wanted = _wanted(before, additions, chosen)
    edited = _edit(text, before, wanted, additions, chosen)
    kept = _parse(edited) == wanted
    if not kept:
        _replace(path + "~", text)
    _replace(path, edited if kept else tomli_w.dumps(wanted))
    return Edited(chosen, kept)


def _default_partition(data: dict[str, Any]) -> str:
    partitions = data.get("partitions", {})
    defaults = [name for name, table in partitions.items() if isinstance(table, dict) and table.get("default") is True]
    if defaults:
        return str(defaults[0])
    if partitions:
        raise FleetError(
            "no partition of the fleet file is the default",
            hint=f"name one: --partition {next(iter(partitions))}",
        )
    return "main"


def _wanted(before: dict[str, Any], additions: list[Addition], partition: str) -> dict[str, Any]:
    """The content that the file is to have."""
    names = [addition.name for addition in additions]
    partitions = dict(before.get("partitions", {}))
    table = dict(partitions.get(partition, {"default": True} if not partitions else {}))
    table["machines"] = _extended(table.get("machines", []), names)
    return {
        **before,
        "machines": {**before.get("machines", {}), **{addition.name: addition.table for addition in additions}},
        "partitions": {**partitions, partition: table},
    }


def _extended(machines: Any, names: list[str]) -> Any:
    """A partition's value with these machines in it, of the same kind as it was."""
    if machines == ALL or machines == [ALL]:
        return machines
    if isinstance(machines, str):
        return compress(_unique([*expand(machines), *names]))
    present = {name for part in machines for name in expand(part)}
    return [*machines, *(name for name in names if name not in present)]


def _unique(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _edit(text: str, before: dict[str, Any], wanted: dict[str, Any], additions: list[Addition], partition: str) -> str:
    """The text with the additions; whether it says what is wanted is checked by the caller."""
    if partition in before.get("partitions", {}):
        text = _change_members(text, partition, wanted["partitions"][partition]["machines"])
    if text and not text.endswith("\n"):
        text += "\n"
    for addition in additions:
        comment = f"# {addition.comment}\n" if addition.comment else ""
        text += "\n" + comment + tomli_w.dumps({"machines": {addition.name: addition.table}})
    if partition not in before.get("partitions", {}):
        text += "\n" + tomli_w.dumps({"partitions": {partition: wanted["partitions"][partition]}})
    return text


def _change_members(text: str, partition: str, members: Any) -> str:
    """Put another value behind `machines =` of [partitions.NAME]; the text as it is when that is not found."""
    name = re.escape(partition)
    header = re.search(rf"""(?m)^[ \t]*\[[ \t]*partitions[ \t]*\.[ \t]*["']?{name}["']?[ \t]*\]""", text)
    if not header:
        return text
    following = re.compile(r"(?m)^[ \t]*\[").search(text, header.end())
    section = text[header.end() : following.start()] if following else text[header.end() :]
    key = re.search(r"""(?m)^[ \t]*machines[ \t]*=[ \t]*""", section)
    if not key:
        return text
    start = header.end() + key.end()
    end = _end_of_value(text, start)
    value = tomli_w.dumps({"machines": members}, multiline_strings=False).removeprefix("machines = ").rstrip("\n")
    if isinstance(members, list):
        value = _insert_in_list(text[start:end], members)
    return text[:start] + value + text[end:]


def _end_of_value(text: str, start: int) -> int:
    """Where the string or list that begins here ends."""
    for piece in re.compile(r"""("(?:[^"\\\n]|\\.)*"|'[^'\n]*')|#[^\n]*|[\[\]]""").finditer(text, start):
        if piece[0] == "]" or (piece[1] and piece.start() == start):
            return piece.end()
    return start


def _insert_in_list(value: str, members: list[str]) -> str:
    """The list's text with those members behind its last element that are not in it yet."""
    present = _parse(f"x = {value}").get("x", [])
    new = ", ".join(f'"{name}"' for name in members[len(present) :])
    last = [piece.end() for piece in re.finditer(r"""("[^"\n]*"|'[^'\n]*')|#[^\n]*""", value) if piece[1]]
    if not new:
        return value
    return f"{value[: last[-1]]}, {new}{value[last[-1] :]}" if last else f"[{new}]"


def _parse(text: str) -> dict[str, Any]:
    """The content of a text that may not be TOML: then nothing."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}


def _replace(path: str, text: str) -> None:
    """Write the file in one step, after it was read as a fleet. Raises FleetError."""
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=".fleet-", suffix=".toml", dir=folder)
        try:
            with open(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                if os.path.exists(target):
                    os.fchmod(file.fileno(), os.stat(target).st_mode & 0o7777)
                file.flush()
                os.fsync(file.fileno())
            _check(draft, path)
            os.replace(draft, target)
        finally:
            if os.path.exists(draft):
                os.unlink(draft)
    except OSError as error:
        raise FleetError(f"{path} cannot be written: {error.strerror}") from error


def _check(draft: str, path: str) -> None:
    try:
        read_fleet(draft)
    except FleetError as error:
        raise FleetError(*(line.replace(draft, path, 1) for line in error.lines), hint=error.hint) from None
