"""What a job wants brought to its machines and home again: --stage-in, --stage-out, --snapshot.

Paths in a job's folder are relative to it; the folder stands for `root` on the submit side.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Sequence
from typing import NamedTuple

MAGIC = frozenset("*?[")
ANY_FOLDERS = "**"


class Input(NamedTuple):
    """A file or folder that is wanted there."""

    path: str  # on the submit side, absolute
    place: str  # in the job's folder; "": all of it


class Result(NamedTuple):
    """What is wanted home."""

    pattern: str  # in the job's folder
    dest: str = ""  # on the submit side, absolute, with the symbols of output files' names; "": where it lay there


class Plan(NamedTuple):
    """All of it, for one job and the tasks of an array alike."""

    root: str  # the folder on the submit side that the job's folder stands for
    inputs: tuple[Input, ...] = ()
    results: tuple[Result, ...] = ()
    snapshot: str = ""  # names the list of files as they were at submission


def to_text(plan: Plan) -> str:
    """As it is kept with the job: ASCII, whatever bytes names have."""
    return json.dumps(plan)


def from_text(text: str) -> Plan:
    """The inverse of to_text."""
    root, inputs, results, snapshot = json.loads(text)
    return Plan(root, tuple(Input(*one) for one in inputs), tuple(Result(*one) for one in results), snapshot)


def joined(plans: Sequence[Plan]) -> Plan:
    """What several parts of a job want together, each thing once. Their folders stand for the same one."""
    inputs = dict.fromkeys(one for plan in plans for one in plan.inputs)
    results = dict.fromkeys(one for plan in plans for one in plan.results)
    snapshot = next((plan.snapshot for plan in plans if plan.snapshot), "")
    return Plan(plans[0].root, tuple(inputs), tuple(results), snapshot)


def split_spec(text: str) -> tuple[str, str | None]:
    r"""`PATH[:DEST]`; a colon of a name is written \: and a backslash \\. Raises ValueError where there is no PATH."""
    parts, plain = [""], False
    for letter in text:
        if plain or letter not in "\\:" or (letter == ":" and len(parts) == 2):
            parts[-1] += letter
            plain = False
        elif letter == "\\":
            plain = True
        else:
            parts.append("")
    if not parts[0] or plain or "\0" in text or (len(parts) == 2 and not parts[1]):
        raise ValueError(text)
    return parts[0], parts[1] if len(parts) == 2 else None


def inside(path: str) -> str:
    """A relative path without "." and empty parts. Raises ValueError for one that leads out, or is absolute."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts:
        raise ValueError(path)
    return "/".join(parts)


def within(path: str, folder: str) -> str | None:
    """The rest of an absolute path in a folder, "" for the folder itself; None outside of it."""
    if path == folder:
        return ""
    begin = folder.rstrip("/") + "/"
    return path[len(begin) :] if path.startswith(begin) else None


def has_magic(pattern: str) -> bool:
    """Are there signs in it that stand for others?"""
    return bool(MAGIC.intersection(pattern))


def fixed_part(pattern: str) -> str:
    """The folders that a pattern begins with, before anything that stands for others, and before the last name."""
    parts = pattern.split("/")
    plain = [has_magic(part) for part in parts]
    end = plain.index(True) if True in plain else len(parts) - 1
    return "/".join(parts[:end])


def matches(path: str, pattern: str) -> bool:
    """Does a pattern match this path, or a folder that it lies in? As a shell has it, and `**` means any folders."""
    return _match(path.split("/"), [part for part in pattern.split("/") if part])


def _match(names: list[str], parts: list[str]) -> bool:
    if not parts:
        return True
    if parts[0] == ANY_FOLDERS and _match(names, parts[1:]):
        return True
    if not names:
        return False
    name, part = names[0], parts[0]
    if name.startswith(".") and not part.startswith("."):
        return False
    if part == ANY_FOLDERS:
        return _match(names[1:], parts)
    return fnmatch.fnmatchcase(name, part) and _match(names[1:], parts[1:])


def destination(path: str, result: Result, root: str, dest: str) -> tuple[str, str]:
    """Where a file that a pattern matched goes: a folder of the user's own choice, and the path below that.

    `dest`: result.dest with its symbols filled in.
    """
    fixed = fixed_part(result.pattern)
    below = path[len(fixed) :].lstrip("/")
    if not dest:
        return f"{root.rstrip('/')}/{fixed}".rstrip("/") or "/", below
    if has_magic(result.pattern) or dest.endswith("/"):
        return dest.rstrip("/") or "/", below
    rest = below.partition("/")[2]
    folder, _, name = dest.rpartition("/")
    return folder or "/", f"{name}/{rest}" if rest else name
